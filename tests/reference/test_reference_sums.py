"""Pins the reference for funnels and sums over processes, worked out by hand.

What happened to a single process belongs to the test beside this one.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from . import funnels, marts
from .durations import percentile_seconds
from .examples import JOB, columns, job
from .versions import Row, Version


def funnel_versions() -> list[Version]:
    return [
        # Finished; the window is closed at its end, too.
        job(0, process_id="a"),
        job(4, "DOING", process_id="a"),
        job(10, "DONE", "COMPLETED", process_id="a"),
        # Done too late.
        job(0, process_id="b"),
        job(6, "DOING", process_id="b"),
        job(11, "DONE", process_id="b"),
        # Done before doing does not count.
        job(5, process_id="c", created_at=5),
        job(6, "DONE", process_id="c", created_at=5),
        job(7, "DOING", "CANCELLED", process_id="c", created_at=5),
        # Young, and never in step 1.
        job(12, process_id="d", created_at=12),
        job(1, "DOING", process_id="e"),
    ]


def test_ordered_funnel_with_a_window() -> None:
    progress = funnels.funnel_progress(funnel_versions(), JOB, as_of=20_000)
    assert columns(
        [row for row in progress if row["mode"] == "ordered"],
        "process_id",
        "step_no",
        "step",
        "reached_at",
        "seconds_from_first",
        "seconds_from_previous",
        "stop_reason",
    ) == [
        ("a", 1, "NEW", 0, 0.0, None, None),
        ("a", 2, "DOING", 4000, 4.0, 4.0, None),
        ("a", 3, "DONE", 10_000, 10.0, 6.0, "finished"),
        ("b", 1, "NEW", 0, 0.0, None, None),
        ("b", 2, "DOING", 6000, 6.0, 6.0, "out_of_time"),
        ("c", 1, "NEW", 5000, 0.0, None, None),
        ("c", 2, "DOING", 7000, 2.0, 2.0, "cancelled"),
        ("d", 1, "NEW", 12_000, 0.0, None, "open"),
    ]
    steps = funnels.funnel_steps(funnel_versions(), JOB, as_of=20_000)
    ordered = [row for row in steps if row["mode"] == "ordered"]
    for row in ordered:
        for end in ("low", "high"):
            row[f"share_of_first_{end}"] = round(row[f"share_of_first_{end}"], 4)
            del row[f"share_of_first_adjusted_{end}"]
    # The last has been watched for 8 of 10 seconds: of the three others one gets to the end.
    adjusted = [row.pop("share_of_first_adjusted") for row in ordered]
    assert adjusted == pytest.approx([1, 3 / 4, 1 / 3])
    common = {
        "funnel": "all",
        "procedure": "job",
        "mode": "ordered",
        "is_small": True,
        "n_left_out": 0,
    }
    assert ordered == [
        common | row
        for row in (
            _step(1, "NEW", 4, 1.0, 1.0, 0.0, 0.0, None, 0, 0.5101, 1.0),
            _step(2, "DOING", 3, 0.75, 0.75, 4.0, 5.6, 4.0, 1, 0.3006, 0.9544),
            _step(3, "DONE", 1, 0.25, 1 / 3, 10.0, 10.0, 6.0, 1, 0.0456, 0.6994),
        )
    ]


def _step(step_no: int, step: str, processes: int, *figures: float | None) -> Row:
    names = (
        "share_of_first",
        "share_of_previous",
        "median_seconds_from_first",
        "p90_seconds_from_first",
        "median_seconds_from_previous",
        "immature",
        "share_of_first_low",
        "share_of_first_high",
    )
    row: Row = {"step_no": step_no, "step": step, "processes": processes}
    return row | dict(zip(names, figures, strict=True))


def test_funnel_asked_for_on_the_spot() -> None:
    versions = funnel_versions()
    steps = funnels.funnel(versions, JOB, as_of=20_000, steps=["NEW", ["DOING", "DONE"], "DONE"])
    assert columns(steps, "step", "processes", "immature") == [
        ("NEW", 4, 0),
        ("DOING | DONE", 3, 1),
        # c was done once, and that visit is taken by the step before.
        ("DONE", 2, 1),
    ]
    empty = funnels.funnel(versions, JOB, as_of=20_000, steps=["ASKING", "DONE"], procedure="job")
    assert columns(empty, "processes", "share_of_first", "share_of_previous") == [
        (0, None, None),
        (0, None, None),
    ]


def test_same_state_in_two_steps_needs_two_visits() -> None:
    versions = [job(0), job(1, "DOING"), job(2, "DOING"), job(3, "DONE"), job(4, "DOING")]
    twice = ["DOING", "DOING"]
    assert columns(funnels.funnel(versions, JOB, as_of=3000, steps=twice), "processes") == [
        (1,),
        (0,),
    ]
    assert columns(funnels.funnel(versions, JOB, as_of=4000, steps=twice), "processes") == [
        (1,),
        (1,),
    ]


def test_stop_reason_of_completed_and_deleted_processes() -> None:
    versions = [
        job(0, process_id="a"),
        job(1, status="COMPLETED", process_id="a"),
        job(0, process_id="b"),
        job(1, process_id="b", is_deleted=True),
    ]
    progress = funnels.funnel_progress(versions, JOB, as_of=60_000)
    ordered = [row for row in progress if row["mode"] == "ordered"]
    assert columns(ordered, "process_id", "stop_reason") == [("a", "completed"), ("b", "deleted")]


def berlin(day: int, hour: int, minute: int = 0) -> int:
    """Epoch seconds of a local time in March 2024, before the clocks change on the 31st."""
    return int(datetime(2024, 3, day, hour - 1, minute, tzinfo=UTC).timestamp())


def day_versions() -> list[Version]:
    def p(at: int, *args: str, **changes: Any) -> Version:
        return job(at, *args, process_id="p", created_at=berlin(29, 12), **changes)

    def q(at: int, *args: str, **changes: Any) -> Version:
        return job(at, *args, process_id="q", created_at=berlin(29, 13), **changes)

    midnight = berlin(30, 1) - 3600
    return [
        p(berlin(29, 12)),
        # At midnight: belongs to the 30th.
        p(midnight, "DONE", "COMPLETED"),
        p(berlin(30, 15), "DOING"),
        q(berlin(29, 13)),
        q(berlin(29, 14), is_deleted=True),
        q(berlin(29, 15), "DOING"),
        # The 31st has 23 hours: this is 01:00 on the first of April.
        q(berlin(31, 1) + 23 * 3600, "DOING", "CANCELLED"),
    ]


def test_flow_and_backlog_add_up_over_midnight_and_a_short_day() -> None:
    as_of = (berlin(31, 1) + 23 * 3600) * 1000
    flow = marts.flow_daily(day_versions(), JOB, as_of=as_of, time_zone="Europe/Berlin")
    assert [tuple(row.values()) for row in flow] == [
        # day, procedure, open at start, created, reopened, restored, moved in,
        # completed, cancelled, deleted, moved out, open at end
        (date(2024, 3, 29), "job", 0, 2, 0, 1, 0, 0, 0, 1, 0, 2),
        (date(2024, 3, 30), "job", 2, 0, 1, 0, 0, 1, 0, 0, 0, 2),
        (date(2024, 3, 31), "job", 2, 0, 0, 0, 0, 0, 0, 0, 0, 2),
        (date(2024, 4, 1), "job", 2, 0, 0, 0, 0, 0, 1, 0, 0, 1),
    ]
    backlog = marts.backlog_daily(day_versions(), JOB, as_of=as_of, time_zone="Europe/Berlin")
    assert columns(backlog, "day", "state", "open_processes") == [
        (date(2024, 3, 29), "DOING", 1),
        (date(2024, 3, 29), "NEW", 1),
        (date(2024, 3, 30), "DOING", 2),
        (date(2024, 3, 31), "DOING", 2),
        (date(2024, 4, 1), "DOING", 1),
    ]


def test_duration_stats_by_month_of_the_ending_in_local_time() -> None:
    as_of = (berlin(31, 1) + 30 * 3600) * 1000
    stats = marts.duration_stats(day_versions(), JOB, as_of=as_of, time_zone="Europe/Berlin")
    # Without a calendar working time is calendar time.
    in_either_time = [
        # Only q is closed now: open for 1 h until it was deleted, and for 57 h after it came back.
        ("open", None, 1, 58 * 3600.0),
        ("open", date(2024, 4, 1), 1, 58 * 3600.0),
        ("resolution", None, 1, 12 * 3600.0),
        ("resolution", date(2024, 3, 1), 1, 12 * 3600.0),
    ]
    assert columns(stats, "measure", "period", "n", "p50_seconds") == [
        *((f"business_{measure}", *rest) for measure, *rest in in_either_time),
        *in_either_time,
    ]


def test_percentiles_lie_between_neighbours() -> None:
    durations = [4000, 1000, 3000, 2000]
    assert [percentile_seconds(durations, share) for share in (0, 0.5, 0.75, 1)] == [
        1.0,
        2.5,
        3.25,
        4.0,
    ]
    assert percentile_seconds([], 0.5) is None


def test_state_transitions_leave_out_deletions() -> None:
    versions = [
        job(0),
        job(4, "DOING"),
        job(10, "NEW"),
        job(12, "DOING"),
        job(20, "DOING", is_deleted=True),
        job(30, "DONE"),
    ]
    transitions = marts.state_transitions(versions, JOB, as_of=40_000)
    assert [tuple(row.values()) for row in transitions] == [
        # procedure, from, to, n, processes, is_allowed, mean, p50, p90
        ("job", "DOING", "NEW", 1, 1, False, 6.0, 6.0, 6.0),
        ("job", "NEW", "DOING", 2, 1, True, 3.0, 3.0, 3.8),
    ]


def test_variants_most_frequent_first_then_by_name() -> None:
    versions = [
        job(0, process_id="a"),
        job(2, "DONE", "COMPLETED", process_id="a"),
        job(0, process_id="b"),
        job(4, "DONE", "COMPLETED", process_id="b"),
        job(0, process_id="c"),
        job(0, "ASKING", process_id="d"),
        job(0, is_deleted=True, process_id="e"),
    ]
    assert [tuple(row.values()) for row in marts.variants(versions, JOB, as_of=9000)] == [
        ("job", "NEW > DONE", 2, 2, 0.5, 0.5, 3.0),
        ("job", "ASKING", 1, 1, 0.25, 0.75, None),
        ("job", "NEW", 1, 1, 0.25, 1.0, None),
    ]
