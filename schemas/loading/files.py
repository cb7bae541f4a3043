"""Finds definition files in a folder and reads the document in each."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import DefinitionError, Problem
from schemas.loading.problems import WHOLE_FILE
from schemas.loading.syntax import Content, SyntaxProblem, read_json, read_yaml

_SUFFIXES = (".yaml", ".yml", ".json")
_DATA_SUFFIXES = frozenset([".ndjson", ".jsonl", ".csv", ".tsv", ".parquet", ".gz", ".zst"])


def definition_paths(folder: Path) -> list[Path]:
    """The definition files of a folder by name; subfolders and hidden files are left out."""
    paths = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    return sorted(paths, key=lambda path: path.name)


def read_definition(path: Path) -> Content:
    """The document of a file with the line of each key. Raises `DefinitionError` on bad syntax."""
    file = str(path)
    if path.suffix.lower() in _DATA_SUFFIXES:
        allowed = f"a definition; `leadtime check --infer {file}` proposes one from data"
        raise DefinitionError([Problem(file, WHOLE_FILE, "data", allowed)])
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
