"""What processes did against the stategraph, and the states they skipped."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise, permutations
from typing import Any

from .stays import state_visits
from .versions import Procedures, Row, Version


def conformance(versions: list[Version], procedures: Procedures, *, as_of: int) -> list[Row]:
    """One row per procedure; `share_conforming` is null without a stategraph or moves."""
    moves: dict[str, dict[str, list[bool]]] = {short_id: {} for short_id in procedures}
    for visit in state_visits(versions, procedures, as_of=as_of):
        made = moves[visit["procedure"]].setdefault(visit["process_id"], [])
        if visit["is_allowed"] is not None:
            made.append(visit["is_allowed"])
    rows: list[Row] = []
    for short_id in sorted(procedures):
        made = moves[short_id].values()
        movers = [process for process in made if process]
        conforming = sum(all(process) for process in movers)
        has_share = bool(movers) and procedures[short_id]["stategraph"] is not None
        rows.append(
            {
                "procedure": short_id,
                "processes": len(made),
                "n_without_moves": len(made) - len(movers),
                "conforming": conforming,
                "share_conforming": conforming / len(movers) if has_share else None,
                "n_moves": sum(len(process) for process in made),
                "n_not_allowed": sum(process.count(False) for process in made),
            }
        )
    return rows


def conformance_departures(
    versions: list[Version], procedures: Procedures, *, as_of: int
) -> list[Row]:
    """One row per procedure and pair of states with a move that is not allowed."""
    found: dict[str, dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for visit in state_visits(versions, procedures, as_of=as_of):
        if visit["is_allowed"] is False:
            pair = visit["previous_state"], visit["state"]
            found[visit["procedure"]][pair].append(visit["process_id"])
    rows: list[Row] = []
    for short_id, pairs in found.items():
        total = sum(len(moves) for moves in pairs.values())
        ordered = sorted(pairs.items(), key=lambda item: (-len(item[1]), item[0]))
        for number, ((from_state, to_state), moves) in enumerate(ordered, start=1):
            skipped = skipped_states(procedures[short_id], from_state, to_state)
            rows.append(
                {
                    "procedure": short_id,
                    "departure_no": number,
                    "from_state": from_state,
                    "to_state": to_state,
                    "n": len(moves),
                    "processes": len(set(moves)),
                    "share_of_departures": len(moves) / total,
                    "n_skipped_states": None if skipped is None else len(skipped),
                    "skipped_states": skipped,
                }
            )
    return rows


def skipped_states(procedure: dict[str, Any], from_state: str, to_state: str) -> list[str] | None:
    """The states between on the shortest allowed way, the first by rank; null without a way."""
    graph = procedure["stategraph"]
    others = [s["short_id"] for s in procedure["states"]]
    others = [state for state in others if state not in (from_state, to_state)]
    for length in range(len(others) + 1):
        # They come in the order of `others`, place by place.
        for between in permutations(others, length):
            way = [from_state, *between, to_state]
            if all(after in graph.get(before, []) for before, after in pairwise(way)):
                return list(between)
    return None
