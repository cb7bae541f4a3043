"""The sections on flow and data: backlog, variants, data quality."""

from pipelines.report.model import Column, Reader, Section, Trend, number_column
from pipelines.terminal.text import counted, duration, share

_WEEKS = 13
_TOP = 5


def backlog(read: Reader) -> Section:
    """Arrivals, closings and open processes by week, up to the last day with any of them."""
    ((last_day, is_latest),) = read("""
        select
            max(day) filter (
                open_at_start + open_at_end + created + reopened + restored + moved_in
                + completed + cancelled + deleted + moved_out > 0
            ) as last_day,
            last_day = max(day)
        from flow_daily
        where procedure = $procedure
    """)
    rows = read(
        """
        select
            date_trunc('week', day)::date as week,
            sum(created + reopened + restored + moved_in)::bigint,
            sum(completed)::bigint,
            sum(cancelled + deleted + moved_out)::bigint,
            arg_max(open_at_end, day)
        from flow_daily
        where procedure = $procedure and day <= $last_day
        group by week
        order by week desc
        limit $weeks
        """,
        last_day=last_day,
        weeks=_WEEKS,
    )
    days = read(
        """
        select day, open_at_end from flow_daily
        where procedure = $procedure and day between $last_day::date - $days + 1 and $last_day
        order by day
        """,
        last_day=last_day,
        days=_WEEKS * 7,
    )
    end = "The latest week is not complete." if is_latest else f"Nothing was open after {last_day}."
    return Section(
        "Backlog by week",
        (
            Column("week of"),
            number_column("opened"),
            number_column("completed"),
            number_column("left otherwise"),
            number_column("open at week's end"),
        ),
        tuple(rows[:_TOP]),
        "Opened: created, reopened, restored or moved in from another procedure. Left otherwise: "
        f"cancelled, deleted or moved to another procedure. {end}",
        Trend("open at the end of each day", tuple(days)),
        n_brief=2,
        is_half=True,
    )


def variants(read: Reader) -> Section:
    """The most frequent sequences of states."""
    rows = read(
        """
        select variant, processes, share, share, p50_resolution_seconds
        from variants
        where procedure = $procedure
        order by processes desc, variant
        limit $top
        """,
        top=_TOP,
    )
    ((n_variants,),) = read("select count(*) from variants where procedure = $procedure")
    return Section(
        "Most frequent variants",
        (
            Column("states"),
            number_column("processes"),
            Column("", is_bar=True),
            Column("share", share, is_number=True),
            Column("median to completion", duration, is_number=True),
        ),
        tuple(rows),
        f"{counted(n_variants, 'variant')} in total. Open processes count with the states so far.",
        n_brief=1,
        is_half=True,
    )


def data_quality(read: Reader) -> Section:
    """The rules broken most often."""
    rows = read(
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
        "Most frequent data quality problems",
        (Column("rule"), Column("requirement"), number_column("versions")),
        tuple(rows),
        "All rules: `from data_quality`; single cases: `from violations`.",
    )
