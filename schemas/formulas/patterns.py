"""Patterns of `like` and of regular expressions: which ones a formula may contain.

DuckDB aborts the whole query at a regular expression it cannot parse, so only a subset that it is
known to parse is allowed.
"""

from __future__ import annotations

import re
import warnings
from math import prod

from schemas.formulas.problems import FormulaProblem, quoted

_MAX_LENGTH = 300
_MAX_REPEATS = 500
_MAX_WILDCARDS = 3
_ALLOWED = (
    "a regular expression of characters, `.`, `[...]`, `\\d \\w \\s \\b`, `( )`, `(?: )`, `|`, "
    "`* + ? {2,5}`, `^`, `$`, with `(?i)` in front to ignore case"
)
_PIECE = re.compile(
    r"""
    (?P<group>\((?:\?:)?)
  | (?P<close>\))
  | (?P<class>\[\^?(?:\\[dswDSW]|\\[!-/:-@\[-`{-~]|[^\[\]\\&~|])+\])
  | (?P<repeat>(?:[*+?]|\{(?P<least>[0-9]{1,3})(?:,(?P<most>[0-9]{0,3}))?\})\??)
  | (?P<anchor>[\^$]|\\[bB])
  | (?P<bar>\|)
  | (?P<plain>\\[dswDSW]|\\[!-/:-@\[-`{-~]|[^\\()\[\]{}*+?|^$])
    """,
    re.VERBOSE,
)


def check_regex(pattern: str) -> int:
    """The number of groups of a regular expression. Raises FormulaProblem if it is not allowed."""
    body = pattern.removeprefix("(?i)")
    if len(pattern) > _MAX_LENGTH:
        raise FormulaProblem(f"a pattern of {len(pattern)} characters", f"at most {_MAX_LENGTH}")
    position, repeats, can_repeat = 0, list[int](), False
    while position < len(body):
        piece = _PIECE.match(body, position)
        if piece is None:
            raise _refused(pattern)
        kind = piece.lastgroup
        if piece["repeat"]:
            if not can_repeat:
                raise _refused(pattern)
            repeats.append(max(int(piece["most"] or 1), int(piece["least"] or 1), 1))
        can_repeat = bool(piece["close"] or piece["class"] or kind == "plain")
        position = piece.end()
    if prod(repeats) > _MAX_REPEATS:
        raise FormulaProblem(
            f"the pattern {quoted(pattern)}", f"at most {_MAX_REPEATS} repeats in all"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return re.compile(body).groups
    except (re.error, OverflowError, Warning):
        raise _refused(pattern) from None


def check_replacement(replacement: str, groups: int) -> None:
    """Refuse a replacement that names a group the pattern does not have."""
    for escape in re.findall(r"\\(.?)", replacement, re.DOTALL):
        if escape != "\\" and not (escape in set("0123456789") and int(escape) <= groups):
            raise FormulaProblem(
                f"the replacement {quoted(replacement)}",
                f"a text; `\\1` stands for a group, there are {groups}; `\\\\` for a backslash",
            )


def check_like(pattern: str) -> None:
    """Refuse a pattern of `like` whose matching could take long."""
    if pattern.count("%") > _MAX_WILDCARDS or len(pattern) > _MAX_LENGTH:
        raise FormulaProblem(
            f"the pattern {quoted(pattern)}",
            f"at most {_MAX_WILDCARDS} times `%` (or `regexp_matches`), {_MAX_LENGTH} characters",
        )


def _refused(pattern: str) -> FormulaProblem:
    return FormulaProblem(f"the pattern {quoted(pattern)}", _ALLOWED)
