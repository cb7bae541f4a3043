"""States, their order and kinds, and the moves between them, from the versions of one procedure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from pipelines.infer.outcomes import sounds_like_a_start
from pipelines.infer.proposal import (
    UUID_PATTERN,
    VALID_UUID_PATTERN,
    Moves,
    Name,
    Names,
    ProposedState,
    is_id,
)
from pipelines.terminal.text import counted
from schemas.definitions.procedure import StateKind

_MOSTLY = 0.5
_ALMOST_ALL = 0.95
_RARE = 0.01
_WAITING = re.compile(r"wait|await|pending|on.?hold|blocked|paused", re.IGNORECASE)
_CUSTOMER = re.compile(r"customer|client|user|caller|requester|buyer|info", re.IGNORECASE)


@dataclass(frozen=True)
class _Seen:
    """A state as the data shows it; `first` counts processes whose first version is there, `ended`
    and `closed` those whose latest is, and those of them that are completed or cancelled.
    """

    spelling: str
    versions: int
    processes: int
    ended: int
    closed: int
    completed: int
    closed_versions: int
    first: int
    starts: int

    @property
    def is_over(self) -> bool:
        """Whether (almost) nothing that is there is still open."""
        return self.closed_versions >= _ALMOST_ALL * self.versions


@dataclass(frozen=True)
class Course:
    """The states in order of their rank, where processes start and complete, and the moves.

    `left_out` counts the versions in states whose names cannot be shortIds. Without history every
    process has one version: no beginnings and no moves were observed.
    """

    states: list[ProposedState]
    start: str
    start_note: str
    completed: str
    completed_note: str
    moves: list[Moves]
    left_out: int
    has_history: bool


def find_course(con: duckdb.DuckDBPyConnection, procedure: str) -> Course | None:
    """Everything about the states of one procedure; reads the table `versions`.

    The order of versions is (updated_at, seq), as everywhere. None when no state can be named.
    """
    parameters = {"procedure": procedure}
    seen = {key: _Seen(*row) for key, *row in con.execute(_STATES, parameters).fetchall()}
    names = Names(procedure, "state", have_aliases=False)
    labels = {key: label for key, state in seen.items() if (label := names.give(state.spelling))}
    if not labels:
        return None
    known = {key: seen[key] for key in labels}
    short = {key: label.short_id for key, label in labels.items()}
    has_history = sum(s.versions for s in seen.values()) > sum(s.first for s in seen.values())
    start, start_note = _start(known, has_history=has_history)
    kinds: dict[str, StateKind] = {
        key: _kind(state, is_start=key == start) for key, state in known.items()
    }
    order = _ranked(con.execute(_PRECEDENCE, parameters).fetchall(), kinds, start)
    completed, completed_note = _completed(known, kinds, order)
    moves = con.execute(_MOVES, parameters).fetchall()
    return Course(
        states=[_proposed(labels[key], kinds[key], known[key]) for key in order],
        start=short[start],
        start_note=start_note,
        completed=short[completed],
        completed_note=completed_note,
        moves=_graph([m for m in moves if m[0] in labels and m[1] in labels], order, start, short),
        left_out=sum(state.versions for key, state in seen.items() if key not in labels),
        has_history=has_history,
    )


def set_stray_states_aside(con: duckdb.DuckDBPyConnection, procedure: str) -> int:
    """Take versions out of `versions` whose state looks like a mistake in the data; their number.

    Such a state is rare and only stands beside another state of the same process and instant, or it
    is a placeholder: an id that is not a valid UUID although other states have valid ones.
    """
    deleted = con.execute(_STRAY, {"procedure": procedure}).fetchall()
    return int(deleted[0][0])


def _start(seen: Mapping[str, _Seen], *, has_history: bool) -> tuple[str, str]:
    """The state where processes begin, and why; one where all are closed only if all are such."""
    still_open = {key: state for key, state in seen.items() if not state.is_over}
    candidates = still_open or seen

    def likelihood(key: str) -> tuple[bool, int, int]:
        state = candidates[key]
        sounds_so = not has_history and sounds_like_a_start(state.spelling)
        return sounds_so, state.starts, state.processes

    start = max(candidates, key=likelihood)
    if not still_open:
        return start, "a guess: no state has open processes"
    if not has_history:
        return start, "a guess: no beginning was observed"
    begun = sum(state.starts for state in seen.values())
    return start, f"where {seen[start].starts:,} of {begun:,} processes begin"


def _kind(state: _Seen, *, is_start: bool) -> StateKind:
    if is_start and not state.is_over:
        return "queue"
    # Processes may be cancelled anywhere: where most versions are open, there is more to do.
    is_end = state.closed_versions >= _MOSTLY * state.versions
    if is_end and state.ended and state.closed >= _MOSTLY * state.ended:
        return "done"
    if _WAITING.search(state.spelling):
        return "waiting_customer" if _CUSTOMER.search(state.spelling) else "waiting_other"
    return "work"


def _proposed(label: Name, kind: StateKind, state: _Seen) -> ProposedState:
    seen = counted(state.processes, "process")
    note = f"in {seen}; latest in {state.ended:,}, {state.closed:,} of them closed"
    return ProposedState(label.id, label.short_id, kind, note, is_known_by_id=is_id(state.spelling))


def _ranked(
    precedence: Sequence[tuple[str, str, int]], kinds: Mapping[str, StateKind], start: str
) -> list[str]:
    """The start first, what is done last; else by how often a state comes before its equals."""
    tier = {key: 0 if key == start else 2 if kinds[key] == "done" else 1 for key in kinds}
    earlier = {(a, b): n for a, b, n in precedence}

    def score(key: str) -> float:
        shares = [
            before / (before + after)
            for other in kinds
            if other != key and tier[other] == tier[key]
            if (before := earlier.get((key, other), 0)) + (after := earlier.get((other, key), 0))
        ]
        return sum(shares) / len(shares) if shares else 0.5

    return sorted(kinds, key=lambda key: (tier[key], -score(key), key))


def _completed(
    seen: Mapping[str, _Seen], kinds: Mapping[str, StateKind], order: Sequence[str]
) -> tuple[str, str]:
    best = max(order, key=lambda key: seen[key].completed)
    completed = sum(state.completed for state in seen.values())
    if completed:
        note = f"where {seen[best].completed:,} of {completed:,} completed processes are"
        return best, note
    done = [key for key in order if kinds[key] == "done"]
    return (done or order)[-1], "no process is completed: the last state"


def _graph(
    moves: Sequence[tuple[str, str, int]],
    order: Sequence[str],
    start: str,
    short: Mapping[str, str],
) -> list[Moves]:
    """Every move seen, and from the start to what would otherwise not be reached."""
    if not moves:
        return []
    counts: dict[str, dict[str, int]] = {key: {} for key in order}
    for a, b, n in moves:
        counts[a][b] = n
    for key in order:
        if key not in _reached(counts, start):
            counts[start][key] = 0
    graph: list[Moves] = []
    for key in order:
        targets = [target for target in order if target in counts[key]]
        seen = ", ".join(f"{counts[key][t]:,}" if counts[key][t] else "assumed" for t in targets)
        graph.append(Moves(short[key], tuple(short[t] for t in targets), seen))
    return graph


def _reached(counts: Mapping[str, Mapping[str, int]], start: str) -> set[str]:
    reached, waiting = {start}, [start]
    while waiting:
        new = [key for key in counts[waiting.pop()] if key not in reached]
        reached.update(new)
        waiting += new
    return reached


_ORDERED = """
    with ordered as (
        select
            *,
            state_key as key,
            row_number() over process_order as version_no,
            lead(seq) over process_order is null as is_latest,
            lag(state_key) over (
                partition by process_id, is_deleted order by updated_at, seq
            ) as previous
        from versions
        where procedure_id = $procedure
        window process_order as (partition by process_id order by updated_at, seq)
    )
"""
_STRAY = f"""
    with mine as (select * from versions where procedure_id = $procedure),
    at_an_instant as (
        select process_id, updated_at, state_key
        from mine group by all
    ),
    states as (
        select
            m.state_key,
            count(*) as versions,
            bool_and(exists (
                from at_an_instant as o
                where o.process_id = m.process_id
                    and o.updated_at = m.updated_at
                    and o.state_key <> m.state_key
            )) as is_never_alone,
            regexp_full_match(m.state_key, '{UUID_PATTERN}') as is_id,
            regexp_full_match(m.state_key, '{VALID_UUID_PATTERN}') as is_valid_id
        from mine as m group by m.state_key
    ),
    stray as (
        select state_key from states
        where (is_never_alone and versions < {_RARE} * (select count(*) from mine))
            or (is_id and not is_valid_id and (select bool_or(is_valid_id) from states))
    )
    delete from versions
    where procedure_id = $procedure and state_key in (select state_key from stray)
"""
# A process that began before the first version given says little about where processes begin.
_STATES = f"""
    {_ORDERED},
    spellings as (
        select key, arg_max(state, (n, state)) as state
        from (select key, state, count(*) as n from ordered group by all) group by key
    ),
    sums as (
        select
            key,
            count(*) as versions,
            count(distinct process_id) as processes,
            count(*) filter (is_latest) as ended,
            count(*) filter (is_latest and status <> 'OPEN') as closed,
            count(*) filter (is_latest and status = 'COMPLETED') as completed,
            count(*) filter (status <> 'OPEN') as closed_versions,
            count(*) filter (version_no = 1) as first_seen,
            count(*) filter (version_no = 1 and updated_at = created_at) as created
        from ordered group by key
    )
    select
        key, s.state, versions, processes, ended, closed, completed, closed_versions, first_seen,
        case when sum(created) over () > 0 then created else first_seen end as starts
    from sums inner join spellings as s using (key)
    order by versions desc, key
"""
_PRECEDENCE = f"""
    {_ORDERED},
    firsts as (
        select process_id, key, min(version_no) as place from ordered
        where not is_deleted group by all
    )
    select a.key, b.key, count(*)
    from firsts as a inner join firsts as b on a.process_id = b.process_id and a.place < b.place
    group by all
"""
_MOVES = f"""
    {_ORDERED}
    select previous, key, count(*) from ordered
    where not is_deleted and previous <> key group by all
"""
