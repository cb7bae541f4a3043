"""Lists of all processes, one file for each day: names that differ by their date only."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from pipelines.infer.draft import glob_of, name_without_date
from pipelines.infer.foreign import Foreign, read_foreign
from pipelines.infer.roles import find_roles
from pipelines.infer.shapes import draft_source
from pipelines.ingest.formats import find_format_of_source
from pipelines.ingest.landing_file import UnreadableFile
from schemas.definitions.source import taken_at

_MOST_LISTS = 60
# Of the processes of a list, how many are still in the next one: new records only would be none.
_STAY = 0.5
_ONE_LIST = ("records", "wide_dates")


def read_lists(folder: Path) -> Foreign | None:
    """The latest of the lists in a folder, with those before it in `earlier`; at most 60 in all.

    They have the same name but for the date in it, and the same columns; a process has one row in
    each, and most of a list are in the next one. None where the files are anything else.
    """
    files = dated_files(folder)
    if len(files) < 2:  # noqa: PLR2004 - one list has no history
        return None
    try:
        lists = [read_foreign(path) for path in files[-_MOST_LISTS:]]
    except UnreadableFile:
        return None
    found = [one for one in lists if one is not None]
    if len(found) < len(lists) or not _are_lists(found):
        return None
    *earlier, latest = found
    name = name_without_date(latest.stem) or folder.resolve().name
    return replace(latest, name=name, earlier=tuple(earlier))


def dated_files(folder: Path) -> list[Path]:
    """The files of a folder that a source can read, by the date in their names; empty where a name
    has no date or is another name, or two have the same date.
    """
    files = [
        path
        for path in folder.iterdir()
        if path.is_file() and not path.name.startswith(".") and find_format_of_source(path.suffixes)
    ]
    by_date = {date: path for path in files if (date := taken_at(path.name))}
    is_one_name = len({glob_of(path.name) for path in files}) == 1
    if not is_one_name or len(by_date) < len(files):
        return []
    return [path for _, path in sorted(by_date.items())]


def _are_lists(lists: list[Foreign]) -> bool:
    latest = lists[-1]
    if draft_source(latest).shape not in _ONE_LIST:
        return False
    fields = find_roles(latest).fields
    if "id" not in fields or "state" not in fields:
        return False
    if any(set(one.frame.columns) != set(latest.frame.columns) for one in lists):
        return False
    ids = [one.frame[fields["id"].name].drop_nulls() for one in lists]
    if any(some.n_unique() < one.rows for some, one in zip(ids, lists, strict=True)):
        return False
    known = [set(some.to_list()) for some in ids]
    stayed = sum(len(before & after) for before, after in pairwise(known))
    return stayed >= _STAY * sum(map(len, known[:-1]))
