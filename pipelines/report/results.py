"""The sections on what became of processes: funnels, times, outcomes, SLA clocks."""

from pipelines.report.model import Asking, Column, Section, number_column
from pipelines.show import counted, duration, share


def overview(ask: Asking) -> Section:
    rows = ask("""
        select
            count(*),
            count(*) filter (p.outcome = 'open'),
            count(*) filter (p.outcome = 'completed'),
            count(*) filter (p.outcome = 'cancelled'),
            count(*) filter (p.outcome = 'deleted'),
            count(*) filter (l.n_reopens > 0)
        from processes as p
        inner join process_lifecycle as l using (process_id)
        where p.procedure = $procedure
    """)
    titles = ("all", "open", "completed", "cancelled", "deleted", "reopened at least once")
    return Section(
        f"How the {ask.procedure}s stand",
        tuple(number_column(title) for title in titles),
        tuple(rows) if rows[0][0] else (),
    )


def funnels(ask: Asking) -> list[Section]:
    funnels = ask("""
        select funnel, within_seconds from funnels
        where procedure = $procedure order by funnel
    """)
    return [
        _funnel(ask, funnel, within, is_first=place == 0)
        for place, (funnel, within) in enumerate(funnels)
    ]


def _funnel(ask: Asking, funnel: str, within: float | None, *, is_first: bool) -> Section:
    rows = ask(
        """
        select
            step,
            processes,
            share_of_first,
            share_of_first,
            share_of_previous,
            median_seconds_from_first,
            immature
        from funnel_steps
        where procedure = $procedure and funnel = $funnel and mode = 'ordered'
        order by step_no
        """,
        funnel=funnel,
    )
    limit = f", steps reached within {duration(within)}" if within else ""
    waiting = max((row[-1] for row in rows), default=0)
    note = (
        f"{counted(waiting, 'process')} may still go further: shares can rise." if waiting else ""
    )
    return Section(
        f"Funnel `{funnel}`{limit}",
        (
            Column("step"),
            number_column("processes"),
            Column("", is_bar=True),
            Column("of first", share, is_number=True),
            Column("of previous", share, is_number=True),
            Column("median time", duration, is_number=True),
            number_column("may still come"),
        ),
        tuple(rows),
        note,
        brief=len(rows) if is_first else 0,
        is_central=True,
    )


_MEASURES = {
    "first_assignment": "to the first assignment",
    "resolution": "to the first completion",
    "full_resolution": "to the last completion",
}


def durations(ask: Asking) -> Section:
    rows = ask(
        """
        select measure, n, p50_seconds, p90_seconds
        from duration_stats
        where procedure = $procedure and period is null and list_contains($measures, measure)
        order by list_position($measures, measure)
        """,
        measures=list(_MEASURES),
    )
    ((never, everything),) = ask("""
        select
            count(*) filter (p.outcome = 'open' and l.first_completed_at is null),
            nullif(count(*) filter (p.outcome <> 'deleted'), 0)
        from processes as p
        inner join process_lifecycle as l using (process_id)
        where p.procedure = $procedure
    """)
    still_open = (
        f"Finished ones only. {counted(never, ask.procedure)} ({share(never / everything)} of "
        "those not deleted) were never completed and are still open: they would make these times "
        "longer."
    )
    return Section(
        "How long it takes, from creation",
        (
            Column("", lambda measure: _MEASURES[measure]),
            number_column("finished"),
            Column("half within", duration, is_number=True),
            Column("90 % within", duration, is_number=True),
        ),
        tuple(rows),
        still_open if never else "All that were not cancelled or deleted are finished.",
        brief=len(rows),
        is_central=True,
    )


def outcomes(ask: Asking) -> Section:
    rows = ask("""
        select outcome, events, n_censored, p25_seconds, p50_seconds, p75_seconds
        from time_to_outcome
        where procedure = $procedure
        order by list_position(['completed', 'cancelled', 'any'], outcome)
    """)
    return Section(
        "Time to the first outcome, open ones included",
        (
            Column("first outcome"),
            number_column("so far"),
            number_column("without any"),
            Column("a quarter of all within", duration, is_number=True),
            Column("half of all within", duration, is_number=True),
            Column("three quarters within", duration, is_number=True),
        ),
        tuple(rows),
        "Of all that were created; `-` where that share has not been reached. Only what came first "
        "counts: one cancelled, reopened and then completed is a cancelled one, and one deleted "
        "before any outcome is without.",
    )


def slas(ask: Asking) -> Section:
    rows = ask("""
        select policy, n, met, breached, running, share_met, p90_elapsed_seconds
        from sla_attainment
        where procedure = $procedure and level = 'all' and period is null
        order by policy
    """)
    return Section(
        "Clocks of SLA policies",
        (
            Column("policy"),
            number_column("clocks"),
            number_column("met"),
            number_column("breached"),
            number_column("running"),
            Column("met, of decided", share, is_number=True),
            Column("90 % stopped within", duration, is_number=True),
        ),
        tuple(rows),
        "In working time of each clock's calendar. A running clock past its target is breached.",
        brief=len(rows),
    )
