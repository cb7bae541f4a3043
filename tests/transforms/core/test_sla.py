"""The clocks of SLA policies in calendar time: histories in, clocks and stretches out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.reference.versions import Version
from tests.support.jobs import START
from tests.support.sla_rows import (
    ANN,
    BOB,
    built,
    clocks_of,
    history,
    jobs_with,
    policy,
    segments_of,
)
from tests.support.warehouse import MemoryWarehouse

POLICIES = (
    policy("answer", "created", "first_assigned"),
    policy("solve", "created", "completed", pause=["waiting_customer"]),
    policy("close", "created", "closed", pause=["ASKING", "waiting_other"]),
    policy("work", "state: WORK", {"left": "WORK"}),
    policy("review", {"state": ["ASKING", "DONE"]}, "state: WORK"),
    policy("after", "closed", ["created", "state: VENDOR"]),
    policy("pick_up", "left: NEW", "first_assigned"),
    policy("owned", "first_assigned", "closed"),
)
DONE: dict[str, Any] = {"state": "DONE", "status": "COMPLETED"}
WORK, ASKING, VENDOR, NEW = ({"state": name} for name in ("WORK", "ASKING", "VENDOR", "NEW"))
OPEN: dict[str, Any] = {"status": "OPEN"}
CANCELLED: dict[str, Any] = {"status": "CANCELLED"}
DELETED, RESTORED = {"is_deleted": True}, {"is_deleted": False}

CASES: dict[int, list[Version]] = {
    1: history(1, (0, {}), (40, {"assigned_to": ANN}), (90, DONE | {"assigned_to": BOB})),
    2: history(2, (0, {}), (100, DONE)),
    3: history(3, (0, {}), (100.001, DONE)),
    4: history(4, (0, {})),
    6: history(6, (0, {}), (30, ASKING), (230, WORK), (290, DONE)),
    7: history(7, (0, {}), (30, ASKING), (230, WORK), (310, ASKING), (400, DONE)),
    8: history(8, (0, {}), (60, ASKING)),
    9: history(9, (0, {}), (50, DONE), (200, OPEN | WORK), (240, DONE), (900, OPEN | NEW)),
    10: history(10, (0, {}), (30, CANCELLED)),
    11: history(11, (0, {}), (130, CANCELLED)),
    12: history(12, (0, {}), (30, DELETED), (70, RESTORED), (80, DONE)),
    13: history(13, (0, WORK), (10, ASKING), (10, WORK), (10, ASKING), (10, WORK), (20, DONE)),
    14: history(14, (0, {"assigned_to": ANN}), (500, {"assigned_to": BOB})),
    15: history(15, (0, {}), (10, ASKING), (10, VENDOR), (40, WORK), (40, VENDOR), (60, WORK)),
    16: history(16, (0, ASKING), (50, WORK), (100, DONE)),
    17: history(17, (0, WORK), (20, {"assigned_to": ANN}), (30, NEW), (40, WORK)),
    18: history(18, (0, {}), (60, WORK | {"assigned_to": ANN}), (90, DONE)),
    19: history(19, (0, {}), (50, DONE), (60, OPEN | DELETED), (70, RESTORED)),
}


@pytest.fixture(scope="module")
def warehouse() -> MemoryWarehouse:
    return built(jobs_with(*POLICIES), *CASES.values(), as_of=1000)


TIMES = ("started_at", "due_at", "stopped_at", "elapsed_seconds", "status", "breached_at")


def test_a_clock_runs_from_start_to_stop(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 1, "answer", *TIMES) == [(0, 100, 40, 40, "met", None)]
    assert clocks_of(warehouse, 1, "solve", *TIMES) == [(0, 100, 90, 90, "met", None)]
    left = ("target_seconds", "remaining_seconds", "cycle", "calendar", "ended_by")
    assert clocks_of(warehouse, 1, "solve", *left) == [(100, 10, 1, "always", "stop")]


def test_stopped_exactly_at_the_target_is_met_and_a_millisecond_later_breached(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 2, "solve", *TIMES) == [(0, 100, 100, 100, "met", None)]
    assert clocks_of(warehouse, 3, "solve", *TIMES) == [(0, 100, 100.001, 100.001, "breached", 100)]
    assert clocks_of(warehouse, 3, "solve", "remaining_seconds") == [(-0.001,)]


def test_a_running_clock_past_its_target_is_breached_else_it_says_when_it_will_be(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 4, "solve", *TIMES) == [(0, 100, None, 1000, "breached", 100)]
    later = built(jobs_with(*POLICIES[:2]), history(5, (0, {})), as_of=100)
    assert clocks_of(later, 5, "solve", *TIMES) == [(0, 100, None, 100, "running", None)]


def test_paused_time_does_not_count(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 6, "solve", *TIMES) == [(0, 300, 290, 90, "met", None)]
    assert segments_of(warehouse, 6, "solve") == [(1, 0, 30, 30), (2, 230, 290, 60)]


def test_a_breach_stays_where_it_was_when_the_clock_pauses_later(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 7, "solve", *TIMES) == [(0, 300, 400, 110, "breached", 300)]
    assert segments_of(warehouse, 7, "solve") == [(1, 0, 30, 30), (2, 230, 310, 80)]


def test_a_paused_clock_has_no_due_time(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 8, "solve", *TIMES) == [(0, None, None, 60, "paused", None)]
    assert clocks_of(warehouse, 8, "close", "status", "remaining_seconds") == [("paused", 40)]


def test_reopening_starts_a_new_clock(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 9, "solve", "cycle", *TIMES) == [
        (1, 0, 100, 50, 50, "met", None),
        (2, 200, 300, 240, 40, "met", None),
        (3, 900, 1000, None, 100, "running", None),
    ]
    assert clocks_of(warehouse, 9, "after", *TIMES) == [
        (50, 150, 200, 150, "breached", 150),
        (240, 340, 900, 660, "breached", 340),
    ]


def test_nothing_starts_while_a_clock_runs_nor_stops_while_none_does(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 6, "review", *TIMES) == [
        (30, 130, 230, 200, "breached", 130),
        (290, 390, None, 710, "breached", 390),
    ]
    # The completion ends what ran, and its state starts anew.
    times = clocks_of(warehouse, 7, "review", "started_at", "stopped_at", "ended_by")
    assert times == [(30, 230, "stop"), (310, 400, "completed"), (400, None, None)]


def test_a_cancellation_ends_a_clock_that_does_not_wait_for_it(
    warehouse: MemoryWarehouse,
) -> None:
    ended = (*TIMES, "ended_by")
    assert clocks_of(warehouse, 10, "solve", *ended) == [(0, 100, 30, 30, None, None, "cancelled")]
    assert clocks_of(warehouse, 10, "close", *ended) == [(0, 100, 30, 30, "met", None, "stop")]
    assert clocks_of(warehouse, 11, "solve", *ended) == [
        (0, 100, 130, 130, "breached", 100, "cancelled")
    ]


def test_a_completion_ends_a_clock_unless_its_version_shows_what_stops_it() -> None:
    """Completed by the record at 50, seen at 60: in WORK, and in DONE, which stops the clock."""
    found = built(
        jobs_with(policy("done", "created", "state: DONE")),
        history(1, (0, {}), (60, WORK | {"status": "COMPLETED", "completed_at": START + 50_000})),
        history(2, (0, {}), (60, DONE | {"completed_at": START + 50_000})),
        history(3, (0, {}), (120, WORK | {"status": "COMPLETED"})),
        as_of=1000,
    )
    ended = (*TIMES, "ended_by")
    assert clocks_of(found, 1, "done", *ended) == [(0, 100, 50, 50, None, None, "completed")]
    assert clocks_of(found, 2, "done", *ended) == [(0, 100, 60, 60, "met", None, "stop")]
    assert clocks_of(found, 3, "done", *ended) == [(0, 100, 120, 120, "breached", 100, "completed")]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_what_stops_a_clock_has_precedence_over_a_closing_of_the_same_version(status: str) -> None:
    """Closed by the record at 50, seen at 60 together with the state that stops the clock."""
    closed = {"status": status, f"{status.lower()}_at": START + 50_000}
    found = built(
        jobs_with(
            policy("done", "created", "state: DONE"),
            policy("left", "created", "left: NEW"),
            policy("other", "created", "state: WORK"),
        ),
        history(1, (0, {}), (60, {"state": "DONE"} | closed)),
        as_of=1000,
    )
    columns = ("stopped_at", "elapsed_seconds", "status", "ended_by")
    assert clocks_of(found, 1, "done", *columns) == [(60, 60, "met", "stop")]
    assert clocks_of(found, 1, "left", *columns) == [(60, 60, "met", "stop")]
    assert clocks_of(found, 1, "other", *columns) == [(50, 50, None, status.lower())]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_a_closing_that_is_dated_back_ends_no_clock_that_has_stopped(status: str) -> None:
    """Stopped at 50; a version of 100 says that the process was closed at 30."""
    closed = {"status": status, f"{status.lower()}_at": START + 30_000}
    found = built(
        jobs_with(policy("work", "created", "state: WORK"), policy("end", "created", "closed")),
        history(1, (0, {}), (50, WORK), (100, closed)),
        as_of=1000,
    )
    columns = ("started_at", "stopped_at", "elapsed_seconds", "status", "ended_by")
    assert clocks_of(found, 1, "work", *columns) == [(0, 50, 50, "met", "stop")]
    assert clocks_of(found, 1, "end", *columns) == [(0, 30, 30, "met", "stop")]


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
def test_a_closing_dated_before_the_start_of_a_clock_ends_it_at_its_start(status: str) -> None:
    """In WORK from 50; a version of 100 says that the process was closed at 40."""
    closed = {"status": status, f"{status.lower()}_at": START + 40_000}
    found = built(
        jobs_with(
            policy("work", "state: WORK", "left: WORK"),
            policy("end", "state: WORK", "closed"),
            policy("after", "closed", "state: WORK"),
        ),
        history(1, (0, {}), (50, WORK), (100, closed), (120, {"state": "DONE"})),
        as_of=1000,
    )
    columns = ("started_at", "stopped_at", "elapsed_seconds", "status", "ended_by")
    assert clocks_of(found, 1, "work", *columns) == [(50, 50, 0, None, status.lower())]
    assert clocks_of(found, 1, "end", *columns) == [(50, 50, 0, "met", "stop")]
    # The stay in WORK came before the version that shows the closing.
    assert clocks_of(found, 1, "after", *columns) == [(40, None, 960, "breached", None)]


def test_cycles_do_not_overlap_where_a_closing_is_dated_back() -> None:
    """The clock stopped at 50; the next one starts with a closing that is dated 30."""
    cancelled = CANCELLED | {"cancelled_at": START + 30_000}
    found = built(
        jobs_with(policy("work", ["created", "closed"], "state: WORK")),
        history(1, (0, {}), (50, WORK), (100, NEW | cancelled), (140, WORK)),
        as_of=1000,
    )
    columns = ("cycle", "started_at", "stopped_at", "elapsed_seconds", "status")
    assert clocks_of(found, 1, "work", *columns) == [(1, 0, 50, 50, "met"), (2, 50, 140, 90, "met")]


def test_a_process_created_closed_is_met_with_0_seconds() -> None:
    """Also where it was first seen later and its closing is dated at its creation."""
    done, at_once = DONE | {"assigned_to": ANN}, {"completed_at": START}
    found = built(
        jobs_with(
            policy("solve", "created", "completed"),
            policy("close", "created", "closed"),
            policy("answer", "created", "first_assigned"),
            policy("after", "closed", "created"),
        ),
        history(1, (0, done | at_once)),
        history(2, (70, done | at_once)),
        history(3, (0, CANCELLED | {"cancelled_at": START})),
        history(4, (0, done | DELETED), (10, RESTORED)),
        as_of=1000,
    )
    columns = ("started_at", "stopped_at", "elapsed_seconds", "status", "ended_by")
    met = [(0, 0, 0, "met", "stop")]
    for number in (1, 2):
        assert clocks_of(found, number, "solve", *columns) == met
        assert clocks_of(found, number, "close", *columns) == met
        assert clocks_of(found, number, "answer", *columns) == met
        assert clocks_of(found, number, "after", *columns) == [(0, None, 1000, "breached", None)]
    assert clocks_of(found, 3, "close", *columns) == met
    assert clocks_of(found, 3, "solve", *columns) == [(0, 0, 0, None, "cancelled")]
    # First seen deleted: it was restored closed, and not created so.
    assert clocks_of(found, 4, "solve", *columns) == []


def test_a_first_assignment_at_the_instant_of_a_closing_stops_the_clock() -> None:
    found = built(
        jobs_with(policy("answer", "created", "first_assigned")),
        history(1, (0, {}), (40, CANCELLED | {"assigned_to": ANN})),
        history(2, (0, {}), (40, CANCELLED), (50, {"assigned_to": ANN})),
        as_of=1000,
    )
    columns = ("stopped_at", "status", "ended_by")
    assert clocks_of(found, 1, "answer", *columns) == [(40, "met", "stop")]
    assert clocks_of(found, 2, "answer", *columns) == [(40, None, "cancelled")]


def test_a_state_in_which_a_process_is_first_seen_stops_a_clock_when_it_is_seen() -> None:
    """That it was in it from its creation is a guess, which would meet every target."""
    found = built(
        jobs_with(
            policy("ask", "created", "state: ASKING"),
            policy("asked", "state: ASKING", "state: WORK"),
        ),
        history(1, (130, ASKING), (150, WORK)),
        history(2, (0, ASKING), (150, WORK)),
        as_of=1000,
    )
    assert clocks_of(found, 1, "ask", *TIMES) == [(0, 100, 130, 130, "breached", 100)]
    assert clocks_of(found, 2, "ask", *TIMES) == [(0, 100, 0, 0, "met", None)]
    assert clocks_of(found, 1, "asked", *TIMES) == [(0, 100, 150, 150, "breached", 100)]


def test_a_clock_that_starts_with_the_cancellation_runs(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 10, "after", "started_at", "status") == [(30, "breached")]


def test_a_deletion_ends_a_clock_and_restoring_starts_a_new_one(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 12, "solve", *TIMES, "ended_by") == [
        (0, 100, 30, 30, None, None, "deleted"),
        (70, 170, 80, 10, "met", None, "stop"),
    ]
    assert clocks_of(warehouse, 19, "after", *TIMES, "ended_by") == [
        (50, 150, 60, 10, None, None, "deleted")
    ]


def test_ties_pass_by_version_order_and_stretches_of_no_length_are_none(
    warehouse: MemoryWarehouse,
) -> None:
    assert clocks_of(warehouse, 13, "work", "cycle", "started_at", "stopped_at") == [
        (1, 0, 10),
        (2, 10, 10),
        (3, 10, 20),
    ]
    assert segments_of(warehouse, 13, "work") == [(1, 0, 10, 10), (1, 10, 20, 10)]


def test_a_clock_that_starts_and_stops_at_once_is_met(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 14, "answer", *TIMES) == [(0, 100, 0, 0, "met", None)]
    assert segments_of(warehouse, 14, "answer") == []
    # The version that leaves the state has the first assignee.
    assert clocks_of(warehouse, 18, "pick_up", *TIMES) == [(60, 160, 60, 0, "met", None)]


def test_pauses_that_follow_one_another_are_one(warehouse: MemoryWarehouse) -> None:
    assert segments_of(warehouse, 15, "close") == [(1, 0, 10, 10), (2, 60, None, 940)]


def test_a_clock_may_start_paused(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 16, "solve", *TIMES) == [(0, 150, 100, 50, "met", None)]
    assert segments_of(warehouse, 16, "solve") == [(1, 50, 100, 50)]


def test_no_clock_waits_for_a_first_assignment_that_has_been(warehouse: MemoryWarehouse) -> None:
    assert clocks_of(warehouse, 17, "pick_up", *TIMES) == []
    assert clocks_of(warehouse, 17, "owned", "started_at", "status") == [(20, "breached")]


def test_who_held_it_and_where_it_was(warehouse: MemoryWarehouse) -> None:
    there = ("assigned_to", "started_state")
    assert clocks_of(warehouse, 1, "answer", *there) == [(ANN, "NEW")]
    assert clocks_of(warehouse, 1, "solve", *there) == [(BOB, "NEW")]
    assert clocks_of(warehouse, 14, "solve", *there) == [(BOB, "NEW")]
    assert clocks_of(warehouse, 15, "work", *there) == [(None, "WORK"), (None, "WORK")]
    assert clocks_of(warehouse, 18, "work", *there) == [(ANN, "WORK")]


def test_the_stretches_of_a_clock_add_up_to_what_elapsed(warehouse: MemoryWarehouse) -> None:
    query = """
        from sla_clocks as c
        left join (
            select process_id, policy, cycle, sum(elapsed_seconds) as elapsed_seconds
            from sla_segments group by all
        ) as s using (process_id, policy, cycle)
        where abs(c.elapsed_seconds - coalesce(s.elapsed_seconds, 0)) > 1e-6
    """
    assert warehouse.rows(query) == []


def test_no_policies_give_no_rows() -> None:
    empty = built(jobs_with(), CASES[1], as_of=1000)
    assert empty.rows("from sla_clocks") == []
    assert empty.rows("from sla_segments") == []
