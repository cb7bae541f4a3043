"""Every built table of some procedures: the catalogue's, and one wide table per procedure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schemas.catalogue.activities import PROCESS_CONTACTS
from schemas.catalogue.dimensions import LABELS
from schemas.catalogue.model import (
    COUNT,
    DAY,
    DEGREES,
    INSTANT,
    OutputColumn,
    OutputTable,
)
from schemas.catalogue.processes import PROCESS_LIFECYCLE, PROCESSES
from schemas.catalogue.tables import TABLES
from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import Attribute, DerivedAttribute, Procedure, RecordAttribute
from schemas.privacy import Privacy, strictest

_UNITS = {"TIMESTAMP": INSTANT, "DATE": DAY}
_PARTS = {"lat": "Latitude", "lng": "Longitude"}


def wide_table_name(short_id: str) -> str:
    """The name of the wide table of the procedure with this shortId."""
    return f"{short_id.lower()}_processes"


def wide_table(procedure: Procedure) -> OutputTable:
    """`<shortId>_processes` (in lower case): the processes of one procedure with all their columns.

    Grain: one row per process. The columns of `processes`, the names of its ids, the attributes,
    derived attributes and record attributes in the order of the definition, then the columns of
    `process_lifecycle` and `process_contacts` that `processes` lacks.
    """
    further = [
        column
        for table in (PROCESS_LIFECYCLE, PROCESS_CONTACTS)
        for column in table.columns
        if column.name not in PROCESSES.column_names
    ]
    table = OutputTable(
        wide_table_name(procedure.short_id),
        "core",
        f"Processes of the procedure {procedure.name} with their attributes, lifecycle, calls "
        "and tasks at the build's as_of. Start here.",
        "one row per process",
        (
            *PROCESSES.columns,
            *LABELS,
            *(c for attribute in procedure.attributes for c in _entered(attribute)),
            *(c for attribute in procedure.derived_attributes for c in _derived(attribute)),
            *(c for attribute in procedure.record_attributes for c in _of_record(attribute)),
            *further,
        ),
        key=PROCESSES.key,
    )
    return _with_label(table, procedure.naming_attributes)


def built_tables(procedures: Iterable[Procedure]) -> tuple[OutputTable, ...]:
    """Every table as built, in clear: `TABLES`, then one wide table per procedure."""
    defined = list(procedures)
    with_values = _with_values(defined)
    naming = [attribute for procedure in defined for attribute in procedure.naming_attributes]
    return (
        *(
            _with_label(_at_level(t, strictest(map(_level, with_values.get(t.name, ())))), naming)
            for t in TABLES.values()
        ),
        *(wide_table(procedure) for procedure in defined),
    )


def _with_values(procedures: Iterable[Procedure]) -> dict[str, list[Attribute]]:
    """The attributes that have values in tables of many attributes, by table."""
    found: dict[str, list[Attribute]] = {
        "attribute_changes": [],
        "attribute_spells": [],
        "funnel_breakdowns": [],
        "outcome_curves_by": [],
    }
    for procedure in procedures:
        broken_down = {b.attribute for funnel in procedure.funnels for b in funnel.breakdowns}
        for attribute in procedure.attributes:
            for table, has_values in (
                ("attribute_changes", attribute.track),
                ("attribute_spells", attribute.track),
                ("funnel_breakdowns", attribute.short_id in broken_down),
                ("outcome_curves_by", attribute.short_id in procedure.compare_by),
            ):
                if has_values:
                    found[table].append(attribute)
    return found


def _level(attribute: Attribute) -> Privacy:
    """How personal values are; those that are not published in clear are treated as personal."""
    is_hidden = attribute.published_as != "clear"
    return "direct" if is_hidden and attribute.privacy == "no" else attribute.privacy


def _at_level(table: OutputTable, level: Privacy) -> OutputTable:
    """The table, its columns with values of attributes as personal as these are."""
    columns = (replace(c, personal=level) if c.of_attribute else c for c in table.columns)
    return replace(table, columns=tuple(columns))


def _with_label(table: OutputTable, naming: Iterable[Attribute]) -> OutputTable:
    """The table, its labels as personal as the attributes whose values they are."""
    level = strictest(attribute.privacy for attribute in naming)
    columns = (replace(c, personal=level) if c.name == "label" else c for c in table.columns)
    return replace(table, columns=tuple(columns))


def _entered(attribute: Attribute) -> tuple[OutputColumn, ...]:
    value = _value(attribute, f"Attribute {attribute.name}", "in the latest version")
    return _parts(attribute, value)


def _of_record(attribute: RecordAttribute) -> tuple[OutputColumn, ...]:
    what = f"Attribute {attribute.name} of the record behind the process"
    value = _value(attribute, what, "from the latest `records` file, whatever the as_of")
    return _parts(attribute, value)


def _derived(attribute: DerivedAttribute) -> tuple[OutputColumn, ...]:
    """The computed column, if any, and the column of the value that the platform supplied."""
    what = f"Derived attribute {attribute.name}"
    supplied = _value(attribute, what, "as supplied by the platform in the latest version")
    if not attribute.is_computed:
        return _parts(attribute, supplied)
    computed = _value(attribute, what, f"computed: {_derivation(attribute)}")
    if attribute.rollup and attribute.rollup.aggregate == "count":
        supplied, computed = replace(supplied, unit=COUNT), replace(computed, unit=COUNT)
    nulls = "if the result is null, or cannot be computed (see `violations`)"
    return (
        replace(computed, nulls=nulls),
        *_parts(attribute, replace(supplied, name=attribute.supplied_column)),
    )


def _parts(
    attribute: Attribute | DerivedAttribute | RecordAttribute, value: OutputColumn
) -> tuple[OutputColumn, ...]:
    """The column of a value, or those of its parts if its type has parts."""
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
    """The column of an attribute, with its options, and how personal it is."""
    sql_type = BY_NAME[attribute.type].sql_type
    sentences = [f"{what} (`{attribute.short_id}`, type {attribute.type}), {as_known}."]
    nulls = "if there is no value, or it does not convert to the type"
    if attribute.options:
        # Where values are not published in clear, neither is what they may be.
        if attribute.published_as == "clear":
            sentences.append(f"One of: {', '.join(map(str, attribute.options))}.")
        nulls = "if there is no value, or it is not one of the options"
    return OutputColumn(
        attribute.column,
        sql_type,
        " ".join(sentences),
        _UNITS.get(sql_type, ""),
        nulls,
        personal=attribute.privacy,
        publish=attribute.publish,
    )
