-- Clocks of SLA policies that have not ended at the build's as_of: what breaches next.
-- Grain: one row per policy and process with such a clock, of which there is at most one.
with clocks as (from sla_clocks),

processes as (from processes),

policies as (from sla_policies),

slots as (from working_slots),

build as (from build),

unended as (
    select
        c.*,
        p.state,
        y.warn_percent,
        round(c.elapsed_seconds * 1000)::bigint as elapsed_ms,
        -- The counted time from which it is in warning.
        ceil(round(c.target_seconds * 1000) * y.warn_percent / 100)::bigint as warn_ms,
        b.as_of
    from clocks as c
    cross join build as b
    inner join policies as y on y.procedure = c.procedure and y.policy = c.policy
    inner join processes as p on p.process_id = c.process_id
    where c.stopped_at is null
),

judged as (
    select
        *,
        case
            when status = 'breached' then 'breached'
            when elapsed_ms >= warn_ms then 'warning'
            else 'in_time'
        end as level
    from unended
),

-- Those that will come into warning, and the working time of their calendar by then.
warning_later as (
    select
        j.process_id,
        j.procedure,
        j.policy,
        j.calendar,
        worked_ms(j.as_of, f.starts_at, f.ends_at, f.worked_ms_before) + j.warn_ms - j.elapsed_ms
            as wanted_ms
    from judged as j
    asof left join slots as f on f.calendar = j.calendar and f.starts_at <= j.as_of
    where j.level = 'in_time' and j.status = 'running' and j.warn_percent is not null
),

-- It falls into the last slot before which less has been worked, as `due_at` of `sla_clocks` does.
warnings as (
    select
        w.process_id,
        w.procedure,
        w.policy,
        instant_worked(w.wanted_ms, l.starts_at, l.ends_at, l.worked_ms_before) as warns_at
    from warning_later as w
    asof left join slots as l on l.calendar = w.calendar and l.worked_ms_before < w.wanted_ms
)

select
    j.process_id,
    j.label,
    j.team_id,
    j.procedure,
    j.policy,
    j.state,
    j.assigned_to,
    j.pod_id,
    j.pod_name,
    j.status,
    j.level,
    j.started_at,
    w.warns_at,
    j.due_at,
    j.target_seconds,
    j.remaining_seconds,
    j.link
from judged as j
left join warnings as w
    on w.process_id = j.process_id and w.procedure = j.procedure and w.policy = j.policy
order by
    list_position(['running', 'paused', 'breached'], j.status),
    if(j.status = 'running', j.due_at, null) nulls last,
    j.remaining_seconds,
    j.process_id,
    j.policy
