"""What the published tables must satisfy, as pandera checks over facts about their columns.

A table is not read for this: DuckDB counts nulls, limits and keys, and a row of facts stands for a
column.
"""

from __future__ import annotations

import polars as pl

from schemas.catalogue.model import COUNT, PER_DAY, SECONDS, SHARE, OutputColumn
from schemas.records.rule import Rule, compile_schema, find_failures

# Time that is left is negative once it has run out.
_MAY_BE_NEGATIVE = frozenset(["remaining_seconds"])
_LIMITS = {SHARE: (0.0, 1.0), COUNT: (0.0, None), PER_DAY: (0.0, None), SECONDS: (0.0, None)}
# Shares are quotients of doubles.
_ROUNDING = 1e-9

FACTS = {
    "table": pl.String,
    "column": pl.String,
    "described_type": pl.String,
    "type": pl.String,
    "may_be_null": pl.Boolean,
    "n_null": pl.Int64,
    "lower": pl.Float64,
    "upper": pl.Float64,
    "minimum": pl.Float64,
    "maximum": pl.Float64,
}
KEY_FACTS = {"table": pl.String, "column": pl.String, "n_rows": pl.Int64, "n_keys": pl.Int64}

COLUMN_RULES = (
    Rule(
        "published:type",
        "reject",
        "A column has the type that the catalogue says.",
        "type",
        "type",
        pl.col("type") == pl.col("described_type"),
    ),
    Rule(
        "published:null",
        "reject",
        "A column is null only where the catalogue says when.",
        "n_null",
        "n_null",
        pl.col("may_be_null") | (pl.col("n_null") == 0),
    ),
    Rule(
        "published:minimum",
        "reject",
        "Shares, counts and durations are not negative.",
        "minimum",
        "minimum",
        pl.col("minimum") >= pl.col("lower") - _ROUNDING,
    ),
    Rule(
        "published:maximum",
        "reject",
        "Shares are at most 1.",
        "maximum",
        "maximum",
        pl.col("maximum") <= pl.col("upper") + _ROUNDING,
    ),
)
KEY_RULES = (
    Rule(
        "published:key",
        "reject",
        "No two rows of a table have the same key.",
        "n_keys",
        "n_keys",
        pl.col("n_keys") == pl.col("n_rows"),
    ),
)
_COLUMN_SCHEMA = compile_schema(COLUMN_RULES, FACTS)
_KEY_SCHEMA = compile_schema(KEY_RULES, KEY_FACTS)


def limits_of(column: OutputColumn) -> tuple[float | None, float | None]:
    """The least and the greatest value a column may have, from its unit; None without one."""
    if column.name in _MAY_BE_NEGATIVE:
        return None, None
    return _LIMITS.get(column.unit, (None, None))


def broken_contracts(columns: pl.DataFrame, keys: pl.DataFrame) -> list[str]:
    """What `columns` (`FACTS`) and `keys` (`KEY_FACTS`) break, one `table.column: rule` each."""
    of_columns = find_failures(columns, _COLUMN_SCHEMA, COLUMN_RULES)
    of_keys = find_failures(keys, _KEY_SCHEMA, KEY_RULES)
    return sorted([*_broken(columns, of_columns), *_broken(keys, of_keys)])


def _broken(facts: pl.DataFrame, failures: pl.DataFrame) -> list[str]:
    sentences = {rule.id: rule.sentence for rule in (*COLUMN_RULES, *KEY_RULES)}
    named = facts.select(place=pl.concat_str("table", "column", separator=".", ignore_nulls=True))
    places = named["place"].to_list()
    return [f"{places[row]}: {rule} ({sentences[rule]})" for row, rule in failures.iter_rows()]
