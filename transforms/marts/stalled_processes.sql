-- Open processes that have been in their state for longer than 85 % of the stays of open processes
-- in it take, running ones included as censored.
-- Grain: one row per such process, the longest in relation to that limit first.
with processes as (from processes),

lifecycles as (from process_lifecycle),

limits as (from state_limits),

pods as (from pods)

select
    p.process_id,
    p.label,
    p.team_id,
    p.procedure,
    p.state,
    p.assigned_to,
    p.pod_id,
    coalesce(o.name, p.pod_id::varchar) as pod_name,
    l.in_state_since,
    l.seconds_in_state,
    s.p85_seconds,
    l.seconds_in_state / nullif(s.p85_seconds, 0) as times_p85,
    p.link
from (
    select *, as_of - to_milliseconds(round(seconds_in_state * 1000)::bigint) as in_state_since
    from lifecycles
    cross join build
) as l
inner join processes as p on p.process_id = l.process_id
inner join limits as s on s.procedure = p.procedure and s.state = p.state
left join pods as o on o.pod_id = p.pod_id
where p.outcome = 'open' and l.seconds_in_state > s.p85_seconds
order by times_p85 desc nulls first, p.process_id
