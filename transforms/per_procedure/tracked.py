"""SQL for the values of attributes whose history is kept, version by version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from schemas.definitions.procedure import Procedure
from schemas.records.attribute_values import Value, values_of
from schemas.sql_text import listed, literal, quoted, union_all
from transforms.per_procedure.attributes import options_only, read_changes

_COLUMNS = {
    "process_id": "uuid",
    "procedure": "varchar",
    "version_no": "bigint",
    "stretch_no": "bigint",
    "state_rank": "integer",
    "assigned_to": "uuid",
    "is_deleted": "boolean",
    "updated_at": "timestamp",
    "started_at": "timestamp",
    "follows_erased": "boolean",
}
_TEXTS = """\
select
    {columns},
    {attribute} as attribute,
    {type} as type,
    {is_personal} as is_personal,
    {value}::varchar as value
from {typed}"""


def attribute_spells_sql(procedures: Iterable[Procedure], select: str) -> str:
    """The statement `select`, which reads `tracked_values`, with those of `procedures`."""
    tracking = [procedure for procedure in procedures if _tracked(procedure)]
    steps = {
        _typed_name(procedure): read_changes(procedure, _tracked(procedure), list(_COLUMNS))
        for procedure in tracking
    }
    columns = _COLUMNS | {
        "attribute": "varchar",
        "type": "varchar",
        "is_personal": "boolean",
        "value": "varchar",
    }
    texts = (text for procedure in tracking for text in _texts(procedure))
    steps["tracked_values"] = union_all(columns, texts)
    written = ",\n\n".join(f"{name} as (\n{query}\n)" for name, query in steps.items())
    return f"with {written}\n\nfrom (\n{select}\n) as spells"


def _tracked(procedure: Procedure) -> list[Value]:
    kept = {attribute.id for attribute in procedure.attributes if attribute.track}
    return [value for value in values_of(procedure) if value.id in kept]


def _typed_name(procedure: Procedure) -> str:
    return f"{procedure.short_id.lower()}_tracked"


def _texts(procedure: Procedure) -> Iterator[str]:
    """Grain of each: one row per version, with the value of one attribute as text."""
    for value in _tracked(procedure):
        yield _TEXTS.format(
            columns=listed(_COLUMNS, 4),
            attribute=literal(value.short_id),
            type=literal(value.type),
            is_personal=str(value.is_personal).lower(),
            value=f"({options_only(value, quoted(value.column))})",
            typed=_typed_name(procedure),
        )
