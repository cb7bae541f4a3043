"""Durations as an author names them: from one event in the life of a process to another."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schemas.definitions.parts import Part
from schemas.definitions.sla import Events
from schemas.definitions.values import Label, not_allowed

Occurrence = Literal["first", "last", "each"]
IN_WORKING_TIME = "business_"
"""Begins the names of measures in working time."""
BUILT_IN_MEASURES = ("resolution", "full_resolution", "first_assignment", "first_call", "open")
"""The measures that every procedure has."""


def _measure(name: str) -> str:
    if name in BUILT_IN_MEASURES or name.startswith(IN_WORKING_TIME):
        built_in = ", ".join(BUILT_IN_MEASURES)
        raise not_allowed(f"a name other than {built_in}, not beginning with {IN_WORKING_TIME}")
    return name


class NamedDuration(Part):
    """A duration: it runs from an event `from` to the next event `to`, all hours and working time.

    Working time is that of the process's calendar when it starts.
    """

    name: Annotated[Label, AfterValidator(_measure)]
    """The name of the measure in the tables; used once."""
    start: Events = Field(alias="from")
    """What starts it while it does not run: one event or a list of them, as of SLA policies."""
    stop: Events = Field(alias="to")
    """What ends it: one event or a list of them."""
    occurrence: Occurrence = "first"
    """Which of a process count where it starts again: the first, the last so far, or each."""
