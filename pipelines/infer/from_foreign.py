"""Infers a source and a definition from a file of another shape, by converting its rows."""

from dataclasses import dataclass, replace
from datetime import datetime
from shlex import quote

import duckdb

from pipelines.infer.draft import (
    Draft,
    provisional,
    source_of,
    state_names,
)
from pipelines.infer.foreign import Foreign, has_unclear_dates
from pipelines.infer.inference import propose
from pipelines.infer.kinds import require_one_kind
from pipelines.infer.lists import draft_dated_lists
from pipelines.infer.proposal import Proposal, ProposedState, ProposedValue
from pipelines.infer.reading import Reading, add_versions, choose_procedure, connect
from pipelines.infer.roles import has_the_shape, unread_times
from pipelines.infer.shapes import draft_source
from pipelines.ingest.landing_file import UnreadableFile
from pipelines.ingest.sources.convert import convert
from pipelines.terminal.text import counted
from pipelines.warehouse.open import RAW_TABLES
from schemas.definitions.procedure import Procedure, Procedures
from schemas.definitions.source import Source
from schemas.errors import SourceError
from schemas.loading.check_sources import missing_fields
from schemas.records.dimensions import PROCESSES
from schemas.records.limits import LINES_PER_FILE, latest_ms

_PAGE = "schemas/docs/sources.md"
_CONVERTED_ROWS = 20_000


@dataclass(frozen=True)
class Inferred:
    """A procedure and, for a file of another shape, the source of its records.

    `notes` say by key of the source what it was guessed from. `without_zone` names what has times
    that do not say of which time zone they are.
    """

    proposal: Proposal
    source: Source | None = None
    notes: dict[str, str] | None = None
    without_zone: tuple[str, ...] = ()


def infer_from_foreign(
    foreign: Foreign, *, now: datetime, time_zone: str | None = None
) -> Inferred:
    """The source of a file of another shape, and the procedure that its records fit.

    `time_zone` is that of times without one; else they are taken for UTC. Both are valid (`leadtime
    check`), and a run accepts the rows that were looked at unless they are damaged. No time may lie
    more than a day after `now`. Raises `SourceError` when the file does not say what tells
    processes apart, their state or a time, has several kinds of process, or no row can be
    converted.
    """
    _require_reach(foreign)
    draft = draft_dated_lists(foreign) if foreign.earlier else draft_source(foreign)
    draft.time_zone = time_zone
    if foreign.source.items and has_the_shape(foreign):
        return _infer_whole_records(foreign, draft, now=now)
    _require_fields(foreign, draft)
    require_one_kind(foreign, draft)
    first = provisional(foreign, draft)
    source = source_of(foreign, draft, first, has={a.short_id for a in first.attributes})
    con = connect()
    try:
        reading = Reading(str(foreign.path), foreign.path)
        _convert(con, foreign, source, first, reading, latest=latest_ms(now))
        if not con.execute("select count(*) from versions").fetchall()[0][0]:
            found = f"no row is a version of a process as the shape {draft.shape} reads it"
            action = f"Write a source for it: see {_PAGE} and the examples in schemas/sources."
            raise SourceError(str(foreign.path), found, action)
        if not draft.completed and "status" not in draft.fields:
            _complete_at_the_end(con, draft)
        proposal = _completed(propose(con, first.id, reading), foreign, draft, first)
    finally:
        con.close()
    final = first.model_copy(update={"completed_state": proposal.completed})
    made = source_of(foreign, draft, final, has={a.short_id for a in proposal.attributes})
    if has_unclear_dates(foreign.columns):
        draft.notes["dates"] = "a guess: no date tells days from months"
    without_zone = _without_zone(foreign, draft, made)
    if time_zone:
        draft.notes["timezone"] = "as given; of times without an offset"
    elif not without_zone:
        draft.notes["timezone"] = "not needed: all times have their offsets"
    proposal = replace(proposal, time_zone=time_zone)
    return Inferred(proposal, made, draft.notes, () if time_zone else without_zone)


def _without_zone(foreign: Foreign, draft: Draft, source: Source) -> tuple[str, ...]:
    """The columns that the source reads times from, and whose times do not say their zone."""
    fields = [n for field, n in source.fields.items() if field.endswith("At")]
    names = [*fields, *source.stages.values(), *(c.name for c in draft.times)]
    names += [name for name in source.attributes.values() if foreign.by_name[name].is_time]
    columns = [foreign.by_name[name] for name in dict.fromkeys(names) if name in foreign.by_name]
    dated = ("the names of the files",) if foreign.earlier else ()
    return (*dated, *(column.name for column in columns if column.lacks_zone))


def _infer_whole_records(foreign: Foreign, draft: Draft, *, now: datetime) -> Inferred:
    """For records of processes in an envelope, the source only says where they are."""
    first = provisional(foreign, draft)
    con = connect()
    try:
        reading = Reading(str(foreign.path), foreign.path)
        source = source_of(foreign, draft, first, has=())
        _convert(con, foreign, source, first, reading, latest=latest_ms(now))
        proposal = propose(con, choose_procedure(con, reading), reading)
    finally:
        con.close()
    named = replace(proposal, short_id=first.short_id)
    return Inferred(named, source, draft.notes)


def _require_reach(foreign: Foreign) -> None:
    structure = foreign.structure
    if structure and structure.has_histories:
        items = structure.items
        found = f"a page whose list `{items}` has documents with their changes"
        action = (
            "Save them as lines, which a source of the shape changelog can read: "
            f"`jq -c '.{items}[]' {quote(foreign.path.name)} > {foreign.stem}.ndjson`"
        )
        raise SourceError(str(foreign.path), found, action)


def _require_fields(foreign: Foreign, draft: Draft) -> None:
    says = {
        "id": "what tells one process from another",
        "state": "where in its course a process stands",
        "createdAt": "when a process began",
        "updatedAt": "when it changed",
    }
    missing = [name for name in missing_fields(draft.shape) if name not in draft.fields]
    if missing:
        names = ", ".join(column.name for column in foreign.columns[:40])
        found = f"no column says {' or '.join(says[name] for name in missing)}"
        action = (
            f"Its columns are {names}. Give one of them a name that says so, such as "
            f"{', '.join(missing)}, or write a source: see {_PAGE}."
        )
        if not {"createdAt", "updatedAt"}.isdisjoint(missing) and (unread := unread_times(foreign)):
            found += f": the form of the times in {' and '.join(unread[:5])} is unknown"
            action = f"Write a source that says under `dates` how they are written: see {_PAGE}."
        raise SourceError(str(foreign.path), found, action)


def _convert(
    con: duckdb.DuckDBPyConnection,
    foreign: Foreign,
    source: Source,
    procedure: Procedure,
    reading: Reading,
    *,
    latest: int,
) -> None:
    """Fill the table `versions` with what a run would make of the rows."""
    procedures = Procedures((procedure,), {procedure.short_id: ""}, file_sources=(source,))
    # Nothing was read before.
    con.execute(RAW_TABLES).fetchall()
    files = [replace(one.file, source=source) for one in (*foreign.earlier, foreign)]
    at_most = _CONVERTED_ROWS // len(files)
    try:
        pieces = (
            piece
            for file in files
            for piece in convert(file, source, procedures, con, at_most=at_most)
        )
        for number, piece in enumerate(pieces):
            if piece.done is not None:
                reading.lines += piece.done.lines
                reading.blank += piece.done.blank
                reading.unusable += piece.done.lines - piece.done.blank
            elif piece.chunk is not None and piece.chunk.content == PROCESSES:
                reading.lines += piece.chunk.lines
                add_versions(
                    con, reading, piece.chunk, first=number * LINES_PER_FILE, latest_ms=latest
                )
    except UnreadableFile as problem:
        action = "Ask for it again, or name another file."
        raise SourceError(str(foreign.path), str(problem), action) from problem


def _complete_at_the_end(con: duckdb.DuckDBPyConnection, draft: Draft) -> None:
    """No word means a completed process: it is the state where most end, and that none leaves."""
    rows = con.execute(_ENDS).fetchall()
    if rows:
        state = rows[0][0]
        draft.statuses[state] = "COMPLETED"
        draft.notes["outcomes"] = f"{state} completes a process, as most end there: a guess"
        query = "update versions set status = 'COMPLETED' where state = $state"
        con.execute(query, {"state": state}).fetchall()


def _completed(proposal: Proposal, foreign: Foreign, draft: Draft, first: Procedure) -> Proposal:
    """The proposal with the names of the source, its key, and states that no row was in."""
    known = {state.short_id.lower() for state in proposal.states}
    unseen = [
        ProposedState(
            name.id,
            name.short_id,
            "done" if draft.statuses.get(name.short_id) else "work",
            "in no row that was converted",
            is_known_by_id=False,
        )
        for name in state_names(first.id, draft.states)
        if name.short_id.lower() not in known
    ]
    ends = [state for state in unseen if state.kind == "done"]
    others = [state for state in unseen if state.kind != "done"]
    open_ones = [state for state in proposal.states if state.kind != "done"]
    closed = [state for state in proposal.states if state.kind == "done"]
    rows = sum(one.rows for one in (*foreign.earlier, foreign))
    files = f"{len(foreign.earlier) + 1} lists up to " if foreign.earlier else ""
    read = f"{counted(rows, 'row')} of {files}{foreign.path.name}, read by its source."
    return replace(
        proposal,
        short_id=first.short_id,
        primary_key=first.primary_key,
        attributes=[_as_key(a, first.primary_key) for a in proposal.attributes],
        states=[*open_ones, *others, *closed, *ends] if unseen else proposal.states,
        head=[proposal.head[0], read, *proposal.head[1:]],
    )


def _as_key(attribute: ProposedValue, key: str | None) -> ProposedValue:
    if attribute.short_id != key:
        return replace(attribute, unique=False)
    return replace(attribute, type="stringId", options=(), unique=True, note="the key")


_ENDS = """
    with placed as (
        select
            state,
            lead(state) over in_order as next,
            row_number() over in_order as version_no
        from versions
        window in_order as (partition by process_id order by updated_at, seq)
    )
    select state from placed
    group by state
    having
        count(*) filter (next is null) > 0
        and count(*) filter (next <> state) = 0
        and (select bool_or(next <> state) from placed)
    order by count(*) filter (next is null) desc, max(version_no) desc, state
    limit 1
"""
