"""The process record: its fields as they arrive, how they convert, and the rules of each field.

Only rules that apply to every procedure; `attribute_rules.py` has those of one procedure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

import pandera.polars as pa
import polars as pl

from schemas.records.between_fields import PROCEDURE_FACTS, between_fields, by_procedure
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS, raw
from schemas.records.rule import BUILT_IN, Rule, compile_schema
from schemas.records.statuses import STATUSES

Kind = Literal["uuid", "time", "status", "state", "boolean", "object"]
UUID_PATTERN = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"
UUID_IN_TEXT = UUID_PATTERN.strip("^$")
_STATUSES = ", ".join(STATUSES)
_WHOLE_NUMBER = r"^-?[0-9]{1,18}(\.0+)?$"


@dataclass(frozen=True)
class Field:
    """One field of the record: `name` as it arrives, `column` as stored.

    A bad value of an `is_personal` field may well name a person, and is masked in `violations`.
    """

    name: str
    column: str
    kind: Kind
    required: bool = False
    is_personal: bool = False


FIELDS: tuple[Field, ...] = (
    Field("id", "process_id", "uuid", required=True),
    Field("team", "team_id", "uuid", required=True),
    Field("procedure", "procedure_id", "uuid", required=True),
    Field("status", "status", "status", required=True),
    Field("state", "state_key", "state", required=True),
    Field("createdAt", "created_at", "time", required=True),
    Field("updatedAt", "updated_at", "time", required=True),
    Field("createdBy", "created_by", "uuid", is_personal=True),
    Field("assignedTo", "assigned_to", "uuid", is_personal=True),
    Field("firstAssignedTo", "first_assigned_to", "uuid", is_personal=True),
    Field("belongsTo", "pod_id", "uuid"),
    Field("entity", "entity_id", "uuid"),
    Field("record", "record_id", "uuid"),
    Field("primaryBooking", "primary_booking_id", "uuid"),
    Field("parentProcedure", "parent_procedure", "uuid"),
    Field("parentProcess", "parent_process_id", "uuid"),
    Field("nextActionAt", "next_action_at", "time"),
    Field("completedAt", "completed_at", "time"),
    Field("cancelledAt", "cancelled_at", "time"),
    Field("firstAssignedAt", "first_assigned_at", "time"),
    Field("lastAssignedAt", "last_assigned_at", "time"),
    Field("isDeleted", "is_deleted", "boolean"),
    Field("data", "data", "object", is_personal=True),
    Field("derivedData", "derived_data", "object", is_personal=True),
)


STATES = {
    "procedure_id": pl.String,
    "state_key": pl.String,
    "state_id": pl.String,
    **PROCEDURE_FACTS,
}
"""The columns of the states that records are compared with."""


def convert(frame: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Raw text columns -> the same plus converted columns; what does not convert is null.

    `frame` has one text column per field, named `raw(column)`: identifiers and words as plain text,
    times, booleans and objects as JSON text. `states` maps `(procedure_id, state_key)` to
    `state_id` in lower case, and to the `PROCEDURE_FACTS` where they are known. Row order and
    height are kept. Times are epoch milliseconds; a time of 0 means null. Missing `data` and
    `derivedData` are the empty object, missing `isDeleted` is false.
    """
    converted = frame.with_columns(_convert(field) for field in FIELDS)
    states = pl.concat([pl.DataFrame(schema=STATES), states], how="diagonal")
    known = states.select("procedure_id").unique().with_columns(procedure_known=pl.lit(value=True))
    return (
        converted.with_columns(state_key=pl.col("state_key").str.to_lowercase())
        .join(states, on=["procedure_id", "state_key"], how="left", maintain_order="left")
        .join(known, on="procedure_id", how="left", maintain_order="left")
        .with_columns(pl.col("procedure_known").fill_null(value=False))
    )


def core_rules(latest_ms: int = LATEST_PLANNED_MS) -> list[Rule]:
    """The rules of the record; no time may lie after `latest_ms` (the run's start plus a day)."""
    rules = [rule for field in FIELDS for rule in _field_rules(field, latest_ms)]
    rules += [*_text_rules(), _KNOWN_PROCEDURE]
    return [*rules, *between_fields(), *by_procedure()]


def core_schema(rules: Iterable[Rule]) -> pa.DataFrameSchema:
    """The rules of the record compiled to pandera."""
    dtypes: dict[str, type[pl.DataType]] = {"procedure_known": pl.Boolean, **STATES}
    for field in FIELDS:
        dtypes[raw(field.column)] = pl.String
        dtypes[field.column] = _DTYPES.get(field.kind, pl.String)
    return compile_schema(rules, dtypes)


_DTYPES: dict[str, type[pl.DataType]] = {"time": pl.Int64, "boolean": pl.Boolean}


def _convert(field: Field) -> pl.Expr:
    text = pl.col(raw(field.column))
    match field.kind:
        case "uuid":
            value = pl.when(text.str.contains(UUID_PATTERN)).then(text.str.to_lowercase())
        case "time":
            number = text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
            value = pl.when(text.str.contains(_WHOLE_NUMBER) & (number != 0)).then(number)
        case "boolean":
            value = (
                pl.when(text.is_null() | (text == "null") | (text == "false"))
                .then(pl.lit(value=False))
                .when(text == "true")
                .then(pl.lit(value=True))
            )
        case "object":
            missing = text.is_null() | (text == "null")
            value = pl.when(missing).then(pl.lit("{}")).when(text.str.starts_with("{")).then(text)
        case "status" | "state":
            value = pl.when(text != "").then(text)
    return value.alias(field.column)


def _field_rules(field: Field, latest_ms: int) -> list[Rule]:
    name, column = field.name, field.column
    text, value = pl.col(raw(column)), pl.col(column)
    severity: Literal["reject", "null"] = "reject" if field.required else "null"
    rules: list[Rule] = []
    if field.required:
        rules.append(
            Rule(f"core:{column}:required", "reject", f"`{name}` is required.", name, raw(column))
        )
    match field.kind:
        case "uuid":
            ok, rule, sentence = value.is_not_null() | (text == ""), "uuid", "is a uuid"
            if field.required:
                ok = value.is_not_null()
        case "time":
            ok = text.str.contains(_WHOLE_NUMBER)
            rule, sentence = "type", "is a whole number of milliseconds"
        case "boolean":
            ok, rule, sentence, severity = value.is_not_null(), "type", "is true or false", "reject"
        case "object":
            ok, rule, sentence = value.is_not_null(), "type", "is an object"
            severity = "reject" if column == "data" else "null"
        case "status":
            ok, rule, sentence = BUILT_IN.isin(STATUSES), "isin", f"is one of {_STATUSES}"
        case "state":
            ok = pl.col("state_id").is_not_null() | ~pl.col("procedure_known")
            rule, sentence = "isin", "is a state of the procedure"
    rules.append(
        Rule(f"core:{column}:{rule}", severity, f"`{name}` {sentence}.", name, raw(column), ok)
    )
    if field.kind == "time":
        latest = LATEST_PLANNED_MS if column == "next_action_at" else latest_ms
        within, reads = BUILT_IN.in_range(EARLIEST_MS, latest), column
        if field.required:  # 0 is a null elsewhere; here it is a time before 2000
            is_within = value.is_between(EARLIEST_MS, latest).fill_null(value=False)
            within, reads = pl.when(text.str.contains(_WHOLE_NUMBER)).then(is_within), raw(column)
        until = "2100-01-01" if latest == LATEST_PLANNED_MS else "a day after it was ingested"
        sentence = f"`{name}` lies between 2000-01-01 and {until}."
        rules.append(Rule(f"core:{column}:range", severity, sentence, name, reads, within))
    return rules


def _text_rules() -> Iterator[Rule]:
    for field in FIELDS:
        if field.kind == "object":
            column = raw(field.column)
            yield Rule(
                f"core:{field.column}:text",
                "flag",
                f"Text in `{field.name}` has no replacement character (U+FFFD), which stands for a "
                "lost one.",
                field.name,
                column,
                ~pl.col(column).str.contains("\ufffd", literal=True),
            )


_KNOWN_PROCEDURE = Rule(
    "core:procedure_id:isin",
    "reject",
    "`procedure` is one of the procedures that are defined.",
    "procedure",
    "procedure_id",
    pl.col("procedure_known"),
)
