"""Procedure definitions from files and folders, with the problems of all files at once.

Neither reading one file (definition_reading.py) nor what a definition must say
(definition_checks.py) belongs here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from schemas.calendar_choices import check_calendars
from schemas.calendar_files import load_calendars
from schemas.definition_checks import check_procedure, problem_of, repeated_procedures
from schemas.definition_problems import WHOLE_FILE
from schemas.definition_reading import definition_paths, read_definition
from schemas.definition_syntax import Content
from schemas.definitions import Procedure, Procedures
from schemas.derivations import check_derivations
from schemas.errors import DefinitionError, Problem, SourceError
from schemas.funnel_terms import check_funnel_terms
from schemas.sla_terms import check_sla_terms
from schemas.working_calendars import Calendar

_ONE_FILE = "at least one .yaml, .yml or .json file"


def load_procedures(folder: Path) -> Procedures:
    """All procedures defined in a folder; subfolders and hidden files are left out.

    Raises DefinitionError with the problems of all files, also when there is no file, and
    SourceError when there is no folder.
    """
    return load_procedure_files(procedure_files(folder))


def procedure_files(folder: Path) -> list[Path]:
    """The files of a folder that define procedures, by name.

    Raises SourceError when there is no such folder, and DefinitionError when it has no such files.
    """
    if not folder.is_dir():
        found = "a file, not a folder" if folder.exists() else "no such folder"
        action = "Name the folder of the procedure definitions with --procedures."
        raise SourceError(str(folder), found, action)
    paths = definition_paths(folder)
    if not paths:
        found = "no procedure files"
        raise DefinitionError([Problem(str(folder), "(folder)", found, _ONE_FILE)])
    return paths


def load_procedure_files(paths: Sequence[Path]) -> Procedures:
    """The procedures of these files, one each, with the calendars beside them.

    Raises DefinitionError with all problems.
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
    formulas = (
        *check_derivations(loaded)[1],
        *check_sla_terms(loaded)[1],
        *check_funnel_terms(loaded)[1],
        *check_calendars(loaded),
    )
    for short_id, finding in formulas:
        file = loaded.sources[short_id]
        content = documents[file]
        problems.append(problem_of(finding, content.document, file=file, places=content.places))
    if problems:
        raise DefinitionError(problems)
    return loaded
