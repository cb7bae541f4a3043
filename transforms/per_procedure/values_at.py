"""SQL for attribute values as they were at an instant."""

from __future__ import annotations

from collections.abc import Sequence

from schemas.compiled.values_at import values_needed_then
from schemas.definitions.procedure import Procedure
from schemas.records.attribute_values import values_of
from schemas.sql_text import listed, literal, quoted
from transforms.per_procedure.attributes import kept_columns, read_changes

VERSION_NO = "version no"
"""The column with the number of the version; no attribute can have a blank in its name."""
IS_FIRST = "is first"
"""The column that marks the first version of a process in the procedure."""

_VALUES = """
select
    process_id,
    updated_at,
    version_no as "{version_no}",
    row_number() over (partition by process_id order by version_no) = 1 as "{is_first}"{columns}
from (
{typed}
) as typed
"""
_THEN = """
    select
        {names}
    from (
        select
            {kept},
            arg_max(struct_pack({packed}), v."{version_no}") as "values then"
        from {moments} as m
        inner join history_{values} as v
            on v.process_id = m.process_id
            and (
                v."{is_first}"
                or (
                    v.updated_at <= m.happened_at
                    and (m.version_no is null or v."{version_no}" <= m.version_no)
                )
            )
        group by {keys}
    ) as latest
"""


def values_table(procedure: Procedure) -> str:
    """The name of the history table with the values of each version."""
    return f"{procedure.short_id.lower()}_values"


def values_sql(procedure: Procedure) -> str:
    """Grain: one row per version that may have changed a value of the procedure's attributes.

    `process_id`, `updated_at`, "version no", "is first" and one typed column for each attribute
    that is needed. The first version is always included.
    """
    needed = set(values_needed_then(procedure))
    values = [value for value in values_of(procedure) if needed & value.columns.keys()]
    typed = read_changes(procedure, values, ["process_id", "updated_at", "version_no"])
    columns = [
        f",\n    {part} as {quoted(name)}"
        for name, part in kept_columns(values).items()
        if name in needed
    ]
    return _VALUES.format(
        version_no=VERSION_NO,
        is_first=IS_FIRST,
        columns="".join(columns),
        typed=typed,
    )


def values_then_name(procedure: Procedure) -> str:
    """The name of the step of a statement that holds the rows of `values_then_step`."""
    return f"{procedure.short_id.lower()}_then"


def values_then_step(moments: str, procedure: Procedure, *, keep: Sequence[str]) -> str:
    """The step (for `with`) of the rows of `moments` with the attribute values at each.

    `moments` has `process_id`, `happened_at` and `version_no`: the version that shows the event,
    null if none does. The values are those of the last version until the instant; of versions of
    that instant, none after `version_no` counts. Before the first version they are those of the
    first one. The columns `keep`, which together identify a row, are named "moment:<name>", as no
    attribute can have a colon in its name. Moments of processes of other procedures may be missing.
    """
    rows = _values_then(moments, procedure, keep)
    return f"{values_then_name(procedure)} as materialized ({rows})"


def moment_columns(names: Sequence[str], indent: int) -> str:
    """The columns that `values_then_step` kept, under their own names again."""
    return listed((f"{quoted(_of_moment(name))} as {name}" for name in names), indent)


def _of_moment(name: str) -> str:
    return f"moment:{name}"


def _values_then(moments: str, procedure: Procedure, keep: Sequence[str]) -> str:
    needed = values_needed_then(procedure)
    names = [quoted(_of_moment(name)) for name in keep]
    kept = [f"m.{column} as {name}" for column, name in zip(keep, names, strict=True)]
    if not needed:
        return f"select {', '.join(kept)} from {moments} as m"
    values = [
        f'struct_extract("values then", {literal(name)}) as {quoted(name)}' for name in needed
    ]
    return _THEN.format(
        names=listed([*names, *values], 8),
        kept=listed(kept, 12),
        packed=", ".join(f"{quoted(name)} := v.{quoted(name)}" for name in needed),
        moments=moments,
        values=values_table(procedure),
        version_no=VERSION_NO,
        is_first=IS_FIRST,
        keys=", ".join(f"m.{name}" for name in keep),
    )
