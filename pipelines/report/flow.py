"""The sections on the work in hand: backlog, ways taken, oldest work, and what is wrong with it."""

from pipelines.report.model import Asking, Column, Section, Trend, number_column
from pipelines.show import counted, duration, share

_WEEKS = 13
_TOP = 5


def backlog(ask: Asking) -> Section:
    """Up to the last day on which anything was open or happened."""
    ((last_day, is_latest),) = ask("""
        select
            max(day) filter (
                open_at_start + open_at_end + created + reopened + restored
                + completed + cancelled + deleted > 0
            ) as last_day,
            last_day = max(day)
        from flow_daily
        where procedure = $procedure
    """)
    rows = ask(
        """
        select
            date_trunc('week', day)::date as week,
            sum(created + reopened + restored)::bigint,
            sum(completed)::bigint,
            sum(cancelled + deleted)::bigint,
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
    days = ask(
        """
        select day, open_at_end from flow_daily
        where procedure = $procedure and day between $last_day::date - $days + 1 and $last_day
        order by day
        """,
        last_day=last_day,
        days=_WEEKS * 7,
    )
    end = "The latest week is not over." if is_latest else f"Nothing was open after {last_day}."
    return Section(
        "Backlog by week",
        (
            Column("week of"),
            number_column("opened"),
            number_column("completed"),
            number_column("cancelled or deleted"),
            number_column("open at the end"),
        ),
        tuple(rows[:_TOP]),
        f"Opened: created, reopened or restored. {end}",
        Trend("open at the end of each day", tuple(days)),
        brief=2,
    )


def variants(ask: Asking) -> Section:
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
            number_column("processes"),
            Column("", is_bar=True),
            Column("share", share, is_number=True),
            Column("median to completion", duration, is_number=True),
        ),
        tuple(rows),
        f"{counted(ways, 'way')} in all. Open ones count with the states they have been in so far.",
        brief=1,
    )


def oldest(ask: Asking) -> Section:
    table = f'"{ask.procedure.lower()}_processes"'
    rows = ask(
        f"""
        select
            left(process_id::varchar, 8),
            state,
            case
                when assigned_to is null then 'nobody'
                when assigned_to_name = assigned_to::varchar then left(assigned_to_name, 8)
                else assigned_to_name
            end,
            age_seconds,
            seconds_in_state,
            coalesce(assigned_to_name = assigned_to::varchar, false)
        from {table}
        where outcome = 'open'
        order by age_seconds desc, process_id
        limit $top
        """,
        top=_TOP,
    )
    note = f"The first 8 characters of `process_id`; all of them are in {table.strip(chr(34))}."
    if any(is_nameless for *_, is_nameless in rows):
        note += " Ids get names from a file `users.ndjson` in the landing folder."
    return Section(
        "Open for the longest time",
        (
            Column("process"),
            Column("state"),
            Column("held by"),
            Column("age", duration, is_number=True),
            Column("in this state for", duration, is_number=True),
        ),
        tuple(row[:-1] for row in rows),
        note,
        brief=3,
    )


def rejected(ask: Asking) -> Section:
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
        (Column("rule"), Column("what should hold"), number_column("versions")),
        tuple(rows),
        "`from data_quality` has all rules, `from violations` each case.",
    )
