"""The commands that only read published databases: query, export, report, drivers, notebook,
compare.

Each imports what it calls inside its function, so that the command line starts quickly.
"""
# ruff: noqa: PLC0415, PLR0917 - see above; typer passes arguments by name

import sys
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import Data, DataOrFile


@app.command(epilog="Example: leadtime query \"from funnel_steps where procedure = 'lead'\"")
@reported
def query(
    sql: Annotated[
        str | None,
        typer.Argument(
            metavar="[SQL]",
            help="One SQL statement (DuckDB). Without one, prints sample questions.",
        ),
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write all rows as CSV (-: to standard output). Text that a spreadsheet would run "
            "as a formula is prefixed with an apostrophe.",
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
    personal: Annotated[
        bool,
        typer.Option(
            "--personal",
            help="Attach the personal values behind the keys, as the schema `people`, if you may "
            "read them.",
        ),
    ] = False,
    data: DataOrFile = None,
) -> None:
    """Query the published database, read-only.

    `from catalog` lists the tables, `from metric_catalog` explains every column. With --personal,
    `people.keys` has the value of each key (`key`, `value`), `people.users` the names of users, and
    tables such as `people.lead_processes` what is behind the published table of that name.
    """
    if csv and parquet:
        raise typer.BadParameter("Give either --csv or --parquet.", param_hint="--csv")
    if sql is None and (csv or parquet):
        raise typer.BadParameter("--csv and --parquet need a statement.", param_hint="SQL")
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.query import (
        ask,
        copy_answer,
        default_limit,
        show_answer,
        show_questions,
        write_answer,
    )

    settings = chosen_settings(data=data, is_asked=True)
    console = open_console()
    people = "needed" if personal else "left out"
    if sql is None:
        show_questions(console, settings)
    elif csv == Path("-"):
        copy_answer(settings, sql, sys.stdout, people=people)
    elif target := csv or parquet:
        file_format = "csv" if csv else "parquet"
        rows = write_answer(settings, sql, target, file_format=file_format, people=people)
        console.print(f"{rows:,} rows written to {target}")
    else:
        rows = default_limit(sql) if limit is None else limit
        show_answer(console, ask(settings, sql, limit=rows, people=people))


@app.command(epilog="Example: leadtime export --procedure lead --xes leads.xes.gz")
@reported
def export(
    procedure: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PROCEDURE",
            help="Export this procedure (shortId; repeatable). (default: all)",
        ),
    ] = None,
    xes: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an event log in XES: .xes or .xes.gz."),
    ] = None,
    ocel: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write an object-centric event log: OCEL 2.0, .sqlite."),
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write every table as a Parquet file into a new folder."),
    ] = None,
    metricflow: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write semantic models and metrics for dbt (MetricFlow) into a new folder.",
        ),
    ] = None,
    personal: Annotated[
        bool,
        typer.Option(
            "--personal",
            help="Include personal data in clear, if you may read them.",
        ),
    ] = False,
    data: Data = None,
) -> None:
    """Export the published history for process mining tools, all tables as Parquet, or what they
    mean for dbt.
    """
    if sum(target is not None for target in (xes, ocel, parquet, metricflow)) != 1:
        allowed = "Give one of --xes, --ocel, --parquet or --metricflow."
        raise typer.BadParameter(allowed, param_hint="--xes")
    if metricflow and personal:
        found = "Not allowed with --metricflow, which writes no values."
        raise typer.BadParameter(found, param_hint="--personal")
    if (parquet or metricflow) and procedure:
        raise typer.BadParameter("Allowed only with --xes or --ocel.", param_hint="--procedure")
    _require_log_name("--xes", xes, ".xes", ".xes.gz")
    _require_log_name("--ocel", ocel, ".sqlite", ".sqlite3", ".db")
    from pipelines.cli.export import export_log, export_semantic_layer, export_tables
    from pipelines.cli.invocation import chosen_settings

    settings, console = chosen_settings(data=data), open_console()
    if parquet:
        export_tables(console, settings, parquet, with_personal=personal)
    elif metricflow:
        export_semantic_layer(console, settings, metricflow)
    elif path := xes or ocel:
        kind = "xes" if xes else "ocel"
        wanted = procedure or []
        export_log(console, settings, path, kind, procedures=wanted, with_personal=personal)


def _require_log_name(option: str, path: Path | None, *endings: str) -> None:
    """Refuse a file name that promises a format other than the one written."""
    if path is None or not path.suffix or path.name.lower().endswith(endings):
        return
    *others, last = endings
    raise typer.BadParameter(
        f"found {path.name}. Only {option[2:].upper()} in {', '.join(others)} or {last} files is "
        "written.",
        param_hint=option,
    )


@app.command(epilog="Example: leadtime report lead --html leads.html")
@reported
def report(
    procedure: Annotated[
        str | None,
        typer.Argument(metavar="[PROCEDURE]", help="shortId of the procedure. (default: all)"),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write one self-contained HTML page instead."),
    ] = None,
    data: DataOrFile = None,
) -> None:
    """Report on each procedure: funnels, durations, SLAs, backlog, variants, oldest work."""
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.report import show_report

    show_report(open_console(), chosen_settings(data=data, is_asked=True), procedure, html)


@app.command(epilog="Example: leadtime drivers conversion --procedure lead")
@reported
def drivers(
    funnel: Annotated[
        str, typer.Argument(metavar="FUNNEL", help="A funnel with `within` and `breakdowns`.")
    ],
    procedure: Annotated[
        str | None,
        typer.Option(
            metavar="PROCEDURE", help="Its procedure, if several have a funnel of that name."
        ),
    ] = None,
    data: DataOrFile = None,
) -> None:
    """Rank the attribute values that go with converting, each with the others held equal.

    A ridge regression on the values at entry, which needs the extra `models`. It says how well it
    predicts processes that it has not seen, beside the share alone.
    """
    from pipelines.cli.drivers import show_drivers
    from pipelines.cli.invocation import chosen_settings

    settings = chosen_settings(data=data, is_asked=True)
    show_drivers(open_console(), settings, funnel, procedure)


@app.command(epilog="Example: leadtime notebook conversion")
@reported
def notebook(
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Notebook to open; without one, lists all."),
    ] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port on this machine.")] = 2718,
    edit: Annotated[
        bool, typer.Option("--edit", help="Open it in the editor; saving changes its file.")
    ] = False,
    data: Data = None,
) -> None:
    """Open a notebook on the published database: interactive charts in the browser."""
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.notebook import open_notebook, show_notebooks

    if name is None:
        show_notebooks(open_console())
        return
    open_notebook(open_console(), chosen_settings(data=data), name, port=port, edit=edit)


@app.command(epilog="Example: leadtime compare 11 12 --table process_lifecycle")
@reported
def compare(
    first: Annotated[
        str, typer.Argument(metavar="FIRST", help="A generation's number, or a database file.")
    ],
    second: Annotated[str, typer.Argument(metavar="SECOND", help="The other one.")],
    table: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Print the cells in which this table differs."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, metavar="N", help="Cells to print.")] = 100,
    data: Data = None,
) -> None:
    """Compare two published databases row for row. Exit code 1: they differ."""
    from pipelines.cli.compare import show_cells, show_comparison
    from pipelines.cli.invocation import chosen_settings

    settings, console = chosen_settings(data=data), open_console()
    if table:
        is_same = show_cells(console, settings, first, second, table=table, limit=limit)
    else:
        is_same = show_comparison(console, settings, first, second)
    if not is_same:
        raise typer.Exit(1)
