"""The shortest paths through a stategraph between states that it does not join directly."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence

from schemas.definitions.procedure import Procedure


def skipping_paths(procedure: Procedure) -> Iterator[tuple[str, str, Sequence[str]]]:
    """`from`, `to` and the states between, for pairs that the stategraph joins only by a detour.

    The shortest path; of several, the one whose states come first by rank. Pairs that it joins
    directly or not at all are left out. Without a stategraph there are no pairs.
    """
    if procedure.stategraph is None:
        return
    ranks = {state.short_id: state.rank for state in procedure.states}
    followers = {
        state: sorted(set(procedure.stategraph.get(state, ())), key=ranks.__getitem__)
        for state in ranks
    }
    for start in ranks:
        for end, between in _from(start, followers):
            if between:
                yield start, end, between


def _from(start: str, followers: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, list[str]]]:
    """Each state that can be reached from `start`, nearest first, and the states between."""
    between: dict[str, list[str]] = {start: []}
    waiting = deque([start])
    while waiting:
        state = waiting.popleft()
        path = [] if state == start else [*between[state], state]
        # Paths are tried in the order of their length, then rank: the first to a state is the best.
        for follower in followers[state]:
            if follower not in between:
                between[follower] = path
                waiting.append(follower)
                yield follower, path
