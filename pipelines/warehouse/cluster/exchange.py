"""The files between a run and the workers that compute history, one bucket of processes each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from pipelines.warehouse.umask import private_files
from schemas.sql_text import literal
from transforms.builder.kernel import Inputs, Plan, compute, open_worker, rows_of_bucket, take_in

_VERSIONS, _ACTIVITIES, _HISTORY = "versions", "activities", "history"
_ROWS_PER_GROUP = 122_880


@contextmanager
def exchange_folder(parent: Path) -> Iterator[Path]:
    """A new folder for one exchange, which only this user can read; it goes with the block."""
    with private_files():
        folder = parent.resolve() / f"history-{uuid.uuid4().hex}"
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def split(con: duckdb.DuckDBPyConnection, inputs: Inputs, folder: Path, n_buckets: int) -> None:
    """Write the versions and activities of all processes, divided into buckets."""
    # The key of erased values stays on this machine: what is compared with them is keyed here.
    keyed = "* replace (comparable_hash(data_hash, is_erased) as data_hash)"
    for name, columns, query in (
        (_VERSIONS, keyed, inputs.versions),
        (_ACTIVITIES, "*", inputs.activities),
    ):
        con.execute(
            f"copy (select {columns}, bucket_of(process_id, {n_buckets}) as bucket from ({query})) "
            f"to {literal(str(folder / name))} (format parquet, partition_by (bucket), "
            f"compression zstd, row_group_size {_ROWS_PER_GROUP})"
        )


def compute_bucket(
    plan: Plan, folder: Path, bucket: int, *, threads: int = 1, memory_limit: str = "2GB"
) -> int:
    """Compute the history of a bucket and write it; the number of its versions.

    `memory_limit` is for this bucket; what does not fit goes to files in the folder. A file gets
    its name once it is complete, so that a task may be repeated or run twice at a time. Raises
    `OtherEngine` when this machine has another version of DuckDB than the run.
    """
    with private_files():
        spill = folder / f"spill-{uuid.uuid4().hex}"
        limits = {"threads": threads, "memory_limit": memory_limit, "temp_directory": str(spill)}
        con = open_worker(plan, limits)
        try:
            versions = _rows(folder / _VERSIONS, bucket, plan.columns["raw_versions"])
            activities = _rows(folder / _ACTIVITIES, bucket, plan.columns["raw_activities"])
            take_in(con, plan, Inputs(versions, activities))
            compute(con, plan.tables)
            for table in plan.stored:
                target = _file_of(folder, table.name, bucket)
                _write(con, f"from {rows_of_bucket(table.name)}", target)
            return con.execute("select count(*) from raw_versions").fetchall()[0][0]
        finally:
            con.close()


def computed(plan: Plan, folder: Path, n_buckets: int) -> dict[str, str]:
    """For each stored table, a query for its rows of all buckets.

    Raises `FileNotFoundError` when a bucket is missing.
    """
    found: dict[str, str] = {}
    for table in plan.stored:
        files = [_file_of(folder, table.name, bucket) for bucket in range(n_buckets)]
        for file in files:
            file.stat()
        found[table.name] = f"from {_parquet(files)}"
    return found


def _file_of(folder: Path, table: str, bucket: int) -> Path:
    return folder / _HISTORY / table / f"{bucket:06}.parquet"


def _rows(folder: Path, bucket: int, columns: Mapping[str, str]) -> str:
    """The rows of a bucket in this folder; one without rows has no file."""
    if files := sorted((folder / f"bucket={bucket}").glob("*.parquet")):
        return f"from {_parquet(files)}"
    nothing = ", ".join(f"null::{kind} as {column}" for column, kind in columns.items())
    return f"select {nothing} where false"


def _parquet(files: list[Path]) -> str:
    listed = ", ".join(literal(str(file)) for file in files)
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _write(con: duckdb.DuckDBPyConnection, query: str, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    waiting = target.with_name(f".{target.name}.{uuid.uuid4().hex}.part")
    con.execute(f"copy ({query}) to {literal(str(waiting))} (format parquet, compression zstd)")
    waiting.replace(target)
