"""`leadtime check`: every problem of the procedure definitions, or what they define.

Also its two ways to begin: a definition proposed from data, and the schema for editors. What a
definition must say is in `schemas/`.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from rich.console import Console
from rich.text import Text

from pipelines.show import count, counted, grid
from schemas.definition_files import load_procedure_files, load_procedures, procedure_files
from schemas.errors import DefinitionError, SourceError


def check_definitions(
    console: Console, errors: Console, files: Sequence[Path], folder: Path
) -> bool:
    """Check these files, or all of the folder when none is named; whether they are in order.

    A folder among the files stands for the definitions in it.
    """
    try:
        named = [
            path for file in files for path in (procedure_files(file) if file.is_dir() else [file])
        ]
        procedures = load_procedure_files(named) if files else load_procedures(folder)
    except DefinitionError as error:
        _show_problems(errors, error)
        return False
    console.print(f"In order: {counted(len(procedures), 'procedure')}.")
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
    return True


def print_proposal(out: TextIO, file: Path, procedure: str | None, folder: Path) -> None:
    """A definition proposed from a landing file or folder, ready to be saved.

    `procedure` may be an id, or the shortId of one that is defined in the folder.
    """
    # Nothing else of the command needs the engines that read data.
    from pipelines.infer.inference import infer_procedure  # noqa: PLC0415

    now_ms = time.time_ns() // 1_000_000
    names = _names(folder)
    out.write(infer_procedure(file, now_ms=now_ms, procedure=procedure, names=names))


def _names(folder: Path) -> Mapping[str, str]:
    """The shortIds of the procedures of a folder by id; a proposal needs no definition at all."""
    try:
        return {procedure.id: procedure.short_id for procedure in load_procedures(folder)}
    except (DefinitionError, SourceError):
        return {}


def print_schema(out: TextIO) -> None:
    """The JSON Schema of definitions, for editors."""
    from schemas.json_schema import schema_text  # noqa: PLC0415

    out.write(schema_text())


def _show_problems(errors: Console, error: DefinitionError) -> None:
    """Every problem, those of a file together and in its order."""
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
