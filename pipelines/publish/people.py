"""`people.duckdb`: the values that the published database has keys of, or leaves out.

One table per core table with such values, with the key of that table and these values in clear, and
`keys` with the value of every key.
"""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import duckdb

from pipelines.publish.described import STORAGE_VERSION, create_described
from pipelines.publish.files import number_of, people_files
from pipelines.publish.masking import Masking
from pipelines.publish.target import move_to_name
from pipelines.settings import Settings
from pipelines.warehouse.rights import give_to_people_group
from pipelines.warehouse.sync import sync
from schemas.compiled.masking import KEYS, MaskedTable, people_table
from schemas.sql_text import literal, quoted
from transforms.transaction import transaction


def write_people(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    tables: Sequence[MaskedTable],
    masking: Masking,
    *,
    number: int,
) -> None:
    """Write the personal values behind a generation, unless an earlier one has the same.

    Runs inside `keys_under`.
    """
    settings.people_files.mkdir(0o700, parents=True, exist_ok=True)
    path = settings.people_files / f"people-{number:06}.duckdb"
    building = settings.temporary / f"{path.name}.building"
    # A run that was killed may have left the file of a generation that was never published.
    for leftover in (path, building, building.with_name(building.name + ".wal")):
        leftover.unlink(missing_ok=True)
    con.execute(f"attach {literal(str(building))} as people (storage_version '{STORAGE_VERSION}')")
    try:
        with transaction(con):
            _create(con, tables, masking)
        con.execute("checkpoint people")
        earlier = [f for f in people_files(settings.people_files) if number_of(f) < number]
        before = max(earlier, key=number_of, default=None)
        is_new = before is None or _differs(con, before)
    finally:
        con.execute("detach people")
    if is_new:
        sync(building)
        give_to_people_group(building, settings)
        move_to_name(building, path)
    else:
        building.unlink()


def _create(
    con: duckdb.DuckDBPyConnection, tables: Sequence[MaskedTable], masking: Masking
) -> None:
    texts: list[str] = []
    for table in tables:
        place = quoted(table.built.name)
        if table.built.layer == "core" and table.built.key and table.hidden:
            create_described(con, "people", people_table(table), masking.hidden_values(table))
            # A wide table is a view, whose joins are planned and run at each reading.
            if not any(column.of_attribute for column in table.hidden):
                place = f"people.{place}"
        if query := masking.keyed_texts(table, place):
            texts.append(query)
    create_described(
        con,
        "people",
        KEYS,
        f"select key_of(value) as key, value from (select distinct value from "
        f"({' union all '.join(texts)})) where value is not null",
    )


def _differs(con: duckdb.DuckDBPyConnection, before: Path) -> bool:
    """Whether the attached `people` differs from an earlier file; one that cannot be read does."""
    try:
        con.execute(f"attach {literal(str(before))} as people_before (read_only)")
        return _content(con, "people") != _content(con, "people_before")
    except duckdb.Error:
        return True
    finally:
        with suppress(duckdb.Error):
            con.execute("detach people_before")


def _content(con: duckdb.DuckDBPyConnection, catalog: str) -> list[object]:
    """The columns and comments of a database, and the rows of each table as a hash."""
    query = """
        select table_name, column_name, data_type, comment
        from duckdb_columns() where database_name = $catalog order by table_name, column_index
    """
    columns = con.execute(query, {"catalog": catalog}).fetchall()
    tables = sorted({table for table, *_ in columns})
    hashes = (
        con.execute(
            f"select count(*), bit_xor(hash(t)) from {catalog}.{quoted(table)} as t"
        ).fetchall()
        for table in tables
    )
    return [columns, *hashes]
