"""Infers a procedure definition from landing files."""

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
from pipelines.infer.states import Course, find_course, set_stray_states_aside
from pipelines.infer.usual_path import usual_path
from pipelines.infer.values import profiles
from pipelines.terminal.text import counted
from schemas.errors import SourceError
from schemas.records.limits import latest_ms

_IN_ORDER = "in the order in which processes usually enter them"
_IN_NO_ORDER = "sort them in the order in which processes enter them"


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
    now: datetime,
    procedure: str | None = None,
    names: Mapping[str, str] | None = None,
) -> Proposal:
    """A procedure definition that fits the versions in a landing file or folder.

    Written as YAML it is valid (`leadtime check`), and a run accepts every line it was inferred
    from. No time may lie more than a day after `now`. Of several procedures, `procedure` selects
    one by its id, or by its name in `names` (shortIds by id).
    Raises `SourceError` when no version can be read from them, `OperationError` when there is no
    such file or procedure, or several procedures to choose from.
    """
    con = connect()
    try:
        reading = read_versions(con, path, latest_ms=latest_ms(now))
        chosen = choose_procedure(con, reading, procedure, names)
        return propose(con, chosen, reading, stray=set_stray_states_aside(con, chosen))
    finally:
        con.close()


def propose(
    con: duckdb.DuckDBPyConnection, procedure: str, reading: Reading, *, stray: int = 0
) -> Proposal:
    """What a procedure is by its rows in the table `versions`; `stray` ones were taken out of it.

    Raises `SourceError` when no state can be named.
    """
    course = find_course(con, procedure)
    if course is None:
        found = "no state has a name that a definition can have"
        action = "State names must not be empty or have leading or trailing spaces."
        raise SourceError(reading.source, found, action)
    extent = _Extent(*con.execute(_EXTENT, {"procedure": procedure}).fetchall()[0])
    entered, derived = (profiles(con, procedure, "data"), profiles(con, procedure, "derived_data"))
    names = Names(procedure, "attribute", have_aliases=True)
    attributes = list(_values(entered, names, extent.versions))
    names.section = "derived"
    derived_attributes = [
        replace(value, required=False, unique=False)  # not entered by people
        for value in _values(derived, names, extent.versions)
    ]
    by_id = {is_id(profile.key) for profile in (*entered, *derived)}
    funnel, funnel_note = usual_path(con, procedure, course)
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
        head=list(_head(reading, extent, course, stray=stray, is_mixed=is_mixed)),
        funnel=funnel,
        funnel_note=funnel_note,
    )


def _values(found: list[Profile], names: Names, versions: int) -> Iterator[ProposedValue]:
    """Attributes in order of their keys."""
    for profile in found:
        name = names.give(profile.key, profile.id)
        if name is None:
            continue
        guessed = guess(profile)
        share = f"in {profile.versions:,} of {versions:,} versions"
        yield ProposedValue(
            name.id,
            name.short_id,
            aliases=name.aliases,
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
    """The first attribute that is unique for nearly all processes."""
    common = {profile.key for profile in found if profile.versions >= MOST * versions}
    unique = (
        a.short_id for a in attributes if a.unique and {a.id, a.short_id, *a.aliases} & common
    )
    return next(unique, None)


def _head(
    reading: Reading, extent: _Extent, course: Course, *, stray: int, is_mixed: bool
) -> Iterator[str]:
    others = reading.lines - reading.blank - reading.unusable - extent.versions - stray
    others_by_kind = Counter(
        {
            "unusable (see `leadtime quarantine` after a run)": reading.unusable,
            "of other procedures": others,
            "blank": reading.blank,
        }
    )
    rest = "".join(f", {n:,} {what}" for what, n in others_by_kind.items() if n)
    first, last = (_day(at) for at in (extent.first_ms, extent.last_ms))
    yield "Proposed from data; check and correct it: names, types and kinds are guesses."
    yield f"{counted(reading.lines, 'line')}: {counted(extent.versions, 'version')}{rest}."
    yield f"{counted(extent.processes, 'process')}, {first} to {last}."
    if not course.has_history:
        yield "One version per process: no history. Times in states mean little until more versions"
        yield "arrive; the start state and the order of states cannot be inferred."
    if is_mixed:
        yield "The data refers to some parts by id and to others by shortId. If a part is listed"
        yield "here twice, give the entry with the shortId the other's id, and delete the other."
    if stray:
        count = counted(stray, "version")
        yield f"{count} in states that look like mistakes in the data: a run rejects them."
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
