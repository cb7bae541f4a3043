"""What a pull did: counts and sentences, no values of processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass
class ProcedurePull:
    """What a pull did for one procedure.

    `records` counts what pages showed, again and again for what they repeat; `versions` are the
    lines that were landed in `files`. `updated_to` is the latest `updatedAt` of the procedure, no
    later than the pull. `problem` says why it is not complete.
    """

    procedure: str
    pages: int = 0
    passes: int = 0
    records: int = 0
    versions: int = 0
    processes: int = 0
    updated_to: datetime | None = None
    files: list[str] = field(default_factory=list[str])
    notes: list[str] = field(default_factory=list[str])
    problem: str | None = None


@dataclass
class PullReport:
    """What a pull did: by procedure, and the rows landed by dimension.

    `notes` are worth knowing; with `problems` it is not complete, and somebody has to act.
    """

    started_at: datetime
    procedures: list[ProcedurePull] = field(default_factory=list[ProcedurePull])
    dimensions: dict[str, int] = field(default_factory=dict[str, int])
    notes: list[str] = field(default_factory=list[str])
    problems: list[str] = field(default_factory=list[str])

    @property
    def versions(self) -> int:
        return sum(one.versions for one in self.procedures)

    @property
    def all_problems(self) -> list[str]:
        """The problems of the pull and of its procedures."""
        ours = [f"{one.procedure}: {one.problem}" for one in self.procedures if one.problem]
        return [*self.problems, *ours]


OnPage = Callable[[ProcedurePull], None]
"""Receives what was done for a procedure so far, after every page."""
OnWait = Callable[[str], None]
"""Receives a sentence before each further try."""
