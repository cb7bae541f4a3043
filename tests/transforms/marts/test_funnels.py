"""Funnels, row by row: modes, outcomes, optional steps, exclusions, windows, entries, values."""

from __future__ import annotations

from typing import Any

import pytest

from schemas.definitions.procedure import Procedures
from tests.reference.versions import Version
from tests.support.jobs import HOUR, JOB, START, A, B, C, D, jobs, version
from tests.support.warehouse import MemoryWarehouse

STATES = ["NEW", "ASK", "WORK", "TEST", "DONE", "LOST"]


def procedure(*funnels: dict[str, Any]) -> Procedures:
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(STATES)
    ]
    named = [{"name": f"f{n}", **funnel} for n, funnel in enumerate(funnels)]
    return jobs(states=states, funnels=named)


def way(process_id: str, *states: str, every: float = 1, **last: Any) -> list[Version]:
    """Versions of a process that enters these states one after the other, hours apart."""
    rows = [version(process_id, n * every, state=state) for n, state in enumerate(states)]
    rows[-1] |= last
    return rows


def reached(
    funnel: dict[str, Any],
    *versions: list[Version],
    mode: str = "ordered",
    hours: float = 1000,
    procedures: Procedures | None = None,
) -> dict[str, list[Any]]:
    """For each process the steps it reached with the hours since its entry, then the reason."""
    warehouse = MemoryWarehouse(procedures or procedure(funnel))
    warehouse.add([v for rows in versions for v in rows])
    warehouse.build(START + round(hours * HOUR))
    rows = warehouse.rows(
        "select process_id, step_no, seconds_from_first / 3600 as hours, stop_reason "
        f"from funnel_progress where mode = '{mode}' order by process_id, step_no"
    )
    found: dict[str, list[Any]] = {}
    for row in rows:
        steps = found.setdefault(row["process_id"], [])
        steps.append((row["step_no"], row["hours"]))
        if row["stop_reason"]:
            steps.append(row["stop_reason"])
    return found


def test_in_order_anything_may_lie_between() -> None:
    funnel = {"steps": ["NEW", "WORK", "DONE"]}
    assert reached(
        funnel,
        way(A, "NEW", "ASK", "WORK", "TEST", "DONE"),
        way(B, "NEW", "DONE", "WORK"),
        way(C, "ASK", "WORK"),
    ) == {A: [(1, 0), (2, 2), (3, 4), "finished"], B: [(1, 0), (2, 2), "open"]}


def test_strictly_nothing_may_lie_between() -> None:
    funnel = {"steps": ["NEW", "WORK", "DONE"]}
    assert reached(
        funnel,
        way(A, "NEW", "WORK", "DONE"),
        way(B, "NEW", "WORK", "TEST", "DONE"),
        way(C, "NEW", "WORK"),
        mode="strict",
    ) == {
        A: [(1, 0), (2, 1), (3, 2), "finished"],
        B: [(1, 0), (2, 1), "strayed"],
        C: [(1, 0), (2, 1), "open"],
    }


def restored(process_id: str, *states: str) -> list[Version]:
    """Versions an hour apart; before a state that is the same as the last, a deletion."""
    rows: list[Version] = []
    for state in states:
        if rows and rows[-1]["state"] == state:
            rows.append(version(process_id, len(rows), state=state, is_deleted=True))
        rows.append(version(process_id, len(rows), state=state))
    return rows


def test_a_restore_in_the_same_state_is_not_a_move() -> None:
    ways = (
        restored(A, "NEW", "NEW", "WORK", "WORK", "DONE", "DONE"),
        restored(B, "NEW", "WORK", "WORK", "TEST"),
        restored(C, "NEW", "NEW"),
    )
    steps = ["NEW", "WORK", "DONE"]
    assert reached({"steps": steps}, *ways, mode="strict") == {
        A: [(1, 0), (2, 3), (3, 6), "finished"],
        B: [(1, 0), (2, 1), "strayed"],
        C: [(1, 0), "open"],
    }
    for mode in ("ordered", "strict", "any_order"):
        twice = reached({"steps": ["NEW", "NEW"]}, *ways, mode=mode)
        assert {steps[-2] for steps in twice.values()} == {(1, 0)}, mode
    # Nor does it end an attempt by an excluded state that the process was in before.
    excluding = {"steps": ["NEW", "DONE"], "exclude": ["WORK"]}
    found = reached(excluding, restored(A, "WORK", "WORK", "DONE"), mode="reached")
    assert found == {A: [(1, 0), (2, 3), "finished"]}


def test_an_outcome_after_a_restore_counts_in_the_move_before() -> None:
    funnel = {"steps": ["NEW", "WORK", {"outcome": "completed"}]}
    ways = restored(A, "NEW", "WORK", "WORK")
    ways.append(version(A, 4, state="WORK", status="COMPLETED", completed_at=START + 4 * HOUR))
    assert reached(funnel, ways, mode="strict") == {A: [(1, 0), (2, 1), (3, 4), "finished"]}


def test_in_any_order_steps_are_counted() -> None:
    funnel = {"steps": ["NEW", "WORK", "WORK", "DONE"]}
    assert reached(
        funnel,
        way(A, "WORK", "DONE", "NEW", "WORK"),
        way(B, "DONE", "ASK", "DONE"),
        mode="any_order",
    ) == {A: [(1, 0), (2, 1), (3, 2), (4, 3), "finished"], B: [(1, 0), "open"]}


def test_being_further_on_counts_except_for_cancelled_processes() -> None:
    funnel = {"steps": ["NEW", "WORK", "DONE"]}
    assert reached(
        funnel,
        way(A, "NEW", "TEST"),
        way(B, "NEW", "LOST", status="CANCELLED"),
        way(C, "ASK", "DONE", status="COMPLETED"),
        way(D, "NEW", "WORK", "LOST", status="CANCELLED"),
        mode="reached",
    ) == {
        A: [(1, 0), (2, 1), "open"],
        B: [(1, 0), "cancelled"],
        C: [(1, 0), (2, 1), (3, 1), "finished"],
        D: [(1, 0), (2, 1), "cancelled"],
    }


def test_an_outcome_can_be_a_step() -> None:
    funnel = {"steps": ["NEW", "WORK", {"outcome": "completed"}]}
    done_at = START + round(1.5 * HOUR)
    assert reached(
        funnel,
        # Dated back, but shown by the version that enters DONE: the visit comes first.
        way(A, "NEW", "WORK", "DONE", status="COMPLETED", completed_at=done_at),
        way(B, "NEW", "WORK", "LOST", status="CANCELLED"),
        [*way(C, "NEW", "DONE", status="COMPLETED"), version(C, 3, state="WORK")],
    ) == {
        A: [(1, 0), (2, 1), (3, 1.5), "finished"],
        B: [(1, 0), (2, 1), "cancelled"],
        C: [(1, 0), (2, 3), "open"],
    }


def test_what_is_dated_before_its_predecessor_takes_no_time() -> None:
    funnel = {"steps": ["NEW", "DONE", {"outcome": "completed"}]}
    ways = way(A, "NEW", "DONE", status="COMPLETED", completed_at=START + HOUR // 2)
    assert reached(funnel, ways) == {A: [(1, 0), (2, 1), (3, 1), "finished"]}


def test_optional_steps_may_be_skipped() -> None:
    steps = ["NEW", {"states": ["ASK"], "optional": True}, "WORK", "DONE"]
    ways = (way(A, "NEW", "ASK", "WORK", "DONE"), way(B, "NEW", "WORK", "ASK", "DONE"))
    assert reached({"steps": steps}, *ways) == {
        A: [(1, 0), (2, 1), (3, 2), (4, 3), "finished"],
        B: [(1, 0), (3, 1), (4, 3), "finished"],
    }
    assert reached({"steps": steps}, *ways, mode="strict") == {
        A: [(1, 0), (2, 1), (3, 2), (4, 3), "finished"],
        B: [(1, 0), (3, 1), "strayed"],
    }


def test_shares_are_of_the_last_required_step() -> None:
    steps = ["NEW", {"states": ["ASK"], "optional": True}, "WORK"]
    warehouse = MemoryWarehouse(procedure({"steps": steps}))
    warehouse.add([*way(A, "NEW", "ASK", "WORK"), *way(B, "NEW", "WORK"), *way(C, "NEW")])
    warehouse.build(START + 10 * HOUR)
    rows = warehouse.rows(
        "select processes, share_of_first, share_of_previous, immature "
        "from funnel_steps where mode = 'ordered' order by step_no"
    )
    assert [tuple(row.values()) for row in rows] == [
        (3, 1, 1, 0),
        (1, pytest.approx(1 / 3), pytest.approx(1 / 3), 1),
        (2, pytest.approx(2 / 3), pytest.approx(2 / 3), 1),
    ]


def test_an_excluded_state_ends_the_attempt() -> None:
    funnel = {"steps": ["NEW", "WORK", "DONE"], "exclude": ["ASK"]}
    ways = (way(A, "NEW", "WORK", "ASK", "DONE"), way(B, "ASK", "NEW", "WORK", "DONE"))
    for mode in ("ordered", "any_order", "reached"):
        found = reached(funnel, *ways, mode=mode)
        assert found[A] == [(1, 0), (2, 1), "excluded"], mode
    assert reached(funnel, *ways)[B] == [(1, 0), (2, 1), (3, 2), "finished"]


def test_windows_run_from_the_first_step_and_from_the_step_before() -> None:
    steps = ["NEW", {"states": ["WORK"], "within": "2h"}, {"states": ["DONE"], "minGap": "2h"}]
    ways = (
        way(A, "NEW", "WORK", "DONE", "TEST", "DONE"),  # the first is too early
        way(B, "NEW", "ASK", "TEST", "WORK"),  # too late
        way(C, "NEW", "ASK", "WORK"),  # in time to the very hour
    )
    assert reached({"steps": steps, "within": "4h"}, *ways) == {
        A: [(1, 0), (2, 1), (3, 4), "finished"],
        B: [(1, 0), "out_of_time"],
        C: [(1, 0), (2, 2), "out_of_time"],
    }
    assert reached({"steps": steps, "within": "3h"}, ways[0])[A] == [(1, 0), (2, 1), "out_of_time"]


def test_immature_are_those_that_may_still_come() -> None:
    funnel = {"steps": ["NEW", {"states": ["WORK"], "within": "5h"}, "DONE"], "within": "10h"}
    for hours, expected in ((4, [0, 1, 2]), (5, [0, 0, 1]), (9, [0, 0, 1]), (10, [0, 0, 0])):
        warehouse = MemoryWarehouse(procedure(funnel))
        warehouse.add([*way(A, "NEW"), *way(B, "NEW", "WORK")])
        warehouse.build(START + hours * HOUR)
        rows = warehouse.rows(
            "select immature from funnel_steps where mode = 'ordered' order by step_no"
        )
        assert [row["immature"] for row in rows] == expected, hours


def test_the_best_entry_gets_furthest() -> None:
    ways = way(A, "NEW", "ASK", "NEW", "WORK", "DONE")
    funnel = {"steps": ["NEW", "WORK", "DONE"], "within": "2h"}
    assert reached(funnel, ways) == {A: [(1, 0), "out_of_time"]}
    assert reached({**funnel, "entry": "best"}, ways) == {A: [(1, 0), (2, 1), (3, 2), "finished"]}


def test_of_equally_good_entries_the_first_counts() -> None:
    funnel = {"steps": ["NEW", "WORK"], "entry": "best"}
    ways = way(A, "NEW", "WORK", "NEW", "WORK", every=2)
    assert reached(funnel, ways) == {A: [(1, 0), (2, 2), "finished"]}
    warehouse = MemoryWarehouse(procedure(funnel))
    warehouse.add(ways)
    warehouse.build(START + 100 * HOUR)
    (row,) = warehouse.rows(
        "select reached_at from funnel_progress where mode = 'ordered' and step_no = 1"
    )
    assert row["reached_at"] == START


def test_conditions_are_over_the_values_of_that_moment() -> None:
    funnel = {"steps": ["NEW", {"states": ["WORK"], "where": "size > 10"}, "DONE"]}
    rows = [
        version(A, 0, state="NEW", data={"size": 20}),
        version(A, 1, state="WORK", data={"size": 5}),
        version(A, 2, state="TEST", data={"size": 20}),
        version(A, 3, state="WORK", data={"size": 20}),
        version(A, 4, state="DONE", data={"size": 1}),
        version(B, 0, state="NEW"),
        version(B, 1, state="WORK", data={"size": "many"}),
    ]
    assert reached(funnel, rows) == {
        A: [(1, 0), (2, 3), (3, 4), "finished"],
        B: [(1, 0), "open"],
    }


def test_attributes_may_have_the_names_of_columns_of_the_funnels() -> None:
    names = ["funnel_no", "step_no", "version_no", "place", "move_no", "happened_at", "holds"]
    attributes = [
        {"id": f"20000000-0000-4000-8000-{n:012}", "shortId": name, "type": "integer"}
        for n, name in enumerate(names)
    ]
    states = [
        {"id": f"30000000-0000-4000-8000-{n:012}", "shortId": name, "kind": "work"}
        for n, name in enumerate(STATES)
    ]
    condition = " and ".join(f"{name} = {90 + n}" for n, name in enumerate(names))
    funnel = {
        "name": "f",
        "steps": ["NEW", {"states": ["WORK"], "where": condition}],
        "breakdowns": ["funnel_no"],
    }
    warehouse = MemoryWarehouse(jobs(attributes=attributes, states=states, funnels=[funnel]))
    data = {name: 90 + n for n, name in enumerate(names)}
    warehouse.add(
        [
            version(A, 0, state="NEW", data=data),
            version(A, 1, state="WORK"),
            version(A, 2, state="WORK", data=data | {"place": 1}),
            version(A, 3, state="TEST"),
            version(A, 5, state="WORK", data=data),
            version(B, 0, state="NEW", data=data),
            version(B, 1, state="WORK", data=data | {"holds": 1}),
        ]
    )
    warehouse.build(START + 10 * HOUR)
    rows = warehouse.rows(
        "select process_id, step_no, seconds_from_first / 3600 as hours from funnel_progress "
        "where mode = 'ordered' order by all"
    )
    assert [tuple(row.values()) for row in rows] == [(A, 1, 0), (A, 2, 5), (B, 1, 0)]
    rows = warehouse.rows(
        "select value, step_no, processes from funnel_breakdowns "
        "where mode = 'ordered' and attribute = 'funnel_no' order by all"
    )
    assert [tuple(row.values()) for row in rows] == [("90", 1, 2), ("90", 2, 1)]


def test_breakdowns_by_values_at_entry_and_now() -> None:
    procedures = procedure(
        {
            "steps": ["ASK", "WORK"],
            "breakdowns": ["colour", {"attribute": "colour", "at": "now"}],
        }
    )
    warehouse = MemoryWarehouse(procedures)
    warehouse.add(
        [
            version(A, 0, state="NEW", data={"colour": "grey"}),
            version(A, 1, state="ASK", data={"colour": "red"}),
            version(A, 2, state="WORK", data={"colour": "blue"}),
            version(B, 0, state="ASK"),
        ]
    )
    warehouse.build(START + 10 * HOUR)
    rows = warehouse.rows(
        "select value_of, value, step_no, processes, immature from funnel_breakdowns "
        "where mode = 'ordered' and attribute = 'colour' order by all"
    )
    assert [tuple(row.values()) for row in rows] == [
        ("entry", "red", 1, 1, 0),
        ("entry", "red", 2, 1, 0),
        ("entry", None, 1, 1, 0),
        ("entry", None, 2, 0, 1),
        ("now", "blue", 1, 1, 0),
        ("now", "blue", 2, 1, 0),
        ("now", None, 1, 1, 0),
        ("now", None, 2, 0, 1),
    ]


def test_forty_steps() -> None:
    states = ["NEW", "WORK"] * 20
    funnel = {"steps": [{"name": f"s{n}", "states": [s]} for n, s in enumerate(states)]}
    ways = (way(A, *states), way(B, *states[:33]))
    for mode in ("ordered", "strict", "any_order"):
        found = reached(funnel, *ways, mode=mode)
        assert found[A] == [*((n + 1, n) for n in range(40)), "finished"]
        assert len(found[B]) == 34


def test_steps_of_one_instant_pass_in_order_of_versions() -> None:
    rows = [
        version(A, 0, state=state, ingest_seq=(1, line))
        for line, state in enumerate(["NEW", "WORK", "DONE"], start=1)
    ]
    assert reached({"steps": ["NEW", "WORK", "DONE"]}, rows) == {
        A: [(1, 0), (2, 0), (3, 0), "finished"]
    }
    assert reached({"steps": ["NEW", "DONE", "WORK"]}, rows) == {A: [(1, 0), (2, 0), "open"]}


def test_a_funnel_nobody_entered_has_its_steps() -> None:
    warehouse = MemoryWarehouse(procedure({"steps": ["ASK", "WORK"]}))
    warehouse.add(way(A, "NEW"))
    warehouse.build(START + HOUR)
    rows = warehouse.rows("select distinct mode, processes, share_of_first from funnel_steps")
    assert sorted(row["mode"] for row in rows) == ["any_order", "ordered", "reached", "strict"]
    assert {(row["processes"], row["share_of_first"]) for row in rows} == {(0, None)}
    assert warehouse.rows("from funnel_cohorts") == []


def test_job_has_the_states_used_here() -> None:
    assert {"NEW", "WORK", "DONE"} <= {state["shortId"] for state in JOB["states"]} & set(STATES)
