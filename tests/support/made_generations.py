"""Generations made by hand: two tables that must agree, and one with a column of every type.

What a copy of them must hold belongs to the tests.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from pipelines.settings import Settings

ROWS = 500
"""Rows of `processes` in a generation, times its number."""

# Column: the SQL of its value.
ODD = {
    "a_uuid": "uuid '00000000-0000-4000-8000-00000000000a'",
    "a_json": r"""'{"b": 1, "a": "\u0000 \\u0000 ü", "n": 1e400}'::json""",
    "a_huge_json": "'[1e200000]'::json",
    "a_time": "time '10:00:01.5'",
    "an_interval": "interval '1 month 2 days 3 seconds'",
    "a_decimal": "-12345678901234567890.123456789::decimal(38,9)",
    "a_hugeint": "99999999999999999999999999999999999999::hugeint",
    "a_ubigint": "18446744073709551615::ubigint",
    "a_utinyint": "255::utinyint",
    "a_double": "'nan'::double",
    "a_float": "0.1::float",
    "an_instant": "timestamp '2026-03-29 02:30:00.123456'",
    "an_old_instant": "timestamp '1890-01-01 00:00:00'",
    "a_day": "date '0044-03-15'",
    "a_text": "'tab\t, ' || chr(0) || ' nul, ''quotes'' \\ \U0001f600'",
    "an_empty_text": "''",
    "an_enum": "'b'::enum('a', 'b')",
    "bytes": r"'\x00\xFF'::blob",
    "texts": "['a', null, '', 'x' || chr(0)]",
    "ids": "[uuid '00000000-0000-4000-8000-00000000000a']",
    "numbers": "[1, null]::bigint[]",
    "no_numbers": "[]::bigint[]",
    "doubles": "[1.5]::double[]",
    "struct": "{'id': uuid '00000000-0000-4000-8000-00000000000a', 'l': [time '10:00:00']}",
    "structs": "[{'at': timestamp '2026-01-01 00:00:00'}]",
    "a_map": "map {'k': 1.5::decimal(5,2)}",
    "nothing": "null::integer",
    "ctid": "1",
    "Group": "true",
    f"long_{'é' * 40}": "1::bigint",
    f"long_{'é' * 41}": "2::bigint",
}


def write_generation(settings: Settings, number: int, *, built_at: str = "2026-03-01") -> Path:
    """Write a generation and let the pointer name it."""
    settings.generations.mkdir(parents=True, exist_ok=True)
    path = settings.generations / f"analytics-{number:06}.duckdb"
    path.unlink(missing_ok=True)
    values = ", ".join(f'{sql} as "{name}"' for name, sql in ODD.items())
    nulls = ", ".join(f'if(true, null, {sql}) as "{name}"' for name, sql in ODD.items())
    with duckdb.connect(path) as con:
        con.execute(f"""
            create table build as select timestamp '2026-02-01 12:00:00' as as_of,
                timestamp '{built_at} 00:00:00' + interval {number} minutes as built_at,
                {number}::integer as generation, '0.1.0' as leadtime_version;
            create table catalog as select 'processes' as table_name, 'it''s' as description;
            create table odd as select {values} union all select {nulls};
            create table processes as
            select {number}::integer as generation, i as process_no
            from range({number * ROWS}) as r(i);
            create table visits as from processes;
        """)
        for (name,) in con.execute("select table_name from duckdb_tables()").fetchall():
            con.execute(f"comment on table {name} is 'Rows of {name}; it''s. Grain: one row.'")
        con.execute("comment on column processes.process_no is 'Number; it''s from 0.'")
    link = settings.published
    link.unlink(missing_ok=True)
    link.symlink_to(path.relative_to(settings.data))
    return path


def facts_of(path: Path) -> dict[str, object]:
    return json.loads(path.read_bytes())
