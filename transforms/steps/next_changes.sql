-- When the tables will show something other than longer durations, if nothing else comes in.
-- Grain: one row per reason; `changes_at` is the first instant after the build's as_of at which it
-- applies, null where there is none. Durations that run to the as_of grow at every instant: they,
-- and what follows from them (ages, what is stalled, shares of time, curves), are not in here.
-- kind: view
with clocks as (from sla_clocks),

paths as (from funnel_paths),

due as (from sla_due),

follow_ups as (from follow_ups),

lifecycles as (from history_process_lifecycle),

tasks as (from tasks),

cohorts as (from cohort_outcomes),

slots as (from working_slots),

build as (from build),

-- A day, a week and a month are complete with their last millisecond.
find_next_day as (
    select
        day_start(local_day(as_of, time_zone) + 1, time_zone) - interval 1 millisecond
            as changes_at
    from build
),

find_cohorts as (
    select
        min(
            day_start((c.cohort + interval 1 month)::date, b.time_zone)
            + to_milliseconds(c.age_days * 86400000::bigint - 1)
        ) as changes_at
    from cohorts as c
    cross join build as b
    where c.not_observed_because = 'not old enough'
),

next_slots as (
    select s.calendar, min(s.starts_at) as starts_at
    from slots as s
    cross join build as b
    where s.starts_at >= b.as_of
    group by s.calendar
),

-- What is due is late from the next millisecond of working time, which begins with the next slot
-- where it was due at the end of one.
find_clocks as (
    select
        min(if(c.due_at >= b.as_of, c.due_at, s.starts_at)) + interval 1 millisecond
            as changes_at
    from clocks as c
    cross join build as b
    left join next_slots as s on s.calendar = c.calendar
    where c.status = 'running'
),

find_warnings as (select min(warns_at) as changes_at from due),

find_windows as (
    select min(out_of_time_at) as changes_at from paths where is_last and stop_reason = 'open'
),

find_follow_ups as (
    select min(due_at) + interval 1 millisecond as changes_at from follow_ups where outcome = 'open'
),

find_next_actions as (
    select min(l.next_action_at) + interval 1 millisecond as changes_at
    from lifecycles as l
    cross join build as b
    where l.outcome = 'open' and l.next_action_at >= b.as_of
),

find_tasks as (
    select min(t.due_at) + interval 1 millisecond as changes_at
    from tasks as t
    cross join build as b
    where t.status = 'OPEN' and not t.is_deleted and t.due_at >= b.as_of
)

select 'day' as reason, changes_at from find_next_day
union all
select 'cohort', changes_at from find_cohorts
union all
select 'sla_clock', changes_at from find_clocks
union all
select 'sla_warning', changes_at from find_warnings
union all
select 'funnel_window', changes_at from find_windows
union all
select 'follow_up', changes_at from find_follow_ups
union all
select 'next_action', changes_at from find_next_actions
union all
select 'task', changes_at from find_tasks
