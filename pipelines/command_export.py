"""`leadtime export`: the published database for other tools, and what is said about the export.

How each format is written is in `interchange/`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import duckdb
from rich.console import Console

from pipelines.interchange.generation_files import write_tables
from pipelines.interchange.ocel import write_ocel
from pipelines.interchange.selection import Selection, select
from pipelines.interchange.targets import Written, whole_folder
from pipelines.interchange.xes import write_xes
from pipelines.published import open_published
from pipelines.quoting import literal
from pipelines.settings import Settings
from pipelines.show import counted, some_of

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
    """Write an event log of these procedures (shortIds), or of all, and say what is in it.

    Raises `SourceError` when nothing has been published, there is no such procedure, or no file
    can be written there.
    """
    write = write_xes if log_format == "xes" else write_ocel
    with open_published(settings) as con:
        selection = select(con, procedures, with_personal=with_personal)
        written = write(con, selection, path)
        notes = [*_notes(con, selection, log_format), *_left_out(selection.left_out)]
    _say(console, path, written, notes)


def export_tables(
    console: Console, settings: Settings, folder: Path, *, with_personal: bool
) -> None:
    """Write every published table as a Parquet file into a new folder, and say what is in it.

    Raises `SourceError` when nothing has been published, or the folder is not new or empty.
    """
    with whole_folder(folder) as waiting, open_published(settings, writable=waiting) as con:
        written = write_tables(con, waiting, with_personal=with_personal)
    notes = list(_left_out(written.left_out))
    if written.changes_left_out:
        notes.append(f"Left out {counted(written.changes_left_out, 'change')} of such attributes.")
    _say(console, folder, written, notes)


def _say(console: Console, path: Path, written: Written, notes: list[str]) -> None:
    counts = [counted(number, noun) for noun, number in written.counts.items()]
    console.print(f"{path}: {', '.join(counts[:-1])} and {counts[-1]}.")
    for note in notes:
        console.print(note)


def _notes(
    con: duckdb.DuckDBPyConnection, selection: Selection, log_format: LogFormat
) -> Iterator[str]:
    """What a reader of the log may not expect to be in it, or may miss."""
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
        yield f"In it: {counted(deleted, 'deleted process')}, with outcome `deleted`."
    if empty and log_format == "xes":
        yield f"In it: {counted(empty, 'trace')} without an event, never seen undeleted."
    if outside and log_format == "ocel":
        yield (
            f"Left out the parents of {counted(outside, 'process')}: they are not among the "
            "processes written."
        )


def _left_out(columns: Sequence[str]) -> Iterator[str]:
    if columns:
        yield (
            f"Left out {counted(len(columns), 'column')} with personal data "
            f"({some_of(columns)}); --personal writes them."
        )
