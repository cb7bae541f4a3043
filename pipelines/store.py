"""Writing to the raw tables: versions, quarantine, violations and the ledger that adds them up.

Everything between `begin` and `commit` is one transaction. What is written is decided elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from pipelines.judging import Judged, quarantine_frame
from pipelines.landing import LandingFile
from pipelines.warehouse import LINES_PER_FILE
from schemas.core_record import FIELDS

_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these
_TIMES = {f.column for f in FIELDS if f.kind == "time"}
_IDS = {f.column for f in FIELDS if f.kind == "uuid"} | {"state_id"}
# Two versions are the same when these agree; documents by what they hold, not by their text.
_CONTENT = [
    column
    for column in [f.column for f in FIELDS if f.kind not in ("state", "object")]
    if column not in ("process_id", "updated_at")
] + ["state_id", "data_hash", "derived_data_hash"]


@dataclass
class Counts:
    """Lines by what became of them: `lines = accepted + duplicates + quarantined + blank`."""

    lines: int = 0
    accepted: int = 0
    duplicates: int = 0
    quarantined: int = 0
    blank: int = 0

    def __iadd__(self, other: Counts) -> Counts:
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def check(self, file_name: str) -> None:
        """Raise `AssertionError` when the lines do not add up."""
        parts = self.accepted + self.duplicates + self.quarantined + self.blank
        if self.lines != parts:
            raise AssertionError(f"{file_name}: {self.lines} lines, but {parts} accounted for")


class Store:
    """The raw tables during one run; `batch_seq` numbers the run's part of them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, started_at: datetime) -> None:
        self.con = con
        self._now = started_at.replace(tzinfo=None)
        self.batch_seq = 1 + _number(
            con,
            "select greatest((select max(batch_seq) from raw.ingest_files), "
            "(select max(batch_seq) from raw.process_versions))",
        )
        self._file_seq = 0
        self._counts = Counts()

    def known_paths(self) -> dict[tuple[str, int, int], str]:
        """The sha256 of files by name, size and time of change, from earlier runs."""
        query = "select file_name, bytes, mtime_ns, sha256 from raw.landing_paths"
        return {(name, size, time): sha for name, size, time, sha in self._rows(query)}

    def has_file(self, sha256: str) -> bool:
        """Whether a file with these bytes has been taken in."""
        query = "select count(*) from raw.ingest_files where sha256 = $sha"
        return _number(self.con, query, {"sha": sha256}) > 0

    def remember_path(self, file: LandingFile, sha256: str) -> None:
        """Spare later runs the hashing of a file that has not changed."""
        parameters = {"name": file.name, "bytes": file.size, "mtime": file.mtime_ns, "sha": sha256}
        self.con.execute("delete from raw.landing_paths where file_name = $name", {"name": file.name})
        self.con.execute(
            "insert into raw.landing_paths values ($name, $bytes, $mtime, $sha)", parameters
        )

    def begin(self, file: LandingFile) -> None:
        """Start the transaction of a file, and give the file its place in the order."""
        self.con.execute("begin")
        query = "select max(file_seq) from raw.ingest_files"
        self.resume(1 + _number(self.con, query))

    def resume(self, file_seq: int) -> None:
        """Go on with a file that has its place already; the transaction is the caller's."""
        self._file_seq = file_seq
        self._counts = Counts()

    def rollback(self) -> None:
        """Undo the file, if its transaction is still open."""
        try:
            self.con.execute("rollback")
        except duckdb.TransactionException:
            return

    def add(self, judged: Judged) -> None:
        """Write and count what became of the lines of a chunk."""
        self._counts.lines += judged.lines
        self._counts.blank += judged.blank
        self._insert_versions(judged.accepted)
        self._insert_violations(judged.violations)
        self._insert_quarantine(judged.rejected)

    def add_unreadable(self, problem: str) -> None:
        """Quarantine a file as a whole, as one line without a number."""
        self._insert_quarantine(quarantine_frame([(None, "file:unreadable", problem)]))
        self._counts.lines += 1

    def drop_duplicates(self) -> int:
        """Remove versions of this file that are exact duplicates of an earlier one; their number."""
        first, after = self._span()
        self.con.execute(_DUPLICATES, {"first": first, "after": after})
        dropped = _number(self.con, "select count(*) from duplicates")
        if dropped:
            for table in ("process_versions", "violations"):
                self.con.execute(
                    f"delete from raw.{table} where ingest_seq >= $first and ingest_seq < $after "
                    "and ingest_seq in (select ingest_seq from duplicates)",
                    {"first": first, "after": after},
                )
        self._counts.accepted -= dropped
        self._counts.duplicates += dropped
        return dropped

    def commit(self, file: LandingFile, sha256: str) -> Counts:
        """Drop duplicates, write the ledger row, check that lines add up, and commit."""
        self.drop_duplicates()
        counts = self._counts
        problem = self.con.execute(
            "select max(raw_text) from raw.quarantine where file_seq = $seq and line is null",
            {"seq": self._file_seq},
        ).fetchall()[0][0]
        self.con.execute(
            "insert into raw.ingest_files values ($file_seq, $batch_seq, $sha256, $name, $format, "
            "$status, $problem, $bytes, $lines, $accepted, $duplicates, $quarantined, $blank, $now)",
            {
                "file_seq": self._file_seq,
                "batch_seq": self.batch_seq,
                "sha256": sha256,
                "name": file.name,
                "format": ".".join(filter(None, (file.format, file.compression))),
                "status": "unreadable" if problem else "ingested",
                "problem": problem,
                "bytes": file.size,
                "now": self._now,
                **vars(counts),
            },
        )
        self.remember_path(file, sha256)
        self.check_file(self._file_seq, file.name)
        self.con.execute("commit")
        return counts

    def check_file(self, file_seq: int, file_name: str) -> None:
        """Check the ledger row of a file against the rows that are there."""
        parameters = {"seq": file_seq, "per": LINES_PER_FILE}
        row = self.con.execute(_STORED_COUNTS, parameters).fetchall()[0]
        Counts(*row[:5]).check(file_name)
        if row[5:] != (row[1], row[3]):
            raise AssertionError(f"{file_name}: the ledger says {row[1:5]}, the tables {row[5:]}")

    def _span(self) -> tuple[int, int]:
        return self._file_seq * LINES_PER_FILE, (self._file_seq + 1) * LINES_PER_FILE

    def _insert_versions(self, accepted: pl.DataFrame) -> None:
        casts = [
            f"epoch_ms({name}) as {name}"
            if name in _TIMES
            else f"{name}::uuid as {name}"
            if name in _IDS
            else name
            for name in accepted.columns
            if name != "line"
        ]
        self._insert(
            "process_versions",
            accepted,
            f"{', '.join(casts)}, $first + line as ingest_seq, $batch as batch_seq",
        )
        self._counts.accepted += accepted.height

    def _insert_violations(self, violations: pl.DataFrame) -> None:
        self._insert(
            "violations",
            violations,
            "$first + line as ingest_seq, $batch as batch_seq, process_id::uuid as process_id, "
            "procedure_id::uuid as procedure_id, rule, severity, column_name, value, "
            "epoch_ms(updated_at) as updated_at",
        )

    def _insert_quarantine(self, quarantine: pl.DataFrame) -> None:
        self._insert(
            "quarantine",
            quarantine,
            "$first + coalesce(line, 0) as ingest_seq, $batch as batch_seq, $file as file_seq, "
            "line, rules, process_id, procedure, raw_text, $now as quarantined_at",
        )
        self._counts.quarantined += quarantine.height

    def _insert(self, table: str, frame: pl.DataFrame, columns: str) -> None:
        if frame.is_empty():
            return
        parameters = {
            "first": self._file_seq * LINES_PER_FILE,
            "batch": self.batch_seq,
            "file": self._file_seq,
            "now": self._now,
        }
        used = {name: value for name, value in parameters.items() if f"${name}" in columns}
        slices = [frame[i : i + _SLICE_ROWS] for i in range(0, frame.height, _SLICE_ROWS)]
        self.con.register("incoming", pl.concat(slices, rechunk=False))
        try:
            self.con.execute(
                f"insert into raw.{table} by name select {columns} from incoming", used
            )
        finally:
            self.con.unregister("incoming")

    def _rows(self, query: str) -> list[tuple[str, int, int, str]]:
        return self.con.execute(query).fetchall()


_DUPLICATES = f"""
    create or replace temp table duplicates as
    with fresh as (
        select process_id, updated_at from raw.process_versions
        where ingest_seq >= $first and ingest_seq < $after
    ), doubled as (
        select process_id, updated_at from raw.process_versions
        where updated_at between (select min(updated_at) from fresh)
            and (select max(updated_at) from fresh)
        group by process_id, updated_at
        having count(*) > 1 and max(ingest_seq) >= $first
    ), numbered as (
        select ingest_seq, row_number() over (
            partition by process_id, updated_at, {", ".join(_CONTENT)} order by ingest_seq
        ) as copy_no
        from raw.process_versions semi join doubled using (process_id, updated_at)
        where updated_at between (select min(updated_at) from fresh)
            and (select max(updated_at) from fresh)
    )
    select ingest_seq from numbered
    where copy_no > 1 and ingest_seq >= $first and ingest_seq < $after
"""

_STORED_COUNTS = """
    select lines, accepted, duplicates, quarantined, blank,
        (
            select count(*) from raw.process_versions
            where ingest_seq >= $seq * $per and ingest_seq < ($seq + 1) * $per
        ),
        (select count(*) from raw.quarantine where file_seq = $seq)
    from raw.ingest_files where file_seq = $seq
"""


def _number(
    con: duckdb.DuckDBPyConnection, query: str, parameters: dict[str, object] | None = None
) -> int:
    # Every result is fetched whole: one that is not blocks the connection.
    return int(con.execute(query, parameters or {}).fetchall()[0][0] or 0)
