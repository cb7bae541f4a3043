"""The sections on how work flows: cumulative flow, ages, times to completion, forecast, drivers."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from pipelines.report.model import (
    AgeRow,
    Ages,
    Bands,
    Column,
    Dots,
    Reader,
    Section,
    number_column,
)
from pipelines.terminal.text import duration, share

_DAYS = 91
_TOP = 5
_MOST_DOTS = 600
_MOST_DOTS_IN_ROW = 150
_PERCENTILES = (0.5, 0.85, 0.95)


def cumulative_flow(read: Reader) -> Section:
    """How many processes had come to each state by the end of each of the latest days."""
    rows = read(
        """
        select day, state, arrived_so_far
        from cumulative_flow
        where procedure = $procedure and day > (
            select max(day) - $days from cumulative_flow where procedure = $procedure
        )
        order by state_rank desc, day
        """,
        days=_DAYS,
    )
    return Section(
        "Cumulative flow",
        note="Processes by the furthest state they had come to by the end of each day, the first "
        "state on top. A band that grows wider is where work piles up. Those in the last state "
        "before the first day are left out.",
        picture=_bands(rows),
        is_half=True,
    )


def _bands(rows: Sequence[tuple[Any, ...]]) -> Bands | None:
    lines = {state: [*of_state] for state, of_state in groupby(rows, key=lambda row: row[1])}
    if not lines:
        return None
    days = [day for day, _, _ in next(iter(lines.values()))]
    bands: dict[str, tuple[float, ...]] = {}
    below: list[float] | None = None
    for state, points in lines.items():
        arrived = [float(n) for _, _, n in points]
        base = below or [arrived[0]] * len(arrived)
        bands[str(state)] = tuple(n - under for n, under in zip(arrived, base, strict=True))
        below = arrived
    return Bands("processes by the furthest state", tuple(days), bands)


def completion_times(read: Reader) -> Section:
    """The time to completion of each process that was completed lately, with percentiles."""
    rows = read(
        """
        with completed as (
            select first_completed_at as completed_at, resolution_seconds as seconds
            from process_lifecycle cross join build
            where procedure = $procedure and resolution_seconds is not null
                and first_completed_at > as_of - to_days($days)
        )
        select
            completed_at, seconds, count(*) over () as n, quantile_cont(seconds, $shares) over ()
        from completed
        qualify
            (row_number() over (order by completed_at desc, seconds) - 1)
            % ((n - 1) // $most + 1) = 0
        order by completed_at desc, seconds
        """,
        days=_DAYS,
        shares=[*_PERCENTILES],
        most=_MOST_DOTS,
    )
    if not rows:
        return Section("Time to completion of each process")
    *_, n, percentiles = rows[0]
    marks = {
        f"{_whole(part)} within {duration(seconds)}": seconds
        for part, seconds in zip(_PERCENTILES, percentiles, strict=True)
    }
    return Section(
        "Time to completion of each process",
        note=f"Completed in the latest {_DAYS} days: {n:,}"
        + (f", of which {len(rows):,} are drawn" if n > len(rows) else "")
        + ". Open processes are not included, so that recent ones that take long are missing.",
        picture=Dots(
            "time from creation to the first completion",
            tuple((at, seconds) for at, seconds, *_ in rows),
            marks,
        ),
        is_half=True,
    )


def ages(read: Reader) -> Section:
    """How long open processes have been in their states, over what finished visits took."""
    rows = read("""
        select
            s.state,
            [d.p50_seconds, d.p75_seconds, d.p90_seconds, d.p95_seconds],
            count(*),
            median(l.seconds_in_state),
            max(l.seconds_in_state),
            count(t.process_id),
            list((l.seconds_in_state, t.process_id is not null) order by l.seconds_in_state)
        from processes as p
        inner join process_lifecycle as l on l.process_id = p.process_id
        inner join states as s on s.procedure = p.procedure and s.state = p.state
        left join state_durations as d on d.procedure = p.procedure and d.state = p.state
        left join stalled_processes as t on t.process_id = p.process_id
        where p.procedure = $procedure and p.outcome = 'open'
        group by all
        order by any_value(s.state_rank)
    """)
    drawn = tuple(
        AgeRow(
            state,
            tuple(limit for limit in limits if limit is not None),
            tuple(points[:: (len(points) - 1) // _MOST_DOTS_IN_ROW + 1]),
        )
        for state, limits, *_, points in rows
    )
    return Section(
        "Open processes by time in their state",
        (
            Column("state"),
            number_column("open"),
            Column("median so far", duration, is_number=True),
            Column("longest", duration, is_number=True),
            number_column("stalled"),
        ),
        tuple((state, *figures) for state, _, *figures, _ in rows),
        "A dot is an open process, red if stalled: longer in the state than 85 % of stays in it "
        "take. Bands: what 50, 75, 90 and 95 % of finished visits took."
        + (" Not all are drawn." if any(n > _MOST_DOTS_IN_ROW for _, _, n, *_ in rows) else ""),
        picture=Ages("time in the state so far", drawn) if drawn else None,
        is_half=True,
    )


def forecast(read: Reader) -> Section:
    """When as many are closed as are open now, and how often such forecasts held."""
    rows = read("""
        select
            f.chance, f.done_on, f.closed_by_day, h.n_held || ' of ' || h.n_forecasts,
            f.open_processes, f.by_day, f.n_days_of_history
        from forecast(procedure := $procedure) as f
        left join forecast_held(procedure := $procedure) as h on h.chance = f.chance
        where f.closed_by_day is not null and f.open_processes > 0
        order by f.chance
    """)
    if not rows:
        return Section("Forecast")
    *_, open_now, by_day, n_days = rows[0]
    return Section(
        "Forecast",
        (
            Column("chance", _whole),
            Column("closed by"),
            number_column(f"closed until {by_day}"),
            Column("held before", is_number=True),
        ),
        tuple(row[:4] for row in rows),
        f"Closed by: as many as are open now ({open_now:,}). It assumes that the pace of the "
        f"latest {n_days} days goes on. Held before: of forecasts made this way in past weeks.",
        is_half=True,
    )


def drivers(read: Reader) -> Section:
    """The values that most clearly go with converting, or with not doing so."""
    rows = read(
        """
        select
            funnel, attribute || ': ' || coalesce(value, '(no value)'), processes, share,
            share_of_others, [odds_ratio_low, odds_ratio, odds_ratio_high], p_adjusted
        from conversion_drivers
        where procedure = $procedure and odds_ratio is not null and not is_small
        order by p_value nulls last, funnel, attribute, value
        limit $top
        """,
        top=_TOP,
    )
    return Section(
        "Values that go with converting",
        (
            Column("funnel"),
            Column("value"),
            number_column("processes"),
            Column("converted", share, is_number=True),
            Column("of the others", share, is_number=True),
            Column("odds ratio", _ratio, is_interval=True),
            Column("p, adjusted", _chance, is_number=True),
        ),
        tuple((*row[:5], tuple(row[5]), row[6]) for row in rows),
        "Right of the line: more convert than of all others; with its 95 % interval. What goes "
        "with converting need not be its cause. All: `from conversion_drivers`.",
    )


def _ratio(limits: tuple[float, float, float]) -> str:
    low, ratio, high = limits
    return f"{ratio:.2f} ({low:.2f} to {high:.2f})"


def _chance(p_value: float) -> str:
    return f"{p_value:.3f}"


def _whole(part: float) -> str:
    return f"{part:.0%}".replace("%", " %")
