"""`leadtime status` and `leadtime quarantine`: prints the state of the data and rejected lines."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import duckdb
from rich.console import Console
from rich.text import Text

from pipelines.cli.invocation import next_command
from pipelines.ingest.erasing.again import erased_subjects
from pipelines.ingest.quarantine import list_quarantine, replay
from pipelines.publish.generation import current_generation
from pipelines.publish.reader import open_published
from pipelines.settings import Settings, now
from pipelines.terminal.grid import broken
from pipelines.terminal.text import MISSING, count, counted, grid, instant, size
from pipelines.warehouse.lease import lease_holder
from pipelines.warehouse.open import open_warehouse, read_warehouse, require_warehouse
from schemas.errors import WarehouseBusy
from schemas.load import load_procedures
from schemas.records.dimensions import PROCESSES

_TEXTS = """
    select f.file_name, q.line, q.rules, q.raw_text
    from raw.quarantine as q
    inner join raw.ingest_files as f using (file_seq)
    order by q.ingest_seq
    limit $n
"""
_COUNTS = """
    select count(*), coalesce(sum(bytes), 0), coalesce(sum(lines), 0), coalesce(sum(accepted), 0),
        coalesce(sum(duplicates), 0), coalesce(sum(quarantined), 0), coalesce(sum(blank), 0),
        coalesce(sum(erased), 0), max(ingested_at)
    from raw.ingest_files
"""
_CONTENTS = """
    select content, count(*) as n from raw.ingest_files
    group by content order by content <> 'processes', content
"""
_VERSIONS = """
    select count(*), count(distinct process_id), min(updated_at), max(updated_at),
        coalesce(max(batch_seq), 0)
    from raw.process_versions
"""
_LABEL = 12  # width of the labels
_CREATE_ONE = "Create one with `leadtime run --landing DIR` or `leadtime demo`."
# Longer than other readers hold the file, shorter than a run does.
_PATIENCE_SECONDS = 2.0


def show_status(console: Console, settings: Settings) -> None:
    """Print files, versions, quarantine, tables and generations, without waiting for a run.

    While a run holds the warehouse, only the published generations can be shown.
    """
    holder = lease_holder(settings.data)
    if not settings.warehouse.exists() and not holder:
        console.print(f"There is no warehouse in {settings.data} yet. {_CREATE_ONE}")
        return
    if holder is None:
        try:
            with read_warehouse(replace(settings, wait_seconds=_PATIENCE_SECONDS)) as con:
                _show_warehouse(console, settings, con)
        except WarehouseBusy as busy:
            _print_lines(console, "Busy", f"{busy.holder} since {busy.since}")
    else:
        since = datetime.fromisoformat(holder["since"]) if "since" in holder else now()
        _print_lines(
            console,
            "Busy",
            f"{holder.get('purpose', 'a run')} (process {holder.get('pid', 'unknown')} on "
            f"{holder.get('host', 'this machine')}) since {instant(since)} UTC",
            "versions and quarantine can be counted after it has ended",
        )
    _show_generations(console, settings)


def show_quarantine(console: Console, settings: Settings, *, n_texts: int) -> None:
    """Print the rules that rejected lines, and the text of the first `n_texts` lines."""
    with read_warehouse(settings, on_wait=console.print) as con:
        rows = list_quarantine(con)
        texts = con.execute(_TEXTS, {"n": n_texts}).fetchall() if n_texts else []
    if not rows:
        console.print("The quarantine is empty.")
        return
    console.print(
        grid(
            ("lines", "rule", "procedure", "meaning", "example"),
            [
                (
                    count(row.lines),
                    row.rule,
                    row.procedure or MISSING,
                    row.sentence or MISSING,
                    row.examples[0],
                )
                for row in rows
            ],
            right=[0],
            wrapped=3,
        )
    )
    for file, line, rules, text in texts:
        place = f"{file}:{line}" if line else file
        console.print(Text.assemble((f"{place}  ", "bold"), (", ".join(rules), "dim")))
        console.print(f"  {text}", soft_wrap=True)
    console.print("If the data is wrong, correct it in the source system and export it again.")
    if any(row.may_be_replayed for row in rows):
        console.print("If a definition was wrong, fix it and replay the lines:")
        console.print(f"  {next_command(settings, 'quarantine', '--replay')}", soft_wrap=True)


def replay_quarantine(console: Console, settings: Settings) -> None:
    """Process quarantined lines again with the current definitions, and print the result.

    Raises `OperationError` when there is no warehouse yet.
    """
    require_warehouse(settings)
    procedures = load_procedures(settings.procedures, settings.sources)
    with open_warehouse(
        settings, purpose="leadtime quarantine --replay", on_wait=console.print
    ) as con:
        erased = erased_subjects(con, settings, procedures)
        report = replay(con, procedures, started_at=now(), erased=erased)
    if not report.lines:
        console.print("The quarantine holds no lines that can be replayed.")
        return
    console.print(str(report))
    if report.counts.accepted:
        console.print("Update the tables with:")
        console.print(f"  {next_command(settings, 'run')}", soft_wrap=True)


def _show_warehouse(console: Console, settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    files, n_bytes, *lines, last = con.execute(_COUNTS).fetchall()[0]
    accepted, duplicates, quarantined, blank, erased = map(count, lines[1:])
    added = sum(lines[1:]) - lines[0]
    n_lines = f"{count(lines[0])} + {count(added)} added" if added else count(lines[0])
    versions, processes, first, latest, batch = con.execute(_VERSIONS).fetchall()[0]
    ended = f", the last one {instant(last)} UTC" if last else ""
    _print_lines(console, "Files", f"{counted(files, 'file')}, {size(n_bytes)}{ended}")
    _print_lines(
        console,
        "Lines",
        f"{n_lines} = {accepted} accepted + {duplicates} duplicates + {quarantined} quarantined "
        f"+ {blank} blank" + (f" + {erased} erased" if lines[-1] else ""),
    )
    _show_contents(console, con)
    if versions:
        _print_lines(
            console,
            "Versions",
            f"{count(versions)} of {counted(processes, 'process')}, {instant(first)} to "
            f"{instant(latest)} UTC",
        )
    if lines[3]:
        _print_lines(console, "Quarantine", f"{counted(lines[3], 'line')}; to see why:")
        _print_command(console, next_command(settings, "quarantine"))
    _show_tables(console, settings, con, batch)


def _show_contents(console: Console, con: duckdb.DuckDBPyConnection) -> None:
    """Print how many files hold what, if some hold dimensions."""
    # Warehouses of earlier versions lack the column until the next run.
    has_contents = con.execute(
        "select count(*) from duckdb_columns() where schema_name = 'raw' "
        "and table_name = 'ingest_files' and column_name = 'content'"
    ).fetchall()[0][0]
    contents = con.execute(_CONTENTS).fetchall() if has_contents else []
    if any(content != PROCESSES for content, _ in contents):
        files = ", ".join(f"{count(n)} of {content}" for content, n in contents)
        _print_lines(console, "Contents", files)


def _show_tables(
    console: Console, settings: Settings, con: duckdb.DuckDBPyConnection, batch: int
) -> None:
    """Print whether the history tables contain all ingested versions."""
    has_marks = con.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'history' and table_name = 'watermarks'"
    ).fetchall()[0][0]
    query = "select min(batch_seq), max(as_of) from history.watermarks"
    mark, as_of = con.execute(query).fetchall()[0] if has_marks else (None, None)
    if mark is None:
        _print_lines(console, "Tables", "not built yet; to build them:")
        _print_command(console, next_command(settings, "run"))
        return
    behind = con.execute(
        "select count(*) from raw.process_versions where batch_seq > $mark", {"mark": mark}
    ).fetchall()[0][0]
    if behind:
        _print_lines(console, "Tables", f"{counted(behind, 'version')} behind; to update them:")
        _print_command(console, next_command(settings, "run"))
        return
    _print_lines(console, "Tables", f"up to date with run {batch}, as of {instant(as_of)} UTC")


def _show_generations(console: Console, settings: Settings) -> None:
    about = current_generation(settings)
    if not about:
        _print_lines(console, "Published", "nothing yet")
        return
    with open_published(settings) as con:
        ((as_of, built_at),) = con.execute("select as_of, built_at from build").fetchall()
    _print_lines(
        console,
        "Published",
        f"generation {about['generation']}, as of {instant(as_of)} UTC",
        f"built {instant(built_at)} UTC",
        *_unchanged(about),
    )
    console.print(f"{'':{_LABEL}}{settings.published}", soft_wrap=True)
    current = settings.published.resolve()
    rows = [
        (path.name, size(path.stat().st_size), "current" if path == current else "")
        for path in sorted(settings.generations.resolve().glob("analytics-*.duckdb"), reverse=True)
    ]
    console.print(grid(("kept", "size", ""), rows, right=[1]))


def _unchanged(about: Mapping[str, Any]) -> list[str]:
    """A sentence on the latest run that published nothing, because nothing had changed."""
    if "unchanged_at" not in about:
        return []
    until = datetime.fromisoformat(about["unchanged_at"])
    return [f"the same as of {instant(until)} UTC, apart from longer durations"]


def _print_lines(console: Console, label: str, *sentences: str) -> None:
    """Print sentences next to a label, each starting on a new line."""
    lines = [line for text in sentences for line in broken(text, console.width - _LABEL)]
    for place, line in enumerate(lines):
        console.print(f"{'' if place else label:{_LABEL}}{line}")


def _print_command(console: Console, command: str) -> None:
    """Print a command on one line, whatever its length, so that it can be copied."""
    console.print(f"{'':{_LABEL}}{command}", soft_wrap=True)
