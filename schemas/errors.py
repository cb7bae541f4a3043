"""The errors that users see, grouped by who must act.

    LeadtimeError
        DefinitionError       the author of a procedure definition
        SourceError           the owner of the data
        OperationError        the operator: settings, arguments, folders, files
            MissingPackage    the operator: an optional package has to be installed
            WarehouseBusy     the operator: another process holds the warehouse
            CorruptWarehouse  the operator: the warehouse needs a rebuild or a backup

Facts are attributes, and the message is built from them. Defects of the program are other errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

_SHOWN = 10


class LeadtimeError(Exception):
    """Base of every error that the command reports as one message, without a traceback."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a procedure definition: where, what was found, what is allowed.

    `column` is known only for syntax errors of YAML or JSON.
    """

    file: str
    key: str
    found: str
    allowed: str
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """The file, with line and column as far as they are known: `lead.yaml:31`."""
        return ":".join(str(p) for p in (self.file, self.line, self.column) if p is not None)

    def __str__(self) -> str:
        return f"{self.place}: {self.key}: found {self.found}; allowed: {self.allowed}"


class DefinitionError(LeadtimeError):
    """The author of a procedure definition must act; `problems` has every problem found."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        lines = [f"{count} {noun} in the procedure definitions:"]
        lines += [f"  {problem}" for problem in problems[:_SHOWN]]
        if count > _SHOWN:
            lines.append(f"  ... and {count - _SHOWN} more (`leadtime check` lists all)")
        super().__init__("\n".join(lines))


class _PlaceError(LeadtimeError):
    """An error about one place: where it is, what was found there, and what to do."""

    def __init__(self, place: str, found: str, action: str) -> None:
        self.place = place
        self.found = found
        self.action = action
        super().__init__(f"{place}: {found}. {action}")


class SourceError(_PlaceError):
    """The owner of the data must act: `place` is a file whose content cannot be used."""


class OperationError(_PlaceError):
    """The operator must act: `place` is a setting, an argument, a folder, a file or a port."""


class WarehouseBusy(OperationError):
    """The operator must wait or stop `holder`, which holds the warehouse since `since`."""

    def __init__(self, place: str, *, holder: str, since: str) -> None:
        self.holder = holder
        self.since = since
        found = f"the warehouse is held by {holder} since {since}"
        super().__init__(place, found, "Wait for it to end, or stop that process; then try again.")


class CorruptWarehouse(OperationError):
    """The operator must restore or rebuild: the warehouse is damaged or contradicts itself."""


class MissingPackage(OperationError):
    """The operator must install `package`, which the extra `extra` of leadtime brings."""

    def __init__(self, place: str, *, package: str, extra: str) -> None:
        self.package = package
        self.extra = extra
        found = f"needs a package that is not installed ({package})"
        action = (
            f"Install the extra `{extra}` with `uv tool install 'leadtime[{extra}]'`, or in a "
            f"checkout with `uv sync --extra {extra}`."
        )
        super().__init__(place, found, action)


def require_module(name: str, *, extra: str, place: str) -> Any:
    """A module that an extra brings; raises `MissingPackage` when it is not installed."""
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingPackage(place, package=error.name or name, extra=extra) from error
