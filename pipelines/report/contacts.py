"""The section of the report on calls."""

from pipelines.report.model import Column, Reader, Section, number_column
from pipelines.terminal.text import count, duration, share

_MONTHS = 6


def calls(read: Reader) -> Section:
    """Calls of the latest months, how many were answered, and how many processes had none."""
    rows = read(
        """
        select strftime(period, '%Y-%m'), calls, connected, share_connected, processes, talk_seconds
        from (
            select *
            from call_stats
            where procedure = $procedure and level = 'month'
            order by period desc
            limit $months
        )
        order by period
        """,
        months=_MONTHS,
    )
    ((never, unplanned),) = read("""
        select
            count(*) filter (c.first_call_at is null),
            count(*) filter (not c.is_followed_up)
        from process_contacts as c
        inner join processes as p using (process_id)
        where p.procedure = $procedure and p.outcome = 'open'
    """)
    return Section(
        "Calls",
        (
            Column("month"),
            number_column("calls"),
            number_column("answered"),
            Column("share answered", share, is_number=True),
            number_column("processes"),
            Column("talk time", duration, is_number=True),
        ),
        tuple(rows),
        f"Of the open processes {count(never)} have not been called since they began, and "
        f"{count(unplanned)} have nothing planned after their last call.",
        is_half=True,
    )
