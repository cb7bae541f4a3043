"""The published tables that do not depend on attributes, and the rows of the catalog tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from schemas.catalogue import (
    activities,
    attribute_history,
    data_quality,
    database,
    dimensions,
    drivers,
    durations,
    flow,
    follow_ups,
    forecasts,
    funnels,
    hierarchy,
    history,
    indicators,
    outcome_curves,
    outcomes,
    past,
    paths,
    people,
    processes,
    sla,
    sla_policies,
)
from schemas.catalogue.model import OutputMacro, OutputTable

# In the order in which `catalog` lists their tables.
_SUBJECTS = (
    processes,
    past,
    history,
    attribute_history,
    follow_ups,
    hierarchy,
    dimensions,
    activities,
    funnels,
    drivers,
    durations,
    outcomes,
    outcome_curves,
    flow,
    forecasts,
    indicators,
    paths,
    people,
    sla,
    sla_policies,
    data_quality,
    database,
)

TABLES: dict[str, OutputTable] = {
    table.name: table
    for subject in _SUBJECTS
    for table in vars(subject).values()
    if isinstance(table, OutputTable)
}
"""The tables by name: every `OutputTable` of the modules of this package."""

MACROS: tuple[OutputMacro, ...] = tuple(
    macro
    for subject in _SUBJECTS
    for macro in vars(subject).values()
    if isinstance(macro, OutputMacro)
)
"""Every `OutputMacro` of the modules of this package."""


def catalog_rows(tables: Iterable[OutputTable], rows: Mapping[str, int]) -> list[dict[str, object]]:
    """The rows of `catalog`: one per table, with its number of rows, and one per table macro."""
    return [
        {
            "table_name": entry.name,
            "grain": entry.grain,
            "n_rows": rows[entry.name] if isinstance(entry, OutputTable) else None,
            "description": entry.description,
        }
        for entry in (*tables, *MACROS)
    ]


def metric_catalog_rows(tables: Iterable[OutputTable]) -> list[dict[str, str]]:
    """The rows of `metric_catalog`: one per column of each table, in their order."""
    return [
        {
            "table_name": table.name,
            "column_name": column.name,
            "data_type": column.type,
            "description": column.description,
            "unit": column.unit,
            "null_rule": column.nulls,
            "open_rule": column.open_rule,
            "personal": column.personal,
            "grain": table.grain,
        }
        for table in tables
        for column in table.columns
    ]
