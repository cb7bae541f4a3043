"""The errors a user can meet, told by who must act.

Facts are attributes and the sentence is built from them. Errors of programming do not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass

_SHOWN = 10


class LeadtimeError(Exception):
    """Base of every error that is reported to a user as a sentence, without a traceback."""


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a procedure definition: where, what was found, what is allowed.

    `column` is known only where a text stops being YAML or JSON.
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
    """The author of a procedure definition must act. Carries every problem found, not the first."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        count = len(problems)
        noun = "problem" if count == 1 else "problems"
        lines = [f"{count} {noun} in the procedure definitions:"]
        lines += [f"  {problem}" for problem in problems[:_SHOWN]]
        if count > _SHOWN:
            lines.append(f"  ... and {count - _SHOWN} more (`leadtime check` lists all)")
        super().__init__("\n".join(lines))


class SourceError(LeadtimeError):
    """The owner of the data must act: a file, folder or query cannot be used as it stands."""

    def __init__(self, source: str, found: str, action: str) -> None:
        self.source = source
        self.found = found
        self.action = action
        super().__init__(f"{source}: {found}. {action}")


class OperationError(LeadtimeError):
    """The operator must act: a folder, a database or a port cannot be used as it stands."""

    def __init__(self, place: str, found: str, action: str) -> None:
        self.place = place
        self.found = found
        self.action = action
        super().__init__(f"{place}: {found}. {action}")


class WarehouseBusy(LeadtimeError):
    """The operator must act: somebody else holds the warehouse."""

    def __init__(self, holder: str, since: str, action: str) -> None:
        self.holder = holder
        self.since = since
        self.action = action
        super().__init__(f"the warehouse is held by {holder} since {since}. {action}")
