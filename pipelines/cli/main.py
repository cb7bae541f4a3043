"""The commands demo, run, ui, check, schema, quarantine and status.

Each command imports what it calls when it is called, because Dagster alone takes two seconds. Exit
codes: 0 done, 1 someone has to act (the message says what to do), 2 wrong usage.
"""
# ruff: noqa: PLC0415, PLR0917 - see above; typer calls by name

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import (
    Data,
    EngineName,
    Landing,
    Master,
    ProcedureFolder,
    SourceFolder,
)


def main() -> None:
    """Run the command line."""
    app()


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        typer.echo(f"leadtime {version('leadtime')}")
        raise typer.Exit


@app.callback()
def leadtime(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", is_eager=True, callback=_print_version
        ),
    ] = False,
) -> None:
    """History, lifecycle metrics and funnels from the raw versions of leads and tickets."""


@app.command(epilog="Example: leadtime demo --versions 100000 --data /tmp/demo")
@reported
def demo(
    versions: Annotated[
        int, typer.Option(min=200, max=20_000_000, help="Versions of processes to simulate.")
    ] = 30_000,
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Folder for the demo; emptied first when a demo made it. (default: data/demo)",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Simulate leads and tickets, run the job on them, print a funnel and resolution times."""
    from dataclasses import replace

    from pipelines.cli.demo import run_demo
    from pipelines.cli.invocation import chosen_settings
    from pipelines.settings import PROCEDURES_FOLDER

    usual = chosen_settings()
    folder = data or usual.data / "demo"
    settings = replace(
        usual,
        data=folder,
        landing=folder / "landing",
        procedures=PROCEDURES_FOLDER,
        sources=None,
        publish_to="",
    )
    if not run_demo(open_console(), settings, versions=versions):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime run --landing exports --as-of 2026-03-31 --out march.duckdb")
@reported
def run(
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    sources: SourceFolder = None,
    data: Data = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Build the tables as of this past instant (2026-03-31T18:00:00Z), or of the end "
            "of this day (2026-03-31) in the reporting time zone. (default: now)",
            show_default=False,
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild all tables, not only what has changed.")
    ] = False,
    rebuild: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROCEDURE", help="Rebuild all processes of this procedure (repeatable)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the database to this .duckdb file outside the data folder (a new file or "
            "one that leadtime published) and do not change the published one.",
            show_default=False,
        ),
    ] = None,
    allow_loss: Annotated[
        bool,
        typer.Option(
            "--allow-loss",
            help="Publish even when files or processes of the last generation are missing.",
        ),
    ] = False,
    publish: Annotated[
        bool,
        typer.Option("--publish", help="Publish even when the last generation shows the same."),
    ] = False,
    engine: EngineName = None,
    master: Master = None,
) -> None:
    """Take in new files, build all tables, publish a database: the main job.

    Files are known by their content: none is taken in twice. With nothing new, nothing is published
    until a day ends or a clock runs out: an SLA, the window of a funnel, a planned next action.
    """
    from pipelines.cli.invocation import chosen_engine, chosen_settings, parse_as_of

    settings = chosen_settings(data=data, landing=landing, procedures=procedures, sources=sources)
    settings = chosen_engine(settings, engine=engine, master=master)
    try:
        instant = parse_as_of(as_of, settings.time_zone) if as_of else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from error

    from pipelines.cli.run import execute, show_result
    from pipelines.run import Request

    console = open_console()
    request = Request(
        as_of=instant,
        full=full,
        rebuild=tuple(rebuild or ()),
        out=out,
        allow_loss=allow_loss,
        publish=publish,
    )
    result = execute(console, settings, request)
    if not show_result(console, settings, request, result):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime ui --port 3000")
@reported
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 3000,
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    sources: SourceFolder = None,
    data: Data = None,
) -> None:
    """Open Dagster's UI on this machine: tables, runs, checks and the nightly schedule."""
    from pipelines.cli.invocation import chosen_settings

    settings = chosen_settings(data=data, landing=landing, procedures=procedures, sources=sources)

    from pipelines.cli.port import require_free
    from pipelines.defs.page import open_ui

    require_free(port)
    open_console().print(
        f"Dagster's UI: http://127.0.0.1:{port}/asset-groups (stop it with Ctrl-C)"
    )
    open_console().print("It takes up to half a minute until the page answers.", style="dim")
    open_ui(settings, port)


@app.command(epilog="Example: leadtime check --infer leads.csv --to defs")
@reported
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Definitions (files or folders) to check; without any, all of --procedures.",
        ),
    ] = None,
    procedures: ProcedureFolder = None,
    sources: SourceFolder = None,
    infer: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Propose a definition (YAML) from a landing file or folder: print it, or --to.",
        ),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="With --infer: write the definition into this folder, and for a file of another "
            "shape a source that reads it.",
        ),
    ] = None,
    procedure: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="With --infer: which procedure (id, or shortId if defined) of several.",
        ),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(
            metavar="ZONE",
            help="With --infer: the time zone of times that do not say theirs (Europe/Berlin).",
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of definitions, for editors.")
    ] = False,
) -> None:
    """Check procedures and sources: every problem, its line, what was found, what is allowed."""
    if (infer is not None and (files or schema)) or (schema and files):
        raise typer.BadParameter("Give one of FILE, --infer and --schema.", param_hint="--infer")
    for option, value in (("--procedure", procedure), ("--to", to), ("--timezone", timezone)):
        if value and infer is None:
            raise typer.BadParameter("It goes with --infer.", param_hint=option)
    from pipelines.cli.check import (
        check_definitions,
        print_proposal,
        print_schema,
        save_proposal,
    )
    from pipelines.cli.invocation import chosen_settings

    if schema:
        print_schema(sys.stdout)
        return
    settings = chosen_settings(procedures=procedures, sources=sources)
    if infer is not None and to is not None:
        save_proposal(open_console(), infer, procedure, settings, to, time_zone=timezone)
        return
    if infer is not None:
        print_proposal(sys.stdout, infer, procedure, settings.procedures, time_zone=timezone)
        return
    if not check_definitions(open_console(), open_console(stderr=True), files or [], settings):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime schema lead")
@reported
def schema(
    procedure: Annotated[
        str, typer.Argument(metavar="PROCEDURE", help="The shortId of a procedure.")
    ],
    procedures: ProcedureFolder = None,
) -> None:
    """Print the columns of a procedure and the rules they must keep, as pandera checks them."""
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.schema import show_schema

    show_schema(open_console(), chosen_settings(procedures=procedures).procedures, procedure)


@app.command(epilog="Example: leadtime quarantine --text 3")
@reported
def quarantine(
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Validate the lines again with the present definitions."),
    ] = False,
    text: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="Print the text of the first N lines too: personal data!"
        ),
    ] = 0,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Show which lines were rejected and why; validate them again when the cause is fixed."""
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.status import replay_quarantine, show_quarantine

    settings = chosen_settings(data=data, procedures=procedures)
    if replay:
        replay_quarantine(open_console(), settings)
    else:
        show_quarantine(open_console(), settings, n_texts=text)


@app.command(epilog="Example: leadtime status")
@reported
def status(data: Data = None) -> None:
    """Show files, versions, quarantine, published generations, and who holds the warehouse."""
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.status import show_status

    show_status(open_console(), chosen_settings(data=data))


# Last: the help lists commands in the order in which they are added.
from pipelines.cli import pull, recovery, erasure, analyst, copies  # noqa: E402, F401, I001
