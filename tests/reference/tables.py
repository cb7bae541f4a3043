"""All tables of the reference at once, by name."""

from __future__ import annotations

from collections.abc import Callable

from tests.reference import funnels, history, marts
from tests.reference.versions import Procedures, Row, Version


def expected_tables(
    versions: list[Version], procedures: Procedures, *, as_of: int, time_zone: str
) -> dict[str, list[Row]]:
    """The tables the reference makes of some versions."""

    def made(table: Callable[..., list[Row]], **more: str) -> list[Row]:
        return table(versions, procedures, as_of=as_of, **more)

    return {
        "processes": made(history.processes),
        "state_visits": made(history.state_visits),
        "status_spells": history.status_spells(versions, as_of=as_of),
        "assignments": history.assignments(versions, as_of=as_of),
        "process_lifecycle": made(history.process_lifecycle),
        "funnel_progress": made(funnels.funnel_progress),
        "funnel_steps": made(funnels.funnel_steps),
        "duration_stats": made(marts.duration_stats, time_zone=time_zone),
        "backlog_daily": made(marts.backlog_daily, time_zone=time_zone),
        "flow_daily": made(marts.flow_daily, time_zone=time_zone),
        "state_transitions": made(marts.state_transitions),
        "variants": made(marts.variants),
    }
