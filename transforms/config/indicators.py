"""The targets of indicators as rows of a `config` table."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from schemas.definitions.procedure import Procedure

INDICATOR_SCHEMAS: dict[str, dict[str, pl.DataType | type[pl.DataType]]] = {
    "indicator_targets": {
        "procedure": pl.String,
        "indicator": pl.String,
        "target": pl.Float64,
        "better": pl.String,
    },
}


def indicator_rows(procedures: Sequence[Procedure]) -> dict[str, list[tuple[object, ...]]]:
    """The rows of the table; durations in seconds, per cent as shares."""
    return {
        "indicator_targets": [
            (procedure.short_id, indicator.name, indicator.target, indicator.better)
            for procedure in procedures
            for indicator in procedure.indicators
        ]
    }
