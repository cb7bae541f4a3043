"""What holds of the reference, and of the raw records, for any history.

Cases worked out by hand belong to the tests beside this one.
"""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.strategies import PROCEDURES, TIME_ZONE, as_ofs, to_landing, version_lists

from . import history, marts
from .versions import Version


@settings(max_examples=100, deadline=None)
@given(version_lists(), as_ofs(), st.randoms(use_true_random=False))
def test_reference_adds_up_and_does_not_depend_on_the_order_of_its_input(
    versions: list[Version], as_of: int, random: Random
) -> None:
    shuffled = random.sample(versions, len(versions))
    rows = history.process_lifecycle(versions, PROCEDURES, as_of=as_of)
    assert rows == history.process_lifecycle(shuffled, PROCEDURES, as_of=as_of)

    for stay in history.state_visits(versions, PROCEDURES, as_of=as_of):
        assert stay["seconds"] >= 0
    for spell in history.status_spells(versions, as_of=as_of):
        assert spell["seconds"] >= 0

    flow = marts.flow_daily(versions, PROCEDURES, as_of=as_of, time_zone=TIME_ZONE)
    backlog = marts.backlog_daily(versions, PROCEDURES, as_of=as_of, time_zone=TIME_ZONE)
    for row in flow:
        opened = row["created"] + row["reopened"] + row["restored"]
        ended = row["completed"] + row["cancelled"] + row["deleted"]
        assert row["open_at_end"] == row["open_at_start"] + opened - ended
        assert row["open_at_end"] == sum(
            there["open_processes"]
            for there in backlog
            if (there["day"], there["procedure"]) == (row["day"], row["procedure"])
        )


@settings(max_examples=30, deadline=None)
@given(version_lists(max_processes=2))
def test_landing_records_name_what_the_definitions_name(versions: list[Version]) -> None:
    for version in versions:
        by_id, by_short_id = to_landing(version), to_landing(version, keys="shortId")
        assert by_short_id["data"] == version["data"]
        assert by_short_id["state"] == version["state"]
        assert len(by_id["state"]) == 36
        assert list(by_id["data"].values()) == list(version["data"].values())
