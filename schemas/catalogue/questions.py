"""Questions that apply to every procedure, each with the statement that answers it.

Published as the table `questions`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question and the statement (DuckDB 1.2 or later) that answers it."""

    question: str
    query: str


# The first and the last state that counts of the first procedure: write your own, such as
# ['NEW', 'CONVERTED'].
_STEPS = (
    "(select [min_by(state, state_rank), coalesce(min_by(state, state_rank) "
    "filter (state_kind = 'done'), max_by(state, state_rank))] "
    "from states group by procedure order by procedure limit 1)"
)

QUESTIONS: tuple[Question, ...] = (
    Question(
        "Where do processes drop out of the funnels?",
        "select procedure, funnel, step, processes, share_of_previous, immature from funnel_steps "
        "where mode = 'ordered' order by procedure, funnel, step_no",
    ),
    Question(
        "What share gets from the first state to the done state, by month of creation?",
        f"select procedure, value, step, processes, share_of_first, immature from funnel({_STEPS}, "
        "by := 'created_month') order by procedure, value, step_no",
    ),
    Question(
        "What share of attempts ends in a completion, a new attempt for each return to step 1?",
        "select procedure, step, processes as attempts, share_of_first, immature from funnel(["
        f"{_STEPS}[1], 'outcome: completed'], unit := 'attempt') order by procedure, step_no",
    ),
    Question(
        "Which attribute values go with converting?",
        "select procedure, funnel, attribute, value, processes, share, share_of_others, "
        "odds_ratio, p_adjusted from conversion_drivers order by p_adjusted nulls last, "
        "abs(ln(odds_ratio)) desc limit 20",
    ),
    Question(
        "With which values did the processes of a funnel enter, and did they finish it?",
        "select procedure, funnel, attribute, value, count(*) as processes, "
        "count(*) filter (is_finished) as finished from funnel_values_at_entry "
        "where is_window_over group by all order by processes desc limit 20",
    ),
    Question(
        "Which processes are behind a funnel, and why did they stop?",
        "select procedure, process_id, label, step, reached_at, stop_reason "
        f"from funnel_processes({_STEPS}) order by reached_at desc limit 20",
    ),
    Question(
        "How long did those take that got there?",
        "select procedure, from_seconds, to_seconds, processes, share_of_first_so_far "
        f"from time_to_convert({_STEPS}) order by procedure, bucket_no",
    ),
    Question(
        "How long does the first assignment take, open processes included, by month of creation?",
        "select procedure, value, n, n_running, p50_seconds, p90_seconds, finished_p50_seconds "
        "from durations('first_assignment', by := 'created_month') order by procedure, value",
    ),
    Question(
        "What changed in the pipeline since the beginning of last month?",
        "select procedure, change, processes, change_processes, open_processes from "
        "pipeline_changes((select date_trunc('month', as_of) - interval 1 month from build), "
        "(select as_of from build)) order by procedure, step_no",
    ),
    Question(
        "How many open processes will probably be completed, at the end of each of the last days?",
        "select procedure, day, sum(open_processes) as open_processes, "
        "sum(weighted_processes) as weighted_processes from pipeline_daily("
        "from_date := (select local_day(as_of, time_zone) - 13 from build)) "
        "group by all order by procedure, day",
    ),
    Question(
        "How many processes were in each state at the beginning of this month?",
        "select procedure, state, status, count(*) as processes "
        "from processes_at((select date_trunc('month', as_of) from build)) "
        "group by all order by procedure, processes desc, state",
    ),
    Question(
        "Which values did open processes have then, of the attributes whose history is kept?",
        "select procedure, tracked, count(*) as processes "
        "from processes_at((select date_trunc('month', as_of) from build)) "
        "where status = 'OPEN' group by all order by procedure, processes desc limit 20",
    ),
    Question(
        "Was yesterday on target, and is anything out of the ordinary?",
        "select procedure, indicator, unit, day, value, average_7, lower_limit, upper_limit, "
        "signal, target, is_on_target from indicators "
        "where day = (select max(day) from indicators) order by procedure, indicator",
    ),
    Question(
        "Is it getting better: how long does completion take, by month of creation?",
        "select procedure, cohort, processes, n_censored, p50_seconds, p50_seconds_low, "
        "p50_seconds_high, is_small from time_to_outcome_cohorts "
        "where outcome = 'completed' order by procedure, cohort",
    ),
    Question(
        "After what time is half of all processes completed, open ones included?",
        "select procedure, outcome, events, n_censored, p50_seconds from time_to_outcome "
        "order by procedure, outcome",
    ),
    Question(
        "What share of each month's processes was completed by which age?",
        "pivot (select procedure, cohort, age_days, share_completed from cohort_outcomes) "
        "on age_days in (1, 3, 7, 14, 30, 60, 90) using any_value(share_completed) "
        "order by procedure, cohort",
    ),
    Question(
        "What share of each week's processes was closed within a week and within a month?",
        "select procedure, cohort, age_days, processes, share_completed, share_cancelled "
        "from cohorts(period := 'week', ages := [7, 30]) where is_observed "
        "order by procedure, cohort desc, age_days limit 20",
    ),
    Question(
        "What share was completed, cancelled or deleted within a month, deleted ones included?",
        "select procedure, cohort, processes, share_completed, share_cancelled, share_deleted "
        "from cohorts(ages := [30], with_deleted := true) where is_observed "
        "order by procedure, cohort",
    ),
    Question(
        "How large is the backlog of each assignee today?",
        "select procedure, value as assigned_to, open_processes from backlog(by := 'assigned_to', "
        "from_date := (select local_day(as_of, time_zone) from build)) "
        "order by open_processes desc limit 20",
    ),
    Question(
        "Which open processes will probably be completed within 30 days?",
        "select procedure, process_id, state, seconds_in_state, based_on, share_completed, "
        "p50_remaining_seconds from open_outlook(days := 30) where not is_small "
        "order by share_completed desc limit 20",
    ),
    Question(
        "When will as many processes be closed as are open now?",
        "select procedure, chance, open_processes, done_on, by_day, closed_by_day "
        "from forecast() order by procedure, chance",
    ),
    Question(
        "Will we be on target in four weeks?",
        "select procedure, indicator, unit, target, better, share_on_target, p50_value, average_7 "
        "from forecast_target((select local_day(as_of, time_zone) + 28 from build)) "
        "order by procedure, indicator",
    ),
    Question(
        "Do we close as many processes as arrive?",
        "select week, procedure, arrivals, closed, open_at_end from flow_weekly "
        "order by week desc, procedure limit 20",
    ),
    Question(
        "Which states take most of the time?",
        "select procedure, state, state_kind, share_of_open_time, p50_seconds, p90_seconds "
        "from state_durations order by procedure, bottleneck_rank nulls last, state_rank",
    ),
    Question(
        "Which processes are stalled?",
        "select procedure, state, process_id, label, seconds_in_state from stalled_processes "
        "order by seconds_in_state desc limit 20",
    ),
    Question(
        "How much does each assignee hold and complete, and what is overdue?",
        "select procedure, assigned_to, held, overdue, completed, p50_resolution_seconds "
        "from assignee_stats where period is null "
        "order by held desc, completed desc limit 20",
    ),
    Question(
        "Do we meet our SLAs?",
        "select procedure, policy, period, n, share_met, p90_elapsed_seconds from sla_attainment "
        "where level = 'all' order by procedure, policy, period nulls first",
    ),
    Question(
        "Which SLA clocks are due next?",
        "select procedure, policy, process_id, label, due_at, level, assigned_to from sla_due "
        "where status = 'running' order by due_at limit 20",
    ),
    Question(
        "How soon are processes called, and in working time?",
        "select procedure, measure, n, p50_seconds, p90_seconds from duration_stats "
        "where measure in ('first_call', 'business_first_call') and period is null "
        "order by procedure, measure",
    ),
    Question(
        "What share of calls is answered, by month?",
        "select procedure, period, calls, share_connected, share_connected_low, "
        "share_connected_high, calls_per_process_connected, talk_seconds from call_stats "
        "where level = 'month' order by procedure, period",
    ),
    Question(
        "Which open processes have nothing planned after their last call?",
        "select c.procedure, c.process_id, p.label, c.n_calls, c.last_call_at "
        "from process_contacts as c join processes as p using (process_id) "
        "where p.outcome = 'open' and not c.is_followed_up order by c.last_call_at limit 20",
    ),
    Question(
        "Which sequences of states are most frequent?",
        "select procedure, variant, processes, cumulative_share, p50_resolution_seconds "
        "from variants order by processes desc limit 10",
    ),
    Question(
        "What is wrong with the data?",
        "select procedure, rule, severity, n_versions, n_processes, sentence from data_quality "
        "where n_versions > 0 order by n_versions desc limit 20",
    ),
)


def question_rows() -> list[dict[str, int | str]]:
    """The rows of `questions`: one per question, numbered from 1."""
    return [
        {"question_no": number, "question": entry.question, "query": entry.query}
        for number, entry in enumerate(QUESTIONS, start=1)
    ]
