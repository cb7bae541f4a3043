"""The command pull: land what the platform's API has, or propose definitions from it."""
# ruff: noqa: PLC0415, PLR0917 - the command line starts quickly; typer calls by name

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import Data, Landing, ProcedureFolder

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.ingest.pull.report import ProcedurePull, PullReport
    from pipelines.settings import Settings

_PAGES_PER_LINE = 100


@app.command(epilog="Example: leadtime pull --procedure lead --landing exports")
@reported
def pull(
    procedure: Annotated[
        list[str] | None,
        typer.Option(metavar="SHORTID", help="Pull this procedure only (repeatable)."),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Land everything again, as if nothing had been pulled.")
    ] = False,
    propose: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Pull nothing; write a definition for each procedure of the platform that has "
            "none to this folder.",
            show_default=False,
        ),
    ] = None,
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Fetch new versions, users and names from the platform's API as landing files.

    LEADTIME_API_URL is its address, LEADTIME_API_TOKEN or LEADTIME_API_TOKEN_FILE has its token.
    A run takes the files in. A pull that was stopped continues.
    """
    if propose is not None and (procedure or full):
        raise typer.BadParameter("It goes with no other choice.", param_hint="--propose")
    from pipelines.cli.invocation import chosen_settings
    from pipelines.ingest.pull.pull import pull as pull_all

    settings = chosen_settings(data=data, landing=landing, procedures=procedures)
    console = open_console()
    if propose is not None:
        _propose(console, settings, propose)
        return
    with _watched(console) as (on_page, on_wait):
        report = pull_all(
            settings, names=procedure or (), full=full, on_page=on_page, on_wait=on_wait
        )
    _show(console, settings, report)
    if report.all_problems:
        raise typer.Exit(1)


def _propose(console: Console, settings: Settings, folder: Path) -> None:
    from pipelines.infer.platform import write_definitions
    from pipelines.ingest.pull.pull import read_config

    config = read_config(settings, on_wait=lambda text: console.print(text, style="yellow"))
    for outcome in write_definitions(config, settings, folder):
        console.print(outcome, soft_wrap=True)


def _show(console: Console, settings: Settings, report: PullReport) -> None:
    from pipelines.cli.invocation import next_command
    from pipelines.terminal.text import MISSING, count, counted, grid, instant

    if report.procedures:
        rows = [
            (
                one.procedure,
                count(one.pages),
                count(one.records),
                count(one.versions),
                count(one.processes),
                f"{instant(one.updated_to)} UTC" if one.updated_to else MISSING,
            )
            for one in report.procedures
        ]
        head = ("procedure", "pages", "records", "new versions", "processes", "changed up to")
        console.print(grid(head, rows, right=[1, 2, 3, 4]))
    names = [
        f"{counted(rows, 'row')} of {name}" for name, rows in report.dimensions.items() if rows
    ]
    console.print(f"Names    {', '.join(names) or 'nothing new'}")
    n_files = sum(len(one.files) for one in report.procedures) + len(names)
    console.print(f"Landed   {counted(n_files, 'file')} in {settings.landing / 'pull'}")
    notes = [f"{one.procedure}: {note}" for one in report.procedures for note in one.notes]
    for note in (*report.notes, *notes):
        console.print(f"Note     {note}.", style="yellow")
    for problem in report.all_problems:
        console.print(problem, style="red")
    if n_files:
        console.print(f"\nNext: {next_command(settings, 'run')}", soft_wrap=True)


@contextmanager
def _watched(
    console: Console,
) -> Iterator[tuple[Callable[[ProcedurePull], None], Callable[[str], None]]]:
    """Two functions that show progress: one for a page that was read, one for a wait."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    if not console.is_terminal:

        def print_page(one: ProcedurePull) -> None:
            if one.pages % _PAGES_PER_LINE == 1:
                console.print(f"{_progress(one)} ...")

        yield print_page, console.print
        return
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("users and configuration", total=None)
        yield (
            lambda one: bar.update(task, description=_progress(one)),
            lambda text: bar.console.print(text, style="yellow"),
        )


def _progress(one: ProcedurePull) -> str:
    from pipelines.terminal.text import counted

    again = f", pass {one.passes}" if one.passes > 1 else ""
    pages, records = counted(one.pages, "page"), counted(one.records, "record")
    return f"{one.procedure}: {pages}, {records}, {counted(one.versions, 'new version')}{again}"
