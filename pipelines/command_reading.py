"""The commands that read the published database and write nothing there, and their arguments.

What a command does is in the modules it calls, which are loaded only when it is called.
"""
# ruff: noqa: PLC0415, PLR0917 - see above; typer calls by name

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.command_app import app, open_console
from pipelines.command_errors import reported
from pipelines.command_options import Data, DataOrFile


@app.command(epilog="Example: leadtime query \"from funnel_steps where procedure = 'lead'\"")
@reported
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
    console = open_console()
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
@reported
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

    settings, console = chosen_settings(data=data), open_console()
    if parquet:
        export_tables(console, settings, parquet, with_personal=personal)
    elif path := xes or ocel:
        kind = "xes" if xes else "ocel"
        wanted = procedure or []
        export_log(console, settings, path, kind, procedures=wanted, with_personal=personal)


@app.command(epilog="Example: leadtime report lead --html leads.html")
@reported
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

    show_report(open_console(), chosen_settings(data=data, is_asked=True), procedure, html)


@app.command(epilog="Example: leadtime notebook conversion")
@reported
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
        show_notebooks(open_console())
        return
    open_notebook(open_console(), chosen_settings(data=data), name, port=port, edit=edit)
