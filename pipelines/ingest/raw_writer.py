"""Writes the raw tables: versions, quarantine, violations and the ledger that adds them up.

Everything between `begin` and `commit` is one transaction, and so is a `replay`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import duckdb
import polars as pl

from pipelines.ingest.erasing.arrivals import Arrivals
from pipelines.ingest.landing_file import FileMark, LandingFile
from pipelines.ingest.ledger import (
    Counts,
    checked_counts,
    drop_duplicates,
    drop_known_activities,
    drop_repeats,
    next_batch,
    number,
)
from pipelines.ingest.manifest import FileKey, next_number
from pipelines.ingest.sources.fingerprint import fingerprint_source
from pipelines.ingest.sources.snapshots import compare_with_before
from pipelines.ingest.validated_chunk import ValidatedChunk, quarantine_frame
from schemas.definitions.procedure import Procedures
from schemas.records.activities import ACTIVITIES
from schemas.records.all_rules import FILE_RULES, TOO_MANY_REJECTS, UNREADABLE
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import LINES_PER_FILE, MAX_REJECTS
from schemas.records.record import FIELDS, UUID_PATTERN
from transforms.transaction import roll_back, transaction

_SLICE_ROWS = 8_000  # DuckDB shares a frame out to its threads by these
_TIMES = {f.column for f in FIELDS if f.kind == "time"}
_FILE_RULES = [rule.id for rule in FILE_RULES]
# Shapes whose every file has the whole past of a process with its values of today.
RETOLD = ("wide_dates", "changelog", "stage_rows")
_IDS = {f.column for f in FIELDS if f.kind == "uuid"} | {"state_id"}


def known_paths(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, FileMark], str]:
    """The sha256 of files by name, size and times, from earlier runs."""
    query = "select file_name, bytes, mtime_ns, ctime_ns, sha256 from raw.landing_paths"
    return {(name, (*mark,)): sha for name, *mark, sha in con.execute(query).fetchall()}


class Store:
    """The raw tables during one run; `batch_seq` numbers the run's part of them."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        started_at: datetime,
        arrivals: Arrivals,
        reserved: Mapping[FileKey, int] | None = None,
        procedures: Procedures | None = None,
    ) -> None:
        self.con = con
        self._procedures = procedures
        self.notes: list[str] = []
        self._arrivals = arrivals
        self._reserved = reserved or {}
        self._now = started_at.replace(tzinfo=None)
        self.batch_seq = next_batch(con)
        self._file_seq = 0
        self._counts = Counts()
        self._hopeless = self._only_counted = 0  # lines that no definition can accept
        self._problem: str | None = None

    def has_file(self, sha256: str, content: str) -> bool:
        """Whether a file with these bytes and this content has been ingested.

        So has one that had them until personal values were erased in it. A file named as tasks or
        calls that gave versions of processes before such names had a meaning is not read again.
        """
        query = (
            "select count(*) from raw.ingest_files where (content = $content "
            "or ($is_activity and content = $processes and accepted + duplicates > 0)) "
            "and (sha256 = $sha or list_contains(former_sha256, $sha))"
        )
        given = {"content": content, "is_activity": content in ACTIVITIES, "processes": PROCESSES}
        return number(self.con, query, {"sha": sha256, **given}) > 0

    def begin(self, file: LandingFile, sha256: str) -> None:
        """Start the transaction of a file, and give the file its number in the order."""
        self.con.execute("begin")
        self._file_seq = next_number(self.con, self._reserved, (sha256, file.content))
        self._counts = Counts()
        self._hopeless = self._only_counted = 0
        self._problem = None

    def rollback(self) -> None:
        """Undo the file, if its transaction is still open."""
        roll_back(self.con)

    def add(self, validated: ValidatedChunk) -> None:
        """Write and count what became of the lines of a chunk."""
        validated = self._arrivals.without_personal(validated, batch_seq=self.batch_seq)
        self._counts.lines += validated.lines
        self._counts.blank += validated.blank
        self._counts.accepted += validated.accepted.height
        if validated.content == PROCESSES:
            self._insert_versions(validated.accepted)
            self._insert_violations(validated.violations)
        else:
            self._insert_rows(validated.accepted, dimension=validated.content)
        kept, others = self._some_rejects(validated.rejected)
        self._insert_quarantine(kept)
        erased = kept["raw_text"].null_count()
        self._counts.erased += erased
        self._counts.quarantined += kept.height - erased + others
        self._only_counted += others

    def add_made(self, lines: int) -> None:
        """Count lines that were made of rows beyond their first one: they are not of the file."""
        self._counts.lines -= lines
        self._counts.added += lines

    def add_unreadable(self, problem: str) -> None:
        """Quarantine a file as a whole, as one line without a number."""
        self._insert_quarantine(quarantine_frame([(None, UNREADABLE.id, problem)]))
        self._counts.lines += 1
        self._counts.quarantined += 1
        self._problem = problem

    def commit(self, file: LandingFile, sha256: str) -> Counts:
        """Write the ledger row, drop duplicates, check that lines add up, and commit."""
        if self._only_counted:
            text = f"{self._only_counted:,} further lines"
            summary = quarantine_frame([(None, TOO_MANY_REJECTS.id, text)])
            self._insert_quarantine(summary, n_lines=self._only_counted)
        if self._arrivals.are_possible:
            self._count_erased()
        self.con.execute(
            # By name: a migrated table has its columns in another order.
            "insert into raw.ingest_files (file_seq, batch_seq, sha256, file_name, format, status, "
            "problem, bytes, lines, accepted, duplicates, quarantined, blank, ingested_at, "
            "content, added, source, source_fingerprint, erased, former_sha256) "
            "values ($file_seq, $batch_seq, $sha256, $name, $format, $status, "
            "$problem, $bytes, $lines, $accepted, $duplicates, $quarantined, $blank, $now, "
            "$content, $added, $source, $source_fingerprint, $erased, [])",
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
                "source": file.source and file.source.name,
                "source_fingerprint": fingerprint_source(file.source, self._procedures),
                **vars(self._counts),
            },
        )
        if file.source and file.source.shape == "snapshots" and not self._problem:
            note = compare_with_before(self.con, file.source, self._file_seq, self.batch_seq)
            self.notes += [f"{file.name}: {note}"] if note else []
        if file.content == PROCESSES:
            is_retold = file.source is not None and file.source.shape in RETOLD
            drop_duplicates(self.con, self._file_seq, self.batch_seq, is_retold=is_retold)
        if file.content in ACTIVITIES:
            drop_known_activities(self.con, self._file_seq)
        elif file.content != PROCESSES or file.source:
            drop_repeats(self.con, self._file_seq)
        self._remember_path(file, sha256)
        counts = checked_counts(self.con, self._file_seq)
        self.con.execute("commit")
        return counts

    def dimension_rows(self) -> int:
        """The rows of dimensions that the last file brought."""
        query = "select count(*) from raw.dimension_rows where ingest_seq // $per = $file"
        return number(self.con, query, {"per": LINES_PER_FILE, "file": self._file_seq})

    def remember(self, file: LandingFile, sha256: str) -> None:
        """Commit only the name of a file that was ingested before, perhaps under another name."""
        self._remember_path(file, sha256)
        self.con.execute("commit")

    def replay(self, file_seq: int, validated: ValidatedChunk) -> Counts:
        """Store what became of quarantined lines of a file that were validated again; the changes.

        Lines that are accepted leave the quarantine, the others keep their place in it under the
        rules they break now.
        """
        self._file_seq = file_seq
        with transaction(self.con):
            before = checked_counts(self.con, file_seq)
            validated = self._arrivals.without_personal(validated, batch_seq=self.batch_seq)
            self._insert_versions(validated.accepted)
            self._insert_violations(validated.violations)
            parameters = {"first": self._file_seq * LINES_PER_FILE}
            for frame, statement in (
                (validated.accepted, _LEAVE_QUARANTINE),
                (validated.rejected, _STAY_IN_QUARANTINE),
            ):
                self.con.register("incoming", frame)
                self.con.execute(statement, parameters)
                self.con.unregister("incoming")
            self.con.execute(
                "update raw.ingest_files set accepted = accepted + $n, "
                "quarantined = quarantined - $n where file_seq = $file",
                {"n": validated.accepted.height, "file": file_seq},
            )
            drop_duplicates(self.con, self._file_seq, self.batch_seq)
            after = checked_counts(self.con, file_seq)
        return after - before

    def _remember_path(self, file: LandingFile, sha256: str) -> None:
        """Spare later runs the hashing of a file that has not changed since.

        A file that changed at the moment it was read could change once more within the resolution
        of the clock: its hash is computed again.
        """
        query = "delete from raw.landing_paths where file_name = $name"
        self.con.execute(query, {"name": file.name})
        if file.is_recent:
            return
        self.con.execute(
            "insert into raw.landing_paths by name select $name as file_name, $bytes as bytes, "
            "$mtime as mtime_ns, $ctime as ctime_ns, $sha as sha256",
            {
                "name": file.name,
                "bytes": file.size,
                "mtime": file.mtime_ns,
                "ctime": file.ctime_ns,
                "sha": sha256,
            },
        )

    def _count_erased(self) -> None:
        """Count the texts erased since their lines were added, as a later line gave cause to."""
        query = (
            "select coalesce(sum(n_lines), 0)::bigint from raw.quarantine "
            "where file_seq = $file and raw_text is null"
        )
        erased = number(self.con, query, {"file": self._file_seq})
        self._counts.quarantined -= erased - self._counts.erased
        self._counts.erased = erased

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
        of_activity = "process_id::uuid as process_id, epoch_ms(updated_at) as updated_at, "
        self._insert(
            "dimension_rows",
            accepted.with_columns(dimension=pl.lit(dimension)),
            f"dimension, id::uuid as id, name, {of_activity if dimension in ACTIVITIES else ''}"
            "data::json as data, $first + line as ingest_seq, $batch as batch_seq",
        )

    def _insert_violations(self, violations: pl.DataFrame) -> None:
        self._insert(
            "violations",
            violations,
            "$first + line as ingest_seq, $batch as batch_seq, process_id::uuid as process_id, "
            "procedure_id::uuid as procedure_id, rule, severity, column_name, value, "
            "epoch_ms(updated_at) as updated_at",
        )

    def _some_rejects(self, rejected: pl.DataFrame) -> tuple[pl.DataFrame, int]:
        """The lines to keep, and how many others there are.

        All that another definition may accept are kept, and the first of those that none can.
        """
        is_version = pl.col("procedure").str.contains(UUID_PATTERN).fill_null(value=False)
        is_broken = pl.col("rules").list.set_intersection(_FILE_RULES).list.len() > 0
        marked = rejected.with_columns(is_hopeless=~is_version | is_broken)
        earlier = pl.col("is_hopeless").cum_sum() + self._hopeless
        kept = marked.filter(~pl.col("is_hopeless") | (earlier <= MAX_REJECTS))
        self._hopeless += int(marked["is_hopeless"].sum())
        return kept.drop("is_hopeless"), rejected.height - kept.height

    def _insert_quarantine(self, quarantine: pl.DataFrame, *, n_lines: int = 1) -> None:
        place = "place" if "place" in quarantine.columns else "line"
        self._insert(
            "quarantine",
            quarantine,
            f"$first + coalesce({place}, 0) as ingest_seq, $batch as batch_seq, $file as file_seq, "
            f"line, rules, process_id, procedure, raw_text, $now as quarantined_at, "
            f"{n_lines} as n_lines",
        )

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


_LEAVE_QUARANTINE = """
    delete from raw.quarantine where ingest_seq in (select $first + line from incoming)
"""

_STAY_IN_QUARANTINE = """
    update raw.quarantine as q set rules = i.rules
    from incoming as i where q.ingest_seq = $first + i.line
"""
