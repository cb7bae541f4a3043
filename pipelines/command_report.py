"""`leadtime report`: what a team lead wants to see, in the terminal or as one HTML file.

What a report says and how it looks is in `report/`.
"""

from pathlib import Path

from rich.console import Console

from pipelines.asking import open_published
from pipelines.report.contents import procedures_of, read_report
from pipelines.report.html import html_report
from pipelines.report.terminal import print_report
from pipelines.settings import Settings
from pipelines.show import counted
from schemas.errors import SourceError


def show_report(
    console: Console, settings: Settings, procedure: str | None, html: Path | None
) -> None:
    """Print the report on a procedure (shortId), or on all; or write it to an HTML file.

    Raises `SourceError` when nothing has been published or there is no such procedure.
    """
    with open_published(settings) as con:
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
    if html.is_dir() or not html.resolve().parent.is_dir():
        raise SourceError(str(html), "cannot be written to", "Name an .html file.")
    waiting = html.with_name(f".{html.name}.writing")
    waiting.write_text(html_report(reports), encoding="utf-8")
    waiting.replace(html)
    console.print(f"{html}: report on {counted(len(reports), 'procedure')}.")
