"""Tasks and calls about processes: the fields of a line of their files, and its rules.

A line is one version of one task or call, as of `updatedAt`. What breaks a rule is quarantined.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS
from schemas.records.rule import Rule, compile_schema
from schemas.records.statuses import STATUSES

Kind = Literal["uuid", "time", "planned", "seconds", "number", "word", "boolean", "text", "object"]

MAX_SECONDS = 86_400
"""The longest a call may last: durations in milliseconds are above it."""

NO_PROCESS = "00000000-0000-0000-0000-000000000000"
"""Stands for the process of an activity that names none, in tables kept by process."""

CALL_STATUSES = (
    "UNKNOWN",
    "LOGGED",
    "QUEUED",
    "RINGING",
    "IN_PROGRESS",
    "COMPLETED",
    "ANSWERED",
    "BUSY",
    "FAILED",
    "UNANSWERED",
    "REJECTED",
    "MISSED",
    "WRONG_NUM",
    "DISCONNECTED_NOT_DISPOSED",
    "DISPOSED_NOT_DISCONNECTED",
)
DIRECTIONS = ("OUTBOUND", "INBOUND")


@dataclass(frozen=True)
class ActivityField:
    """One key of a line: `name` as it arrives, `column` in the tables, and what it means.

    An `is_personal` value names or describes a person: an erasure takes it out. `words` are the
    values that a `word` may have.
    """

    name: str
    column: str
    kind: Kind
    meaning: str
    required: bool = False
    is_personal: bool = False
    words: tuple[str, ...] = ()


_LAST_FIELDS = (
    ActivityField("createdAt", "created_at", "time", "When it was created."),
    ActivityField(
        "updatedAt", "updated_at", "time", "When this version was recorded.", required=True
    ),
    ActivityField("isDeleted", "is_deleted", "boolean", "Whether it is deleted; false if missing."),
)

TASK_FIELDS: tuple[ActivityField, ...] = (
    ActivityField("id", "task_id", "uuid", "Id of the task.", required=True),
    ActivityField("title", "title", "text", "What is to be done.", is_personal=True),
    ActivityField("description", "description", "text", "More about it.", is_personal=True),
    ActivityField("order", "position", "number", "Its position among the tasks of the process."),
    ActivityField("status", "status", "word", "Whether it is open.", required=True, words=STATUSES),
    ActivityField("taskType", "task_type", "text", "Its type: an id or a shortId."),
    ActivityField("createdBy", "created_by", "uuid", "User who created it."),
    ActivityField("assignedTo", "assigned_to", "uuid", "User who is to do it."),
    ActivityField("belongsTo", "pod_id", "uuid", "Pod of the task."),
    ActivityField("startsAt", "starts_at", "planned", "Planned start."),
    ActivityField("endsAt", "ends_at", "planned", "Planned end."),
    ActivityField("dueBy", "due_at", "planned", "When it is due."),
    ActivityField("startedAt", "started_at", "time", "When it was begun."),
    ActivityField("completedAt", "completed_at", "time", "When it was completed."),
    ActivityField("cancelledAt", "cancelled_at", "time", "When it was cancelled."),
    ActivityField("process", "process_id", "uuid", "Process it is about."),
    ActivityField("record", "record_id", "uuid", "Record it is about."),
    ActivityField("task", "parent_task_id", "uuid", "Task above it."),
    ActivityField("data", "data", "object", "More values; not read.", is_personal=True),
    ActivityField(
        "derivedData", "derived_data", "object", "More values; not read.", is_personal=True
    ),
    *_LAST_FIELDS,
)

CALL_FIELDS: tuple[ActivityField, ...] = (
    ActivityField("id", "call_id", "uuid", "Id of the call.", required=True),
    ActivityField("user", "user_id", "uuid", "User who called or was called."),
    ActivityField("type", "direction", "word", "Who called whom.", words=DIRECTIONS),
    ActivityField(
        "callStatus",
        "status",
        "word",
        "What became of it, as the platform has it.",
        required=True,
        words=CALL_STATUSES,
    ),
    ActivityField("from", "from_number", "text", "Number that called.", is_personal=True),
    ActivityField("to", "to_number", "text", "Number that was called.", is_personal=True),
    ActivityField("provider", "provider", "text", "Telephony provider."),
    ActivityField(
        "providerCallId", "provider_call_id", "text", "The provider's id.", is_personal=True
    ),
    ActivityField("providerPayload", "provider_payload", "object", "Not read.", is_personal=True),
    ActivityField("callStart", "call_start_at", "time", "When it was dialled, or rang."),
    ActivityField("callEnd", "call_end_at", "time", "When it ended."),
    ActivityField("callDuration", "call_seconds", "seconds", "Length in **seconds**."),
    ActivityField("connectionStart", "connection_start_at", "time", "When it was answered."),
    ActivityField("connectionEnd", "connection_end_at", "time", "When it was hung up."),
    ActivityField(
        "connectionDuration",
        "connection_seconds",
        "seconds",
        "Time connected in **seconds**, where `connectionStart` or `connectionEnd` is missing.",
    ),
    ActivityField("disposedAt", "disposed_at", "time", "When its result was recorded."),
    ActivityField("recordingUrl", "recording_url", "text", "Not read.", is_personal=True),
    ActivityField("forProcess", "process_id", "uuid", "Process it is about."),
    ActivityField("forRecord", "record_id", "uuid", "Record it is about."),
    ActivityField("forTask", "task_id", "uuid", "Task it was made for."),
    ActivityField(
        "callInitiateLocation", "initiate_location", "object", "Not read.", is_personal=True
    ),
    *_LAST_FIELDS,
)

ACTIVITIES: Mapping[str, tuple[ActivityField, ...]] = {
    "tasks": TASK_FIELDS,
    "calls": CALL_FIELDS,
}
"""The fields of each kind of activity, by what its files are named."""

_SINGULAR: Mapping[str, str] = {"tasks": "task", "calls": "call"}
_DTYPES: Mapping[Kind, type[pl.DataType]] = {
    "time": pl.Int64,
    "planned": pl.Int64,
    "seconds": pl.Float64,
    "number": pl.Float64,
    "boolean": pl.Boolean,
}
# What the value of a field is, where it may not be anything.
_TIME = "is a number of milliseconds, or an ISO 8601 time (UTC if it has no offset)"
_SENTENCES: Mapping[Kind, str] = {
    "uuid": "is a uuid",
    "time": _TIME,
    "planned": _TIME,
    "seconds": f"is a number of seconds from 0 to {MAX_SECONDS:,}",
    "number": "is a number",
    "word": "is one of {}",
    "boolean": "is true or false",
}
# The second may not lie before the first.
_ORDERED = (("callStart", "callEnd"), ("connectionStart", "connectionEnd"))
_UNKNOWN = {
    activity: Rule(
        f"{single}:process_id:known",
        "flag",
        f"`{name}` is a process that is known.",
        name,
    )
    for activity, single, name in (("tasks", "task", "process"), ("calls", "call", "forProcess"))
}


def json_column(field: ActivityField) -> str:
    """The column with the JSON text of a field; null for null, empty text and a time of 0."""
    return f"{field.column}:json"


def dtype_of(field: ActivityField) -> type[pl.DataType]:
    """The type of the converted column: times are epoch milliseconds."""
    return _DTYPES.get(field.kind, pl.String)


@cache
def activity_rules(activity: str, latest_ms: int = LATEST_PLANNED_MS) -> Sequence[Rule]:
    """The rules of a line; no time of the past may lie after `latest_ms`. All of them reject."""
    stem, fields = _SINGULAR[activity], ACTIVITIES[activity]
    return (
        *(rule for field in fields for rule in _field_rules(stem, field, latest_ms)),
        *_order_rules(stem, {field.name: field for field in fields}),
    )


@cache
def activity_schema(activity: str, latest_ms: int) -> pa.DataFrameSchema:
    """The rules of a line compiled to pandera."""
    dtypes: dict[str, type[pl.DataType]] = {}
    for field in ACTIVITIES[activity]:
        dtypes |= {json_column(field): pl.String, field.column: dtype_of(field)}
    return compile_schema(activity_rules(activity, latest_ms), dtypes)


def all_activity_rules() -> list[Rule]:
    """The rules of all activities, and those that only the tables of processes show."""
    of_lines = [rule for activity in ACTIVITIES for rule in activity_rules(activity)]
    return [*of_lines, *_UNKNOWN.values()]


def _field_rules(stem: str, field: ActivityField, latest_ms: int) -> Iterator[Rule]:
    name, column, arrived = field.name, field.column, json_column(field)
    if field.required:
        yield Rule(f"{stem}:{column}:required", "reject", f"`{name}` is required.", name, arrived)
    if field.kind not in _SENTENCES:
        return
    sentence = _SENTENCES[field.kind].format(", ".join(field.words))
    ok = pl.col(column).is_not_null()
    suffix = "type"
    if field.kind == "word":
        ok, suffix = pl.col(column).is_in(field.words).fill_null(value=False), "isin"
    elif field.kind == "seconds":
        ok = pl.col(column).is_between(0, MAX_SECONDS).fill_null(value=False)
    yield Rule(f"{stem}:{column}:{suffix}", "reject", f"`{name}` {sentence}.", name, arrived, ok)
    if field.kind in ("time", "planned"):
        latest = latest_ms if field.kind == "time" else LATEST_PLANNED_MS
        until = "a day after it was ingested" if field.kind == "time" else "2100-01-01"
        yield Rule(
            f"{stem}:{column}:range",
            "reject",
            f"`{name}` lies between 2000-01-01 and {until}.",
            name,
            column,
            pl.col(column).is_between(EARLIEST_MS, latest),
        )


def _order_rules(stem: str, fields: Mapping[str, ActivityField]) -> Iterator[Rule]:
    for earlier, later in _ORDERED:
        if earlier in fields and later in fields:
            before, after = fields[earlier].column, fields[later].column
            yield Rule(
                f"{stem}:{after}:order",
                "reject",
                f"`{later}` is not before `{earlier}`.",
                later,
                after,
                pl.col(after) >= pl.col(before),
            )
