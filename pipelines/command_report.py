"""`leadtime report`: what a team lead wants to see, in the terminal or as one HTML file.

What a report says and how it looks is in `report/`.
"""

from pathlib import Path

import duckdb
from rich.console import Console

from pipelines.command_settings import next_command
from pipelines.published import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.html import html_report
from pipelines.report.terminal import print_report
from pipelines.settings import Settings
from pipelines.show import counted
from pipelines.storage import written_whole
from schemas.errors import SourceError


def show_report(
    console: Console, settings: Settings, procedure: str | None, html: Path | None
) -> None:
    """Print the report on a procedure (shortId), or on all; or write it to an HTML file.

    Raises `SourceError` when nothing has been published, or no process, or there is no such
    procedure, and `OperationError` when the file cannot be written.
    """
    with open_published(settings) as con:
        _require_processes(con, settings)
        known = procedures_of(con)
        if procedure is not None and procedure not in known:
            raise SourceError(
                "PROCEDURE", f"found {procedure!r}", f"Name one of these: {', '.join(known)}."
            )
        reports = [read_report(con, name) for name in ([procedure] if procedure else known)]
    if html is None:
        for place, report in enumerate(reports):
            if place:
                console.print()
            print_report(console, report)
        return
    with written_whole(html, "an .html file") as waiting:
        waiting.write_text(html_report(reports), encoding="utf-8")
    console.print(f"{html}: report on {counted(len(reports), 'procedure')}.")


def _require_processes(con: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    query = "select (select count(*) from processes), (select count(*) from quarantine)"
    ((processes, rejected),) = con.execute(query).fetchall()
    if processes:
        return
    action = f"Take files in with `{next_command(settings, 'run')}`."
    if rejected:
        said = f"`{next_command(settings, 'quarantine')}` says why"
        action = f"{counted(rejected, 'line')} are in quarantine: {said}."
    raise SourceError(str(settings.published), "there is no process yet", action)
