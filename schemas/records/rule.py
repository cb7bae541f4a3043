"""A rule: a named statement about one row, its severity, and how a set of rules becomes pandera.

The environment variables of pandera (`PANDERA_VALIDATION_ENABLED`, `PANDERA_VALIDATION_DEPTH`,
`PANDERA_USE_NARWHALS_BACKEND`) have no effect here: records are always validated, and in full.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Literal

import pandera.polars as pa
import polars as pl
from pandera.config import ValidationDepth, config_context, set_config
from pandera.errors import SchemaErrors

Severity = Literal["reject", "null", "flag"]
BUILT_IN: Any = pa.Check
"""Pandera's built-in checks, which it adds to the class without types."""
FAILURES = {"row": pl.UInt32, "rule": pl.String}

# Which backend pandera registers is global, unlike the rest of its configuration.
set_config(use_narwhals_backend=False)


@dataclass(frozen=True)
class Rule:
    """One rule about a row.

    `id` is stable (`core:status:isin`); `column` is the frame column the rule reads first, and a
    null there passes, as in pandera. `passes` is a check of pandera on that column, or an
    expression over the frame that is true where a row keeps the rule; without it the rule is that
    `column` is not null. `names` is what a user calls the field.
    """

    id: str
    severity: Severity
    sentence: str
    names: str
    column: str = ""
    passes: pl.Expr | pa.Check | None = None


class RuleError(RuntimeError):
    """A check failed as a whole, naming no rows: a defect of the rules, never of the data."""


def compile_schema(
    rules: Iterable[Rule], dtypes: Mapping[str, pl.DataType | type[pl.DataType]]
) -> pa.DataFrameSchema:
    """The rules as one pandera schema; `dtypes` has the types of the columns they read first.

    It has no other columns: each would cost as much as a rule.
    """
    by_column: dict[str, list[Rule]] = {}
    for rule in rules:
        by_column.setdefault(rule.column, []).append(rule)
    return pa.DataFrameSchema(
        {
            name: pa.Column(
                dtypes[name],
                # Every failure must be found here; the split of the rows applies the severities.
                checks=[check_of(rule, warns=False) for rule in mine if rule.passes is not None],
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
        with config_context(
            validation_enabled=True,
            validation_depth=ValidationDepth.SCHEMA_AND_DATA,
            use_narwhals_backend=False,
        ):
            schema.validate(frame, lazy=True)
    except SchemaErrors as errors:
        found = [_failing_rows(frame, error, required) for error in errors.schema_errors]
        return pl.concat(found).unique().sort("row", "rule")
    return pl.DataFrame(schema=FAILURES)


def check_of(rule: Rule, *, warns: bool = True) -> pa.Check:
    """The check of a rule that is not about nulls.

    With `warns` a flag is only a warning, and messages say the sentence in place of the id.
    """
    passes = rule.passes
    assert passes is not None
    if isinstance(passes, pa.Check):
        check = copy(passes)
    else:

        def holds(data: Any) -> pl.LazyFrame:
            kept = pl.col(data.key).is_null() | passes.fill_null(value=True)
            return data.lazyframe.select(kept.alias(data.key))

        check = pa.Check(holds)
    check.name, check.title = rule.id, rule.sentence
    check.error = rule.sentence if warns else rule.id
    check.raise_warning = warns and rule.severity == "flag"
    return check


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
