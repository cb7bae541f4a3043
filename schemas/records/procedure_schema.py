"""The pandera schema of a procedure over its own columns, for any frame of its processes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pandera.polars as pa
import polars as pl

from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import Procedure
from schemas.records.attribute_rules import POLARS_TYPES
from schemas.records.attribute_values import Value, values_of
from schemas.records.between_fields import between_fields, by_procedure
from schemas.records.limits import EARLIEST_MS, LATEST_PLANNED_MS
from schemas.records.record import FIELDS, UUID_PATTERN, Field
from schemas.records.rule import BUILT_IN, Rule, check_of
from schemas.records.statuses import STATUSES

_FIELD_TYPES: dict[str, pl.DataType] = {
    "time": pl.Datetime("us"),
    "boolean": pl.Boolean(),
}
_STATE = "state"


@dataclass(frozen=True)
class SchemaRow:
    """A column of a procedure's schema, and one rule of it; `rule` is empty for a column without.

    `severity` is `error` or `warning`.
    """

    column: str
    type: str
    is_nullable: bool
    rule: str = ""
    severity: str = ""
    sentence: str = ""


def procedure_schema(
    procedure: Procedure, *, columns: Collection[str] | None = None
) -> pa.DataFrameSchema:
    """The schema of a frame with one row per process (or version) of `procedure`.

    Columns are those of the table `<shortId>_processes`: fields of the record, and one or more per
    attribute. With `columns` only these are in it, and only the rules that read no other. Rules
    that flag are warnings (`pandera.errors.SchemaWarning`), all others errors; the `rules` of the
    procedure are taken into account. Missing columns are an error, further ones are allowed: name
    those of a published table, which leaves out values and has keys of others.
    """
    rules = [rule for rule in _rules(procedure) if _is_within(rule, columns)]
    dtypes = {name: kind for name, kind in _dtypes(procedure) if _has(columns, name)}
    always = {field.column for field in _fields() if field.required}
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                kind,
                checks=[check_of(rule) for rule in rules if rule.column == name],
                nullable=name not in always,
            )
            for name, kind in dtypes.items()
        },
        name=procedure.short_id,
        title=f"Processes of {procedure.name}",
    )


def schema_rows(schema: pa.DataFrameSchema) -> Iterator[SchemaRow]:
    """The columns of a schema in order, with a row for each rule."""
    for name, column in schema.columns.items():
        kind = re.sub(r"\(time_unit=.*?\)|\(\{.*\}\)", "", str(column.dtype))
        row = SchemaRow(str(name), kind, bool(column.nullable))
        for check in column.checks:
            severity = "warning" if check.raise_warning else "error"
            yield replace(row, rule=check.name, severity=severity, sentence=check.title)
        if not column.checks:
            yield row


def _has(columns: Collection[str] | None, name: str) -> bool:
    return columns is None or name in columns


def _is_within(rule: Rule, columns: Collection[str] | None) -> bool:
    read = rule.passes.meta.root_names() if isinstance(rule.passes, pl.Expr) else []
    return all(_has(columns, name) for name in (rule.column, *read))


def _fields() -> Iterator[Field]:
    """The fields of the record, under the names of their columns in published tables."""
    for field in FIELDS:
        if field.column == "procedure_id" or field.kind == "object":
            continue
        yield replace(field, column=_STATE) if field.kind == "state" else field


def _dtypes(procedure: Procedure) -> Iterator[tuple[str, pl.DataType | type[pl.DataType]]]:
    for field in _fields():
        if field.column != "is_deleted":
            yield field.column, _FIELD_TYPES.get(field.kind, pl.String())
    for value in values_of(procedure):
        for name, sql_type in value.columns.items():
            yield name, POLARS_TYPES[sql_type]


def _rules(procedure: Procedure) -> Iterator[Rule]:
    """The rules of the schema, at the severity that the procedure gives them."""
    states = {state.short_id: state.kind for state in procedure.states}
    done = [short_id for short_id, kind in states.items() if kind == "done"]
    facts = {
        "is_completed_state": pl.col(_STATE) == procedure.completed_state,
        "is_done_state": pl.col(_STATE).is_in(done),
        "procedure_entity": pl.lit(procedure.entity, dtype=pl.String),
    }
    of_record = [rule for field in _fields() for rule in _of_field(field, list(states))]
    for rule in (*of_record, *between_fields(), *by_procedure(**facts)):
        level = procedure.rules.get(rule.id, rule.severity)
        if level != "off":
            yield replace(rule, severity=level)
    for value in values_of(procedure):
        yield from _of_value(value, strict=procedure.strict)


def _of_field(field: Field, states: list[str]) -> Iterator[Rule]:
    name, column = field.name, field.column
    match field.kind:
        case "uuid":
            passes, end, sentence = BUILT_IN.str_matches(UUID_PATTERN), "uuid", "is a uuid"
        case "time":
            passes = BUILT_IN.in_range(_instant(EARLIEST_MS), _instant(LATEST_PLANNED_MS))
            end, sentence = "range", "lies between 2000-01-01 and 2100-01-01"
        case "status":
            passes, end = BUILT_IN.isin(STATUSES), "isin"
            sentence = f"is one of {', '.join(STATUSES)}"
        case "state":
            passes, end, sentence = BUILT_IN.isin(states), "isin", "is a state of the procedure"
        case _:
            return
    stem = "state_key" if field.kind == "state" else column
    yield Rule(f"core:{stem}:{end}", "reject", f"`{name}` {sentence}.", name, column, passes)


def _of_value(value: Value, *, strict: bool) -> Iterator[Rule]:
    columns = list(value.columns)
    if value.required:
        sentence = f"`{value.short_id}` is required."
        is_given = pa.Check(_is_given, ignore_na=False)
        yield Rule(f"{value.column}:required", "flag", sentence, columns[0], columns[0], is_given)
    if value.options:
        is_list = BY_NAME[value.type].shape == "list"
        options = list(value.options)
        in_list = pl.col(columns[0]).list.eval(pl.element().is_in(options)).list.all()
        yield Rule(
            f"{value.column}:isin",
            "reject" if strict else "null",
            f"`{value.short_id}` is one of its {len(options)} options.",
            value.short_id,
            columns[0],
            in_list if is_list else BUILT_IN.isin(options),
        )


def _is_given(data: pa.PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key).is_not_null())


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC).replace(tzinfo=None)
