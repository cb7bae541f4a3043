"""Little's law predicts work in progress only for a week of steady flow."""

from __future__ import annotations

from datetime import date

import pytest

from tests.support.flow_rows import built, seen

MONDAY = -28 * 24  # 2023-10-23 00:00 UTC
# How many come in each week, and how many of them go, after 24 hours each.
WEEKS = ((7, 7), (16, 7), (17, 7), (4, 4), (7, 7))


def test_a_prediction_needs_a_steady_flow_and_five_closings() -> None:
    versions = []
    for number, (came, went) in enumerate(WEEKS):
        for place in range(came):
            begun = MONDAY + 168 * number + 20 * min(place, 6)
            process_id = f"00000000-0000-4000-8000-{100 * number + place:012}"
            versions.append(seen(process_id, begun, created=begun))
            if place < went:
                done = {"created": begun, "status": "COMPLETED"}
                versions.append(seen(process_id, begun + 24, **done))
    # The last week lacks two milliseconds.
    as_of = MONDAY + 5 * 168 - 2 / 3_600_000
    rows = built(*versions, as_of=as_of, time_zone="UTC").rows("from flow_weekly order by week")
    assert [(row["week"], row["arrivals"], row["closed"], row["is_partial"]) for row in rows] == [
        (date(2023, 10, 23), 7, 7, False),
        (date(2023, 10, 30), 16, 7, False),
        (date(2023, 11, 6), 17, 7, False),
        (date(2023, 11, 13), 4, 4, False),
        (date(2023, 11, 20), 7, 7, True),
    ]
    # Each is open for a seventh of a week. 9 more came than went: 1.96 times the root of 23 is
    # 9.4; of 24, with 10 more, it is 9.6. Four closings are too few for a mean.
    found = [row["predicted_open_processes"] for row in rows]
    assert found == [pytest.approx(1), pytest.approx(16 / 7), None, None, None]
