"""`leadtime report`: prints the report on each procedure, or writes it as one HTML file."""

from pathlib import Path

import duckdb
from rich.console import Console

from pipelines.cli.invocation import next_command
from pipelines.publish.reader import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.html import html_report
from pipelines.report.terminal import print_report
from pipelines.settings import Settings
from pipelines.terminal.text import counted
from pipelines.warehouse.file_errors import atomic_write
from schemas.errors import OperationError


def show_report(
    console: Console, settings: Settings, procedure: str | None, html: Path | None
) -> None:
    """Print the report on a procedure (shortId; none: all), or write it to an HTML file.

    It has the names of users where this user may read them, else the beginnings of their ids.

    Raises `OperationError` when nothing or no process has been published, the procedure is unknown
    or the file cannot be written.
    """
    with open_published(settings, people="if readable") as con:
        _require_processes(con, settings)
        known = procedures_of(con)
        if procedure is not None and procedure not in known:
            raise OperationError(
                "PROCEDURE", f"found {procedure!r}", f"Name one of these: {', '.join(known)}."
            )
        reports = [read_report(con, name) for name in ([procedure] if procedure else known)]
    if html is None:
        for place, report in enumerate(reports):
            if place:
                console.print()
            print_report(console, report)
        return
    with atomic_write(html, "an .html file") as waiting:
        waiting.write_text(html_report(reports), encoding="utf-8")
    console.print(f"{html}: report on {counted(len(reports), 'procedure')}.")


def _require_processes(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    query = "select (select count(*) from processes), (select sum(n_lines)::bigint from quarantine)"
    ((processes, rejected),) = con.execute(query).fetchall()
    if processes:
        return
    action = f"Ingest files with `{next_command(settings, 'run')}`."
    if rejected:
        command = next_command(settings, "quarantine")
        action = f"{counted(rejected, 'line')} in quarantine; `{command}` shows why."
    raise OperationError(str(settings.published), "contains no processes yet", action)
