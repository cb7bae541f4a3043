"""The command publish: copy a published generation to other engines."""
# ruff: noqa: PLC0415 - the command line starts quickly

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import DataOrFile

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.export.engines.copied import Copied
    from schemas.errors import LeadtimeError


@app.command(epilog="Example: leadtime publish --to delta:///srv/tables")
@reported
def publish(
    to: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TARGET",
            help="delta://DIR, delta+s3://BUCKET/PREFIX or "
            "postgres://user@host/database?schema=NAME (repeatable). "
            "(default: LEADTIME_PUBLISH_TO)",
            show_default=False,
        ),
    ] = None,
    generation: Annotated[
        str | None,
        typer.Option(
            metavar="N",
            help="Number of a generation that is kept, or a file. (default: the current one)",
            show_default=False,
        ),
    ] = None,
    data: DataOrFile = None,
) -> None:
    """Copy the published tables to Delta tables or PostgreSQL, where readers see them at once.

    Readers see the former generation until the new one is whole; one that is there already is not
    copied again. Personal data are masked as in the published database. Passwords come from
    PGPASSWORD, PGSERVICE or ~/.pgpass, keys of an object store from AWS_ACCESS_KEY_ID and its like.
    """
    from pipelines.cli.invocation import chosen_settings
    from pipelines.export.engines.address import addresses_of, parse_address
    from pipelines.export.engines.copy import copy_to_each

    settings = chosen_settings(data=data, is_asked=True)
    addresses = [parse_address(text) for text in to] if to else addresses_of(settings)
    if not addresses:
        said = "Give a target, or set LEADTIME_PUBLISH_TO with LEADTIME_DATA."
        raise typer.BadParameter(said, param_hint="--to")
    if not show_copies(open_console(), copy_to_each(settings, addresses, generation=generation)):
        raise typer.Exit(1)


def show_copies(console: Console, copies: Iterable[Copied | LeadtimeError]) -> bool:
    """Print what was copied to each address, or why it was not; False when one failed."""
    from pipelines.terminal.text import counted
    from schemas.errors import LeadtimeError

    is_complete = True
    for copied in copies:
        if isinstance(copied, LeadtimeError):
            open_console(stderr=True).print(str(copied), style="red")
            is_complete = False
            continue
        said = f"has generation {copied.generation} already"
        if copied.is_new:
            what = f"{counted(copied.tables, 'table')} and {counted(copied.rows, 'row')}"
            said = f"generation {copied.generation}, {what} in {copied.seconds:.1f} s"
        console.print(f"{copied.address}: {said}.", soft_wrap=True)
        for note in copied.notes:
            console.print(f"Note: {note}.", style="yellow", soft_wrap=True)
    return is_complete
