"""The files between a run and the workers that compute tables, one bucket of processes each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import duckdb

from pipelines.warehouse.umask import private_files
from schemas.sql_text import literal
from transforms.builder.kernel import Inputs, Plan, compute, open_worker, rows_of_bucket, take_in
from transforms.builder.tables import Table

_ROWS_PER_GROUP = 122_880

RunTasks = Callable[[Callable[[int], int], str], None]
"""Runs a function for the number of each bucket; the text says what it computes."""


@dataclass(frozen=True)
class Exchange:
    """Computes tables of all processes by tasks that `run` hands to workers; see `Computing`.

    Tables that were computed are inputs of later ones: they stay in the folder, bucket by bucket.
    """

    con: duckdb.DuckDBPyConnection
    folder: Path
    n_buckets: int
    run: RunTasks
    memory_limit: str = "2GB"

    def __call__(self, plan: Plan, inputs: Inputs) -> Mapping[str, str]:
        """For each stored table, a query for its rows, while the folder is there."""
        divided = {name: q for name, q in inputs.items() if not (self.folder / name).exists()}
        split(self.con, divided, self.folder, self.n_buckets)
        task = partial(compute_bucket, plan, self.folder, memory_limit=self.memory_limit)
        self.run(task, plan.what)
        return computed(plan, self.folder, self.n_buckets)


@contextmanager
def exchange_folder(parent: Path) -> Iterator[Path]:
    """A new folder for one exchange, which only this user can read; it goes with the block."""
    with private_files():
        folder = parent.resolve() / f"exchange-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def split(con: duckdb.DuckDBPyConnection, inputs: Inputs, folder: Path, n_buckets: int) -> None:
    """Write the rows of all processes, divided into buckets: of each input a folder."""
    for name, query in inputs.items():
        # The key of erased values stays on this machine: what is compared with them is keyed here.
        is_keyed = name == "raw_versions"
        keyed = "replace (comparable_hash(data_hash, is_erased) as data_hash)" if is_keyed else ""
        con.execute(
            f"copy (select * {keyed}, bucket_of(process_id, {n_buckets}) as bucket from ({query})) "
            f"to {literal(str(folder / name))} (format parquet, partition_by (bucket), "
            f"compression zstd, row_group_size {_ROWS_PER_GROUP})"
        )
        (folder / name).mkdir(exist_ok=True)  # also without any row


def compute_bucket(
    plan: Plan, folder: Path, bucket: int, *, threads: int = 1, memory_limit: str = "2GB"
) -> int:
    """Compute the tables of a bucket and write them; the number of their rows.

    `memory_limit` is for this bucket; what does not fit goes to files in the folder. A file gets
    its name once it is complete, so that a task may be repeated or run twice at a time. Raises
    `OtherEngine` when this machine has another version of DuckDB than the run.
    """
    with private_files():
        spill = folder / f"spill-{uuid.uuid4().hex}"
        limits = {"threads": threads, "memory_limit": memory_limit, "temp_directory": str(spill)}
        con = open_worker(plan, limits)
        try:
            rows = {name: _rows(folder / name, bucket, plan.columns[name]) for name in plan.inputs}
            take_in(con, plan, rows)
            compute(con, plan.tables)
            for table in plan.stored:
                target = _file_of(folder, table, bucket)
                _write(con, f"from {rows_of_bucket(table.name)}", target)
            counts = (f"(select count(*) from {rows_of_bucket(t.name)})" for t in plan.stored)
            return con.execute(f"select {' + '.join(counts)}").fetchall()[0][0]
        finally:
            con.close()


def computed(plan: Plan, folder: Path, n_buckets: int) -> dict[str, str]:
    """For each stored table, a query for its rows of all buckets.

    Raises `FileNotFoundError` when a bucket is missing.
    """
    found: dict[str, str] = {}
    for table in plan.stored:
        files = [_file_of(folder, table, bucket) for bucket in range(n_buckets)]
        for file in files:
            file.stat()
        found[table.name] = f"from {_parquet(files)}"
    return found


def _file_of(folder: Path, table: Table, bucket: int) -> Path:
    """Where a table is an input of others, under the name by which they read it."""
    name = f"history_{table.name}" if table.layer == "history" else table.name
    return folder / name / f"bucket={bucket}" / "rows.parquet"


def _rows(folder: Path, bucket: int, columns: Mapping[str, str]) -> str:
    """The rows of a bucket in this folder; one without rows has no file."""
    if files := sorted((folder / f"bucket={bucket}").glob("*.parquet")):
        return f"from {_parquet(files)}"
    nothing = ", ".join(f'null::{kind} as "{column}"' for column, kind in columns.items())
    return f"select {nothing} where false"


def _parquet(files: list[Path]) -> str:
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    con.execute(f"copy ({query}) to {literal(str(waiting))} (format parquet, compression zstd)")
    waiting.replace(target)
