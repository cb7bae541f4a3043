"""SQL around computed attributes: the wide table, and the comparison with supplied values."""

from __future__ import annotations

from collections.abc import Iterator

from schemas.compiled.wide_table import wide_table
from schemas.definitions.attribute_types import BY_NAME
from schemas.definitions.procedure import DerivedAttribute, Procedure, Procedures
from schemas.sql_text import listed, literal, quoted, union_all
from transforms.per_procedure.wide import attributes_table

_COMPARISON_COLUMNS = {
    "process_id": "uuid",
    "procedure": "varchar",
    "attribute": "varchar",
    "is_personal": "boolean",
    "supplied": "varchar",
    "computed": "varchar",
    "differs": "boolean",
    "is_failed": "boolean",
}
_COMPARISON = """\
select
    d.process_id,
    {procedure} as procedure,
    {attribute} as attribute,
    {is_personal} as is_personal,
    {supplied}::varchar as supplied,
    {computed}::varchar as computed,
    {differs} as differs,
    list_contains(d.failed, {attribute}) as is_failed
from {derived} as d
inner join history_{attributes} as a on a.process_id = d.process_id"""


def base_table(procedure: Procedure) -> str:
    """The view with everything about a process that is not computed."""
    return f"{procedure.short_id.lower()}_base"


def derived_table(procedure: Procedure) -> str:
    """The table with the computed attributes of a procedure's processes."""
    return f"{procedure.short_id.lower()}_derived"


def has_computed(procedure: Procedure) -> bool:
    """Whether leadtime computes attributes of a procedure."""
    return any(d.is_computed for d in procedure.derived_attributes)


def processes_sql(procedure: Procedure) -> str:
    """Grain: one row per process of the procedure: all values, given and computed."""
    computed = {d.column for d in procedure.derived_attributes if d.is_computed}
    names = wide_table(procedure).column_names
    columns = listed((f"{'d' if n in computed else 'b'}.{quoted(n)}" for n in names), 4)
    query = f"select\n    {columns}\nfrom {base_table(procedure)} as b"
    if not has_computed(procedure):
        return query
    return f"{query}\ninner join {derived_table(procedure)} as d on d.process_id = b.process_id"


def comparisons_sql(procedures: Procedures) -> str:
    """Grain: one row per process and computed attribute, beside what the platform supplied.

    `differs` is null unless both values exist; floating numbers may differ in the ninth digit.
    """
    return union_all(_COMPARISON_COLUMNS, _comparisons(procedures))


def _comparisons(procedures: Procedures) -> Iterator[str]:
    for procedure in procedures:
        for attribute in procedure.derived_attributes:
            if attribute.is_computed:
                supplied = f"a.{quoted(attribute.supplied_column)}"
                computed = f"d.{quoted(attribute.column)}"
                yield _COMPARISON.format(
                    procedure=literal(procedure.short_id),
                    attribute=literal(attribute.short_id),
                    is_personal="true" if attribute.is_personal else "false",
                    supplied=supplied,
                    computed=computed,
                    differs=_differs(attribute, supplied, computed),
                    derived=derived_table(procedure),
                    attributes=attributes_table(procedure),
                )


def _differs(attribute: DerivedAttribute, supplied: str, computed: str) -> str:
    if BY_NAME[attribute.type].sql_type != "DOUBLE":
        return f"{supplied} <> {computed}"
    tolerance = f"1e-9 * (1 + abs({supplied}) + abs({computed}))"
    return f"abs({supplied} - {computed}) > {tolerance}"
