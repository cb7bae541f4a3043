"""All tables of the reference at once, by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference import (
    business,
    changes,
    conformance,
    discovery,
    flow,
    funnels,
    history,
    marts,
    open_stays,
    outcomes,
    people,
    sla,
    sla_sums,
)
from tests.reference.hierarchy import hierarchy
from tests.reference.versions import Procedures, Row, Version

_OF_RELATIVES = ("n_children", "n_open_children", "depth", "root_process_id")


def expected_tables(
    versions: list[Version],
    procedures: Procedures,
    *,
    as_of: int,
    time_zone: str,
    with_curves: bool = True,
) -> dict[str, list[Row]]:
    """The tables the reference makes of some versions.

    Curves are in exact fractions, which takes minutes for hundreds of processes.
    """

    def made(table: Callable[..., list[Row]], **more: str) -> list[Row]:
        return table(versions, procedures, as_of=as_of, **more)

    above_and_below = made(hierarchy)
    curves = {"outcome_curves": made(outcomes.outcome_curves)} if with_curves else {}
    return curves | {
        "processes": made(history.processes),
        "state_visits": made(business.business_visits),
        "status_spells": history.status_spells(versions, as_of=as_of),
        "assignments": made(business.business_assignments),
        "open_stays": made(open_stays.open_stays),
        "follow_ups": made(open_stays.follow_ups),
        "attribute_changes": made(changes.attribute_changes),
        "hierarchy": above_and_below,
        "process_lifecycle": [
            row | {name: related[name] for name in _OF_RELATIVES}
            for row, related in zip(made(business.business_lifecycle), above_and_below, strict=True)
        ],
        "sla_clocks": made(sla.sla_clocks),
        "sla_segments": made(sla.sla_segments),
        "sla_attainment": made(sla_sums.sla_attainment, time_zone=time_zone),
        "funnel_progress": made(funnels.funnel_progress),
        "funnel_steps": made(funnels.funnel_steps),
        "funnel_cohorts": made(funnels.funnel_cohorts, time_zone=time_zone),
        "duration_stats": made(marts.duration_stats, time_zone=time_zone),
        "process_outcomes": made(outcomes.process_outcomes),
        "time_to_outcome": made(outcomes.time_to_outcome),
        "cohort_outcomes": made(outcomes.cohort_outcomes, time_zone=time_zone),
        "state_durations": made(discovery.state_durations),
        "rework": made(discovery.rework),
        "open_ageing": made(discovery.open_ageing),
        "stalled_processes": made(discovery.stalled_processes),
        "backlog_daily": made(marts.backlog_daily, time_zone=time_zone),
        "flow_daily": made(marts.flow_daily, time_zone=time_zone),
        "backlog_daily_by_assignee": made(flow.backlog_daily_by_assignee, time_zone=time_zone),
        "backlog_daily_by_pod": made(flow.backlog_daily_by_pod, time_zone=time_zone),
        "flow_weekly": made(flow.flow_weekly, time_zone=time_zone),
        "cumulative_flow": made(flow.cumulative_flow, time_zone=time_zone),
        "assignee_daily": made(people.assignee_daily, time_zone=time_zone),
        "assignee_stats": made(people.assignee_stats, time_zone=time_zone),
        "handoffs": made(people.handoffs),
        "follow_up_stats": made(people.follow_up_stats),
        "state_transitions": made(marts.state_transitions),
        "variants": made(marts.variants),
        "conformance": made(conformance.conformance),
        "conformance_departures": made(conformance.conformance_departures),
    }
