"""`leadtime status` and `leadtime quarantine`: what there is, and what was rejected.

Nothing here changes anything, but for the replay, which is `replay.py`.
"""

from dataclasses import replace
from datetime import datetime

import duckdb
from rich.console import Console
from rich.text import Text

from pipelines.command_settings import next_command
from pipelines.grid import broken
from pipelines.lease import lease_holder
from pipelines.publish import current_generation
from pipelines.published import open_published
from pipelines.replay import list_quarantine, replay
from pipelines.settings import Settings, now
from pipelines.show import MISSING, count, counted, grid, instant, size
from pipelines.warehouse import open_warehouse, read_warehouse
from schemas.definition_files import load_procedures
from schemas.dimensions import PROCESSES
from schemas.errors import SourceError, WarehouseBusy

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
        max(ingested_at)
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
_LABEL = 12  # characters before a sentence of the status
_MAKE_ONE = "Make one with `leadtime run --landing DIR`, or see `leadtime demo`."
# Another reader is gone within this time; a run is not.
_PATIENCE_SECONDS = 2.0


def show_status(console: Console, settings: Settings) -> None:
    """Print files, versions, quarantine, tables and generations; waits for nobody.

    While a run holds the warehouse only what is published is known.
    """
    holder = lease_holder(settings.data)
    if not settings.warehouse.exists() and not holder:
        console.print(f"There is no warehouse in {settings.data} yet. {_MAKE_ONE}")
        return
    if holder is None:
        try:
            with read_warehouse(replace(settings, wait_seconds=_PATIENCE_SECONDS)) as con:
                _show_warehouse(console, settings, con)
        except WarehouseBusy as busy:
            _say(console, "Busy", f"{busy.holder} since {busy.since}")
    else:
        since = datetime.fromisoformat(holder["since"]) if "since" in holder else now()
        _say(
            console,
            "Busy",
            f"{holder.get('purpose', 'a run')} (process {holder.get('pid', 'unknown')} on "
            f"{holder.get('host', 'this machine')}) since {instant(since)} UTC",
            "versions and quarantine can be counted when it has ended",
        )
    _show_generations(console, settings)


def show_quarantine(console: Console, settings: Settings, *, n_texts: int) -> None:
    """Print the rules that rejected lines, and the text of a few of these when asked for."""
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
    console.print(
        "Lines that are wrong themselves: mend them in the system they come from and send them "
        "anew."
    )
    if any(row.may_be_mended for row in rows):
        console.print("Mended the definitions? This puts the lines through again:")
        console.print(f"  {next_command(settings, 'quarantine', '--replay')}", soft_wrap=True)


def replay_quarantine(console: Console, settings: Settings) -> None:
    """Put quarantined lines through once more, and print what became of them.

    Raises `SourceError` when there is no warehouse yet.
    """
    if not settings.warehouse.exists():
        raise SourceError(str(settings.data), "there is no warehouse yet", _MAKE_ONE)
    procedures = load_procedures(settings.procedures)
    with open_warehouse(
        settings, purpose="leadtime quarantine --replay", on_wait=console.print
    ) as con:
        report = replay(con, procedures, started_at=now())
    if not report.lines:
        console.print("The quarantine holds no line that could be put through again.")
        return
    console.print(str(report))
    if report.counts.accepted:
        console.print("This brings the tables up to date with them:")
        console.print(f"  {next_command(settings, 'run')}", soft_wrap=True)


def _show_warehouse(console: Console, settings: Settings, con: duckdb.DuckDBPyConnection) -> None:
    files, n_bytes, *lines, last = con.execute(_COUNTS).fetchall()[0]
    n_lines, accepted, duplicates, quarantined, blank = map(count, lines)
    versions, processes, first, latest, batch = con.execute(_VERSIONS).fetchall()[0]
    ended = f", the last one {instant(last)} UTC" if last else ""
    _say(console, "Files", f"{counted(files, 'file')}, {size(n_bytes)}{ended}")
    _say(
        console,
        "Lines",
        f"{n_lines} = {accepted} accepted + {duplicates} duplicates + {quarantined} quarantined "
        f"+ {blank} blank",
    )
    _show_contents(console, con)
    if versions:
        _say(
            console,
            "Versions",
            f"{count(versions)} of {counted(processes, 'process')}, {instant(first)} to "
            f"{instant(latest)} UTC",
        )
    if lines[3]:
        _say(console, "Quarantine", f"{counted(lines[3], 'line')}; this says why:")
        _say_command(console, next_command(settings, "quarantine"))
    _show_tables(console, settings, con, batch)


def _show_contents(console: Console, con: duckdb.DuckDBPyConnection) -> None:
    """Print what the files hold, where some hold users, pods, ..."""
    # A warehouse that no run has opened since there are such files does not say.
    says = con.execute(
        "select count(*) from duckdb_columns() where schema_name = 'raw' "
        "and table_name = 'ingest_files' and column_name = 'content'"
    ).fetchall()[0][0]
    contents = con.execute(_CONTENTS).fetchall() if says else []
    if any(content != PROCESSES for content, _ in contents):
        files = ", ".join(f"{count(n)} of {content}" for content, n in contents)
        _say(console, "Contents", files)


def _show_tables(
    console: Console, settings: Settings, con: duckdb.DuckDBPyConnection, batch: int
) -> None:
    """Print whether the history tables have absorbed all that was taken in."""
    has_marks = con.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'history' and table_name = 'watermarks'"
    ).fetchall()[0][0]
    query = "select min(batch_seq), max(as_of) from history.watermarks"
    mark, as_of = con.execute(query).fetchall()[0] if has_marks else (None, None)
    if mark is None:
        _say(console, "Tables", "not built yet; this builds them:")
        _say_command(console, next_command(settings, "run"))
        return
    behind = con.execute(
        "select count(*) from raw.process_versions where batch_seq > $mark", {"mark": mark}
    ).fetchall()[0][0]
    if behind:
        _say(
            console, "Tables", f"{counted(behind, 'version')} behind; this brings them up to date:"
        )
        _say_command(console, next_command(settings, "run"))
        return
    _say(console, "Tables", f"up to date with run {batch}, as of {instant(as_of)} UTC")


def _show_generations(console: Console, settings: Settings) -> None:
    about = current_generation(settings)
    if not about:
        _say(console, "Published", "nothing yet")
        return
    with open_published(settings) as con:
        ((as_of, built_at),) = con.execute("select as_of, built_at from build").fetchall()
    _say(
        console,
        "Published",
        f"generation {about['generation']}, as of {instant(as_of)} UTC",
        f"built {instant(built_at)} UTC",
    )
    console.print(f"{'':{_LABEL}}{settings.published}", soft_wrap=True)
    current = settings.published.resolve()
    rows = [
        (path.name, size(path.stat().st_size), "current" if path == current else "")
        for path in sorted(settings.generations.resolve().glob("analytics-*.duckdb"), reverse=True)
    ]
    console.print(grid(("kept", "size", ""), rows, right=[1]))


def _say(console: Console, label: str, *sentences: str) -> None:
    """Print sentences next to a label, each from a line of its own."""
    lines = [line for text in sentences for line in broken(text, console.width - _LABEL)]
    for place, line in enumerate(lines):
        console.print(f"{'' if place else label:{_LABEL}}{line}")


def _say_command(console: Console, command: str) -> None:
    """Print a command on one line, however long, so that it can be copied."""
    console.print(f"{'':{_LABEL}}{command}", soft_wrap=True)
