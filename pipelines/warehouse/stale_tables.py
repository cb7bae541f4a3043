"""Built tables of former definitions, removed by the next run."""

import duckdb

from schemas.definitions.procedure import Procedures
from schemas.sql_text import quoted
from transforms.builder.tables import load_tables


def drop_stale_tables(con: duckdb.DuckDBPyConnection, procedures: Procedures) -> list[str]:
    """Drop built tables that no definition has any more, after a procedure was renamed or removed.

    Also those that this version of leadtime keeps elsewhere or not at all. Returns their names. Raw
    tables stay: no version is lost.
    """
    known = {
        ("core" if table.layer == "step" else table.layer, table.name)
        for table in load_tables(procedures).values()
        if table.kind != "view"
    }
    scripts = tuple(f"script {procedure.short_id.lower()} " for procedure in procedures)
    dropped: list[str] = []
    for schema, name in con.execute(_BUILT_TABLES).fetchall():
        if (schema, name) not in known and not name.startswith(scripts):
            con.execute(f"drop table {schema}.{quoted(name)}")
            dropped.append(f"{schema}.{name}")
            if schema == "history":
                query = "delete from history.watermarks where table_name = $name"
                con.execute(query, {"name": name})
    return dropped


# Every table of `core` and `mart` is built; `history` also has tables about the build itself.
_BUILT_TABLES = """
    with marks as (
        select table_name from history.watermarks
    )

    select t.schema_name, t.table_name
    from duckdb_tables() as t
    where
        t.database_name = current_database()
        and (
            t.schema_name in ('core', 'mart')
            or (
                t.schema_name = 'history'
                and (
                    t.table_name in (select table_name from marks)
                    or starts_with(t.table_name, 'script ')
                )
            )
        )
    order by t.schema_name, t.table_name
"""
