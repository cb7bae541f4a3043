"""Suggests known names for an unknown one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_MAX_NAMES = 3
_MAX_LISTED = 10


def nearest(
    written: object, names: Iterable[str], also: Mapping[str, str] | None = None
) -> list[str]:
    """The most similar names, best first, ignoring case; none for values that are not text.

    One that differs by case alone is the only one. `also` gives the name for words that look
    unlike it, in lower case: `int` for `integer`.
    """
    if not isinstance(written, str):
        return []
    word = written.strip().lower()
    by_lower = {name.lower(): name for name in sorted(set(names))}
    if meant := by_lower.get(word) or (also or {}).get(word):
        return [meant]
    return [by_lower[name] for name in get_close_matches(word, by_lower, n=_MAX_NAMES)]


def did_you_mean(
    written: object, names: Iterable[str], also: Mapping[str, str] | None = None
) -> str | None:
    """The question whether one of the nearest names was meant; None when none is near.

    All names follow when they are few: the nearest need not be the right one.
    """
    known = list(names)
    close = nearest(written, known, also)
    if not close:
        return None
    rest = f" ({', '.join(known)})" if len(close) < len(known) <= _MAX_LISTED else ""
    return f"did you mean {' or '.join(f'`{name}`' for name in close)}?{rest}"
