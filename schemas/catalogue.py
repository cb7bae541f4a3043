"""What every published table and column means: the one source of words for comments and docs.

How the tables are made belongs to `transforms/`; the words of each table stand in `catalogue_*`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from schemas.attribute_types import BY_NAME
from schemas.catalogue_funnels import FUNNEL_PROGRESS, FUNNEL_STEPS
from schemas.catalogue_history import ASSIGNMENTS, STATE_VISITS, STATUS_SPELLS
from schemas.catalogue_marts import (
    BACKLOG_DAILY,
    DURATION_STATS,
    FLOW_DAILY,
    STATE_TRANSITIONS,
    VARIANTS,
)
from schemas.catalogue_model import DAY, INSTANT, OutputColumn, OutputTable
from schemas.catalogue_operations import (
    BUILD,
    DATA_QUALITY,
    FUNNELS,
    INGEST_FILES,
    METRIC_CATALOG,
    QUARANTINE,
    STATES,
    TRANSITIONS,
    VIOLATIONS,
)
from schemas.catalogue_processes import PROCESS_LIFECYCLE, PROCESSES

if TYPE_CHECKING:
    from schemas.definitions import Attribute, DerivedAttribute, Procedure

# `definitions.py` takes the reserved names from `catalogue_processes`, so nothing here may
# import it at run time.

TABLES: dict[str, OutputTable] = {
    table.name: table
    for table in (
        PROCESSES,
        STATE_VISITS,
        STATUS_SPELLS,
        ASSIGNMENTS,
        PROCESS_LIFECYCLE,
        VIOLATIONS,
        QUARANTINE,
        FUNNEL_STEPS,
        FUNNEL_PROGRESS,
        DURATION_STATS,
        BACKLOG_DAILY,
        FLOW_DAILY,
        STATE_TRANSITIONS,
        VARIANTS,
        DATA_QUALITY,
        INGEST_FILES,
        METRIC_CATALOG,
        STATES,
        TRANSITIONS,
        FUNNELS,
        BUILD,
    )
}

_UNITS = {"TIMESTAMP": INSTANT, "DATE": DAY}


def wide_table(procedure: Procedure) -> OutputTable:
    """`<shortId>_processes` (in lower case): all about each process of one procedure, side by side.

    Grain: one row per process. The columns of `processes`, one per attribute and derived attribute
    in the order of the definition, then those of `process_lifecycle` that `processes` lacks.
    """
    lifecycle = [
        column for column in PROCESS_LIFECYCLE.columns if column.name not in PROCESSES.column_names
    ]
    return OutputTable(
        f"{procedure.short_id.lower()}_processes",
        "core",
        f"Processes of the procedure {procedure.name} with their attributes and lifecycle, as at "
        "the build's as_of. The table to start from.",
        "one row per process",
        (
            *PROCESSES.columns,
            *(_entered(attribute) for attribute in procedure.attributes),
            *(_derived(attribute) for attribute in procedure.derived_attributes),
            *lifecycle,
        ),
    )


def published_tables(procedures: Iterable[Procedure]) -> tuple[OutputTable, ...]:
    """Every table of the published database: `TABLES`, then one wide table per procedure."""
    return (*TABLES.values(), *(wide_table(procedure) for procedure in procedures))


def metric_catalog_rows(procedures: Iterable[Procedure]) -> list[dict[str, str]]:
    """The rows of `metric_catalog`: every column of every table, wide tables included.

    Grain: one row per table and column, in the order of the tables and their columns.
    """
    return [
        {
            "table_name": table.name,
            "column_name": column.name,
            "data_type": column.type,
            "description": column.description,
            "unit": column.unit,
            "null_rule": column.nulls,
            "open_rule": column.open_rule,
            "grain": table.grain,
        }
        for table in published_tables(procedures)
        for column in table.columns
    ]


def _entered(attribute: Attribute) -> OutputColumn:
    return _value(attribute, f"Attribute {attribute.name}", "as the latest version says")


def _derived(attribute: DerivedAttribute) -> OutputColumn:
    return _value(
        attribute,
        f"Derived attribute {attribute.name}",
        "as the platform supplied it with the latest version",
    )


def _value(attribute: Attribute | DerivedAttribute, what: str, as_known: str) -> OutputColumn:
    """The column of an attribute; options are spelt out, personal ones are marked."""
    sql_type = BY_NAME[attribute.type].sql_type
    sentences = [f"{what} (`{attribute.short_id}`, type {attribute.type}), {as_known}."]
    nulls = "when there is no value, or it does not convert to the type"
    if attribute.options:
        sentences.append(f"One of: {', '.join(map(str, attribute.options))}.")
        nulls = "when there is no value, or it is not one of the options"
    if attribute.is_personal:
        sentences.append("Personal data.")
    return OutputColumn(
        attribute.column, sql_type, " ".join(sentences), _UNITS.get(sql_type, ""), nulls
    )
