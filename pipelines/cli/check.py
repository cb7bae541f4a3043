"""`leadtime check`: reports every problem in procedure definitions, or summarises valid ones.

Also proposes definitions from data (`--infer`), and prints the JSON Schema (`--schema`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.text import Text

from pipelines.cli.invocation import next_command
from pipelines.settings import Settings, now
from pipelines.terminal.text import count, counted, grid, some_of
from schemas.definitions.procedure import Procedures
from schemas.definitions.values import TimeZone
from schemas.errors import DefinitionError, OperationError
from schemas.load import load_procedure_files, load_procedures, procedure_files


def check_definitions(
    console: Console, errors: Console, files: Sequence[Path], settings: Settings
) -> bool:
    """Check these files, or all procedures and sources when none is given; returns whether all are
    valid.

    A folder among the files stands for the procedures and sources in it.
    """
    try:
        procedures = _load(files, settings)
    except DefinitionError as error:
        _show_problems(errors, error)
        return False
    console.print(f"Valid: {counted(len(procedures), 'procedure')}.")
    console.print(
        grid(
            ("procedure", "states", "attributes", "derived", "funnels", "file"),
            [
                (
                    procedure.short_id,
                    count(len(procedure.states)),
                    count(len(procedure.attributes)),
                    count(len(procedure.derived_attributes)),
                    count(len(procedure.funnels)),
                    procedures.sources[procedure.short_id],
                )
                for procedure in procedures
            ],
            right=range(1, 5),
        )
    )
    _show_sources(console, procedures)
    return True


def _load(files: Sequence[Path], settings: Settings) -> Procedures:
    if not files:
        return load_procedures(settings.procedures, settings.sources)
    if len(files) == 1 and files[0].is_dir():
        return load_procedures(files[0], settings.sources)
    named = [
        path for file in files for path in (procedure_files(file) if file.is_dir() else [file])
    ]
    return load_procedure_files(named)


def _show_sources(console: Console, procedures: Procedures) -> None:
    if procedures.file_sources:
        console.print(f"Valid: {counted(len(procedures.file_sources), 'source')}.")
        console.print(
            grid(
                ("source", "shape", "procedure", "files"),
                [
                    (source.name, source.shape, source.procedure, ", ".join(source.files))
                    for source in procedures.file_sources
                ],
            )
        )


def print_proposal(
    out: TextIO, file: Path, procedure: str | None, folder: Path, *, time_zone: str | None
) -> None:
    """Write a definition proposed from a landing file or folder to `out`.

    `procedure` is an id, or the shortId of a procedure defined in the folder. Raises
    `OperationError` when there is no such time zone.
    """
    # Only this option needs the engines that read data.
    from pipelines.infer.inference import infer_procedure  # noqa: PLC0415
    from pipelines.infer.writing import write_proposal  # noqa: PLC0415

    _require_zone(time_zone)
    names = _names(folder)
    proposal = infer_procedure(file, now=now(), procedure=procedure, names=names)
    out.write(write_proposal(replace(proposal, time_zone=time_zone)))


def save_proposal(
    console: Console,
    file: Path,
    procedure: str | None,
    settings: Settings,
    folder: Path,
    *,
    time_zone: str | None,
) -> None:
    """Write the definition proposed from a landing file, and the source of one of another shape,
    into a folder, and print the next commands.

    Raises `OperationError` when there is no such time zone.
    """
    from pipelines.infer.definitions import infer_definitions, write_definitions  # noqa: PLC0415

    _require_zone(time_zone)
    names = _names(settings.procedures)
    inferred = infer_definitions(
        file, now=now(), procedure=procedure, names=names, time_zone=time_zone
    )
    written = write_definitions(inferred, folder)
    proposal, source = inferred.proposal, inferred.source
    parts = [
        counted(len(proposal.states), "state"),
        counted(len(proposal.attributes) + len(proposal.derived), "attribute"),
        f"the funnel {' > '.join(proposal.funnel)}" if proposal.funnel else "no funnel",
    ]
    console.print(f"Written  {written[0]}: {', '.join(parts)}", soft_wrap=True)
    if source:
        notes = inferred.notes or {}
        why = f" ({notes['shape']})" if "shape" in notes else ""
        console.print(f"         {written[1]}: shape {source.shape}{why}", soft_wrap=True)
    if inferred.without_zone:
        console.print(
            f"\nTimes without a time zone: {some_of(inferred.without_zone)}. They are read as UTC. "
            "If they are local times, say of which zone: `timezone` in both files, or "
            "`--timezone Europe/Berlin` here.",
            soft_wrap=True,
        )
    console.print("\nComments say what was guessed: correct it where it is wrong. Then:")
    landing = file if file.is_dir() else file.parent
    chosen = replace(settings, procedures=folder, landing=landing)
    for name in ("check", "run"):
        console.print(f"    {next_command(chosen, name)}", soft_wrap=True)


def _require_zone(time_zone: str | None) -> None:
    try:
        TypeAdapter(TimeZone | None).validate_python(time_zone)
    except ValidationError as error:
        action = "Give an IANA time zone such as Europe/Berlin or UTC."
        raise OperationError("--timezone", f"found {time_zone!r}", action) from error


def _names(folder: Path) -> Mapping[str, str]:
    """The shortIds of a folder's procedures by id; empty when it has no valid definitions."""
    try:
        return {procedure.id: procedure.short_id for procedure in load_procedures(folder)}
    except (DefinitionError, OperationError):
        return {}


def print_schema(out: TextIO) -> None:
    """Write the JSON Schema of definitions to `out`, for editors."""
    from schemas.docs.json_schema import schema_text  # noqa: PLC0415

    out.write(schema_text())


def _show_problems(errors: Console, error: DefinitionError) -> None:
    """Print every problem, grouped by file and ordered by line."""
    files = list(dict.fromkeys(problem.file for problem in error.problems))
    total = counted(len(error.problems), "problem")
    errors.print(f"{total} in the procedure definitions", style="red")
    for file in files:
        errors.print(f"\n{file}", style="bold")
        mine = [problem for problem in error.problems if problem.file == file]
        for problem in sorted(mine, key=lambda problem: problem.line or 0):
            errors.print(Text.assemble("  ", f"{problem.place}: ", (problem.key, "red")))
            errors.print(f"    found:   {problem.found}")
            errors.print(f"    allowed: {problem.allowed}")
