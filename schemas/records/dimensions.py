"""The dimensions (users, pods, teams, entities and records, which give ids their names), and the
rules of a line of their files.
"""

from __future__ import annotations

import polars as pl

from schemas.records.record import UUID_PATTERN
from schemas.records.rule import Rule, compile_schema

PROCESSES = "processes"
"""What a landing file holds unless its name says that it is a dimension."""

DIMENSIONS: dict[str, str] = {
    "users": "user_id",
    "pods": "pod_id",
    "teams": "team_id",
    "entities": "entity_id",
    "records": "record_id",
}
"""The dimensions, and the column of the published table that holds the id."""

RAW_COLUMNS = ("id:json", "id:text", "name:json", "name:text")
"""Both members of a line as they arrived: their JSON text, and the text they hold."""

DIMENSION_RULES: tuple[Rule, ...] = (
    Rule("dimension:id:required", "reject", "`id` is required.", "id", "id:json"),
    Rule(
        "dimension:id:type",
        "reject",
        "`id` is a uuid.",
        "id",
        "id:json",
        pl.col("id").is_not_null(),
    ),
    Rule(
        "dimension:name:type",
        "reject",
        "`name` is text, where there is one.",
        "name",
        "name:json",
        pl.col("name:json").str.starts_with('"'),
    ),
)

DIMENSION_SCHEMA = compile_schema(DIMENSION_RULES, {"id:json": pl.String, "name:json": pl.String})


def convert_dimension(rows: pl.DataFrame) -> pl.DataFrame:
    """`rows` (`RAW_COLUMNS`, text, JSON null as null) with the columns `id` and `name`.

    `id` is in lower case, and null if it is not a uuid. `name` is null if it is missing, not text,
    or blank.
    """
    is_text = pl.col("name:json").str.starts_with('"')
    is_visible = pl.col("name:text").str.strip_chars() != ""
    is_uuid = pl.col("id:text").str.contains(UUID_PATTERN)
    return rows.with_columns(
        id=pl.when(is_uuid).then(pl.col("id:text").str.to_lowercase()),
        name=pl.when(is_text & is_visible).then(pl.col("name:text")),
    )
