"""What somebody may have meant who wrote a name that is not known.

Which names are known does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

_MOST = 3
_FEW = 10


def nearest(
    written: object, names: Iterable[str], also: Mapping[str, str] | None = None
) -> list[str]:
    """The names nearest to what was written, best first, case ignored; what is no text has none.

    One that differs by case alone is the only one. `also` gives the name for words that look
    unlike it, in lower case: `int` for `integer`.
    """
    if not isinstance(written, str):
        return []
    word = written.strip().lower()
    by_lower = {name.lower(): name for name in sorted(set(names))}
    if meant := by_lower.get(word) or (also or {}).get(word):
        return [meant]
    return [by_lower[name] for name in get_close_matches(word, by_lower, n=_MOST)]


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
    rest = f" ({', '.join(known)})" if len(close) < len(known) <= _FEW else ""
    return f"did you mean {' or '.join(f'`{name}`' for name in close)}?{rest}"
