"""A rule: a named statement about one row, its severity, and how a set of rules becomes pandera.

Rules of the record itself stand in `core_record.py`, those of a procedure in `attribute_rules.py`.
What happens to a row that breaks one (quarantine, null, flag) does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pandera.polars as pa
import polars as pl
from pandera.errors import SchemaErrors

Severity = Literal["reject", "null", "flag"]
FAILURES = {"row": pl.UInt32, "rule": pl.String}


@dataclass(frozen=True)
class Rule:
    """One rule about a row.

    `id` is stable (`core:status:isin`); `column` is the frame column the rule reads first, and a
    null there passes, as in pandera. `passes` is true where the row keeps the rule; without it the
    rule is that `column` is not null. `names` is what a user calls the field.
    """

    id: str
    severity: Severity
    sentence: str
    names: str
    column: str = ""
    passes: pl.Expr | None = None


class RuleError(RuntimeError):
    """A check failed as a whole, naming no rows: a defect of the rules, never of the data."""


def compile_schema(
    rules: Iterable[Rule], dtypes: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pa.DataFrameSchema:
    """The rules as one pandera schema; `dtypes` has the types of the columns they read first.

    Other columns are none of its business: each would cost as much as a rule.
    """
    by_column: dict[str, list[Rule]] = {}
    for rule in rules:
        by_column.setdefault(rule.column, []).append(rule)
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                dtypes[name],
                checks=[_check(rule) for rule in mine if rule.passes is not None],
                nullable=all(rule.passes is not None for rule in mine),
            )
            for name, mine in by_column.items()
        }
    )


def find_failures(
    frame: pl.DataFrame, schema: pa.DataFrameSchema, rules: Iterable[Rule]
) -> pl.DataFrame:
    """Every (row, rule) of `frame` that fails, `row` being the position in the frame from 0.

    Raises `RuleError` when a failure names no rows: passing it over would let bad rows through.
    """
    required = {rule.column: rule.id for rule in rules if rule.passes is None}
    try:
        schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found = [_failing_rows(frame, error, required) for error in errors.schema_errors]
        return pl.concat(found).unique().sort("row", "rule")
    return pl.DataFrame(schema=FAILURES)


def _check(rule: Rule) -> pa.Check:
    passes = rule.passes
    assert passes is not None

    def holds(data: Any) -> pl.LazyFrame:
        kept = pl.col(data.key).is_null() | passes.fill_null(value=True)
        return data.lazyframe.select(kept.alias(data.key))

    return pa.Check(holds, error=rule.id)


def _failing_rows(frame: pl.DataFrame, error: Any, required: Mapping[str, str]) -> pl.DataFrame:
    output = error.check_output
    reason = getattr(error.reason_code, "name", str(error.reason_code))
    name = str(getattr(error.schema, "name", ""))
    if not isinstance(output, pl.DataFrame) or output.height != frame.height:
        raise RuleError(f"the check of {name} failed as a whole ({reason})")
    if reason == "SERIES_CONTAINS_NULLS":
        rule = required[name]
    elif reason == "DATAFRAME_CHECK":
        rule = str(getattr(error.check, "error", "")) or name
    else:
        raise RuleError(f"the check of {name} failed as a whole ({reason})")
    passed = output.to_series()
    if passed.dtype != pl.Boolean:
        raise RuleError(f"the check {rule} gave {passed.dtype}, not true or false a row")
    rows = (~passed.fill_null(value=True)).arg_true()
    return pl.DataFrame({"row": rows, "rule": [rule] * len(rows)}, schema=FAILURES)
