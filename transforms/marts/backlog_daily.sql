-- Open processes by state at the end of each local day; the last day ends at the build's as_of.
-- Grain: one row per day, procedure and state with at least one open process. Built from the starts
-- and ends of open stays, not from processes x days.
with stays as (from dated_stays),

flow_days as (from flow_daily),

find_changes as (
    select procedure, state, started_day as day, 1 as change from stays
    union all
    select procedure, state, ended_day, -1 from stays where ended_day is not null
),

sum_changes as (
    select procedure, state, day, sum(change) as change
    from find_changes
    group by procedure, state, day
),

add_up as (
    select
        procedure,
        state,
        day,
        sum(change) over state_days as open_processes,
        lead(day) over state_days as next_day
    from sum_changes
    window state_days as (partition by procedure, state order by day)
)

select
    d.day,
    l.procedure,
    l.state,
    l.open_processes::bigint as open_processes
from add_up as l
inner join flow_days as d
    on d.procedure = l.procedure
    and d.day >= l.day
    and (l.next_day is null or d.day < l.next_day)
where l.open_processes > 0
order by l.procedure, d.day, l.state
