"""Reads landing files as the versions that a run would accept once their procedure is defined."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from pipelines.infer.advice import ForeignFolder, no_records, other_kind
from pipelines.infer.dated_lists import dated_files
from pipelines.ingest.chunks import Chunk
from pipelines.ingest.formats import ACCEPTED, find_format_of_source, read_file
from pipelines.ingest.landing import find_files, landing_file
from pipelines.ingest.landing_file import LandingFile, UnreadableFile
from pipelines.ingest.parse_versions import parse_chunk
from pipelines.terminal.text import counted
from pipelines.warehouse.engine import connect_in_memory
from schemas.errors import OperationError, SourceError
from schemas.records.attribute_values import DOCUMENTS
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import LINES_PER_FILE, raw
from schemas.records.record import convert, core_rules, core_schema
from schemas.records.rule import find_failures
from transforms.macros.load import MACROS

_COLUMNS = {
    "seq": pl.Int64,
    "process_id": pl.String,
    "procedure_id": pl.String,
    "entity_id": pl.String,
    "status": pl.String,
    "state": pl.String,
    "state_key": pl.String,
    "created_at": pl.Int64,
    "updated_at": pl.Int64,
    "is_deleted": pl.Boolean,
    "data": pl.String,
    "derived_data": pl.String,
}
_MAX_SHOWN = 10


@dataclass
class Reading:
    """What the files held: `lines` are `blank`, `unusable` or rows of the table `versions`.

    A version is usable if no rule would reject it: not if the line is not a record, or lacks an id,
    a status, a state or a valid time. `first` is the first of the files.
    """

    source: str
    first: Path | None = None
    lines: int = 0
    blank: int = 0
    unusable: int = 0


def connect() -> duckdb.DuckDBPyConnection:
    """A database in memory with the conversions of values, for one inference."""
    con = connect_in_memory()
    con.execute(MACROS).fetchall()
    types = {pl.Int64: "bigint", pl.Boolean: "boolean"}
    columns = ", ".join(f"{name} {types.get(kind, 'varchar')}" for name, kind in _COLUMNS.items())
    con.execute(f"create table versions ({columns})").fetchall()
    return con


def read_versions(con: duckdb.DuckDBPyConnection, path: Path, *, latest_ms: int) -> Reading:
    """Fill the table `versions`, one row per usable version, from a landing file or a folder.

    `seq` numbers lines within files in the order of their names. No time may lie after
    `latest_ms`. Raises `OperationError` when there is no such file, and `SourceError` when one
    cannot be read to its end.
    """
    reading = Reading(str(path))
    for number, file in enumerate(_files(path)):
        reading.first = reading.first or file.path
        try:
            for chunk in read_file(file, con):
                reading.lines += chunk.lines
                add_versions(
                    con, reading, chunk, first=number * LINES_PER_FILE, latest_ms=latest_ms
                )
        except UnreadableFile as problem:
            action = "Ask for it again, or name another file."
            raise SourceError(str(file.path), str(problem), action) from problem
    return reading


def choose_procedure(
    con: duckdb.DuckDBPyConnection,
    reading: Reading,
    wanted: str | None = None,
    names: Mapping[str, str] | None = None,
) -> str:
    """The id of the procedure to infer: the wanted one, else the only one there is.

    `names` are the shortIds of procedures that are defined, by id: they will do as well.
    Raises `SourceError` when there is none, `OperationError` when there are several or not the
    wanted one.
    """
    query = """
        select procedure_id, count(*), count(distinct process_id) from versions
        group by procedure_id order by count(*) desc, procedure_id
    """
    found = con.execute(query).fetchall()
    if not found:
        if (first := reading.first) and (advice := no_records(first)):
            raise advice
        counts = f"none of its {reading.lines:,} lines is a usable record"
        action = "See what is wrong with them: `leadtime run`, then `leadtime quarantine`."
        raise SourceError(reading.source, counts, action)
    known = [str(id_) for id_, *_ in found]
    names = names or {}
    by_name = {name.lower(): id_ for id_, name in names.items()}
    if wanted is not None:
        meant = by_name.get(wanted.lower(), wanted.lower())
        if meant in known:
            return meant
    if wanted is None and len(known) == 1:
        return known[0]
    rows = [
        f"  {_named(str(id_), names)}: {counted(lines, 'line')}, {counted(n, 'process')}"
        for id_, lines, n in found[:_MAX_SHOWN]
    ]
    if len(found) > _MAX_SHOWN:
        rows.append(f"  ... and {len(found) - _MAX_SHOWN:,} more")
    problem = "several procedures" if wanted is None else f"no line of procedure {wanted}"
    listed = "\n".join(rows)
    action = f"Name one of these with --procedure ID:\n{listed}"
    raise OperationError(reading.source, problem, action)


def _named(id_: str, names: Mapping[str, str]) -> str:
    return f"{names[id_]} ({id_})" if id_ in names else id_


def _files(path: Path) -> Iterator[LandingFile]:
    if path.is_dir():
        found = [file for file in find_files(path)[0] if file.content == PROCESSES]
    elif path.exists():
        single = landing_file(path.resolve(), path.name, path.stat())
        if single and single.content != PROCESSES:
            found = f"it gives {single.content} their names, and holds no processes"
            action = "Name a file of process records; a run takes in this one beside them."
            raise OperationError(str(path), found, action)
        found = [single] if single else []
    else:
        raise OperationError(str(path), "no such file or folder", "Name a landing file.")
    if not found:
        if path.is_file() and (advice := other_kind(path) or no_records(path)):
            raise advice
        if path.is_dir() and (advice := _of_folder(path)):
            raise advice
        found_none = "no landing file of process records"
        raise OperationError(str(path), found_none, f"Name {ACCEPTED}.")
    yield from found


def _of_folder(folder: Path) -> ForeignFolder | None:
    """The error for a folder with files that only a source can read."""
    names = sorted(p.name for p in folder.rglob("*") if find_format_of_source(p.suffixes))
    if not names:
        return None
    return ForeignFolder(folder, names, are_dated=len(dated_files(folder)) > 1)


def add_versions(
    con: duckdb.DuckDBPyConnection, reading: Reading, chunk: Chunk, *, first: int, latest_ms: int
) -> None:
    """Add the usable versions of a chunk to the table `versions`, and count the others.

    `first` is added to the number of a line; no time may lie after `latest_ms`.
    """
    parsed = parse_chunk(con, chunk)
    reading.blank += parsed.blank
    records = parsed.records
    # Every procedure and every state counts as known: they are what is to be found out.
    states = (
        records.select(
            procedure_id=pl.col(raw("procedure_id")).str.to_lowercase(),
            state_key=pl.col(raw("state_key")).str.to_lowercase(),
        )
        .drop_nulls()
        .unique()
        .with_columns(state_id=pl.col("state_key"))
    )
    frame = convert(records, states)
    rules = core_rules(latest_ms)
    rejecting = [rule.id for rule in rules if rule.severity == "reject"]
    failures = find_failures(frame, core_schema(rules), rules)
    bad = failures.filter(pl.col("rule").is_in(rejecting))["row"]
    usable = frame.with_columns(
        pl.lit(first).add(pl.col("line")).alias("seq"),
        pl.col(raw("state_key")).alias("state"),
        pl.col("derived_data").fill_null("{}"),
    ).filter(~pl.int_range(pl.len()).is_in(bad.implode()))
    con.register("incoming", usable.select(*_COLUMNS))
    try:
        (added,) = con.execute(_INSERT).fetchall()[0]
    finally:
        con.unregister("incoming")
    reading.unusable += chunk.lines - parsed.blank - added


# A document with a duplicate key is not a record either.
_ONCE = " and ".join(
    f"len(list_distinct(json_keys({document}))) = len(json_keys({document}))"
    for document in DOCUMENTS
)
_INSERT = f"insert into versions select * from incoming where {_ONCE}"
