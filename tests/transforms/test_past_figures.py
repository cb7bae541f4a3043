"""Figures about the past stay as they are: later versions do not change them.

The histories have no late versions, and no record dates an event back.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.definitions.funnel import FunnelBreakdown
from schemas.definitions.procedure import Procedures
from schemas.definitions.sla import Sla
from schemas.load import load_procedures
from tests.reference.versions import Row, Version
from tests.support.strategies import MIDNIGHT, TIME_ZONE, version_lists
from tests.support.warehouse import MemoryWarehouse, differences

_PRODUCT = load_procedures(Path(__file__).parents[2] / "schemas" / "procedures")
_HOUR = 3_600_000
_FEW = settings(
    max_examples=2,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
_POLICIES = [
    {"name": "solve", "start": "created", "stop": "closed", "target": "1d"},
    {"name": "answer", "start": ["created", "first_assigned"], "stop": "closed", "target": "5h"},
    {
        "name": "work",
        "start": {"state": ["NEW"]},
        "stop": [{"left": ["NEW"]}, "completed"],
        "pause": ["waiting_customer"],
        "target": "2d",
    },
]
_URGENT = {"name": "urgent", "start": "created", "stop": "closed", "target": "4h"}
# Each table with the instant (or local day) after which a row is about the past.
_ENDED = {
    "state_visits": "left_at",
    "status_spells": "ended_at",
    "assignments": "ended_at",
    "open_stays": "ended_at",
    "sla_segments": "ended_at",
    "sla_clocks": "stopped_at",
    "attribute_changes": "changed_at",
    "attribute_spells": "ended_at",
}
_DAILY = (
    "backlog_daily",
    "backlog_daily_by_assignee",
    "backlog_daily_by_pod",
    "flow_daily",
    "assignee_daily",
    "cumulative_flow",
)
# Known only from what follows.
_LATER = {"is_current", "next_state"}


def _procedures() -> Procedures:
    """The shipped procedures with more policies, and funnels broken down by an attribute."""
    by = {"lead": "plan", "ticket": "priority"}
    urgent = {"lead": "plan = 'Team'", "ticket": "priority = 1"}
    return Procedures(
        tuple(
            procedure.model_copy(
                update={
                    "slas": (
                        *procedure.slas,
                        *(Sla.model_validate(_renamed(policy)) for policy in _POLICIES),
                        Sla.model_validate(_URGENT | {"where": urgent[procedure.short_id]}),
                    ),
                    "funnels": tuple(
                        funnel.model_copy(
                            update={
                                "breakdowns": (
                                    FunnelBreakdown(attribute=by[procedure.short_id], at="entry"),
                                )
                            }
                        )
                        for funnel in procedure.funnels
                    ),
                }
            )
            for procedure in _PRODUCT
        ),
        _PRODUCT.sources,
        _PRODUCT.calendars,
    )


def _renamed(policy: dict[str, Any]) -> dict[str, Any]:
    return policy | {"name": f"{policy['name']} again"}


def _undated(versions: Iterable[Version]) -> list[Version]:
    """The versions without times that a record gives: all happens when it is seen."""
    known = list(versions)
    times = dict.fromkeys(("completed_at", "cancelled_at", "first_assigned_at"))
    first: dict[str, int] = {}
    for version in known:
        process_id, seen_at = version["process_id"], version["updated_at"]
        first[process_id] = min(seen_at, first.get(process_id, seen_at))
    return [version | times | {"created_at": first[version["process_id"]]} for version in known]


def _ended(warehouse: MemoryWarehouse, table: str, until: int) -> list[Row]:
    rows = warehouse.rows(f"from {table}")
    at = _ENDED[table]
    return [_known(row) for row in rows if row[at] is not None and row[at] <= until]


def _days(warehouse: MemoryWarehouse, table: str, until: int) -> list[Row]:
    """The rows of the local days that were over at an instant."""
    zone = ZoneInfo(TIME_ZONE)
    today = datetime.fromtimestamp(until / 1000, UTC).astimezone(zone).date()
    return [_known(row) for row in warehouse.rows(f"from {table}") if row["day"] < today]


def _weeks_and_months(warehouse: MemoryWarehouse, until: int) -> dict[str, list[Row]]:
    today = datetime.fromtimestamp(until / 1000, UTC).astimezone(ZoneInfo(TIME_ZONE)).date()
    weeks = warehouse.rows("from flow_weekly where not is_partial")
    months = warehouse.rows("from sla_attainment where period is not null")
    return {
        "flow_weekly": [row for row in weeks if (today - row["week"]).days >= 7],
        "sla_attainment": [row for row in months if row["period"] < today.replace(day=1)],
    }


def _entries(warehouse: MemoryWarehouse, until: int) -> list[Row]:
    """The value of the breakdown of each process that had entered a funnel.

    Mode `reached` is left out: whether it fills in steps depends on the outcome as at the build.
    """
    return warehouse.rows(f"""
        select g.mode, g.funnel_no, g.process_id, g.value
        from funnel_groups as g
        inner join funnel_moments as m using (mode, funnel_no, process_id)
        where
            g.value_of = 'entry'
            and g.mode <> 'reached'
            and epoch_ms(m.happened_at) <= {until}
    """)


def _known(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in _LATER}


def _figures(warehouse: MemoryWarehouse, until: int) -> dict[str, list[Row]]:
    return (
        {table: _ended(warehouse, table, until) for table in _ENDED}
        | {table: _days(warehouse, table, until) for table in _DAILY}
        | _weeks_and_months(warehouse, until)
        | {"entries": _entries(warehouse, until)}
    )


@pytest.mark.nightly
@given(
    versions=version_lists(max_processes=25, max_versions=8).map(_undated),
    until=st.sampled_from(
        (
            MIDNIGHT - 1,
            MIDNIGHT,
            MIDNIGHT + 7 * _HOUR,
            MIDNIGHT + 23 * _HOUR,
            # In the month after.
            MIDNIGHT + 26 * _HOUR,
        )
    ),
)
@_FEW
def test_a_later_build_gives_the_same_figures_about_the_past(
    versions: list[Version], until: int
) -> None:
    warehouse = MemoryWarehouse(_procedures())
    warehouse.add(versions)
    warehouse.build(until, time_zone=TIME_ZONE)
    before = _figures(warehouse, until)
    for later in (MIDNIGHT + 5 * _HOUR + 251, MIDNIGHT + 48 * _HOUR, MIDNIGHT + 90 * 24 * _HOUR):
        if later <= until:
            continue
        warehouse.build(later, time_zone=TIME_ZONE)
        after = _figures(warehouse, until)
        for table, rows in before.items():
            found = after[table]
            columns = rows[0] if rows else found[0] if found else None
            assert differences(found, rows, columns=columns) == [], table
