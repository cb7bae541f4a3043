"""A schema of PostgreSQL: types, rights, and one generation at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.export.engines.address import parse_address
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.copy import copy_generation
from pipelines.settings import Settings
from schemas.errors import OperationError
from tests.support.made_generations import ROWS, write_generation
from tests.support.mortal_copy import mortal_copies
from tests.support.postgres_server import PASSWORD, PostgresServer, running_postgres

dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="its extra is not installed")
# A call at which a copy is killed, and how many generations behind the schema is then.
DEATHS = {
    "postgres_server:Server.append 3": 1,
    "postgres:_replace 1": 1,
    "postgres:_drop_others 2": 0,
}
MORE_DEATHS = {"postgres:_grants 1": 1, "postgres:_free_name 1": 1, "postgres:_drop 1": 0}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    with running_postgres() as running:
        yield running


@pytest.fixture
def schema(request: pytest.FixtureRequest) -> str:
    """A schema of the test alone, as the server is shared."""
    return request.node.originalname.removeprefix("test_")[:30]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return Settings(data=tmp_path / "data", wait_seconds=0)


def copy(
    settings: Settings, server: PostgresServer, schema: str, number: int | None = None
) -> Copied:
    """Copy a generation; the one with a number is written first."""
    if number is not None:
        write_generation(settings, number)
    return copy_generation(settings, parse_address(server.address(schema)))


def schemas_of(server: PostgresServer, schema: str) -> list[str]:
    query = f"select nspname from pg_namespace where nspname ~ '^{schema}' order by 1"
    return server.psql(query).split("\n")


def one_generation(server: PostgresServer, schema: str) -> int:
    """The generation of a schema whose tables agree: what a reader may see."""
    found = server.psql(
        f"select generation, generation, {ROWS} * generation from {schema}.build",
        *(
            f"select min(generation), max(generation), count(*) from {schema}.{name}"
            for name in ("processes", "visits")
        ),
    )
    (agreed,) = set(found.split("\n"))
    return int(agreed.partition("|")[0])


ID = "00000000-0000-4000-8000-00000000000a"
# Column, type, and value as text, of the table with a column of every type.
EXPECTED = [
    ("a_uuid", "uuid", ID),
    ("a_json", "jsonb", '{"a": "\ufffd \\\\u0000 ü", "b": 1, "n": 1%s}' % ("0" * 400)),
    ("a_huge_json", "jsonb", '"[1e200000]"'),
    ("a_time", "time without time zone", "10:00:01.5"),
    ("an_interval", "interval", "1 mon 2 days 00:00:03"),
    ("a_decimal", "numeric(38,9)", "-12345678901234567890.123456789"),
    ("a_hugeint", "numeric(38,0)", "9" * 38),
    ("a_ubigint", "numeric(20,0)", "18446744073709551615"),
    ("a_utinyint", "smallint", "255"),
    ("a_double", "double precision", "NaN"),
    ("a_float", "real", "0.1"),
    ("an_instant", "timestamp with time zone", "2026-03-29 02:30:00.123456+00"),
    ("an_old_instant", "timestamp with time zone", "1890-01-01 00:00:00+00"),
    ("a_day", "date", "0044-03-15"),
    ("a_text", "text", "tab\t, \ufffd nul, 'quotes' \\ \U0001f600"),
    ("an_empty_text", "text", ""),
    ("an_enum", "text", "b"),
    ("bytes", "bytea", r"\x00ff"),
    ("texts", "text[]", '{a,NULL,"",x\ufffd}'),
    ("ids", "text[]", f"{{{ID}}}"),
    ("numbers", "bigint[]", "{1,NULL}"),
    ("no_numbers", "bigint[]", "{}"),
    ("doubles", "double precision[]", "{1.5}"),
    ("struct", "jsonb", f'{{"l": ["10:00:00"], "id": "{ID}"}}'),
    ("structs", "jsonb", '[{"at": "2026-01-01 00:00:00"}]'),
    ("a_map", "jsonb", '{"k": 1.5}'),
    ("nothing", "integer", None),
    # No column may have the name of a system column, or one of more than 63 bytes.
    ("ctid_", "integer", "1"),
    ("Group", "boolean", "t"),
    (f"long_{'é' * 25}_b78662", "bigint", "1"),
    (f"long_{'é' * 25}_7becc1", "bigint", "2"),
]


def test_types_and_comments(settings: Settings, server: PostgresServer, schema: str) -> None:
    copied = copy(settings, server, schema, 3)
    assert (copied.tables, copied.rows, copied.is_new) == (5, 1 + 1 + 2 + 2 * 3 * ROWS, True)
    types = server.rows(f"""
        select attname, format_type(atttypid, atttypmod) from pg_attribute
        where attrelid = '{schema}.odd'::regclass and attnum > 0 order by attnum
    """)
    values, nulls = server.rows(f"select * from {schema}.odd order by ctid")
    found = [(*named, value) for named, value in zip(types, values, strict=True)]
    assert found == EXPECTED
    assert set(nulls) == {None}
    query = f"select obj_description('{schema}.processes'::regclass, 'pg_class')"
    assert server.psql(query) == "Rows of processes; it's. Grain: one row."
    query = f"select col_description('{schema}.processes'::regclass, 2)"
    assert server.psql(query) == "Number; it's from 0."
    query = f"select obj_description('{schema}'::regnamespace, 'pg_namespace')"
    said = "leadtime generation 3, as of 2026-02-01T12:00:00.000000, built at 2026-03-01T00:03:00"
    assert server.psql(query) == f"{said}.000000"


def test_the_same_generation_is_written_once(
    settings: Settings, server: PostgresServer, schema: str
) -> None:
    assert copy(settings, server, schema, 1).is_new
    query = f"select oid from pg_class where relnamespace = '{schema}'::regnamespace order by 1"
    before = server.psql(query)
    assert not copy(settings, server, schema).is_new
    assert server.psql(query) == before
    # Another data folder has a generation of that number too.
    write_generation(settings, 1, built_at="2026-04-01")
    assert copy(settings, server, schema).is_new
    assert server.psql(query) != before


@pytest.mark.nightly
@pytest.mark.parametrize("deaths", [DEATHS, MORE_DEATHS])
def test_a_copy_that_is_killed(
    settings: Settings, server: PostgresServer, schema: str, deaths: dict[str, int]
) -> None:
    number = 1
    copy(settings, server, schema, 1)
    with mortal_copies() as mortal:
        for point, behind in deaths.items():
            number += 1
            write_generation(settings, number)
            called = f"pipelines.export.engines.{point}"
            assert mortal(settings.data, server.address(schema), called) == -9, point
            assert one_generation(server, schema) == number - behind
            copy(settings, server, schema)
            assert one_generation(server, schema) == number
            assert schemas_of(server, schema) == [schema]


def test_a_transaction_sees_one_generation(
    settings: Settings, server: PostgresServer, schema: str
) -> None:
    """Also between its statements, while one generation replaces the other."""
    settings = replace(settings, wait_seconds=20)
    copy(settings, server, schema, 1)
    seen: list[list[tuple[Any, ...]]] = []
    is_done = threading.Event()

    def read() -> None:
        with closing(connect(server, schema)) as con, con.cursor() as cursor:
            while not is_done.wait(0.02):
                found: list[tuple[Any, ...]] = []
                for table in ("build", "processes", "visits", "build"):
                    query = f"select min(generation), count(*) from {schema}.{table}"
                    cursor.execute(query)
                    found += cursor.fetchall()
                con.rollback()
                seen.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    for number in (2, 3, 1, 2):
        copy(settings, server, schema, number)
    is_done.set()
    reader.join()
    assert {found[0][0] for found in seen} == {1, 2, 3}
    for found in seen:
        number = found[0][0]
        rows = number * ROWS
        assert found == [(number, 1), (number, rows), (number, rows), (number, 1)]


def connect(server: PostgresServer, schema: str) -> Any:
    address = parse_address(server.address(schema))
    return dbapi.connect(getattr(address, "uri"))  # noqa: B009


def test_a_transaction_that_reads_is_waited_for(
    settings: Settings, server: PostgresServer, schema: str
) -> None:
    copy(settings, server, schema, 1)
    with closing(connect(server, schema)) as con, con.cursor() as cursor:
        cursor.execute(f"select pg_backend_pid(), count(*) from {schema}.visits")
        ((pid, _),) = cursor.fetchall()
        with pytest.raises(OperationError, match=rf"processes {pid}, then publish again"):
            copy(settings, server, schema, 2)
        cursor.execute(f"select generation from {schema}.build")
        assert cursor.fetchall() == [(1,)]
        con.rollback()
    assert schemas_of(server, schema) == [schema]
    assert copy(settings, server, schema).is_new
    assert one_generation(server, schema) == 2


def test_roles_keep_what_they_may_read(
    settings: Settings, server: PostgresServer, schema: str
) -> None:
    copy(settings, server, schema, 1)
    server.psql(
        f"grant usage on schema {schema} to analyst, guest",
        f"grant select on all tables in schema {schema} to analyst",
        f"grant select on {schema}.visits to guest",
        f"drop table {schema}.odd",  # as if it were new in the next one
    )
    copy(settings, server, schema, 2)
    rights = server.rows(f"""
        select r.role, c.relname from pg_class as c, (values ('analyst'), ('guest')) as r (role)
        where c.relnamespace = '{schema}'::regnamespace and c.relkind = 'r'
            and has_table_privilege(r.role, c.oid, 'select')
            and has_schema_privilege(r.role, c.relnamespace, 'usage')
        order by 1, 2
    """)
    all_tables = ["build", "catalog", "odd", "processes", "visits"]
    assert rights == [*(["analyst", name] for name in all_tables), ["guest", "visits"]]


def test_what_others_made_is_kept(settings: Settings, server: PostgresServer, schema: str) -> None:
    """A view stays with its tables: the operator hears of it."""
    copy(settings, server, schema, 1)
    server.psql(
        f"create view public.numbers as select process_no from {schema}.visits",
        f"create table {schema}.notes as select 1 as note",
    )
    (note,) = copy(settings, server, schema, 2).notes
    assert f"the schema {schema}_old_1 stays" in note
    assert one_generation(server, schema) == 2
    assert server.psql("select count(*) from public.numbers") == str(ROWS)
    copy(settings, server, schema, 3)
    assert schemas_of(server, schema) == [schema, f"{schema}_old_1"]
    server.psql("drop view public.numbers", f"drop table {schema}_old_1.notes")
    assert copy(settings, server, schema).notes == ()
    assert schemas_of(server, schema) == [schema]


def test_a_schema_of_others_is_left_alone(
    settings: Settings, server: PostgresServer, schema: str
) -> None:
    server.psql(f"create schema {schema}", f"create table {schema}.mine as select 1 as n")
    with pytest.raises(OperationError, match="has tables that leadtime did not write"):
        copy(settings, server, schema, 1)
    assert server.psql(f"select n from {schema}.mine") == "1"
    server.psql(f"drop table {schema}.mine")  # an empty one may have been made for us
    assert copy(settings, server, schema).is_new


def test_errors_show_no_password(
    settings: Settings, server: PostgresServer, schema: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_generation(settings, 1)
    monkeypatch.delenv("PGPASSWORD")
    secret = "s%65cret"
    good = server.address(schema)
    for uri, found in (
        (
            good.replace("loader@", f"loader:{secret}@"),
            'password authentication failed for user "loader"',
        ),
        (f"{good}&password=secret", "password authentication failed"),
        (f"{good}&secret=1", 'invalid URI query parameter: "***"'),
        (good, "no password supplied"),
    ):
        address = parse_address(f"{uri}&sslpassword=secret" if "=1" in uri else uri)
        with pytest.raises(OperationError) as raised:
            copy_generation(settings, address)
        assert found in str(raised.value)
        for text in (str(raised.value), repr(raised.value), repr(address), address.shown):
            assert "secret" not in text
            assert secret not in text


def test_missing_rights_are_named(settings: Settings, server: PostgresServer, schema: str) -> None:
    server.psql("alter role guest password 'pass word'", user="postgres")
    write_generation(settings, 1)
    with pytest.raises(OperationError, match=r"permission denied for database tables\. Grant it"):
        copy_generation(settings, parse_address(server.address(schema, user="guest")))
