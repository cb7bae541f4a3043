"""What every published table and column means: the one source of words for comments and docs.

How the tables are made belongs to `transforms/`; the words of each table stand in `catalogue_*`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.attribute_types import BY_NAME
from schemas.catalogue_about import (
    BUILD,
    CATALOG,
    FUNNELS,
    METRIC_CATALOG,
    QUESTIONS,
    STATES,
    TRANSITIONS,
)
from schemas.catalogue_conformance import CONFORMANCE, CONFORMANCE_DEPARTURES
from schemas.catalogue_derived import DERIVED_DRIFT
from schemas.catalogue_dimensions import ENTITIES, LABELS, PODS, RECORDS, TEAMS, USERS
from schemas.catalogue_discovery import (
    OPEN_AGEING,
    REWORK,
    STALLED_PROCESSES,
    STATE_DURATIONS,
)
from schemas.catalogue_flow import (
    BACKLOG_DAILY_BY_ASSIGNEE,
    BACKLOG_DAILY_BY_POD,
    CUMULATIVE_FLOW,
    FLOW_WEEKLY,
    OPEN_STAYS,
)
from schemas.catalogue_follow_ups import FOLLOW_UP_STATS, FOLLOW_UPS
from schemas.catalogue_funnels import (
    FUNNEL_BREAKDOWNS,
    FUNNEL_COHORTS,
    FUNNEL_PROGRESS,
    FUNNEL_STEPS,
)
from schemas.catalogue_hierarchy import HIERARCHY
from schemas.catalogue_history import (
    ASSIGNMENTS,
    ATTRIBUTE_CHANGES,
    STATE_VISITS,
    STATUS_SPELLS,
)
from schemas.catalogue_marts import (
    BACKLOG_DAILY,
    DURATION_STATS,
    FLOW_DAILY,
    STATE_TRANSITIONS,
    VARIANTS,
)
from schemas.catalogue_model import (
    COUNT,
    DAY,
    DEGREES,
    INSTANT,
    PERSONAL,
    OutputColumn,
    OutputTable,
)
from schemas.catalogue_operations import DATA_QUALITY, INGEST_FILES, QUARANTINE, VIOLATIONS
from schemas.catalogue_outcomes import (
    COHORT_OUTCOMES,
    OUTCOME_CURVES,
    OUTCOME_CURVES_BY,
    PROCESS_OUTCOMES,
    TIME_TO_OUTCOME,
)
from schemas.catalogue_people import ASSIGNEE_DAILY, ASSIGNEE_STATS, HANDOFFS
from schemas.catalogue_processes import PROCESS_LIFECYCLE, PROCESSES
from schemas.catalogue_sla import SLA_ATTAINMENT, SLA_CLOCKS, SLA_POLICIES, SLA_SEGMENTS

if TYPE_CHECKING:
    from schemas.definitions import Attribute, DerivedAttribute, Procedure, RecordAttribute

# `definitions.py` takes the reserved names from `catalogue_processes`, so nothing here may
# import it at run time.

TABLES: dict[str, OutputTable] = {
    table.name: table
    for table in (
        PROCESSES,
        STATE_VISITS,
        STATUS_SPELLS,
        ASSIGNMENTS,
        OPEN_STAYS,
        FOLLOW_UPS,
        ATTRIBUTE_CHANGES,
        HIERARCHY,
        PROCESS_LIFECYCLE,
        PROCESS_OUTCOMES,
        USERS,
        PODS,
        TEAMS,
        ENTITIES,
        RECORDS,
        VIOLATIONS,
        QUARANTINE,
        SLA_CLOCKS,
        SLA_SEGMENTS,
        FUNNEL_STEPS,
        FUNNEL_PROGRESS,
        FUNNEL_COHORTS,
        FUNNEL_BREAKDOWNS,
        SLA_ATTAINMENT,
        DURATION_STATS,
        TIME_TO_OUTCOME,
        OUTCOME_CURVES,
        OUTCOME_CURVES_BY,
        COHORT_OUTCOMES,
        BACKLOG_DAILY,
        BACKLOG_DAILY_BY_ASSIGNEE,
        BACKLOG_DAILY_BY_POD,
        FLOW_DAILY,
        FLOW_WEEKLY,
        CUMULATIVE_FLOW,
        ASSIGNEE_DAILY,
        ASSIGNEE_STATS,
        HANDOFFS,
        FOLLOW_UP_STATS,
        STATE_TRANSITIONS,
        VARIANTS,
        STATE_DURATIONS,
        REWORK,
        OPEN_AGEING,
        STALLED_PROCESSES,
        CONFORMANCE,
        CONFORMANCE_DEPARTURES,
        DERIVED_DRIFT,
        DATA_QUALITY,
        INGEST_FILES,
        CATALOG,
        METRIC_CATALOG,
        QUESTIONS,
        STATES,
        TRANSITIONS,
        FUNNELS,
        SLA_POLICIES,
        BUILD,
    )
}

_UNITS = {"TIMESTAMP": INSTANT, "DATE": DAY}
_PARTS = {"lat": "Latitude", "lng": "Longitude"}


def wide_table(procedure: Procedure) -> OutputTable:
    """`<shortId>_processes` (in lower case): all about each process of one procedure, side by side.

    Grain: one row per process. The columns of `processes`, the names of its ids, the attributes,
    derived attributes and record attributes in the order of the definition, then the columns of
    `process_lifecycle` that `processes` lacks.
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
            *LABELS,
            *(c for attribute in procedure.attributes for c in _entered(attribute)),
            *(c for attribute in procedure.derived_attributes for c in _derived(attribute)),
            *(c for attribute in procedure.record_attributes for c in _of_record(attribute)),
            *lifecycle,
        ),
    )


def published_tables(procedures: Iterable[Procedure]) -> tuple[OutputTable, ...]:
    """Every table of the published database: `TABLES`, then one wide table per procedure."""
    return (*TABLES.values(), *(wide_table(procedure) for procedure in procedures))


def catalog_rows(tables: Iterable[OutputTable], rows: Mapping[str, int]) -> list[dict[str, object]]:
    """The rows of `catalog`: one per table, with how many rows it has by `rows`."""
    return [
        {
            "table_name": table.name,
            "grain": table.grain,
            "n_rows": rows[table.name],
            "description": table.description,
        }
        for table in tables
    ]


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


def _entered(attribute: Attribute) -> tuple[OutputColumn, ...]:
    value = _value(attribute, f"Attribute {attribute.name}", "as the latest version says")
    return _parts(attribute, value)


def _of_record(attribute: RecordAttribute) -> tuple[OutputColumn, ...]:
    what = f"Attribute {attribute.name} of the record behind the process"
    value = _value(attribute, what, "as the latest `records` file says, whatever the as_of")
    return _parts(attribute, value)


def _derived(attribute: DerivedAttribute) -> tuple[OutputColumn, ...]:
    """What is computed, and beside it, or alone, what the platform supplied."""
    what = f"Derived attribute {attribute.name}"
    supplied = _value(attribute, what, "as the platform supplied it with the latest version")
    if not attribute.is_computed:
        return _parts(attribute, supplied)
    computed = _value(attribute, what, f"computed: {_derivation(attribute)}")
    if attribute.rollup and attribute.rollup.aggregate == "count":
        supplied, computed = replace(supplied, unit=COUNT), replace(computed, unit=COUNT)
    nulls = "when it gives null, or cannot be computed (see `violations`)"
    return (
        replace(computed, nulls=nulls),
        *_parts(attribute, replace(supplied, name=attribute.supplied_column)),
    )


def _parts(
    attribute: Attribute | DerivedAttribute | RecordAttribute, value: OutputColumn
) -> tuple[OutputColumn, ...]:
    """The column of a value, or those of its parts where its type has some."""
    kind = BY_NAME[attribute.type]
    if not kind.conversion.parts:
        return (value,)
    return tuple(
        replace(
            value,
            name=name,
            type=sql_type,
            unit=DEGREES,
            description=f"{_PARTS[part]}: {value.description}",
        )
        for part, (name, sql_type) in zip(
            kind.conversion.parts, kind.columns(value.name).items(), strict=True
        )
    )


def _derivation(attribute: DerivedAttribute) -> str:
    if attribute.formula:
        return f"`{' '.join(attribute.formula.split())}`"
    if attribute.script:
        return f"by `{attribute.script}` from {', '.join(attribute.reads)}"
    rollup = attribute.rollup
    assert rollup
    of = f" of `{rollup.of}`" if rollup.of else ""
    where = f" where `{rollup.where}`" if rollup.where else ""
    return (
        f"{rollup.aggregate}{of} over its {rollup.procedure} children{where}, without deleted ones"
    )


def _value(
    attribute: Attribute | DerivedAttribute | RecordAttribute, what: str, as_known: str
) -> OutputColumn:
    """The column of an attribute; options are spelt out, personal ones are marked."""
    sql_type = BY_NAME[attribute.type].sql_type
    sentences = [f"{what} (`{attribute.short_id}`, type {attribute.type}), {as_known}."]
    nulls = "when there is no value, or it does not convert to the type"
    if attribute.options:
        sentences.append(f"One of: {', '.join(map(str, attribute.options))}.")
        nulls = "when there is no value, or it is not one of the options"
    if attribute.is_personal:
        sentences.append(PERSONAL)
    return OutputColumn(
        attribute.column, sql_type, " ".join(sentences), _UNITS.get(sql_type, ""), nulls
    )
