"""Loads sources: how landing files of other shapes become process records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from schemas.definitions.procedure import Procedures
from schemas.definitions.source import Source
from schemas.errors import DefinitionError, OperationError, Problem
from schemas.loading.check_procedure import problem_of
from schemas.loading.check_sources import bad_sources
from schemas.loading.files import definition_paths
from schemas.loading.named import load_named
from schemas.loading.places import Places
from schemas.loading.problems import Finding, as_mapping, findings_of, keys_of, shown
from schemas.loading.syntax import Content

SUBFOLDER = "sources"
_OF_COLUMNS = ("fields", "attributes", "names", "states", "statuses", "outcomes", "stages")
_PAIRS: Mapping[str, str] = {
    "fields": "a mapping of fields of the record to columns",
    "attributes": "a mapping of attributes to columns",
    "names": "a mapping of fields with a user to the columns of their names",
    "states": "a mapping of values to states",
    "statuses": "a mapping of values to statuses",
    "outcomes": "a mapping of states to statuses",
    "stages": "a mapping of states to columns with a date",
}
_STATUSES = "one of OPEN, COMPLETED, CANCELLED"


def source_files(procedures: Path, sources: Path | None = None) -> list[Path]:
    """The files that define sources: those of `sources`, else of the subfolder of the procedures.

    Raises `OperationError` when a folder was named and there is none.
    """
    folder = sources or procedures / SUBFOLDER
    if not folder.is_dir():
        if sources is None:
            return []
        found = "a file, not a folder" if folder.exists() else "no such folder"
        raise OperationError(str(folder), found, "Name the folder of the sources with --sources.")
    return definition_paths(folder)


def load_source_files(paths: Iterable[Path], procedures: Procedures) -> tuple[Source, ...]:
    """The sources of these files, one each, by name. Raises `DefinitionError` with all problems."""

    def check(content: Content, file: str) -> Source:
        return check_source(
            content.document, procedures, file=file, places=content.places, found=content.findings
        )

    sources = load_named(paths, check, what="source")
    return tuple(sources[name] for name in sorted(sources))


def check_source(
    document: object,
    procedures: Procedures,
    *,
    file: str,
    places: Places | None = None,
    found: Iterable[Finding] = (),
) -> Source:
    """The source a document defines; `found` are problems known already.

    Raises `DefinitionError` with every problem of the document.
    """
    findings = list(found)
    source = None
    content = as_mapping(document)
    if not isinstance(document, dict):
        findings.append(Finding((), shown(document), f"a mapping with the keys {keys_of(Source)}"))
    else:
        findings += _bad_mappings(content)
        try:
            source = Source.model_validate(content, by_alias=True, by_name=False)
        except ValidationError as error:
            findings += findings_of(error, root=Source)
        else:
            findings += bad_sources(source, procedures)
    if source is None or findings:
        problems: dict[str, Problem] = {}
        for finding in findings:
            problem = problem_of(finding, content, file=file, places=places or Places())
            problems.setdefault(problem.key, problem)
        raise DefinitionError(list(problems.values()))
    return source


def _bad_mappings(document: Mapping[str, object]) -> Iterator[Finding]:
    """Mappings that are none, and members of them that are not text."""
    log = as_mapping(document.get("log"))
    written = [((key,), document.get(key)) for key in _OF_COLUMNS]
    written += [(("log", key), log.get(key)) for key in ("fields", "attributes")]
    for path, value in written:
        if value is None:
            continue
        if not isinstance(value, dict):
            yield Finding(path, shown(value), _PAIRS[path[-1]])
            continue
        for name, member in cast("dict[object, object]", value).items():
            is_status = path[-1] in ("statuses", "outcomes")
            if is_status and member not in ("OPEN", "COMPLETED", "CANCELLED"):
                yield Finding((*path, str(name)), shown(member), _STATUSES)
