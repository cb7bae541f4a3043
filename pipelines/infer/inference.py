"""From landing files to the text of a proposed definition, step by step.

How a step is done is in the modules beside this one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import duckdb

from pipelines.infer.guesses import MOST, Profile, guess
from pipelines.infer.proposal import Names, Proposal, ProposedValue, is_id
from pipelines.infer.reading import Reading, choose_procedure, connect, read_versions
from pipelines.infer.states import Course, find_course
from pipelines.infer.values import profiles
from pipelines.infer.writing import write_proposal
from pipelines.show import counted
from schemas.core_record import ONE_DAY_MS
from schemas.errors import SourceError

_IN_ORDER = "in the order in which processes usually come to them"
_IN_NO_ORDER = "bring them into the order in which processes come to them"


class _Extent(NamedTuple):
    versions: int
    processes: int
    first_ms: int
    last_ms: int
    entities: int
    entity: str | None


def infer_procedure(
    path: Path,
    *,
    now_ms: int,
    procedure: str | None = None,
    names: Mapping[str, str] | None = None,
) -> str:
    """A procedure definition, in YAML, that fits the versions in a landing file or folder.

    It is in order (`leadtime check`), and a run takes in every line it was guessed from. No time
    may lie more than a day after `now_ms`. Of several procedures, `procedure` says which: by its
    id, or by its name in `names` (shortIds by id).
    Raises SourceError when there is nothing to go by, or several procedures to choose from.
    """
    con = connect()
    try:
        reading = read_versions(con, path, latest_ms=now_ms + ONE_DAY_MS)
        chosen = choose_procedure(con, reading, procedure, names)
        course = find_course(con, chosen)
        if course is None:
            found = "no state has a name that a definition can have"
            action = "State names must not be empty or have blanks at their ends."
            raise SourceError(str(path), found, action)
        return write_proposal(_propose(con, chosen, reading, course))
    finally:
        con.close()


def _propose(
    con: duckdb.DuckDBPyConnection, procedure: str, reading: Reading, course: Course
) -> Proposal:
    extent = _Extent(*con.execute(_EXTENT, {"procedure": procedure}).fetchall()[0])
    entered, derived = (profiles(con, procedure, "data"), profiles(con, procedure, "derived_data"))
    names = Names(procedure, "attribute", have_columns=True)
    attributes = list(_values(entered, names, extent.versions))
    names.section = "derived"
    derived_attributes = [
        replace(value, required=False, unique=False)  # nobody enters them
        for value in _values(derived, names, extent.versions)
    ]
    left_out = len(entered) + len(derived) - len(attributes) - len(derived_attributes)
    by_id = {is_id(profile.key) for profile in (*entered, *derived)}
    is_mixed = len(by_id) > 1 or len({state.is_known_by_id for state in course.states}) > 1
    return Proposal(
        id=procedure,
        short_id=f"procedure_{procedure[:8]}",
        entity=extent.entity if extent.entities == 1 else None,
        primary_key=_primary_key(entered, attributes, extent.versions),
        attributes=attributes,
        derived=derived_attributes,
        states=course.states,
        start=course.start,
        start_note=course.start_note,
        states_note=_IN_ORDER if course.has_history else _IN_NO_ORDER,
        completed=course.completed,
        completed_note=course.completed_note,
        moves=course.moves,
        head=list(_head(reading, extent, course, left_out=left_out, is_mixed=is_mixed)),
    )


def _values(found: list[Profile], names: Names, versions: int) -> Iterator[ProposedValue]:
    """Attributes in order of their keys; of two keys for one column the first one gets it."""
    for profile in found:
        name = names.give(profile.key, profile.id)
        if name is None:
            continue
        guessed = guess(profile)
        share = f"in {profile.versions:,} of {versions:,} versions"
        yield ProposedValue(
            *name,
            type=guessed.type,
            note=f"{share}; {guessed.note}" if profile.versions else guessed.note,
            options=guessed.options,
            personal=guessed.personal,
            required=profile.versions == versions,
            unique=guessed.unique,
        )


def _primary_key(
    found: list[Profile], attributes: list[ProposedValue], versions: int
) -> str | None:
    """The first attribute that tells nearly all processes apart."""
    common = {profile.key for profile in found if profile.versions >= MOST * versions}
    unique = (a.short_id for a in attributes if a.unique and {a.id, a.short_id} & common)
    return next(unique, None)


def _head(
    reading: Reading, extent: _Extent, course: Course, *, left_out: int, is_mixed: bool
) -> Iterator[str]:
    others = reading.lines - reading.blank - reading.unusable - extent.versions
    others_by_kind = Counter(
        {
            "unusable (see `leadtime quarantine` after a run)": reading.unusable,
            "of other procedures": others,
            "blank": reading.blank,
        }
    )
    rest = "".join(f", {n:,} {what}" for what, n in others_by_kind.items() if n)
    first, last = (_day(at) for at in (extent.first_ms, extent.last_ms))
    yield "Proposed from data, to be read and mended: names, types and kinds are guesses."
    yield f"{counted(reading.lines, 'line')}: {counted(extent.versions, 'version')}{rest}."
    yield f"{counted(extent.processes, 'process')}, {first} to {last}."
    if not course.has_history:
        yield "One version per process: no history. Times in states mean little until more versions"
        yield "come, and where processes begin, and in which order they go on, is not to be seen."
    if is_mixed:
        yield "The data knows some parts by their id and some by their shortId: where one stands"
        yield "here under both, give the shortId the id of the other, and strike that out."
    if left_out:
        count = counted(left_out, "attribute")
        yield f"{count} left out: their keys are empty, have blanks at their ends or clash."
    if course.left_out:
        count = counted(course.left_out, "version")
        yield f"{count} in states whose names cannot be shortIds: a run rejects them."


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, tz=UTC).date().isoformat()


_EXTENT = """
    select
        count(*), count(distinct process_id), min(updated_at), max(updated_at),
        count(distinct entity_id), min(entity_id)
    from versions where procedure_id = $procedure
"""
