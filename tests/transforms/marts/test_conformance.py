"""Moves against the stategraph, and the shortest allowed ways, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.definitions.procedure import Procedure, Procedures
from tests.support.jobs import HOUR, JOB, START, A, B, C, D, jobs, version
from tests.support.warehouse import MemoryWarehouse
from transforms.config.allowed_paths import skipping_paths

AS_OF = START + 1000 * HOUR
GRAPH = {"NEW": ["WORK"], "WORK": ["NEW", "DONE"], "DONE": []}


def path_of(*states: str) -> list[Any]:
    """Versions of process A that go through these states, an hour in each."""
    return [version(A, hour, state=state) for hour, state in enumerate(states)]


def graph(**followers: str) -> Procedure:
    """A procedure with one-letter states in order of the arguments, `A="BC"` allows A > B, A > C."""
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(followers)
    ]
    first = states[0]["shortId"]
    moves = {name: list(after) for name, after in followers.items()}
    changes = {"states": states, "startState": first, "completedState": first, "stategraph": moves}
    return Procedure.model_validate(JOB | changes)


def test_processes_conform_when_all_their_moves_are_allowed() -> None:
    warehouse = MemoryWarehouse(jobs(stategraph=GRAPH))
    warehouse.add(
        [
            *path_of("NEW", "WORK", "DONE"),
            version(B),  # has not moved
            version(C),
            version(C, 1, state="DONE"),
            version(C, 2, state="NEW"),
            version(C, 3, state="DONE"),
            version(D),
            version(D, 1, state="DONE", is_deleted=True),
            version(D, 2, state="DONE"),
        ]
    )
    warehouse.build(AS_OF)
    assert warehouse.rows("from conformance") == [
        {
            "procedure": "job",
            "processes": 4,
            "n_without_moves": 1,
            "conforming": 1,
            "share_conforming": 1 / 3,
            "n_moves": 6,
            "n_not_allowed": 4,
        }
    ]
    assert warehouse.rows("from conformance_departures order by departure_no") == [
        {
            "procedure": "job",
            "departure_no": 1,
            "from_state": "NEW",
            "to_state": "DONE",
            "n": 3,
            "processes": 2,
            "share_of_departures": 0.75,
            "n_skipped_states": 1,
            "skipped_states": ["WORK"],
        },
        {
            "procedure": "job",
            "departure_no": 2,
            "from_state": "DONE",
            "to_state": "NEW",
            "n": 1,
            "processes": 1,
            "share_of_departures": 0.25,
            "n_skipped_states": None,
            "skipped_states": None,
        },
    ]
    # One count of moves that are not allowed, wherever it is shown.
    assert warehouse.rows("select sum(n_not_allowed)::bigint as n from process_lifecycle") == [
        {"n": 4}
    ]


def test_without_a_stategraph_or_without_processes_there_is_no_share() -> None:
    warehouse = MemoryWarehouse(jobs())
    warehouse.add(path_of("NEW", "DONE", "NEW"))
    warehouse.build(AS_OF)
    columns = "processes, conforming, share_conforming, n_moves, n_not_allowed"
    shown = warehouse.rows(f"select {columns} from conformance")
    assert [tuple(row.values()) for row in shown] == [(1, 1, None, 2, 0)]
    nobody = MemoryWarehouse(jobs(stategraph=GRAPH))
    nobody.build(AS_OF)
    shown = nobody.rows(f"select {columns} from conformance")
    assert [tuple(row.values()) for row in shown] == [(0, 0, None, 0, 0)]
    assert nobody.rows("from conformance_departures") == []


def test_equally_frequent_departures_are_in_alphabetical_order() -> None:
    warehouse = MemoryWarehouse(Procedures((graph(C="A", B="A", A="C"),), {}))
    warehouse.add([version(A, hour, state=state) for hour, state in enumerate("CBCBABC")])
    warehouse.build(AS_OF)
    columns = "departure_no, from_state, to_state, n"
    rows = warehouse.rows(f"select {columns} from conformance_departures order by departure_no")
    assert [tuple(row.values()) for row in rows] == [
        (1, "B", "C", 2),
        (2, "C", "B", 2),
        (3, "A", "B", 1),
    ]


@pytest.mark.parametrize(
    ("procedure", "start", "end", "between"),
    [
        pytest.param(graph(A="B", B="C", C="D", D=""), "A", "D", ["B", "C"], id="a chain"),
        pytest.param(graph(A="BC", B="D", C="D", D=""), "A", "D", ["B"], id="first by rank"),
        pytest.param(graph(A="CB", C="D", B="D", D=""), "A", "D", ["C"], id="rank, not letters"),
        pytest.param(
            graph(A="BD", B="C", C="E", D="E", E=""), "A", "E", ["D"], id="the shortest, not first"
        ),
        pytest.param(graph(A="B", B="C", C="A"), "C", "B", ["A"], id="round a cycle"),
        pytest.param(graph(A="B", B=""), "A", "B", None, id="allowed at once"),
        pytest.param(graph(A="B", B=""), "B", "A", None, id="no way"),
        pytest.param(graph(A="B", B="A"), "A", "A", None, id="back to itself"),
    ],
)
def test_the_shortest_allowed_way(
    procedure: Procedure, start: str, end: str, between: list[str] | None
) -> None:
    found = {(before, after): list(way) for before, after, way in skipping_paths(procedure)}
    assert found.get((start, end)) == between


def test_without_a_stategraph_nothing_is_skipped() -> None:
    assert list(skipping_paths(next(iter(jobs())))) == []
