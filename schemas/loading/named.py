"""Loads definitions that have a name of their own: one per file, and each name once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol, TypeVar

from schemas.errors import DefinitionError, Problem
from schemas.loading.files import read_definition
from schemas.loading.problems import shown
from schemas.loading.syntax import Content


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_N = TypeVar("_N", bound=_Named)


def load_named(
    paths: Iterable[Path], check: Callable[[Content, str], _N], *, what: str
) -> dict[str, _N]:
    """The definitions of these files by name, in order of the files.

    `check` makes the definition of the content of a file, and `what` says in messages what it is.
    Raises `DefinitionError` with the problems of all files.
    """
    problems: list[Problem] = []
    found: dict[str, _N] = {}
    owners: dict[str, str] = {}
    for path in paths:
        file = str(path)
        try:
            content = read_definition(path)
            one = check(content, file)
        except DefinitionError as error:
            problems += error.problems
            continue
        owner = owners.setdefault(one.name, file)
        if owner != file:
            taken = f"{shown(one.name)}, already the name of the {what} in {owner}"
            line = content.places.line_of(("name",))
            problems.append(Problem(file, "name", taken, "a name used once", line))
        found[one.name] = one
    if problems:
        raise DefinitionError(problems)
    return found
