-- The macro `open_outlook`: what may become of each open process, by the curves of its procedure.
-- Grain: one row per open process.
-- kind: published

-- True, or an error that says what was found and what is allowed.
create macro is_valid_outlook(asked, column_name, ahead_days) as
    case
        when not is_valid_choice('open_outlook', asked, column_name, null, null)
            then false
        when coalesce(ahead_days < 1, true)
            then error(
                'open_outlook: found days ' || coalesce(cast(ahead_days as varchar), 'null')
                || '; allowed: a number from 1'
            )
        else true
    end;

create macro open_outlook(
    procedure := null,
    by := null,
    days := 30
) as table
with grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (
        select
            unnest(process_value_list(table_of_values(procedure, "by"), "by")) as found
    ) as g
),

-- The time at risk is that of per_procedure/outcomes.py: from just after a late entry.
members as materialized (
    select
        o.procedure as procedure,
        o.process_id as process_id,
        g.value as value,
        concat('=' || g.value) as value_key,
        o.outcome as ended_with,
        case
            when o.is_observed_from_start then 0
            else epoch_ms(o.entered_at) - epoch_ms(o.started_at) + 1
        end as from_ms,
        epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms,
        o.entered_at is not null as is_at_risk
    from process_outcomes as o
    left join grouped as g on g.process_id = o.process_id
    where procedure is null or o.procedure = procedure
),

observed as (
    select
        list({
            'procedure': m.procedure,
            'value': m.value,
            'outcome': m.ended_with,
            'from_ms': m.from_ms,
            'ms': m.ms
        }) as found
    from members as m
    where m.is_at_risk
),

estimates as materialized (
    select
        e.found.procedure as procedure,
        concat('=' || e.found.value) as value_key,
        e.found.outcome as outcome,
        e.found.ms as ms,
        e.found.survival as survival,
        e.found.incidence as incidence
    from (select unnest(estimate_list((select o.found from observed as o))) as found) as e
),

curves as (
    select
        e.procedure,
        e.value_key,
        e.ms,
        any_value(e.survival) as survival,
        max(e.incidence) filter (e.outcome = 'completed') as completed,
        max(e.incidence) filter (e.outcome = 'cancelled') as cancelled
    from estimates as e
    group by e.procedure, e.value_key, e.ms
),

ends as (
    select m.procedure, m.value_key, max(m.ms) as last_ms
    from members as m
    where m.is_at_risk
    group by m.procedure, m.value_key
),

-- How many are under observation until an age or longer, and how many enter after an age.
leaving as (
    select
        m.procedure,
        m.value_key,
        m.ms,
        sum(count(*)) over (
            partition by m.procedure, m.value_key order by m.ms desc
        ) as n_from_here
    from members as m
    where m.is_at_risk
    group by m.procedure, m.value_key, m.ms
),

entering as (
    select
        m.procedure,
        m.value_key,
        m.from_ms,
        sum(count(*)) over (
            partition by m.procedure, m.value_key order by m.from_ms desc
        ) as n_from_here
    from members as m
    where m.is_at_risk
    group by m.procedure, m.value_key, m.from_ms
),

open_now as (
    select
        p.process_id,
        p.procedure,
        m.value,
        m.value_key,
        p.state,
        p.assigned_to,
        l.age_seconds,
        cast(round(l.age_seconds * 1000) as bigint) as age_ms,
        cast(round(l.age_seconds * 1000) as bigint) + days * cast(86400000 as bigint) as until_ms,
        m.ended_with is not null as is_reopened
    from processes as p
    inner join process_lifecycle as l on l.process_id = p.process_id
    inner join members as m on m.process_id = p.process_id
    where p.outcome = 'open'
),

placed as (
    select
        o.*,
        coalesce(a.survival, 1) as survival_now,
        coalesce(a.completed, 0) as completed_now,
        coalesce(a.cancelled, 0) as cancelled_now,
        coalesce(t.completed, 0) as completed_then,
        coalesce(t.cancelled, 0) as cancelled_then,
        coalesce(v.n_from_here, 0) - coalesce(n.n_from_here, 0) as at_risk,
        not o.is_reopened
        and e.last_ms is not null
        and coalesce(a.survival, 1) > 0 as is_on_curve,
        o.until_ms <= e.last_ms as is_before_end
    from open_now as o
    left join ends as e on e.procedure = o.procedure and e.value_key = o.value_key
    asof left join curves as a
        on a.procedure = o.procedure and a.value_key = o.value_key and a.ms <= o.age_ms
    asof left join curves as t
        on t.procedure = o.procedure and t.value_key = o.value_key and t.ms <= o.until_ms
    asof left join leaving as v
        on v.procedure = o.procedure and v.value_key = o.value_key and v.ms >= o.until_ms
    asof left join entering as n
        on n.procedure = o.procedure and n.value_key = o.value_key and n.from_ms > o.until_ms
),

-- The first time by which half, and three quarters, of those as old have had an outcome.
timed as (
    select
        p.*,
        h.ms - p.age_ms as half_ms,
        q.ms - p.age_ms as three_quarters_ms
    from placed as p
    asof left join curves as h
        on h.procedure = p.procedure
        and h.value_key = p.value_key
        and h.survival <= p.survival_now * 0.5 + 1e-12
    asof left join curves as q
        on q.procedure = p.procedure
        and q.value_key = p.value_key
        and q.survival <= p.survival_now * 0.25 + 1e-12
),

packed as (select list(t) as found from timed as t),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case when is_valid_outlook(procedure, "by", days) then p.found end
        ) as outlook
    from packed as p
),

shown as (
    select
        v.outlook as o,
        v.outlook.is_on_curve and v.outlook.is_before_end as has_chances
    from valid as v
)

select
    s.o.process_id as process_id,
    s.o.procedure as procedure,
    s.o.value as value,
    s.o.state as state,
    s.o.assigned_to as assigned_to,
    s.o.age_seconds as age_seconds,
    case
        when s.has_chances
            then (s.o.completed_then - s.o.completed_now) / s.o.survival_now
    end as share_completed,
    case
        when s.has_chances
            then (s.o.cancelled_then - s.o.cancelled_now) / s.o.survival_now
    end as share_cancelled,
    case
        when s.has_chances
            then 1 - (
                s.o.completed_then - s.o.completed_now + s.o.cancelled_then - s.o.cancelled_now
            ) / s.o.survival_now
    end as share_open,
    case when s.o.is_on_curve then s.o.half_ms / 1000 end as p50_remaining_seconds,
    case when s.o.is_on_curve then s.o.three_quarters_ms / 1000 end as p75_remaining_seconds,
    case when s.has_chances then cast(s.o.at_risk as bigint) end as at_risk,
    case when s.has_chances then is_small_sample(s.o.at_risk) end as is_small,
    s.o.is_reopened as is_reopened
from shown as s
order by s.o.procedure, share_completed desc nulls last, s.o.process_id;
