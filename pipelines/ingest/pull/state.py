"""What a pull remembers: by process a hash of the content that was landed last, no content.

It is a SQLite file, because every page looks up and changes single rows by their key, among
millions. Hashes need the secret of the data folder: a value cannot be found by guessing.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from pipelines.ingest.pull.answers import Record
from pipelines.publish.pepper import pepper_of
from pipelines.settings import Settings
from pipelines.warehouse.file_errors import is_no_space, no_space
from schemas.errors import OperationError

_VERSION = 1
_UUID = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# `pull` and `pass` say which listing showed a process last. `is_gone`: it is listed no more, and
# was fetched by its id since. `file` is the one that holds its content.
_TABLES = """
    create table if not exists processes (
        procedure text not null,
        key text not null,
        content blob not null,
        pull integer not null,
        pass integer not null,
        is_gone integer not null default 0,
        file integer not null,
        primary key (procedure, key)
    ) without rowid;
    create table if not exists listings (
        procedure text primary key,
        pull integer not null,
        pass integer not null,
        skip integer not null,
        changed_where text not null,
        started_ms integer not null,
        updated_ms integer
    );
    create table if not exists marks (procedure text primary key, updated_ms integer not null);
    create table if not exists pulls (procedure text primary key, pull integer not null);
    create table if not exists files (file integer primary key, procedure text, name text not null);
    create table if not exists contents (
        name text primary key, content blob not null, file integer not null
    );
"""


@dataclass
class Listing:
    """A listing of a procedure that has not ended: where it stands.

    `where` is the condition of its requests. `started_ms` is when it began and `updated_ms` the
    latest `updatedAt` that it has seen, both in epoch milliseconds.
    """

    pull: int
    number: int
    skip: int
    where: Mapping[str, Any]
    started_ms: int
    updated_ms: int | None = None


class Seen(NamedTuple):
    """What was known of a process when a page showed it."""

    is_new_version: bool
    is_new_to_pull: bool
    is_new_to_pass: bool


class State:
    """The state of a data folder; `open_state` makes one. Nothing counts until `commit`."""

    def __init__(self, con: sqlite3.Connection, pepper: bytes) -> None:
        self._con = con
        self._pepper = pepper

    def key(self, record: Record) -> str:
        """What a record is known by: its id if it is a uuid, else a hash."""
        id_ = record.id
        if id_ is not None and is_uuid(id_):
            return id_
        return f"#{self.hash(record.canonical if id_ is None else id_.encode()).hex()}"

    def hash(self, content: bytes) -> bytes:
        """A keyed hash of 16 bytes."""
        return hashlib.blake2b(content, digest_size=16, key=self._pepper).digest()

    def see(
        self, procedure: str, record: Record, listing: Listing, *, file: int, is_gone: bool = False
    ) -> Seen:
        """Note that a page showed a record, whose content will be in `file` if it is new."""
        key, content = self.key(record), self.hash(record.canonical)
        query = "select content, pull, pass, file from processes where procedure = ? and key = ?"
        known = self._con.execute(query, (procedure, key)).fetchone()
        former, pull, number, kept_in = known or (None, None, None, file)
        is_new = former != content
        self._con.execute(
            "insert or replace into processes values (?, ?, ?, ?, ?, ?, ?)",
            (
                procedure,
                key,
                content,
                listing.pull,
                listing.number,
                is_gone,
                file if is_new else kept_in,
            ),
        )
        is_new_to_pull = pull != listing.pull
        is_new_to_pass = is_new_to_pull or number != listing.number
        return Seen(is_new, is_new_to_pull, is_new_to_pass)

    def unlisted(self, procedure: str, listing: Listing) -> list[str]:
        """The keys of known processes that a listing did not show, and that are not gone."""
        query = """
            select key from processes
            where procedure = ? and pull <> ? and not is_gone order by key
        """
        return [key for (key,) in self._con.execute(query, (procedure, listing.pull))]

    def mark_gone(self, procedure: str, key: str) -> None:
        """Note that a process is listed no more, so that it is not fetched again."""
        query = "update processes set is_gone = 1 where procedure = ? and key = ?"
        self._con.execute(query, (procedure, key))

    def begin_listing(
        self, procedure: str, where: Mapping[str, Any], *, started_ms: int
    ) -> Listing:
        """A new listing, which replaces one that has not ended."""
        query = "select coalesce(max(pull), 0) + 1 from pulls where procedure = ?"
        ((pull,),) = self._con.execute(query, (procedure,)).fetchall()
        self._con.execute("insert or replace into pulls values (?, ?)", (procedure, pull))
        return Listing(pull, 1, 0, where, started_ms)

    def unfinished_listing(self, procedure: str) -> Listing | None:
        """The listing that an earlier pull began and did not end."""
        query = """
            select pull, pass, skip, changed_where, started_ms, updated_ms
            from listings where procedure = ?
        """
        row = self._con.execute(query, (procedure,)).fetchone()
        if row is None:
            return None
        pull, number, skip, where, started_ms, updated_ms = row
        return Listing(pull, number, skip, json.loads(where), started_ms, updated_ms)

    def save_listing(self, procedure: str, listing: Listing) -> None:
        """Note where a listing stands."""
        self._con.execute(
            "insert or replace into listings values (?, ?, ?, ?, ?, ?, ?)",
            (
                procedure,
                listing.pull,
                listing.number,
                listing.skip,
                json.dumps(listing.where),
                listing.started_ms,
                listing.updated_ms,
            ),
        )

    def end_listing(self, procedure: str, listing: Listing) -> None:
        """Note that a listing has ended, and up to which `updatedAt` its procedure is landed."""
        self._con.execute("delete from listings where procedure = ?", (procedure,))
        if listing.updated_ms is not None:
            mark = max(listing.updated_ms, self.mark(procedure) or 0)
            self._con.execute("insert or replace into marks values (?, ?)", (procedure, mark))

    def mark(self, procedure: str) -> int | None:
        """The latest `updatedAt` that ended listings have seen, in epoch milliseconds."""
        query = "select updated_ms from marks where procedure = ?"
        row = self._con.execute(query, (procedure,)).fetchone()
        return row and row[0]

    def number_of_processes(self, procedure: str) -> int:
        query = "select count(*) from processes where procedure = ?"
        return self._con.execute(query, (procedure,)).fetchone()[0]

    def next_file(self) -> int:
        """The number of the next landing file."""
        query = "select coalesce(max(file), 0) + 1 from files"
        return self._con.execute(query).fetchone()[0]

    def add_file(self, file: int, name: str, procedure: str | None) -> None:
        """Note that a landing file is complete."""
        self._con.execute("insert into files values (?, ?, ?)", (file, procedure, name))

    def has_content(self, name: str, content: bytes) -> bool:
        """Whether this is the content that a file of this name had last."""
        query = "select content from contents where name = ?"
        row = self._con.execute(query, (name,)).fetchone()
        return row is not None and row[0] == self.hash(content)

    def set_content(self, name: str, content: bytes, file: int) -> None:
        """Note what the file `file`, of this name, holds."""
        values = (name, self.hash(content), file)
        self._con.execute("insert or replace into contents values (?, ?, ?)", values)

    def forget(self, procedure: str) -> None:
        """Know nothing of a procedure any more: all its versions will be new."""
        for table in ("processes", "listings", "marks"):
            self._con.execute(f"delete from {table} where procedure = ?", (procedure,))

    def forget_contents(self) -> None:
        self._con.execute("delete from contents")

    def forget_lost_files(self, is_there: Callable[[str], bool]) -> list[str]:
        """Take back what the files that are no longer there held; returns their names."""
        rows = self._con.execute("select file, procedure, name from files order by file").fetchall()
        lost = [row for row in rows if not is_there(row[2])]
        for file, procedure, _ in lost:
            for table in ("processes", "contents", "files"):
                self._con.execute(f"delete from {table} where file = ?", (file,))
            for table in ("listings", "marks"):
                self._con.execute(f"delete from {table} where procedure is ?", (procedure,))
        return [name for *_, name in lost]

    def commit(self) -> None:
        """Make what was noted count, and begin anew."""
        self._con.execute("commit")
        self._con.execute("begin immediate")


def is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


@contextmanager
def open_state(settings: Settings) -> Iterator[State]:
    """The state of the data folder, which no other pull can open meanwhile; made on first need.

    Raises `OperationError` when another pull is at work, or the file is damaged.
    """
    settings.data.mkdir(0o700, parents=True, exist_ok=True)
    settings.pull.mkdir(0o700, exist_ok=True)
    path = settings.pull / "state.sqlite"
    damaged = (
        "Remove it: the next pull makes another and lands every version again, which a run counts "
        "as duplicates."
    )
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as con:
            con.execute("pragma locking_mode = exclusive")
            con.execute("begin exclusive")
            _make(con, damaged, place=str(path))
            state = State(con, pepper_of(settings))
            state.commit()
            try:
                yield state
            finally:
                with suppress(sqlite3.Error):
                    con.execute("rollback")
    except sqlite3.OperationalError as error:
        if is_no_space(error):
            raise no_space(error, settings.pull, action="Make room, then try again.") from error
        if "locked" not in str(error):
            raise
        found = "another pull is at work"
        raise OperationError(str(settings.pull), found, "Wait for it to end.") from error
    except sqlite3.DatabaseError as error:
        if type(error) is not sqlite3.DatabaseError:
            raise
        raise OperationError(str(path), "is damaged", damaged) from error


def _make(con: sqlite3.Connection, action: str, *, place: str) -> None:
    ((version,),) = con.execute("pragma user_version").fetchall()
    if version not in (0, _VERSION):
        raise OperationError(place, "is of another release of leadtime", action)
    for statement in filter(str.strip, _TABLES.split(";")):
        con.execute(statement)
    con.execute(f"pragma user_version = {_VERSION}")
