"""`leadtime export`: writes the published database for other tools and prints a summary."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import duckdb
from rich.console import Console

from pipelines.export.clear_values import show_clear_values
from pipelines.export.generation_files import write_tables
from pipelines.export.metricflow import write_metricflow
from pipelines.export.ocel import write_ocel
from pipelines.export.selection import Selection, select
from pipelines.export.targets import Written, whole_folder
from pipelines.export.xes import write_xes
from pipelines.publish.reader import People, open_published
from pipelines.settings import Settings
from pipelines.terminal.text import counted, some_of
from schemas.sql_text import literal

LogFormat = Literal["xes", "ocel"]


def export_log(
    console: Console,
    settings: Settings,
    path: Path,
    log_format: LogFormat,
    *,
    procedures: Sequence[str],
    with_personal: bool,
) -> None:
    """Write an event log of these procedures (shortIds; none given: all) and print a summary.

    Raises `OperationError` when nothing has been published, a procedure is unknown, personal values
    that are wanted cannot be read or the file cannot be written.
    """
    write = write_xes if log_format == "xes" else write_ocel
    with open_published(settings, people=_people(with_personal)) as con:
        if with_personal:
            show_clear_values(con)
        selection = select(con, procedures, with_personal=with_personal)
        written = write(con, selection, path)
        notes = [*_notes(con, selection, log_format), *_left_out(selection.left_out)]
    _print_summary(console, path, written, notes)


def export_tables(
    console: Console, settings: Settings, folder: Path, *, with_personal: bool
) -> None:
    """Write every published table as a Parquet file into a new folder and print a summary.

    Raises `OperationError` when nothing has been published, the folder is neither new nor empty,
    or the disk is full.
    """
    with (
        whole_folder(folder) as waiting,
        open_published(settings, writable=waiting, people=_people(with_personal)) as con,
    ):
        written = write_tables(con, waiting, with_personal=with_personal)
    notes = list(_left_out(written.left_out))
    if written.changes_left_out:
        notes.append(f"Left out: {counted(written.changes_left_out, 'change')} of such attributes.")
    _print_summary(console, folder, written, notes)


def export_semantic_layer(console: Console, settings: Settings, folder: Path) -> None:
    """Write the models of a dbt project for the published tables into a new folder and print a
    summary.

    Raises `OperationError` when nothing has been published, the folder is neither new nor empty,
    or the disk is full.
    """
    with whole_folder(folder) as waiting, open_published(settings, people="left out") as con:
        written = write_metricflow(con, waiting)
    _print_summary(console, folder, written, [])


def _people(with_personal: bool) -> People:
    return "needed" if with_personal else "left out"


def _print_summary(console: Console, path: Path, written: Written, notes: list[str]) -> None:
    counts = [counted(number, noun) for noun, number in written.counts.items()]
    console.print(f"{path}: {', '.join(counts[:-1])} and {counts[-1]}.")
    for note in notes:
        console.print(note)


def _notes(
    con: duckdb.DuckDBPyConnection, selection: Selection, log_format: LogFormat
) -> Iterator[str]:
    """What a reader of the log might not expect in it, and what is left out."""
    chosen = ", ".join(map(literal, selection.procedures))
    ((deleted, empty, outside),) = con.execute(f"""
        select
            count(*) filter (outcome = 'deleted'),
            count(*) filter (process_id not in (select process_id from state_visits)),
            count(*) filter (
                parent_process_id not in (
                    select process_id from processes where procedure in ({chosen})
                )
            )
        from processes
        where procedure in ({chosen})
    """).fetchall()
    if deleted:
        yield f"Included: {counted(deleted, 'deleted process')}, with outcome `deleted`."
    if empty and log_format == "xes":
        yield f"Included: {counted(empty, 'trace')} without events (deleted in every version)."
    if outside and log_format == "ocel":
        yield (
            f"Left out: the parents of {counted(outside, 'process')}, which are not among the "
            "processes exported."
        )


def _left_out(columns: Sequence[str]) -> Iterator[str]:
    if columns:
        yield (
            f"Left out: {counted(len(columns), 'column')} with personal data "
            f"({some_of(columns)}); --personal includes them."
        )
