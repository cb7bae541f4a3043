"""The command that erases personal values: erase.

It imports what it calls inside its function, so that the command line starts quickly.
"""
# ruff: noqa: PLC0415, PLR0917 - see above; typer calls by name

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelines.cli.app import app, open_console
from pipelines.cli.errors import reported
from pipelines.cli.options import Data, ProcedureFolder

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.defs.erasure import Erasure, Plan
    from pipelines.settings import Settings


class OfLanding(StrEnum):
    """What becomes of landing files that hold the subject."""

    LIST = "list"
    REWRITE = "rewrite"


@app.command(epilog="Example: leadtime erase --value email=ann@example.com --dry-run")
@reported
def erase(
    process: Annotated[
        str | None, typer.Option(metavar="ID", help="Erase the person behind this process.")
    ] = None,
    value: Annotated[
        str | None,
        typer.Option(
            metavar="ATTRIBUTE=VALUE",
            help="Erase all processes that ever had this value, also later ones.",
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option(metavar="ID", help="Erase the name of this user.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be erased.")
    ] = False,
    landing_files: Annotated[
        OfLanding,
        typer.Option(
            "--landing", help="Landing files that hold the subject: list their lines, or rewrite."
        ),
    ] = OfLanding.LIST,
    yes: Annotated[
        bool, typer.Option("--yes", help="Erase also a value that more than 10 processes have.")
    ] = False,
    landing: Annotated[
        Path | None,
        typer.Option(
            "--landing-folder",
            metavar="DIR",
            help="Folder of the landing files. (default: LEADTIME_LANDING or DATA/landing)",
            show_default=False,
        ),
    ] = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Erase the personal values of one subject for good, and prove it by a search.

    Values of attributes that are, or may be, personal and of undeclared keys become null in every
    version; so do the name and such values of its records (unless other processes refer to them)
    and the texts of its rejected lines. Ids, states and times stay, so no figure changes; ids of
    users stay too, and `--user` erases their names. Lines about it that arrive later lose their
    values likewise. The warehouse is written to a new file, and earlier generations are removed.
    Not reached: exports, backups, and files written with `run --out`.
    """
    if sum(given is not None for given in (process, value, user)) != 1:
        raise typer.BadParameter("Give one of --process, --value and --user.", param_hint="erase")
    from pipelines.cli.invocation import chosen_settings
    from pipelines.defs.erasure import ErasureRequest, plan_erasure
    from pipelines.defs.erasure import erase as erase_subject

    settings = chosen_settings(data=data, landing=landing, procedures=procedures)
    request = ErasureRequest(process, value, user, landing_files.value, yes)
    console = open_console()
    if dry_run:
        plan = plan_erasure(settings, request, on_wait=console.print)
        _show_plan(console, plan, done=False)
        _show_landing(console, plan, is_rewritten=False)
        console.print("Nothing was changed.")
        return
    erasure = erase_subject(
        settings,
        request,
        on_stage=lambda stage: console.print(f"{stage} ..."),
        on_wait=console.print,
    )
    _show_plan(console, erasure.plan, done=True)
    _show_landing(console, erasure.plan, is_rewritten=landing_files is OfLanding.REWRITE)
    _show_proof(console, settings, erasure)


def _show_plan(console: Console, plan: Plan, *, done: bool) -> None:
    from pipelines.terminal.text import counted

    subject, changes = plan.subject, plan.changes
    parts = [
        counted(n, noun)
        for n, noun in (
            (len(subject.processes), "process"),
            (len(subject.records), "record"),
            (len(subject.users), "user"),
        )
        if n
    ]
    console.print(f"Subject    {', '.join(parts)}")
    if subject.shared:
        shared = counted(subject.shared, "record")
        console.print(f"           {shared} kept: other processes refer to it as well")
    cells = [f"{n:,} in {place}" for place, n in changes.cells.items()]
    console.print(f"{'Erased    ' if done else 'To erase  '} {', '.join(cells) or 'nothing'}")


def _show_landing(console: Console, plan: Plan, *, is_rewritten: bool) -> None:
    from pipelines.ingest.erasing.landing import as_texts
    from pipelines.terminal.text import counted

    listing = plan.listing
    if listing.held:
        lines, files = counted(listing.n_lines, "line"), counted(len(listing.held), "file")
        what = "rewritten in" if is_rewritten else "still in"
        console.print(f"Landing    {lines} {what} {files}")
        for text in as_texts(listing.held):
            console.print(f"           {text}")
        if not is_rewritten:
            console.print("           `--landing rewrite` erases them there; or remove the files.")
    for name in listing.unreadable:
        console.print(f"           {name} cannot be read to its end: search it yourself.")


def _show_proof(console: Console, settings: Settings, erasure: Erasure) -> None:
    from pipelines.terminal.text import counted

    matches, removed = erasure.matches, counted(erasure.removed_generations, "earlier one")
    console.print(f"Published  generation {erasure.generation.number}; {removed} removed")
    console.print(
        f"Proof      {counted(len(erasure.plan.own.texts), 'value')} searched for in "
        f"{counted(matches.columns, 'column')} and {counted(matches.files, 'file')} of "
        f"{settings.data}: {matches.total:,} matches"
    )
