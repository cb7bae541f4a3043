"""The sections on results: counts by outcome, funnels, durations, outcomes, SLA clocks."""

from pipelines.report.model import Column, Reader, Section, number_column
from pipelines.terminal.text import MISSING, counted, duration, share

_LEAST_IN_WHOLE = 0.1


def overview(read: Reader) -> Section:
    """How many processes are open, completed, cancelled and deleted."""
    rows = read("""
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
    titles = ("total", "open", "completed", "cancelled", "deleted", "reopened at least once")
    return Section(
        "Processes by outcome",
        tuple(number_column(title) for title in titles),
        tuple(rows) if rows[0][0] else (),
    )


def funnels(read: Reader) -> list[Section]:
    """A section for each funnel of the procedure."""
    funnels = read("""
        select funnel, within_seconds from funnels
        where procedure = $procedure order by funnel
    """)
    return [
        _funnel(read, funnel, within, is_first=place == 0)
        for place, (funnel, within) in enumerate(funnels)
    ]


def _funnel(read: Reader, funnel: str, within: float | None, *, is_first: bool) -> Section:
    rows = read(
        """
        select
            step,
            processes,
            share_of_first,
            [
                if(step_no > 1, share_of_first_low, null),
                share_of_first,
                if(step_no > 1, share_of_first_high, null)
            ],
            share_of_previous,
            median_seconds_from_first,
            immature,
            is_small
        from funnel_steps
        where procedure = $procedure and funnel = $funnel and mode = 'ordered'
        order by step_no
        """,
        funnel=funnel,
    )
    limit = f", steps reached within {duration(within)}" if within else ""
    waiting = max((row[-2] for row in rows), default=0)
    is_small = any(row[-1] for row in rows)
    notes = (
        "Fewer than 5 entered: too few to say much." if is_small else "",
        f"{counted(waiting, 'open process')} may still advance: shares can rise."
        if waiting
        else "",
        "Interval: of the share of first, 95 % (Wilson).",
    )
    return Section(
        f"Funnel `{funnel}`{limit}",
        (
            Column("step"),
            number_column("processes"),
            Column("", is_bar=True),
            Column("of first", share, is_number=True),
            Column("interval, %", _limits, is_number=True),
            Column("of previous", share, is_number=True),
            Column("median time", duration, is_number=True),
            number_column("may still reach it"),
        ),
        tuple((*row[:2], tuple(row[3]), row[2], tuple(row[3]), *row[4:7]) for row in rows),
        " ".join(note for note in notes if note),
        n_brief=len(rows) if is_first else 0,
        is_central=True,
        is_small=is_small,
    )


def _limits(limits: tuple[float | None, ...]) -> str:
    """Limits in per cent, to fit a phone in whole ones but for the smallest."""
    low, _, high = limits
    if low is None or high is None:
        return MISSING
    digits = 0 if high >= _LEAST_IN_WHOLE else 1
    return f"{100 * low:.{digits}f} to {100 * high:.{digits}f}"


_MEASURES = {
    "first_assignment": "to the first assignment",
    "first_call": "to the first call",
    "resolution": "to the first completion",
    "full_resolution": "to the last completion",
}


def durations(read: Reader) -> Section:
    """Percentiles of times from creation, of finished processes only."""
    rows = read(
        """
        select measure, n, p50_seconds, p90_seconds
        from duration_stats
        where procedure = $procedure and period is null and list_contains($measures, measure)
        order by list_position($measures, measure)
        """,
        measures=list(_MEASURES),
    )
    ((never, everything),) = read("""
        select
            count(*) filter (p.outcome = 'open' and l.first_completed_at is null),
            greatest(count(*) filter (p.outcome <> 'deleted'), 1)
        from processes as p
        inner join process_lifecycle as l using (process_id)
        where p.procedure = $procedure
    """)
    still_open = (
        f"Finished processes only, so the figures are biased towards fast ones: {never:,} "
        f"({share(never / everything)} of those not deleted) are open and were never completed."
    )
    return Section(
        "Durations from creation",
        (
            Column("", lambda measure: _MEASURES[measure]),
            number_column("finished"),
            Column("median", duration, is_number=True),
            Column("90th percentile", duration, is_number=True),
        ),
        tuple(rows),
        still_open if never else "All processes not cancelled or deleted are finished.",
        n_brief=len(rows),
        is_central=True,
        is_half=True,
    )


def outcomes(read: Reader) -> Section:
    """Times by which shares of all processes have an outcome, open ones included."""
    rows = read("""
        select
            outcome || if(is_small and events > 0, ' (few)', ''),
            events,
            n_censored,
            p25_seconds,
            p50_seconds,
            p50_seconds_low,
            p50_seconds_high,
            p75_seconds
        from time_to_outcome
        where procedure = $procedure
        order by list_position(['completed', 'cancelled', 'any'], outcome)
    """)
    return Section(
        "Time to the first outcome, open processes included",
        (
            Column("first outcome"),
            number_column("processes"),
            number_column("no outcome yet"),
            Column("25 % within", duration, is_number=True),
            Column("50 % within", duration, is_number=True),
            Column("at least", duration, is_number=True),
            Column("at most", duration, is_number=True),
            Column("75 % within", duration, is_number=True),
        ),
        tuple(rows),
        "Shares of all processes created (Aalen-Johansen); `-`: not reached yet. At least, at "
        "most: 95 % interval of the median. Few: fewer than 5 outcomes, too few to say much. Only "
        "the first outcome counts, also after a reopening. Processes deleted before any outcome "
        "have none.",
    )


def slas(read: Reader) -> Section:
    """The clocks of each SLA policy."""
    rows = read("""
        select policy, n, met, breached, running, share_met, p90_elapsed_seconds
        from sla_attainment
        where procedure = $procedure and level = 'all' and period is null
        order by policy
    """)
    return Section(
        "SLA clocks",
        (
            Column("policy"),
            number_column("clocks"),
            number_column("met"),
            number_column("breached"),
            number_column("running"),
            Column("share met", share, is_number=True),
            Column("90th percentile", duration, is_number=True),
        ),
        tuple(rows),
        "Share met: of met and breached. Times are working time of the clock's calendar. A running "
        "clock past its target is breached.",
        n_brief=len(rows),
        is_half=True,
    )
