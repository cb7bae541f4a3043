"""What a report on one procedure says: tables and small charts, from the published database.

No metric is defined here: rows are read from published tables. How they look is in `terminal.py`
and `html.py`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import duckdb

from pipelines.show import count, counted, duration, share

_WEEKS = 13
_TOP = 5
_HALF_WIDTH = 0.5


@dataclass(frozen=True)
class Column:
    """A column of a section; `show` makes text of a value, `is_bar` draws a share 0..1."""

    title: str
    show: Callable[[Any], str] = str
    is_number: bool = False
    is_bar: bool = False


@dataclass(frozen=True)
class Trend:
    """A line over days, oldest first; `title` says what is counted."""

    title: str
    points: tuple[tuple[date, float], ...]


@dataclass(frozen=True)
class Section:
    """One question and its answer; `note` says what is left out, or how to read it.

    `brief` is how many rows a brief report has of it; 0 leaves it out.
    """

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Any, ...], ...]
    note: str = ""
    trend: Trend | None = None
    brief: int = 0


@dataclass(frozen=True)
class Report:
    """The report on one procedure as at an instant (UTC)."""

    procedure: str
    as_of: datetime
    time_zone: str
    sections: tuple[Section, ...]

    def in_brief(self) -> "Report":
        """The few rows that say most."""
        sections = [replace(s, rows=s.rows[: s.brief]) for s in self.sections if s.brief]
        return replace(self, sections=tuple(sections))


def procedures_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The shortIds of the procedures in a published database."""
    rows = con.execute("select distinct procedure from states order by procedure").fetchall()
    return [name for (name,) in rows]


def read_report(con: duckdb.DuckDBPyConnection, procedure: str) -> Report:
    """The report on a procedure (shortId) of a published database."""
    ask = _Asking(con, procedure)
    ((as_of, time_zone),) = ask("select as_of, time_zone from build")
    sections = [
        _overview(ask),
        *_funnels(ask),
        _durations(ask),
        _outcomes(ask),
        _slas(ask),
        _backlog(ask),
        _variants(ask),
        _oldest(ask),
        _rejected(ask),
    ]
    kept = tuple(section for section in sections if section.rows)
    return Report(procedure, as_of, time_zone, kept)


class _Asking:
    """Runs queries in which `$procedure` is the one the report is about."""

    def __init__(self, con: duckdb.DuckDBPyConnection, procedure: str) -> None:
        self._con = con
        self.procedure = procedure

    def __call__(self, query: str, **values: object) -> list[tuple[Any, ...]]:
        given = {"procedure": self.procedure, **values}
        used = {name: value for name, value in given.items() if f"${name}" in query}
        return self._con.execute(query, used).fetchall()


def _overview(ask: _Asking) -> Section:
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
        tuple(_number(title) for title in titles),
        tuple(rows) if rows[0][0] else (),
    )


def _funnels(ask: _Asking) -> list[Section]:
    funnels = ask("""
        select funnel, within_seconds from funnels
        where procedure = $procedure order by funnel
    """)
    return [
        _funnel(ask, funnel, within, is_first=place == 0)
        for place, (funnel, within) in enumerate(funnels)
    ]


def _funnel(ask: _Asking, funnel: str, within: float | None, *, is_first: bool) -> Section:
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
            _number("processes"),
            Column("", is_bar=True),
            Column("of first", share, is_number=True),
            Column("of previous", share, is_number=True),
            Column("median time", duration, is_number=True),
            _number("may still come"),
        ),
        tuple(rows),
        note,
        brief=len(rows) if is_first else 0,
    )


_MEASURES = {
    "first_assignment": "to the first assignment",
    "resolution": "to the first completion",
    "full_resolution": "to the last completion",
}


def _durations(ask: _Asking) -> Section:
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
    still = f"{share(never / everything)} of all" if everything else "none"
    return Section(
        "How long it takes, from creation",
        (
            Column("", lambda measure: _MEASURES[measure]),
            _number("finished"),
            Column("half within", duration, is_number=True),
            Column("90 % within", duration, is_number=True),
        ),
        tuple(rows),
        f"Finished ones only. {counted(never, ask.procedure)} ({still}) were never completed and "
        "are still open: they would make these times longer.",
        brief=len(rows),
    )


def _outcomes(ask: _Asking) -> Section:
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
            _number("so far"),
            _number("without any"),
            Column("a quarter of all within", duration, is_number=True),
            Column("half of all within", duration, is_number=True),
            Column("three quarters within", duration, is_number=True),
        ),
        tuple(rows),
        "Of all that were created; `-` where that share has not been reached.",
        brief=1,
    )


def _slas(ask: _Asking) -> Section:
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
            _number("clocks"),
            _number("met"),
            _number("breached"),
            _number("running"),
            Column("met, of decided", share, is_number=True),
            Column("90 % stopped within", duration, is_number=True),
        ),
        tuple(rows),
        "In working time of each clock's calendar. A running clock past its target is breached.",
        brief=len(rows),
    )


def _backlog(ask: _Asking) -> Section:
    rows = ask(
        """
        select
            date_trunc('week', day)::date as week,
            sum(created + reopened + restored)::bigint,
            sum(completed)::bigint,
            sum(cancelled + deleted)::bigint,
            arg_max(open_at_end, day)
        from flow_daily
        where procedure = $procedure
        group by week
        order by week desc
        limit $weeks
        """,
        weeks=_WEEKS,
    )
    days = ask(
        """
        select day, open_at_end from flow_daily
        where procedure = $procedure and day > (select max(day) from flow_daily) - $days
        order by day
        """,
        days=_WEEKS * 7,
    )
    return Section(
        "Backlog by week",
        (
            Column("week of"),
            _number("opened"),
            _number("completed"),
            _number("cancelled or deleted"),
            _number("open at the end"),
        ),
        tuple(rows[:_TOP]),
        "Opened: created, reopened or restored. The latest week is not over.",
        Trend("open at the end of each day", tuple(days)),
        brief=2,
    )


def _variants(ask: _Asking) -> Section:
    rows = ask(
        """
        select variant, processes, share, share, p50_resolution_seconds
        from variants
        where procedure = $procedure
        order by processes desc, variant
        limit $top
        """,
        top=_TOP,
    )
    ((ways,),) = ask("select count(*) from variants where procedure = $procedure")
    return Section(
        "The ways most often taken",
        (
            Column("states"),
            _number("processes"),
            Column("", is_bar=True),
            Column("share", share, is_number=True),
            Column("median to completion", duration, is_number=True),
        ),
        tuple(rows),
        f"{counted(ways, 'way')} in all. Open ones count with the states they have been in so far.",
        brief=1,
    )


def _oldest(ask: _Asking) -> Section:
    table = f'"{ask.procedure.lower()}_processes"'
    rows = ask(
        f"""
        select
            left(process_id::varchar, 8),
            state,
            coalesce(assigned_to_name, assigned_to::varchar, 'nobody'),
            age_seconds,
            seconds_in_state
        from {table}
        where outcome = 'open'
        order by age_seconds desc, process_id
        limit $top
        """,
        top=_TOP,
    )
    return Section(
        "Open for the longest time",
        (
            Column("process"),
            Column("state"),
            Column("held by"),
            Column("age", duration, is_number=True),
            Column("in this state for", duration, is_number=True),
        ),
        tuple(rows),
        f"The first 8 characters of `process_id`; all of them are in {table.strip(chr(34))}.",
        brief=3,
    )


def _rejected(ask: _Asking) -> Section:
    rows = ask(
        """
        select rule, sentence, sum(n_versions)::bigint as n
        from data_quality
        where procedure = $procedure and n_versions > 0
        group by rule, sentence
        order by n desc, rule
        limit $top
        """,
        top=_TOP,
    )
    return Section(
        "What is wrong with the data most often",
        (Column("rule"), Column("what should hold"), _number("versions")),
        tuple(rows),
        "`from data_quality` has all rules, `from violations` each case.",
    )


def _number(title: str) -> Column:
    return Column(title, count, is_number=True)


def low_and_high(points: Sequence[tuple[date, float]]) -> tuple[float, float]:
    """The least and the greatest value of a trend, apart even where all are equal."""
    values = [value for _, value in points]
    low, high = min(values), max(values)
    return (low, high) if high > low else (low - _HALF_WIDTH, high + _HALF_WIDTH)
