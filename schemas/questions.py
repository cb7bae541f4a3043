"""Questions that analysts ask of every procedure, each with the one statement that answers it.

Published as the table `questions`. A question that needs a definition of its own, such as a funnel
over states of one procedure, does not belong here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question, and the statement (DuckDB 1.2 and later) that answers it."""

    question: str
    query: str


QUESTIONS: tuple[Question, ...] = (
    Question(
        "Where do we lose them, and how many may still come?",
        "select procedure, funnel, step, processes, share_of_previous, immature from funnel_steps "
        "where mode = 'ordered' order by procedure, funnel, step_no",
    ),
    Question(
        "How long does it take, and is it getting better?",
        "select procedure, period, n, p50_seconds, p90_seconds from duration_stats "
        "where measure = 'resolution' order by procedure, period nulls first",
    ),
    Question(
        "After what time is half of everything done, with what is still open?",
        "select procedure, outcome, events, n_censored, p50_seconds from time_to_outcome "
        "order by procedure, outcome",
    ),
    Question(
        "Of what was created in each month, how much was done at which age?",
        "pivot (select procedure, cohort, age_days, share_completed from cohort_outcomes) "
        "on age_days in (1, 3, 7, 14, 30, 60, 90) using any_value(share_completed) "
        "order by procedure, cohort",
    ),
    Question(
        "Does more come in than we get done?",
        "select week, procedure, arrivals, closed, open_at_end from flow_weekly "
        "order by week desc, procedure limit 20",
    ),
    Question(
        "In which state is the time lost?",
        "select procedure, state, state_kind, share_of_open_time, p50_seconds, p90_seconds "
        "from state_durations order by procedure, bottleneck_rank nulls last, state_rank",
    ),
    Question(
        "What has got stuck?",
        "select procedure, state, process_id, seconds_in_state from stalled_processes "
        "order by seconds_in_state desc limit 20",
    ),
    Question(
        "Who holds how much, gets how much done, and what is overdue?",
        "select procedure, assigned_to_name, held, overdue, completed, p50_resolution_seconds "
        "from assignee_stats where period is null "
        "order by held desc, completed desc limit 20",
    ),
    Question(
        "Do we keep our promises?",
        "select procedure, policy, period, n, share_met, p90_elapsed_seconds from sla_attainment "
        "where level = 'all' order by procedure, policy, period nulls first",
    ),
    Question(
        "Which promise is broken next?",
        "select procedure, policy, process_id, due_at, assigned_to from sla_clocks "
        "where status = 'running' order by due_at limit 20",
    ),
    Question(
        "Which ways do they take most?",
        "select procedure, variant, processes, cumulative_share, p50_resolution_seconds "
        "from variants order by processes desc limit 10",
    ),
    Question(
        "How far can the data be trusted?",
        "select procedure, rule, severity, n_versions, n_processes, sentence from data_quality "
        "where n_versions > 0 order by n_versions desc limit 20",
    ),
)


def question_rows() -> list[dict[str, int | str]]:
    """The rows of `questions`: one per question, numbered from 1."""
    return [
        {"question_no": number, "question": asked.question, "query": asked.query}
        for number, asked in enumerate(QUESTIONS, start=1)
    ]
