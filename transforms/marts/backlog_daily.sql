-- Open processes by state at the end of each local day; the last day ends at the build's instant.
-- Grain: one row per day, procedure and state with at least one open process. Built from the
-- moments a process comes into the open part of a state and leaves it, not from processes x days.
with stays as (from dated_stays),

flow_days as (from flow_daily),

moves as (
    select procedure, state, started_day as day, 1 as change from stays
    union all
    select procedure, state, ended_day, -1 from stays where ended_day is not null
),

change_days as (
    select procedure, state, day, sum(change) as change
    from moves
    group by procedure, state, day
),

levels as (
    select
        procedure,
        state,
        day,
        sum(change) over state_days as open_processes,
        lead(day) over state_days as next_day
    from change_days
    window state_days as (partition by procedure, state order by day)
)

select
    d.day,
    l.procedure,
    l.state,
    l.open_processes::bigint as open_processes
from levels as l
inner join flow_days as d
    on d.procedure = l.procedure
    and d.day >= l.day
    and (l.next_day is null or d.day < l.next_day)
where l.open_processes > 0
order by l.procedure, d.day, l.state
