"""Messages about formulas: what was found, and what is allowed."""

from __future__ import annotations

from collections.abc import Iterable

from schemas.nearest import did_you_mean

_MAX_NAMES = 40
_MAX_TEXT = 60


class FormulaProblem(Exception):
    """The first problem of a formula: `found` and `allowed`, each half a sentence."""

    def __init__(self, found: str, allowed: str) -> None:
        self.found = found
        self.allowed = allowed
        super().__init__(f"found {found}; allowed: {allowed}")


def one_of(names: Iterable[str], near: str = "") -> str:
    """Those of the names that look like `near`, else all of them; a long list is cut."""
    known = sorted(set(names))
    if not known:
        return "nothing: no name is known here"
    cut = ", ..." if len(known) > _MAX_NAMES else ""
    return did_you_mean(near, known) or f"one of {', '.join(known[:_MAX_NAMES])}{cut}"


def quoted(text: str) -> str:
    """A piece of a formula as its author would recognise it; long text is cut."""
    flat = " ".join(text.split())
    return f"`{flat if len(flat) <= _MAX_TEXT else flat[:_MAX_TEXT] + '...'}`"
