"""The commands that keep and restore data: backup, verify, forget.

Each imports what it calls inside its function, so that the command line starts quickly.
"""
# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import Data, Landing, ProcedureFolder, SourceFolder


@app.command(epilog="Example: leadtime backup /backups/2026-03-31")
@reported
def backup(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or empty folder.")],
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Copy the warehouse, its manifest, the definitions and the published database to a folder.

    The copy is a data folder itself: `--data DIR` uses it. Landing files are not copied.
    """
    from pipelines.cli.invocation import chosen_settings, next_command
    from pipelines.export.targets import whole_folder
    from pipelines.publish.backup import back_up
    from pipelines.terminal.text import counted, size

    settings = chosen_settings(data=data, procedures=procedures)
    console = open_console()
    with whole_folder(folder, is_private=True) as waiting:
        copies = back_up(settings, waiting, purpose="leadtime backup", on_wait=console.print)
        n_bytes = sum((waiting / path).stat().st_size for path in copies)
    console.print(f"{folder}: {counted(len(copies), 'file')}, {size(n_bytes)}.")
    restored = chosen_settings(data=folder, procedures=folder / "procedures")
    console.print("Check the copy:")
    console.print(f"  {next_command(restored, 'verify')}", soft_wrap=True)


@app.command(epilog="Example: leadtime verify --data /backups/2026-03-31")
@reported
def verify(procedures: ProcedureFolder = None, data: Data = None) -> None:
    """Read every block, check all identities, build one per cent of the processes and compare.

    Nothing is changed. Exit code 1 when something is wrong.
    """
    from pipelines.cli.invocation import chosen_settings
    from pipelines.cli.verify import verify_data

    settings = chosen_settings(data=data, procedures=procedures)
    if not verify_data(open_console(), settings):
        raise typer.Exit(1)


@app.command(epilog="Example: leadtime forget exports/2026-03-31.ndjson")
@reported
def forget(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="Name of a landing file in the ledger, or the start of its sha256."
        ),
    ],
    landing: Landing = None,
    procedures: ProcedureFolder = None,
    sources: SourceFolder = None,
    data: Data = None,
) -> None:
    """Take the lines of one landing file out again; no run takes the file in any more."""
    from pipelines.cli.invocation import chosen_settings, next_command
    from pipelines.ingest.forget import forget as forget_file
    from pipelines.settings import now
    from pipelines.terminal.text import counted
    from pipelines.warehouse.open import open_warehouse, require_warehouse
    from schemas.load import load_procedures

    settings = chosen_settings(data=data, landing=landing, procedures=procedures, sources=sources)
    console = open_console()
    require_warehouse(settings)
    definitions = load_procedures(settings.procedures, settings.sources)
    with open_warehouse(settings, purpose="leadtime forget", on_wait=console.print) as con:
        gone = forget_file(con, settings, definitions, file, started_at=now())
    console.print(f"{gone.file_name}: {counted(gone.counts.lines, 'line')} forgotten.")
    if gone.reread.files:
        files = counted(gone.reread.files, "later file")
        console.print(f"Read {files} again, for lines that had been duplicates of its lines.")
    for name in gone.reread.still_written:
        console.print(f"{name} is still being written: the next run takes it in again.")
    console.print("This brings the published tables up to date:")
    console.print(f"  {next_command(settings, 'run')}", soft_wrap=True)
