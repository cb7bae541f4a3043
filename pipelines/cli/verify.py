"""`leadtime verify`: whether the warehouse and the published database are sound."""

import duckdb
from rich.console import Console

from pipelines.cli.invocation import next_command
from pipelines.defs.checks import CHECKS
from pipelines.publish.files import published_file
from pipelines.publish.last_generation import bind_last_generation
from pipelines.settings import Settings, now
from pipelines.terminal.text import counted
from pipelines.warehouse.file_errors import opening
from pipelines.warehouse.inspection import inspect_warehouse, read_every_block, rebuild_sample
from schemas.errors import OperationError
from schemas.load import load_procedures
from schemas.sql_text import literal, quoted


def verify_data(console: Console, settings: Settings) -> bool:
    """Print the result of each step; False when something is wrong.

    Raises `DefinitionError` for the procedure files, `WarehouseBusy` when another process holds
    the warehouse, and `CorruptWarehouse` or `OperationError` when a file is damaged or missing.
    """
    procedures = load_procedures(settings.procedures, settings.sources)
    path = published_file(settings)
    with inspect_warehouse(settings, on_wait=console.print) as con:
        rows = read_every_block(con, "warehouse")
        console.print(f"Warehouse  {counted(rows, 'row')} read, every block is sound")
        is_sound = True
        if path is None:
            console.print("Published  nothing yet")
        else:
            damaged = f"Publish another one with `{next_command(settings, 'run')}`."
            with opening(path, when_damaged=damaged):
                con.execute(f"attach {literal(str(path))} as published (read_only)")
                rows = read_every_block(con, "published")
            console.print(f"Published  {counted(rows, 'row')} read, every block is sound")
            con.execute("use warehouse")
            is_sound = _check(console, con)
        con.execute("use memory")
        try:
            processes, different = rebuild_sample(con, procedures)
        except OperationError as error:
            console.print(f"Sample     not built: {error}", style="red")
            return False
    for table, n_rows in different.items():
        text = f"Sample     {counted(n_rows, 'row')} of {table} differ from their raw versions"
        console.print(text, style="red")
    if different:
        command = next_command(settings, "run", "--full")
        console.print(f"This builds every table again:\n  {command}", soft_wrap=True)
    else:
        console.print(f"Sample     {counted(processes, 'process')} rebuilt, all rows are equal")
    return is_sound and not different


def _check(console: Console, con: duckdb.DuckDBPyConnection) -> bool:
    """Evaluate every blocking check on the published tables; whether all hold."""
    tables = con.execute(
        "select table_name from duckdb_tables() where database_name = 'published'"
    ).fetchall()
    for (name,) in tables:
        con.execute(f"create temp view {quoted(name)} as from published.{quoted(name)}")
    bind_last_generation(con, None, as_of=now().replace(tzinfo=None))
    blocking = [check for check in CHECKS if check.is_blocking]
    failed = {
        check: verdict for check in blocking if not (verdict := check.evaluate(con, None)).passed
    }
    for check, verdict in failed.items():
        text = f"Check failed: {check.name}: {verdict.sentence} {check.description}"
        console.print(text, style="red")
    if not failed:
        console.print(f"Checks     all {len(blocking)} hold")
    return not failed
