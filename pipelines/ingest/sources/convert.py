"""Files of other shapes as chunks of lines: one process record per line."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

import duckdb
import polars as pl
from polars._typing import PolarsDataType

from pipelines.ingest.chunks import Chunk
from pipelines.ingest.landing_file import LandingFile, UnreadableFile
from pipelines.ingest.read_json import read_elements
from pipelines.ingest.read_lines import read_lines
from pipelines.ingest.read_parquet import read_rows
from pipelines.ingest.sources.before import load_before, reject_out_of_order
from pipelines.ingest.sources.origins import Origins
from pipelines.ingest.sources.read_csv import read_csv
from pipelines.ingest.sources.read_documents import read_documents
from pipelines.ingest.sources.read_sheet import read_sheet
from pipelines.ingest.sources.records import records_query, users_query
from pipelines.ingest.sources.rows import Row, columns_of
from pipelines.ingest.sources.shapes import Cells, versions_query
from pipelines.ingest.sources.snapshots import require_order
from pipelines.ingest.sources.values import MACROS, Values
from pipelines.ingest.validated_chunk import QUARANTINE, ValidatedChunk
from pipelines.warehouse.engine import connect_beside
from schemas.definitions.procedure import Procedure, Procedures
from schemas.definitions.source import Source
from schemas.records.dimensions import PROCESSES
from schemas.sql_text import literal, quoted
from transforms.validate.validation import ACCEPTED, VERSION_VIOLATIONS

USERS = "users"
"""The dimension that the names of users go to."""
_BATCH_ROWS = 10_000
_TABLES = ("csv", "tsv", "xlsx")
Reader = Callable[[LandingFile, Source, duckdb.DuckDBPyConnection], Iterator[Row]]
READERS: dict[str, Reader] = {
    "csv": lambda file, source, _: read_csv(file, source),
    "tsv": lambda file, source, _: read_csv(file, source),
    "xlsx": lambda file, source, _: read_sheet(file, source),
    "ndjson": lambda file, source, _: read_documents(read_lines(file), source),
    "json": lambda file, source, _: read_documents(read_elements(file), source),
    "parquet": lambda file, source, con: read_documents(read_rows(file, con), source),
}
"""What reads the rows of a file, by its format."""


@dataclass(frozen=True)
class Piece:
    """A part of a converted file: lines to validate and where they come from, or rows that were
    rejected or blank as they are. `made` counts the lines of the piece beyond those of the file.
    """

    chunk: Chunk | None = None
    origins: Origins | None = None
    done: ValidatedChunk | None = None
    made: int = 0

    def finish(self, validated: ValidatedChunk | None) -> ValidatedChunk | None:
        """What became of the piece, rejected lines under the numbers and texts of their rows."""
        if validated is None or self.origins is None:
            return self.done
        return self.origins.restore(validated)


def convert(
    file: LandingFile,
    source: Source,
    procedures: Procedures,
    con: duckdb.DuckDBPyConnection,
    *,
    at_most: int | None = None,
) -> Iterator[Piece]:
    """The lines of process records that a source makes of a file, in order of its rows.

    Of a sample, `at_most` is the number of rows that are read. `con` is the warehouse, which knows
    what earlier files said; memory is limited as there. Raises `UnreadableFile` when the file
    cannot be read to its end, or lacks what the source names.
    """
    procedure = procedures.by_short_id[source.procedure]
    if source.shape in ("envelope", "changelog") and file.format in _TABLES:
        raise UnreadableFile(f"it is a table, and the source {source.name} is for JSON")
    with connect_beside(con, threads=2) as own:
        conversion = _Conversion(file, source, procedure, own)
        conversion.load(islice(READERS[file.format](file, source, con), at_most))
        if source.fields:
            conversion.make_versions(con)
        yield from conversion.pieces()


class _Conversion:
    def __init__(
        self,
        file: LandingFile,
        source: Source,
        procedure: Procedure,
        own: duckdb.DuckDBPyConnection,
    ) -> None:
        self._file = file
        self._source = source
        self._procedure = procedure
        self._own = own
        self._cells = Cells(source, procedure)
        self._values = Values(source, procedure, is_text=file.format in ("csv", "tsv"))
        self._places = 0

    def load(self, rows: Iterator[Row]) -> None:
        """Fill the tables `texts` and `cells`, which have all rows, and those with cells."""
        # Without fields the one cell of a row is the record.
        columns = self._cells.columns if columns_of(self._source) else []
        columns = columns if self._source.fields else ["record"]
        kinds = ", ".join(f"{quoted(name)} varchar" for name in columns)
        self._own.execute(MACROS)
        self._own.execute(
            f"create table cells (line bigint, seq bigint, is_shown boolean, {kinds});"
            "create table texts (line bigint, seq bigint, text varchar, rule varchar)"
        )
        schema = dict.fromkeys(columns, pl.String)
        while batch := list(islice(rows, _BATCH_ROWS)):
            self._insert(
                "texts",
                [
                    (row.line, row.seq, row.text, row.rule)
                    for row in batch
                    if row.seq == 0 or self._source.shape != "changelog"
                ],
                {"line": pl.Int64, "seq": pl.Int64, "text": pl.String, "rule": pl.String},
            )
            self._insert(
                "cells",
                [
                    (row.line, row.seq, row.is_shown, *row.cells)
                    for row in batch
                    if row.cells is not None
                ],
                {"line": pl.Int64, "seq": pl.Int64, "is_shown": pl.Boolean, **schema},
            )

    def make_versions(self, con: duckdb.DuckDBPyConnection) -> None:
        """Fill the table `versions`."""
        source, own, taken = self._source, self._own, None
        if source.shape == "event_log":
            assert source.log is not None
            self._events(self._cells.named(source.log.at))
            reject_out_of_order(con, own, source.name)
            self._events(self._cells.named(source.log.at))
        elif source.shape == "stage_rows":
            self._events(str(self._cells.field("updatedAt")))
        elif source.shape == "snapshots":
            taken = require_order(con, self._file.name, source)
            self._events(literal(taken))
        else:
            self._events("null")
        own.execute(
            "create or replace temp table firsts as select process, min(at_ms) as first_at "
            "from events where process is not null and at_ms is not null group by process"
        )
        load_before(con, own, self._cells)
        query = versions_query(
            self._cells, self._values, taken=taken, start_state=self._procedure.start_state
        )
        own.execute(f"create temp table versions as {query}")

    def pieces(self) -> Iterator[Piece]:
        own = self._own
        ((n_rows, n_blank),) = own.execute(_BLANK).fetchall()
        if n_blank:
            yield Piece(done=_done(lines=n_blank, blank=n_blank))
        for batch in self._batches(_REJECTED):
            yield Piece(done=self._rejected(batch))
        query = "select line, seq, record from cells order by line, seq"
        if self._source.fields:
            query = records_query(self._cells, self._values, self._procedure)
        own.execute(f"create temp table records as {query}")
        seq = "0" if self._source.shape == "changelog" else "r.seq"
        own.execute(_NO_RECORD.format(seq=seq))
        for batch in self._batches(_RECORDS.format(seq=seq)):
            yield self._piece(batch)
        users = users_query(self._cells, self._values) if self._source.fields else None
        if users:
            own.execute(f"create temp table users as {users}")
            for batch in self._batches(_USERS.format(seq=seq.replace("r.", "u."))):
                yield self._piece(batch, content=USERS)
        yield Piece(made=self._places + n_blank - n_rows)

    def _events(self, at_ms: str) -> None:
        process = self._values.id(str(self._cells.field("id")))
        time = self._values.milliseconds(at_ms) if at_ms != "null" else "null::bigint"
        self._own.execute(
            "create or replace temp table events as "
            f"select line, seq, {process} as process, {time} as at_ms from cells"
        )

    def _insert(
        self, table: str, rows: list[tuple[object, ...]], schema: Mapping[str, PolarsDataType]
    ) -> None:
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        self._own.register("incoming", frame)
        self._own.execute(f"insert into {table} from incoming")
        self._own.unregister("incoming")

    def _batches(self, query: str) -> Iterator[pl.DataFrame]:
        reader = self._own.sql(query).to_arrow_reader(_BATCH_ROWS)
        for batch in reader:
            frame = pl.from_arrow(batch)
            assert isinstance(frame, pl.DataFrame)
            yield frame

    def _piece(self, batch: pl.DataFrame, content: str = PROCESSES) -> Piece:
        first = self._places + 1
        self._places += batch.height
        body = "\n".join([*batch["record"], ""]).encode()
        chunk = Chunk(body, first, batch.height, self._file.size, {}, content)
        origins = Origins(first, batch["line"].to_list(), batch["text"].to_list())
        return Piece(chunk, origins)

    def _rejected(self, batch: pl.DataFrame) -> ValidatedChunk:
        first = self._places + 1
        self._places += batch.height
        rejected = batch.select(
            "line",
            pl.concat_list("rule").alias("rules"),
            pl.lit(None, pl.String).alias("process_id"),
            pl.lit(self._procedure.id).alias("procedure"),
            pl.col("text").alias("raw_text"),
            pl.int_range(first, first + batch.height, dtype=pl.Int64).alias("place"),
        )
        return _done(lines=batch.height, rejected=rejected)


def _done(*, lines: int, blank: int = 0, rejected: pl.DataFrame | None = None) -> ValidatedChunk:
    return ValidatedChunk(
        accepted=pl.DataFrame(schema=ACCEPTED),
        violations=pl.DataFrame(schema=VERSION_VIOLATIONS),
        rejected=pl.DataFrame(schema=QUARANTINE) if rejected is None else rejected,
        lines=lines,
        blank=blank,
        position=0,
    )


_BLANK = """
    select count(distinct line), count(*) filter (rule is null and not exists (
        select 1 from cells as c where c.line = t.line and c.seq = t.seq
    ))
    from texts as t
"""
_REJECTED = "select line, text, rule from texts where rule is not null order by line, seq"
# A row of which nothing could be made would vanish.
_NO_RECORD = """
    insert into records
    select r.line, r.seq, '{{}}'
    from cells as r
    anti join records as m using (line)
    where r.is_shown
"""
_RECORDS = """
    select r.line, r.record, t.text
    from records as r
    left join texts as t on t.line = r.line and t.seq = {seq}
    order by r.line, r.rowid
"""
_USERS = """
    select u.line, u.record, t.text
    from users as u
    left join texts as t on t.line = u.line and t.seq = {seq}
    order by u.line, u.rowid
"""
