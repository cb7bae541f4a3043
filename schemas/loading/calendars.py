"""Loads calendars: those that leadtime ships, and those beside a user's procedures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from schemas.definitions.calendar import ALWAYS, Calendar
from schemas.errors import DefinitionError
from schemas.loading.check_procedure import problem_of
from schemas.loading.files import definition_paths
from schemas.loading.named import load_named
from schemas.loading.places import Places
from schemas.loading.problems import Finding, as_mapping, findings_of, keys_of, shown
from schemas.loading.references import entries_of, repeated
from schemas.loading.syntax import Content

SUBFOLDER = "calendars"
_SHIPPED = Path(__file__).parents[1] / "calendars"


def load_calendars(folders: Iterable[Path]) -> dict[str, Calendar]:
    """The calendars of procedures in these folders, by name; `always` is not among them.

    Those in the subfolder `calendars` of each folder come first; those that leadtime ships fill in
    the other names. Raises DefinitionError with the problems of all files.
    """
    own = [folder / SUBFOLDER for folder in folders if (folder / SUBFOLDER).is_dir()]
    paths = [path for folder in own for path in definition_paths(folder)]
    return dict(sorted({**_shipped(), **load_calendar_files(paths)}.items()))


def load_calendar_files(paths: Iterable[Path]) -> dict[str, Calendar]:
    """The calendars of these files, one each. Raises DefinitionError with all problems."""

    def check(content: Content, file: str) -> Calendar:
        return check_calendar(
            content.document, file=file, places=content.places, found=content.findings
        )

    return load_named(paths, check, what="calendar")


def check_calendar(
    document: object,
    *,
    file: str,
    places: Places | None = None,
    found: Iterable[Finding] = (),
) -> Calendar:
    """The calendar a document defines; `found` are problems known already.

    Raises DefinitionError with every problem of the document.
    """
    findings = list(found)
    calendar = None
    content = as_mapping(document)
    if not isinstance(document, dict):
        findings.append(
            Finding((), shown(document), f"a mapping with the keys {keys_of(Calendar)}")
        )
    else:
        findings += _bad_parts(content)
        try:
            calendar = Calendar.model_validate(content, by_alias=True, by_name=False)
        except ValidationError as error:
            findings += findings_of(error, root=Calendar)
    if calendar is None or findings:
        where = places or Places()
        raise DefinitionError(
            [problem_of(finding, content, file=file, places=where) for finding in findings]
        )
    return calendar


@cache
def _shipped() -> Mapping[str, Calendar]:
    return load_calendar_files(definition_paths(_SHIPPED))


def _bad_parts(document: Mapping[str, object]) -> Iterator[Finding]:
    """Names, hours and dates that do not go together."""
    if document.get("name") == ALWAYS:
        yield Finding(("name",), shown(ALWAYS), "another name: that one is every hour of every day")
    is_always, weekly = document.get("24x7") is True, document.get("weekly")
    if is_always and weekly is not None:
        yield Finding(("24x7",), "true beside `weekly`", "one of 24x7 and weekly")
    elif not is_always and weekly is None:
        yield Finding((), "no working hours", "the key weekly, or 24x7: true")
    elif isinstance(weekly, dict) and not any(as_mapping(cast("object", weekly)).values()):
        yield Finding(("weekly",), "no slots", 'slots such as workdays: ["09:00-17:00"]')
    yield from repeated(document, "holidays", allowed="each date once", key="date")
    for path, holiday in entries_of(document, "holidays"):
        if holiday.get("closed") is not None and holiday.get("open") is not None:
            allowed = "one of them: the times not worked, or the only times worked"
            yield Finding((*path, "open"), "closed and open together", allowed)
