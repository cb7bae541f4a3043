-- Open processes by pod at the end of each local day; the last day ends at the build's as_of.
-- Grain: one row per day, procedure and pod with at least one open process; `pod_id` is null on the
-- rows of processes without a pod. Built from the starts and ends of open stays, not from
-- processes x days.
with stays as (from dated_stays),

flow_days as (from flow_daily),

pods as (from pods),

find_changes as (
    select procedure, pod_id, started_day as day, 1 as change from stays
    union all
    select procedure, pod_id, ended_day, -1 from stays where ended_day is not null
),

sum_changes as (
    select procedure, pod_id, day, sum(change) as change
    from find_changes
    group by procedure, pod_id, day
),

add_up as (
    select
        procedure,
        pod_id,
        day,
        sum(change) over pod_days as open_processes,
        lead(day) over pod_days as next_day
    from sum_changes
    window pod_days as (partition by procedure, pod_id order by day)
)

select
    d.day,
    l.procedure,
    l.pod_id,
    coalesce(p.name, l.pod_id::varchar) as pod_name,
    l.open_processes::bigint as open_processes
from add_up as l
inner join flow_days as d
    on d.procedure = l.procedure
    and d.day >= l.day
    and (l.next_day is null or d.day < l.next_day)
left join pods as p on p.pod_id = l.pod_id
where l.open_processes > 0
order by l.procedure, d.day, l.pod_id nulls first
