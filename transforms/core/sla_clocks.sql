-- The clocks of SLA policies as at the build's as_of, where running ones end.
-- Grain: one row per policy, process and cycle. `due_at` is the first instant at which the counted
-- time equals the target; if that was not reached, it is computed as if the clock counted on from
-- its end.
with cycles as (from history_sla_cycles where occurrence is null),

segments as (from sla_segments),

assignments as (from history_assignments),

pod_stays as (from history_pod_stays),

visits as (from history_state_visits),

processes as (select process_id, team_id from history_processes),

names as (from process_names),

pod_names as (from pods),

build as (from build),

slots as (from working_slots),

counted as (
    select
        process_id,
        procedure,
        policy,
        cycle,
        started_at,
        ended_at,
        round(elapsed_seconds * 1000)::bigint as elapsed_ms,
        sum(round(elapsed_seconds * 1000)::bigint) over (
            partition by process_id, procedure, policy, cycle order by segment_no
        ) as elapsed_by_then_ms
    from segments
),

sums as (
    select
        c.process_id,
        c.policy_no,
        c.cycle,
        coalesce(max(s.elapsed_by_then_ms), 0)::bigint as elapsed_ms,
        coalesce(bool_or(s.started_at is not null and s.ended_at is null), false) as is_counting,
        -- The first stretch by whose end the target is reached, and the time left before it.
        arg_min(
            struct_pack(
                started_at := s.started_at,
                left_ms := c.target_ms - (s.elapsed_by_then_ms - s.elapsed_ms)
            ),
            s.started_at
        ) filter (s.elapsed_by_then_ms >= c.target_ms) as reaching
    from cycles as c
    left join counted as s
        on s.process_id = c.process_id
        and s.procedure = c.procedure
        and s.policy = c.policy
        and s.cycle = c.cycle
    group by c.process_id, c.policy_no, c.cycle
),

-- The assignee when the clock ended; a stay that begins at that instant counts.
holders as (
    select
        c.process_id,
        c.policy_no,
        c.cycle,
        max_by(struct_pack(assigned_to := a.assigned_to), a.assignment_no).assigned_to
            as assigned_to
    from cycles as c
    cross join build as b
    inner join assignments as a
        on a.process_id = c.process_id
        and a.started_at <= coalesce(c.stopped_at, b.as_of)
    group by c.process_id, c.policy_no, c.cycle
),

pods as (
    select
        c.process_id,
        c.policy_no,
        c.cycle,
        max_by(struct_pack(pod_id := p.pod_id), p.stay_no).pod_id as pod_id
    from cycles as c
    cross join build as b
    inner join pod_stays as p
        on p.process_id = c.process_id
        and p.started_at <= coalesce(c.stopped_at, b.as_of)
    group by c.process_id, c.policy_no, c.cycle
),

starting_states as (
    select c.process_id, c.policy_no, c.cycle, max_by(v.state, v.visit_no) as state
    from cycles as c
    inner join visits as v
        on v.process_id = c.process_id
        and v.entered_at <= c.started_at
        and (c.started_version_no is null or v.entered_version_no <= c.started_version_no)
    group by c.process_id, c.policy_no, c.cycle
),

timed as (
    select
        c.*,
        s.elapsed_ms,
        s.elapsed_ms > c.target_ms as is_breached,
        s.is_counting,
        h.assigned_to,
        o.pod_id,
        v.state as started_state,
        -- The target is reached when `left_ms` more have been counted since this instant.
        if(
            s.elapsed_ms >= c.target_ms, s.reaching.started_at, coalesce(c.stopped_at, b.as_of)
        ) as counted_from,
        if(s.elapsed_ms >= c.target_ms, s.reaching.left_ms, c.target_ms - s.elapsed_ms) as left_ms
    from cycles as c
    cross join build as b
    inner join sums as s
        on s.process_id = c.process_id and s.policy_no = c.policy_no and s.cycle = c.cycle
    left join holders as h
        on h.process_id = c.process_id and h.policy_no = c.policy_no and h.cycle = c.cycle
    left join pods as o
        on o.process_id = c.process_id and o.policy_no = c.policy_no and o.cycle = c.cycle
    left join starting_states as v
        on v.process_id = c.process_id and v.policy_no = c.policy_no and v.cycle = c.cycle
),

worked as (
    select
        t.*,
        worked_ms(t.counted_from, f.starts_at, f.ends_at, f.worked_ms_before) + t.left_ms
            as wanted_ms
    from timed as t
    asof left join slots as f on f.calendar = t.calendar and f.starts_at <= t.counted_from
),

-- It falls into the last slot before which less has been worked.
reached as (
    select
        w.*,
        if(
            w.target_ms = 0,
            w.started_at,
            instant_worked(w.wanted_ms, l.starts_at, l.ends_at, l.worked_ms_before)
        ) as reached_at
    from worked as w
    asof left join slots as l
        on l.calendar = w.calendar and l.worked_ms_before < w.wanted_ms
),

decided as (
    select
        *,
        case
            when is_breached then 'breached'
            when ended_by = 'stop' then 'met'
            when ended_by is not null then null
            when is_counting then 'running'
            else 'paused'
        end as status
    from reached
)

select
    d.process_id,
    n.label,
    p.team_id,
    d.procedure,
    d.policy,
    d.cycle,
    d.started_at,
    case when (d.status is distinct from 'paused') then d.reached_at end as due_at,
    d.stopped_at,
    d.ended_by,
    d.target_ms / 1000 as target_seconds,
    d.elapsed_ms / 1000 as elapsed_seconds,
    (d.target_ms - d.elapsed_ms) / 1000 as remaining_seconds,
    d.status,
    case when d.is_breached then d.reached_at end as breached_at,
    d.calendar,
    d.started_state,
    d.assigned_to,
    d.pod_id,
    coalesce(o.name, d.pod_id::varchar) as pod_name,
    n.link
from decided as d
inner join processes as p on p.process_id = d.process_id
left join names as n on n.process_id = d.process_id
left join pod_names as o on o.pod_id = d.pod_id
