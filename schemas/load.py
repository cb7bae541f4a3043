"""Loads procedure definitions from files and folders; reports the problems of all files at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from schemas.compiled.calendars import check_calendars
from schemas.compiled.derivations import check_derivations
from schemas.compiled.funnels import check_funnel_terms
from schemas.compiled.privacy import check_privacy, inherit_privacy
from schemas.compiled.slas import check_sla_terms
from schemas.definitions.calendar import Calendar
from schemas.definitions.procedure import Procedure, Procedures
from schemas.errors import DefinitionError, OperationError, Problem
from schemas.loading.calendars import load_calendars
from schemas.loading.check_procedure import check_procedure, problem_of, repeated_procedures
from schemas.loading.files import definition_paths, read_definition
from schemas.loading.problems import WHOLE_FILE
from schemas.loading.sources import load_source_files, source_files
from schemas.loading.syntax import Content

_ONE_FILE = "at least one .yaml, .yml or .json file"


def load_procedures(folder: Path, sources: Path | None = None) -> Procedures:
    """All procedures defined in a folder; subfolders and hidden files are left out.

    With them come the sources of the folder `sources`, or of that name beside the procedures.
    Raises `DefinitionError` with the problems of all files, also when there is no file, and
    `OperationError` when there is no folder.
    """
    procedures = load_procedure_files(procedure_files(folder))
    found = load_source_files(source_files(folder, sources), procedures)
    return replace(procedures, file_sources=found)


def procedure_files(folder: Path) -> list[Path]:
    """The files of a folder that define procedures, by name.

    Raises `OperationError` when there is no such folder, and `DefinitionError` when it has no such
    files.
    """
    if not folder.is_dir():
        found = "a file, not a folder" if folder.exists() else "no such folder"
        action = "Name the folder of the procedure definitions with --procedures."
        raise OperationError(str(folder), found, action)
    paths = definition_paths(folder)
    if not paths:
        found = "no procedure files"
        raise DefinitionError([Problem(str(folder), "(folder)", found, _ONE_FILE)])
    return paths


def load_procedure_files(paths: Sequence[Path]) -> Procedures:
    """The procedures of these files, one each, with the calendars beside them.

    Raises `DefinitionError` with all problems.
    """
    if not paths:
        raise DefinitionError([Problem("(none)", WHOLE_FILE, "no procedure files", _ONE_FILE)])
    problems: list[Problem] = []
    documents: dict[str, Content] = {}
    procedures: dict[str, Procedure] = {}
    for path in paths:
        file = str(path)
        try:
            content = read_definition(path)
        except DefinitionError as error:
            problems += error.problems
            continue
        documents[file] = content
        problems += [
            problem_of(finding, content.document, file=file, places=content.places)
            for finding in content.findings
        ]
        try:
            procedures[file] = check_procedure(content.document, file=file, places=content.places)
        except DefinitionError as error:
            problems += error.problems
    problems += repeated_procedures(documents)
    calendars: Mapping[str, Calendar] = {}
    try:
        calendars = load_calendars(dict.fromkeys(path.parent for path in paths))
    except DefinitionError as error:
        problems += error.problems
    if problems:
        raise DefinitionError(problems)
    by_short_id = sorted(procedures.items(), key=lambda item: item[1].short_id)
    loaded = Procedures(
        procedures=tuple(procedure for _, procedure in by_short_id),
        sources={procedure.short_id: file for file, procedure in by_short_id},
        calendars=calendars,
    )
    plan, found = check_derivations(loaded)
    loaded = inherit_privacy(loaded, plan)
    findings = (
        *found,
        *check_privacy(loaded),
        *check_sla_terms(loaded)[1],
        *check_funnel_terms(loaded)[1],
        *check_calendars(loaded),
    )
    for short_id, finding in findings:
        file = loaded.sources[short_id]
        content = documents[file]
        problems.append(problem_of(finding, content.document, file=file, places=content.places))
    if problems:
        raise DefinitionError(problems)
    return loaded
