"""The path that most completed processes take, as the steps of a funnel."""

import duckdb

from pipelines.infer.states import Course
from pipelines.terminal.text import counted

_MOST = 0.5


def usual_path(
    con: duckdb.DuckDBPyConnection, procedure: str, course: Course
) -> tuple[tuple[str, ...], str]:
    """The start state, the states that most completed processes were in, the completed state.

    In the order of the course, with a note on what they were taken from; empty where no process
    with history was completed, or begins where it ends. Reads the table `versions`.
    """
    passed = dict(con.execute(_PASSED, {"procedure": procedure}).fetchall())
    counts = {
        state.short_id: passed.get(state.id if state.is_known_by_id else state.short_id.lower(), 0)
        for state in course.states
    }
    n = counts[course.completed]
    if not course.has_history or not n or course.start == course.completed:
        return (), ""
    steps = [
        state.short_id
        for state in course.states
        if state.short_id not in (course.start, course.completed)
        and state.kind != "done"
        and counts[state.short_id] > _MOST * n
    ]
    path = (course.start, *steps, course.completed)
    return path, f"the states that most of {counted(n, 'completed process')} were in; check it"


# Of the processes that are completed now: in how many the state occurs.
_PASSED = """
    with latest as (
        select process_id, status from versions where procedure_id = $procedure
        qualify row_number() over (
            partition by process_id order by updated_at desc, seq desc
        ) = 1
    )
    select v.state_key, count(distinct v.process_id)
    from versions as v inner join latest as l using (process_id)
    where v.procedure_id = $procedure and l.status = 'COMPLETED' and not v.is_deleted
    group by v.state_key
"""
