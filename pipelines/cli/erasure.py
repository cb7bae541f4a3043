"""The commands that erase personal values: erase and retain.

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

    from pipelines.defs.erasure import Plan
    from pipelines.defs.proof import Proof
    from pipelines.ingest.erasing.landing import Listing
    from pipelines.settings import Settings
    from schemas.definitions.age import Age


DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be erased.")]
LandingFolder = Annotated[
    Path | None,
    typer.Option(
        "--landing-folder",
        metavar="DIR",
        help="Folder of the landing files. (default: LEADTIME_LANDING or DATA/landing)",
        show_default=False,
    ),
]


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
    dry_run: DryRun = False,
    landing_files: Annotated[
        OfLanding,
        typer.Option(
            "--landing", help="Landing files that hold the subject: list their lines, or rewrite."
        ),
    ] = OfLanding.LIST,
    yes: Annotated[
        bool, typer.Option("--yes", help="Erase also a value that more than 10 processes have.")
    ] = False,
    landing: LandingFolder = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Erase the personal values of one subject for good, and prove it by a search.

    Values of attributes that are, or may be, personal and of undeclared keys become null in every
    version; so do the name and such values of its records (unless other processes refer to them)
    and the texts of its rejected lines. Ids, states and times stay, so no figure changes; ids of
    users stay too, and `--user` erases their names. Lines about it that arrive later lose their
    values likewise. The warehouse is written to a new file, and earlier generations are removed,
    also from LEADTIME_PUBLISH_TO. Not reached: exports, other copies, backups, and files written
    with `run --out`.
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
        _show_landing(console, plan.listing, is_rewritten=False)
        console.print("Nothing was changed.")
        return
    erasure = erase_subject(
        settings,
        request,
        on_stage=lambda stage: console.print(f"{stage} ..."),
        on_wait=console.print,
    )
    _show_plan(console, erasure.plan, done=True)
    _show_landing(console, erasure.plan.listing, is_rewritten=landing_files is OfLanding.REWRITE)
    _show_proof(console, settings, erasure.proof)
    renew_copies(console, settings)


@app.command(epilog="Example: leadtime retain --versions 3y --quarantine-text 30d --dry-run")
@reported
def retain(
    versions: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Erase the personal values of versions this old or older: 90d, 8w, 6mo, 3y. "
            "(default: LEADTIME_RETAIN_VERSIONS)",
            show_default=False,
        ),
    ] = None,
    quarantine_text: Annotated[
        str | None,
        typer.Option(
            metavar="AGE",
            help="Erase the texts of lines that were rejected so long ago. "
            "(default: LEADTIME_RETAIN_QUARANTINE_TEXT)",
            show_default=False,
        ),
    ] = None,
    dry_run: DryRun = False,
    landing_files: Annotated[
        OfLanding,
        typer.Option(
            "--landing", help="Landing files that hold older versions: list, or rewrite, the lines."
        ),
    ] = OfLanding.LIST,
    landing: LandingFolder = None,
    procedures: ProcedureFolder = None,
    data: Data = None,
) -> None:
    """Erase personal values by age: of old versions, and of lines that were rejected long ago.

    Personal values and undeclared keys of older versions become null, also where a version is the
    latest of its process; so do those of records that no younger version refers to. Ids, states and
    times stay, so no figure about them changes; changes of a tracked personal value go. A rejected
    line without its text cannot be validated again. Older versions that arrive later lose their
    values likewise. A run does the same first where LEADTIME_RETAIN_VERSIONS or
    LEADTIME_RETAIN_QUARANTINE_TEXT is set; it leaves landing files alone. Not reached: exports,
    copies that LEADTIME_PUBLISH_TO does not name, backups, and files written with `run --out`.
    """
    from pipelines.cli.invocation import chosen_settings
    from pipelines.defs.retention import RetentionRequest, describe, plan_retention
    from pipelines.defs.retention import retain as retain_by_age

    settings = chosen_settings(data=data, landing=landing, procedures=procedures)
    request = RetentionRequest(
        _age("--versions", versions) or settings.retain_versions,
        _age("--quarantine-text", quarantine_text) or settings.retain_quarantine_text,
        landing_files.value,
    )
    if request.versions is None and request.quarantine_text is None:
        raise typer.BadParameter("Give --versions, --quarantine-text or both.", param_hint="retain")
    console = open_console()
    if dry_run:
        due = plan_retention(settings, request, on_wait=console.print)
        console.print(f"To erase   {describe(due)}")
        _show_landing(console, due.listing, is_rewritten=False)
        console.print("Nothing was changed.")
        return
    retention = retain_by_age(
        settings,
        request,
        on_stage=lambda stage: console.print(f"{stage} ..."),
        on_wait=console.print,
    )
    console.print(f"Erased     {describe(retention.due)}")
    is_rewritten = landing_files is OfLanding.REWRITE
    _show_landing(console, retention.due.listing, is_rewritten=is_rewritten)
    if retention.proof:
        _show_proof(console, settings, retention.proof)
        renew_copies(console, settings)
    else:
        console.print("Nothing is too old: nothing was changed.")


def _age(option: str, text: str | None) -> Age | None:
    from schemas.definitions.age import Age

    try:
        return Age.parse(text) if text is not None else None
    except ValueError as error:
        raise typer.BadParameter(f"{error}.", param_hint=option) from None


def renew_copies(console: Console, settings: Settings) -> None:
    """Copy the new generation to the addresses in the settings, which removes former ones there.

    Raises `OperationError` when one is no address.
    """
    from pipelines.cli.copies import show_copies
    from pipelines.export.engines.address import addresses_of
    from pipelines.export.engines.copy import copy_to_each

    if not show_copies(console, copy_to_each(settings, addresses_of(settings))):
        said = "The copies that failed still have the values: repair them, then `leadtime publish`."
        console.print(said, style="red")
        raise typer.Exit(1)


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


def _show_landing(console: Console, listing: Listing, *, is_rewritten: bool) -> None:
    from pipelines.ingest.erasing.landing import as_texts
    from pipelines.terminal.text import counted

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


def _show_proof(console: Console, settings: Settings, proof: Proof) -> None:
    from pipelines.terminal.text import counted

    matches, removed = proof.matches, counted(proof.removed_generations, "earlier one")
    console.print(f"Published  generation {proof.generation.number}; {removed} removed")
    console.print(
        f"Proof      {counted(proof.n_values, 'value')} searched for in "
        f"{counted(matches.columns, 'column')} and {counted(matches.files, 'file')} of "
        f"{settings.data}: {matches.total:,} matches"
    )
