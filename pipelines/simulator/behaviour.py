"""How leads and tickets behave: what may happen in each state, how often, and how long it takes.

In a weight table, names in capitals are moves to that state, others are other kinds of change.
Weights are relative within one table. Moves that the stategraph forbids occur on purpose, with
small weights, as in real records.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

HOUR = 3600
DAY = 24 * HOUR

# `rest`: no further change; the process stays as it is, open or closed.
KINDS = (
    "rest",
    "move",
    "edit",
    "assign",
    "give_back",
    "unassign",
    "schedule",
    "complete",
    "cancel",
    "reopen",
    "delete",
    "restore",
)
STATUSES = ("OPEN", "COMPLETED", "CANCELLED")
STATUS_OF_KIND = {"complete": "COMPLETED", "cancel": "CANCELLED", "reopen": "OPEN"}

Weights: TypeAlias = Mapping[str, float]


@dataclass(frozen=True)
class Behaviour:
    """The behaviour of one procedure. `mean_gap` is in seconds, by state, for open processes."""

    procedure: str
    share: float
    team_size: int
    open: Mapping[str, Weights]
    completed: Mapping[str, Weights]
    cancelled: Mapping[str, Weights]
    final_status: Mapping[str, str]
    mean_gap: Mapping[str, float]
    closed_gap: float
    late_states: tuple[str, ...]

    def weights(self, state: str, status: str, *, is_deleted: bool) -> Weights:
        """The weight table of a situation."""
        if is_deleted:
            return DELETED_OPEN if status == "OPEN" else DELETED_CLOSED
        if status == "COMPLETED":
            return self.completed.get(state, STRAY_CLOSED)
        if status == "CANCELLED":
            return self.cancelled.get(state, STRAY_CLOSED)
        return self.open[state]

    def gap(self, state: str, status: str, *, is_deleted: bool) -> float:
        """Mean seconds until the next change in a situation."""
        if is_deleted or status != "OPEN":
            return self.closed_gap
        return self.mean_gap[state]


# Only processes deleted while open are ever restored.
DELETED_OPEN: Weights = {"rest": 64, "restore": 28, "edit": 8}
DELETED_CLOSED: Weights = {"rest": 92, "edit": 8}
STRAY_CLOSED: Weights = {"rest": 88, "edit": 6, "reopen": 5, "delete": 1}

_BUSY: Weights = {"assign": 8, "give_back": 4, "unassign": 2, "schedule": 9, "delete": 0.5}

LEAD = Behaviour(
    procedure="lead",
    share=0.42,
    team_size=24,
    open={
        "NEW": {"CONTACTED": 34, "QUALIFIED": 4, "LOST": 5, "PROPOSAL": 0.5, "rest": 1.5}
        | {"edit": 18, "assign": 24, "unassign": 1, "schedule": 8, "delete": 1},
        "CONTACTED": {"QUALIFIED": 24, "LOST": 8, "NEW": 0.8, "edit": 30, "rest": 1} | _BUSY,
        "QUALIFIED": {"PROPOSAL": 26, "CONTACTED": 5, "LOST": 6, "NEGOTIATION": 0.8}
        | {"edit": 34, "rest": 0.8}
        | _BUSY,
        "PROPOSAL": {"NEGOTIATION": 20, "CONVERTED": 8, "QUALIFIED": 4, "LOST": 8, "NEW": 0.3}
        | {"edit": 32, "rest": 0.8}
        | _BUSY,
        "NEGOTIATION": {"CONVERTED": 19, "PROPOSAL": 6, "LOST": 7, "edit": 36, "rest": 0.5} | _BUSY,
        "CONVERTED": {"NEGOTIATION": 40, "complete": 40, "edit": 20},
        "LOST": {"CONTACTED": 60, "cancel": 20, "edit": 20},
    },
    completed={
        "CONVERTED": {"rest": 66, "edit": 24, "NEGOTIATION": 7, "reopen": 0.8, "delete": 1},
    },
    cancelled={
        "LOST": {"rest": 68, "edit": 16, "CONTACTED": 11, "NEW": 0.8, "reopen": 0.8, "delete": 2},
    },
    final_status={"CONVERTED": "COMPLETED", "LOST": "CANCELLED"},
    mean_gap={
        "NEW": 7 * HOUR,
        "CONTACTED": 1.2 * DAY,
        "QUALIFIED": 1.8 * DAY,
        "PROPOSAL": 2.5 * DAY,
        "NEGOTIATION": 1.3 * DAY,
        "CONVERTED": 1 * DAY,
        "LOST": 1 * DAY,
    },
    closed_gap=9 * DAY,
    late_states=("NEW", "NEW", "CONTACTED", "QUALIFIED", "PROPOSAL", "CONVERTED"),
)

TICKET = Behaviour(
    procedure="ticket",
    share=0.58,
    team_size=36,
    open={
        "NEW": {"TRIAGE": 42, "IN_PROGRESS": 12, "RESOLVED": 2, "WAITING_CUSTOMER": 0.6}
        | {"edit": 12, "assign": 16, "cancel": 2, "delete": 1, "rest": 0.8},
        "TRIAGE": {"IN_PROGRESS": 40, "WAITING_CUSTOMER": 8, "RESOLVED": 5, "NEW": 1}
        | {"edit": 16, "cancel": 2.5, "rest": 0.6}
        | _BUSY,
        "IN_PROGRESS": {"WAITING_CUSTOMER": 16, "WAITING_VENDOR": 6, "RESOLVED": 24, "TRIAGE": 4}
        | {"CLOSED": 0.8, "edit": 26, "cancel": 1, "rest": 0.5}
        | _BUSY,
        "WAITING_CUSTOMER": {"IN_PROGRESS": 52, "RESOLVED": 12, "TRIAGE": 0.8, "edit": 16}
        | {"cancel": 2.5, "schedule": 12, "rest": 1.5},
        "WAITING_VENDOR": {"IN_PROGRESS": 52, "RESOLVED": 6, "edit": 20, "schedule": 14}
        | {"cancel": 1, "rest": 0.8},
        "RESOLVED": {"CLOSED": 58, "IN_PROGRESS": 8, "complete": 6, "edit": 14, "assign": 1}
        | {"rest": 1.5},
        "CLOSED": {"IN_PROGRESS": 50, "complete": 30, "edit": 20},
    },
    completed={
        "CLOSED": {"rest": 74, "edit": 17, "IN_PROGRESS": 6, "reopen": 0.8, "delete": 0.8},
        "RESOLVED": {"CLOSED": 66, "rest": 22, "edit": 8, "IN_PROGRESS": 4},
    },
    cancelled={},
    final_status={"CLOSED": "COMPLETED"},
    mean_gap={
        "NEW": 2 * HOUR,
        "TRIAGE": 4 * HOUR,
        "IN_PROGRESS": 9 * HOUR,
        "WAITING_CUSTOMER": 1.5 * DAY,
        "WAITING_VENDOR": 2.5 * DAY,
        "RESOLVED": 1.6 * DAY,
        "CLOSED": 1 * DAY,
    },
    closed_gap=10 * DAY,
    late_states=("NEW", "TRIAGE", "IN_PROGRESS", "WAITING_CUSTOMER", "CLOSED"),
)

BEHAVIOURS = (LEAD, TICKET)
