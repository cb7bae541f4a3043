"""A generation as tables of PostgreSQL, in one schema that is replaced at once.

The tables are written into a new schema, in one transaction. Another one locks the tables of the
former generation, which waits for transactions that have read them, and renames both schemas. So a
transaction that has read a table sees no other generation until its end.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime

from pipelines.export.engines.address import PostgresAddress
from pipelines.export.engines.copied import Copied
from pipelines.export.engines.postgres_server import Server, connect, server_name
from pipelines.export.engines.source import Identity, Source, SourceColumn, SourceTable
from pipelines.export.engines.types import postgres_column
from pipelines.settings import Settings
from schemas.errors import OperationError
from schemas.sql_text import literal, quoted

_MARK = re.compile(r"leadtime generation (\d+), as of (\S+), built at (\S+)")
# A lock is waited for so long, during which new readers wait too: less than the second after which
# PostgreSQL looks for deadlocks, so that it never ends a reader's transaction.
_LOCK_MILLISECONDS = 800
_PAUSE_SECONDS = 1.0
_DROP_MILLISECONDS = 5_000
_LOCKED, _DEPENDED_ON = ("57014", "55P03", "40P01"), "2BP01"


def copy_to_postgres(source: Source, settings: Settings, address: PostgresAddress) -> Copied:
    """Write the tables of a generation to a new schema, which then replaces the former one.

    Roles keep what they may read: a role that may read every table may read the new ones too.
    Raises `OperationError` when the library is not installed, the server refuses something, the
    schema has other things, another process writes to it, or transactions read its tables for more
    than `settings.wait_seconds`.
    """
    schema = address.schema
    with closing(connect(address)) as server:
        _lock(server, address)
        notes = _drop_others(server, schema)
        former = _former(server, address)
        is_new = former != source.identity
        if is_new:
            _write(source, server, address)
            try:
                _replace(server, address, settings.wait_seconds)
            except OperationError:
                with suppress(OperationError):
                    server.run(f"drop schema {_new(schema)} cascade")
                raise
            notes = _drop_others(server, schema)
    number = source.identity.number
    tables = len(source.tables)
    return Copied(address.shown, number, tables, source.n_rows, is_new=is_new, notes=tuple(notes))


def _write(source: Source, server: Server, address: PostgresAddress) -> None:
    """Write all tables, with their comments and the rights of the former ones."""
    new = _new(address.schema)
    with _transaction(server):
        server.run(f"create schema {new}")
        server.run(f"comment on schema {new} is {literal(_mark(source.identity))}")
        for table in source.tables:
            _write_table(source, table, server, new)
        for grant in _grants(server, address.schema, source.tables):
            server.run(grant)


def _write_table(source: Source, table: SourceTable, server: Server, schema: str) -> None:
    name = server_name(table.name)
    place = f"{schema}.{quoted(name)}"
    server.run_block(_definition(table, place))
    written = server.append(name, source.rows(table, _selected), schema=schema)
    if written != table.n_rows:
        found = f"took {written:,} rows of {table.n_rows:,} of {table.name}"
        raise OperationError(server.shown, found, "Publish again.")
    server.run(f"analyze {place}")


def _selected(column: SourceColumn) -> str:
    return f"{postgres_column(column.name, column.kind).value} as {_name(column)}"


def _name(column: SourceColumn) -> str:
    return quoted(server_name(column.name))


def _definition(table: SourceTable, place: str) -> Iterator[str]:
    """The statements that make a table, with its comments."""
    types = {_name(c): postgres_column(c.name, c.kind).type for c in table.columns}
    listed = ", ".join(f"{name} {kind}" for name, kind in types.items())
    yield f"create table {place} ({listed})"
    yield f"comment on table {place} is {literal(table.comment)}"
    for column in table.columns:
        yield f"comment on column {place}.{_name(column)} is {literal(column.comment)}"


def _grants(server: Server, schema: str, tables: tuple[SourceTable, ...]) -> Iterator[str]:
    """Give roles the rights that they have in the former schema, if there is one."""
    new = _new(schema)
    names = {server_name(table.name) for table in tables}
    for (role,) in server.ask(_MAY_USE, schema):
        yield f"grant usage on schema {new} to {role}"
    for role, readable, has_all in server.ask(_MAY_READ, schema):
        for name in names if has_all else names & set(readable):
            yield f"grant select on {new}.{quoted(name)} to {role}"


def _replace(server: Server, address: PostgresAddress, wait_seconds: float) -> None:
    """Rename the schemas in one transaction, once nobody reads the former tables."""
    schema, deadline = address.schema, time.monotonic() + wait_seconds
    while True:
        error = server.attempt(lambda: _rename(server, schema), unless=_LOCKED)
        if error is None:
            return
        if time.monotonic() > deadline:
            pids = [str(pid) for (pid,) in server.ask(_READERS, schema)]
            found = f"its tables are read by transactions that do not end ({wait_seconds:g} s)"
            action = (
                f"The former generation stays. End the transactions of the processes "
                f"{', '.join(pids) or 'that have ended meanwhile'}, then publish again."
            )
            raise OperationError(address.shown, found, action)
        time.sleep(_PAUSE_SECONDS)


def _rename(server: Server, schema: str) -> None:
    tables = [f"{schema}.{quoted(name)}" for (name,) in server.ask(_TABLES, schema)]
    is_there = bool(server.ask(_SCHEMA, schema))
    with _transaction(server):
        if tables:
            server.run(f"set local statement_timeout = {_LOCK_MILLISECONDS}")
            server.run(f"lock table {', '.join(tables)} in access exclusive mode")
            server.run("set local statement_timeout = 0")
        if is_there:
            server.run(f"alter schema {schema} rename to {_free_name(server, schema)}")
        server.run(f"alter schema {_new(schema)} rename to {schema}")


def _drop_others(server: Server, schema: str) -> list[str]:
    """Drop what former copies left behind; a sentence for each schema that must stay.

    Only tables that we made are dropped: views on them, and tables of others, keep a schema alive.
    """
    notes: list[str] = []
    for name, mark in server.ask(_OTHERS, schema):
        if not _MARK.fullmatch(mark):
            continue
        error = server.attempt(
            lambda name=name: _drop(server, name), unless=(*_LOCKED, _DEPENDED_ON)
        )
        if error == _DEPENDED_ON:
            notes.append(
                f"the schema {name} stays, with a former generation: views read its tables, or it "
                "has tables of others. Create the views again, then drop it"
            )
    return notes


def _drop(server: Server, name: str) -> None:
    with _transaction(server):
        server.run(f"set local statement_timeout = {_DROP_MILLISECONDS}")
        tables = [f"{name}.{quoted(table)}" for (table,) in server.ask(_OUR_TABLES, name)]
        if tables:
            server.run(f"drop table {', '.join(tables)}")
        server.run(f"drop schema {name}")


def _former(server: Server, address: PostgresAddress) -> Identity | None:
    """The generation that the schema has; None when there is none, or it is empty."""
    found = server.ask(_SCHEMA, address.schema)
    if not found:
        return None
    ((mark, n_relations),) = found
    if identity := _identity(mark):
        return identity
    if n_relations:
        action = "Name another schema, which leadtime will make, with `?schema=NAME`."
        raise OperationError(address.shown, "has tables that leadtime did not write", action)
    return None


def _lock(server: Server, address: PostgresAddress) -> None:
    """Keep other processes from writing to the schema until the connection closes."""
    query = "select pg_try_advisory_lock(hashtext('leadtime'), hashtext($1))"
    if not server.ask(query, address.schema)[0][0]:
        action = "Wait for it to end, then publish again."
        raise OperationError(address.shown, "another process writes there", action)


@contextmanager
def _transaction(server: Server) -> Iterator[None]:
    server.run("begin")
    try:
        yield
        server.run("commit")
    except BaseException:
        server.roll_back()
        raise


def _mark(identity: Identity) -> str:
    as_of, built_at = (
        moment.isoformat(timespec="microseconds") for moment in (identity.as_of, identity.built_at)
    )
    return f"leadtime generation {identity.number}, as of {as_of}, built at {built_at}"


def _identity(mark: str) -> Identity | None:
    parts = _MARK.fullmatch(mark)
    if parts is None:
        return None
    as_of, built_at = (datetime.fromisoformat(text) for text in parts.groups()[1:])
    return Identity(int(parts[1]), as_of, built_at)


def _new(schema: str) -> str:
    return f"{schema}_new"


def _free_name(server: Server, schema: str) -> str:
    taken = {name for name, _ in server.ask(_OTHERS, schema)}
    numbers = range(1, len(taken) + 2)
    return next(n for n in (f"{schema}_old_{number}" for number in numbers) if n not in taken)


_SCHEMA = """
    select
        coalesce(obj_description(n.oid, 'pg_namespace'), ''),
        (select count(*) from pg_class as c where c.relnamespace = n.oid)
    from pg_namespace as n
    where n.nspname = $1
"""
_OTHERS = r"""
    select n.nspname::text, coalesce(obj_description(n.oid, 'pg_namespace'), '')
    from pg_namespace as n
    where n.nspname ~ ('^' || $1 || '_(new|old_\d+)$')
    order by n.nspname
"""
_TABLES = """
    select c.relname::text from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind in ('r', 'p')
    order by c.relname
"""
# Ours are those with a comment that names the grain.
_OUR_TABLES = """
    select c.relname::text from pg_class as c
    inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relkind = 'r' and c.relowner = n.nspowner
        and obj_description(c.oid, 'pg_class') like '%Grain: %'
    order by c.relname
"""
_ROLE = "case r.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(r.grantee)) end"
_MAY_USE = f"""
    select distinct {_ROLE} from pg_namespace as n, aclexplode(n.nspacl) as r
    where n.nspname = $1 and r.privilege_type = 'USAGE' and r.grantee <> n.nspowner
"""
_MAY_READ = f"""
    with tables as (
        select c.* from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = $1 and c.relkind = 'r'
    )
    select {_ROLE}, array_agg(t.relname::text),
        count(distinct t.oid) = (select count(*) from tables)
    from tables as t, aclexplode(t.relacl) as r
    where r.privilege_type = 'SELECT' and r.grantee <> t.relowner
    group by r.grantee
"""
_READERS = """
    select distinct l.pid from pg_locks as l
    inner join pg_class as c on c.oid = l.relation
    inner join pg_namespace as n on n.oid = c.relnamespace
    where n.nspname = $1 and l.granted and l.pid <> pg_backend_pid()
        and l.database = (select oid from pg_database where datname = current_database())
    order by l.pid
"""
