"""Procedure definitions from files and folders, with the problems of all files at once.

Neither YAML and JSON (definition_syntax.py) nor what a definition must say (definition_checks.py)
belongs here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from schemas.definition_checks import check_procedure, problem_of, repeated_procedures
from schemas.definition_problems import WHOLE_FILE
from schemas.definition_syntax import Content, SyntaxProblem, read_json, read_yaml
from schemas.definitions import Procedure, Procedures
from schemas.derivations import check_derivations
from schemas.errors import DefinitionError, Problem
from schemas.funnel_terms import check_funnel_terms
from schemas.sla_terms import check_sla_terms

_SUFFIXES = (".yaml", ".yml", ".json")
_ONE_FILE = "at least one .yaml, .yml or .json file"


def load_procedures(folder: Path) -> Procedures:
    """All procedures defined in a folder; subfolders and hidden files are left out.

    Raises DefinitionError with the problems of all files, also when there is no file.
    """
    if not folder.is_dir():
        raise DefinitionError([Problem(str(folder), "(folder)", "no such folder", _ONE_FILE)])
    paths = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if not paths:
        found = "no procedure files"
        raise DefinitionError([Problem(str(folder), "(folder)", found, _ONE_FILE)])
    return load_procedure_files(sorted(paths, key=lambda path: path.name))


def load_procedure_files(paths: Sequence[Path]) -> Procedures:
    """The procedures of these files, one each. Raises DefinitionError with all problems."""
    if not paths:
        raise DefinitionError([Problem("(none)", WHOLE_FILE, "no procedure files", _ONE_FILE)])
    problems: list[Problem] = []
    documents: dict[str, Content] = {}
    procedures: dict[str, Procedure] = {}
    for path in paths:
        file = str(path)
        try:
            content = _read(path)
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
    if problems:
        raise DefinitionError(problems)
    by_short_id = sorted(procedures.items(), key=lambda item: item[1].short_id)
    loaded = Procedures(
        procedures=tuple(procedure for _, procedure in by_short_id),
        sources={procedure.short_id: file for file, procedure in by_short_id},
    )
    formulas = (
        *check_derivations(loaded)[1],
        *check_sla_terms(loaded)[1],
        *check_funnel_terms(loaded)[1],
    )
    for short_id, finding in formulas:
        file = loaded.sources[short_id]
        content = documents[file]
        problems.append(problem_of(finding, content.document, file=file, places=content.places))
    if problems:
        raise DefinitionError(problems)
    return loaded


def _read(path: Path) -> Content:
    file = str(path)
    is_json = path.suffix.lower() == ".json"
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise DefinitionError([Problem(file, WHOLE_FILE, reason, "a readable file")]) from error
    except UnicodeDecodeError as error:
        found = f"bytes that are not UTF-8 (at byte {error.start})"
        raise DefinitionError([Problem(file, WHOLE_FILE, found, "UTF-8 text")]) from error
    allowed = "valid JSON" if is_json else "valid YAML"
    try:
        return read_json(text) if is_json else read_yaml(text)
    except SyntaxProblem as error:
        problem = Problem(file, WHOLE_FILE, error.found, allowed, error.line, error.column)
        raise DefinitionError([problem]) from error
