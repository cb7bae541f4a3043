"""The `leadtime` command: its commands, their arguments, and what the shell is told.

What a command does is in the modules it calls, which are loaded only when it is called: Dagster
alone takes two seconds. Exit codes: 0 done, 1 somebody must act (a sentence says who), 2 usage.
"""
# ruff: noqa: PLC0415, PLR0917 - see above; typer calls by name

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from pipelines.command_errors import reported as _reported
from pipelines.command_options import Data, DataOrFile, Landing, ProcedureFolder

app = typer.Typer(
    name="leadtime",
    epilog="Start with: leadtime demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
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
@_reported
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

    from pipelines.command_demo import run_demo
    from pipelines.command_settings import chosen_settings
    from pipelines.settings import PROCEDURES_FOLDER

    usual = chosen_settings()
    folder = data or usual.data / "demo"
    settings = replace(usual, data=folder, landing=folder / "landing", procedures=PROCEDURES_FOLDER)
    if not run_demo(_console(), settings, versions=versions):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime run --landing exports --as-of 2026-03-31 --out march.duckdb")
@_reported
def run(
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Build the picture as at this past instant (2026-03-31T18:00:00Z), or at the end "
            "of this day (2026-03-31) in the reporting time zone. (default: now)",
            show_default=False,
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Rebuild every table, not only what has changed.")
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
            help="Write the database there and leave the published one as it is.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Take in new files, build every table, publish a database: the main job.

    Files that were taken in before are known by their content and left alone.
    """
    from pipelines.command_settings import chosen_settings, parse_as_of

    settings = chosen_settings(data=data, landing=landing, procedures=procedures)
    try:
        instant = parse_as_of(as_of, settings.time_zone) if as_of else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--as-of") from error
    if out is not None and out.exists():
        raise typer.BadParameter(f"{out} is there already; name a new file.", param_hint="--out")

    from pipelines.command_run import execute, show_result
    from pipelines.run import Request

    console = _console()
    request = Request(as_of=instant, full=full, rebuild=tuple(rebuild or ()), out=out)
    result = execute(console, settings, request)
    if not show_result(console, settings, request, result):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime ui --port 3000")
@_reported
def ui(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 3000,
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Open Dagster's UI on this machine: tables, runs, checks and the nightly schedule."""
    from pipelines.command_settings import chosen_settings

    settings = chosen_settings(data=data, landing=landing, procedures=procedures)

    from pipelines.execute import open_ui, require_free

    require_free(port)
    _console().print(f"Dagster's UI: http://127.0.0.1:{port}/asset-groups (stop it with Ctrl-C)")
    _console().print("It takes up to half a minute until the page answers.", style="dim")
    open_ui(settings, port)


@app.command(epilog="Example: leadtime query \"from funnel_steps where procedure = 'lead'\"")
@_reported
def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL]",
            help="One statement in DuckDB's SQL; without one, questions to start with.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write all rows as CSV; - writes to the terminal. Text that a spreadsheet would "
            "run as a formula gets an apostrophe in front.",
        ),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write all rows as Parquet.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Rows to print; 0 prints all. (default: 100; all of show, describe, summarize)",
            show_default=False,
        ),
    ] = None,
    data: DataOrFile = None,
) -> None:
    """Ask the published database; nothing can be changed by it.

    `from catalog` lists the tables, `from metric_catalog` says what each column means.
    """
    if csv and parquet:
        raise typer.BadParameter("Give one of --csv and --parquet.", param_hint="--csv")
    if sql is None and (csv or parquet):
        raise typer.BadParameter("Give a statement to write the rows of.", param_hint="SQL")
    from pipelines.asking import (
        ask,
        copy_answer,
        show_answer,
        show_questions,
        usual_limit,
        write_answer,
    )
    from pipelines.command_settings import chosen_settings

    settings = chosen_settings(data=data, is_asked=True)
    console = _console()
    if sql is None:
        show_questions(console, settings)
    elif csv == Path("-"):
        copy_answer(settings, sql, sys.stdout)
    elif target := csv or parquet:
        rows = write_answer(settings, sql, target, file_format="csv" if csv else "parquet")
        console.print(f"{rows:,} rows written to {target}")
    else:
        rows = usual_limit(sql) if limit is None else limit
        show_answer(console, ask(settings, sql, limit=rows))


@app.command(epilog="Example: leadtime export --procedure lead --xes leads.xes.gz")
@_reported
def export(
    procedure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROCEDURE", help="shortId of a procedure to write (repeatable). (default: all)"
        ),
    ] = None,
    xes: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Event log in XES, also as .xes.gz.")
    ] = None,
    ocel: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Object-centric event log: OCEL 2.0 in SQLite."),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Every table as a Parquet file in a new folder."),
    ] = None,
    personal: Annotated[
        bool, typer.Option("--personal", help="Write columns with personal data too.")
    ] = False,
    data: Data = None,
) -> None:
    """Write the published history for process mining tools, or all tables as Parquet."""
    if sum(target is not None for target in (xes, ocel, parquet)) != 1:
        raise typer.BadParameter("Give one of --xes, --ocel and --parquet.", param_hint="--xes")
    if parquet and procedure:
        raise typer.BadParameter("It goes with --xes and --ocel.", param_hint="--procedure")
    from pipelines.command_export import export_log, export_tables
    from pipelines.command_settings import chosen_settings

    settings, console = chosen_settings(data=data), _console()
    if parquet:
        export_tables(console, settings, parquet, with_personal=personal)
    elif path := xes or ocel:
        kind = "xes" if xes else "ocel"
        wanted = procedure or []
        export_log(console, settings, path, kind, procedures=wanted, with_personal=personal)


@app.command(epilog="Example: leadtime report lead --html leads.html")
@_reported
def report(
    procedure: Annotated[
        str | None,
        typer.Argument(metavar="[PROCEDURE]", help="shortId; without one, every procedure."),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one self-contained HTML page instead."),
    ] = None,
    data: DataOrFile = None,
) -> None:
    """Show what a team lead wants to know: funnel, times, backlog, ways taken, oldest work."""
    from pipelines.command_report import show_report
    from pipelines.command_settings import chosen_settings

    show_report(_console(), chosen_settings(data=data, is_asked=True), procedure, html)


@app.command(epilog="Example: leadtime notebook conversion")
@_reported
def notebook(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Without one, lists them.")
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 2718,
    edit: Annotated[
        bool, typer.Option("--edit", help="Open it in the editor, where its file can be changed.")
    ] = False,
    data: Data = None,
) -> None:
    """Open a notebook over the published database: charts to choose from in the browser."""
    from pipelines.command_notebook import open_notebook, show_notebooks
    from pipelines.command_settings import chosen_settings

    if name is None:
        show_notebooks(_console())
        return
    open_notebook(_console(), chosen_settings(data=data), name, port=port, edit=edit)


@app.command(epilog="Example: leadtime check --infer leads.ndjson > lead.yaml")
@_reported
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Definitions (files or folders) to check; without any, all of --procedures.",
        ),
    ] = None,
    procedures: ProcedureFolder = None,
    infer: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Print a definition (YAML) proposed from a landing file or folder.",
        ),
    ] = None,
    procedure: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="With --infer: which procedure (id, or shortId if defined) of several.",
        ),
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of definitions, for editors.")
    ] = False,
) -> None:
    """Check procedure definitions: every problem, its line, what was found, what is allowed."""
    if (infer is not None and (files or schema)) or (schema and files):
        raise typer.BadParameter("Give one of FILE, --infer and --schema.", param_hint="--infer")
    if procedure and infer is None:
        raise typer.BadParameter("It goes with --infer.", param_hint="--procedure")
    from pipelines.command_check import check_definitions, print_proposal, print_schema
    from pipelines.command_settings import chosen_settings

    if schema:
        print_schema(sys.stdout)
        return
    folder = chosen_settings(procedures=procedures).procedures
    if infer is not None:
        print_proposal(sys.stdout, infer, procedure, folder)
        return
    if not check_definitions(_console(), _console(stderr=True), files or [], folder):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime quarantine --text 3")
@_reported
def quarantine(
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Put the lines through again with the definitions of now."),
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
    """Show which lines were rejected and why; put them through again once the cause is mended."""
    from pipelines.command_settings import chosen_settings
    from pipelines.command_status import replay_quarantine, show_quarantine

    settings = chosen_settings(data=data, procedures=procedures)
    if replay:
        replay_quarantine(_console(), settings)
    else:
        show_quarantine(_console(), settings, n_texts=text)


@app.command(epilog="Example: leadtime status")
@_reported
def status(data: Data = None) -> None:
    """Show files, versions, quarantine, published generations, and who holds the warehouse."""
    from pipelines.command_settings import chosen_settings
    from pipelines.command_status import show_status

    show_status(_console(), chosen_settings(data=data))


def _console(*, stderr: bool = False) -> Any:
    from pipelines.show import console

    return console(stderr=stderr)
