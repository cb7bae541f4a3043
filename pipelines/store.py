"""Writing to the raw tables: versions, quarantine, violations and the ledger that adds them up.

Everything between `begin` and `commit` is one transaction, and so is a `replay`. What is written
is decided elsewhere.
"""

from __future__ import annotations

from datetime import datetime

import duckdb
import polars as pl

from pipelines.judging import Judged, quarantine_frame
from pipelines.landing import LandingFile
from pipelines.ledger import (
    Counts,
    checked_counts,
    drop_duplicates,
    drop_repeats,
    next_batch,
    number,
)
from pipelines.warehouse import LINES_PER_FILE
from schemas.core_record import FIELDS
from schemas.dimensions import PROCESSES
from schemas.rule_book import UNREADABLE

_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these
_TIMES = {f.column for f in FIELDS if f.kind == "time"}
_IDS = {f.column for f in FIELDS if f.kind == "uuid"} | {"state_id"}


class Store:
    """The raw tables during one run; `batch_seq` numbers the run's part of them."""

    def __init__(self, con: duckdb.DuckDBPyConnection, started_at: datetime) -> None:
        self.con = con
        self._now = started_at.replace(tzinfo=None)
        self.batch_seq = next_batch(con)
        self._file_seq = 0
        self._counts = Counts()
        self._problem: str | None = None

    def known_paths(self) -> dict[tuple[str, int, int], str]:
        """The sha256 of files by name, size and time of change, from earlier runs."""
        query = "select file_name, bytes, mtime_ns, sha256 from raw.landing_paths"
        return {(name, size, time): sha for name, size, time, sha in self._rows(query)}

    def has_file(self, sha256: str, content: str) -> bool:
        """Whether a file with these bytes has been taken in as what it is."""
        query = "select count(*) from raw.ingest_files where sha256 = $sha and content = $content"
        return number(self.con, query, {"sha": sha256, "content": content}) > 0

    def begin(self) -> None:
        """Start the transaction of a file, and give the file its place in the order."""
        self.con.execute("begin")
        query = "select max(file_seq) from raw.ingest_files"
        self._file_seq = 1 + number(self.con, query)
        self._counts = Counts()
        self._problem = None

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
        self._counts.accepted += judged.accepted.height
        if judged.content == PROCESSES:
            self._insert_versions(judged.accepted)
            self._insert_violations(judged.violations)
        else:
            self._insert_rows(judged.accepted, dimension=judged.content)
        self._insert_quarantine(judged.rejected)

    def add_unreadable(self, problem: str) -> None:
        """Quarantine a file as a whole, as one line without a number."""
        self._insert_quarantine(quarantine_frame([(None, UNREADABLE.id, problem)]))
        self._counts.lines += 1
        self._problem = problem

    def commit(self, file: LandingFile, sha256: str) -> Counts:
        """Write the ledger row, drop duplicates, check that lines add up, and commit."""
        self.con.execute(
            "insert into raw.ingest_files values ($file_seq, $batch_seq, $sha256, $name, $format, "
            "$status, $problem, $bytes, $lines, $accepted, $duplicates, $quarantined, $blank, "
            "$now, $content)",
            {
                "file_seq": self._file_seq,
                "batch_seq": self.batch_seq,
                "sha256": sha256,
                "name": file.name,
                "format": ".".join(filter(None, (file.format, file.compression))),
                "status": "unreadable" if self._problem else "ingested",
                "problem": self._problem,
                "bytes": file.size,
                "now": self._now,
                "content": file.content,
                **vars(self._counts),
            },
        )
        if file.content == PROCESSES:
            drop_duplicates(self.con, self._file_seq, self.batch_seq)
        else:
            drop_repeats(self.con, self._file_seq)
        self._remember_path(file, sha256)
        counts = checked_counts(self.con, self._file_seq)
        self.con.execute("commit")
        return counts

    def remember(self, file: LandingFile, sha256: str) -> None:
        """Commit only the name of a file that has been taken in under another, or before."""
        self._remember_path(file, sha256)
        self.con.execute("commit")

    def replay(self, file_seq: int, judged: Judged) -> Counts:
        """Store what became of quarantined lines of a file that were judged anew; the changes.

        Lines that are accepted leave the quarantine, the others keep their place in it under the
        rules they break now.
        """
        self._file_seq = file_seq
        self.con.execute("begin")
        before = checked_counts(self.con, file_seq)
        self._insert_versions(judged.accepted)
        self._insert_violations(judged.violations)
        parameters = {"first": self._file_seq * LINES_PER_FILE}
        for frame, statement in (
            (judged.accepted, _LEAVE_QUARANTINE),
            (judged.rejected, _STAY_IN_QUARANTINE),
        ):
            self.con.register("incoming", frame)
            self.con.execute(statement, parameters)
            self.con.unregister("incoming")
        self.con.execute(
            "update raw.ingest_files set accepted = accepted + $n, quarantined = quarantined - $n "
            "where file_seq = $file",
            {"n": judged.accepted.height, "file": file_seq},
        )
        drop_duplicates(self.con, self._file_seq, self.batch_seq)
        after = checked_counts(self.con, file_seq)
        self.con.execute("commit")
        return after - before

    def _remember_path(self, file: LandingFile, sha256: str) -> None:
        """Spare later runs the hashing of a file that has not changed."""
        path = {"name": file.name, "bytes": file.size, "mtime": file.mtime_ns, "sha": sha256}
        query = "delete from raw.landing_paths where file_name = $name"
        self.con.execute(query, {"name": file.name})
        self.con.execute("insert into raw.landing_paths values ($name, $bytes, $mtime, $sha)", path)

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

    def _insert_rows(self, accepted: pl.DataFrame, *, dimension: str) -> None:
        self._insert(
            "dimension_rows",
            accepted.with_columns(dimension=pl.lit(dimension)),
            "dimension, id::uuid as id, name, data::json as data, $first + line as ingest_seq, "
            "$batch as batch_seq",
        )

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


_LEAVE_QUARANTINE = """
    delete from raw.quarantine where ingest_seq in (select $first + line from incoming)
"""

_STAY_IN_QUARANTINE = """
    update raw.quarantine as q set rules = i.rules
    from incoming as i where q.ingest_seq = $first + i.line
"""
