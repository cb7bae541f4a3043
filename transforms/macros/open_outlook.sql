-- The macro `open_outlook`: what may become of each open process, by the curve of stays in its
-- state or that of its procedure.
-- Grain: one row per open process.
-- kind: published

create macro open_outlook(
    procedure := null,
    by := null,
    days := 30,
    given := 'state'
) as table
with grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (
        select
            unnest(process_value_list(table_of_values(procedure, "by"), "by")) as found
    ) as g
),

-- The time at risk is that of per_procedure/outcomes.py: from just after a late entry. The key has
-- no nulls: a join as of a time finds none.
members as materialized (
    select
        o.procedure as procedure,
        o.process_id as process_id,
        g.value as value,
        o.ended_at as ended_at,
        o.outcome as ended_with,
        case
            when o.is_observed_from_start then 0
            else epoch_ms(o.entered_at) - epoch_ms(o.started_at) + 1
        end as from_ms,
        epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms,
        o.entered_at is not null as is_at_risk,
        o.is_observed_from_start as is_whole,
        to_json([o.procedure, g.value]) ->> '$' as age_key
    from process_outcomes as o
    left join grouped as g on g.process_id = o.process_id
    where procedure is null or o.procedure = procedure
),

-- Stays in a state before the first outcome, up to which each is followed.
stays as materialized (
    select
        to_json([m.procedure, v.state, m.value]) ->> '$' as stay_key,
        epoch_ms(least(coalesce(v.left_at, b.as_of), m.ended_at)) - epoch_ms(v.entered_at)
            as stay_ms,
        epoch_ms(m.ended_at) - epoch_ms(v.entered_at) as ms,
        m.ended_with
    from members as m
    inner join state_visits as v
        on v.process_id = m.process_id
        and v.procedure = m.procedure
        and v.entered_at < m.ended_at
    cross join build as b
    where given = 'state' and m.is_whole
),

lasting as materialized (
    select
        s.stay_key,
        s.stay_ms,
        count(*) as n_here,
        sum(count(*)) over (partition by s.stay_key order by s.stay_ms desc) as n_lasting
    from stays as s
    group by s.stay_key, s.stay_ms
),

-- Of the stays that last beyond a landmark at most an eighth end before the next one.
landmarks as (
    select l.stay_key, l.stay_ms as landmark_ms
    from lasting as l
    where four_digits_of(cast(l.n_lasting as bigint)) > l.n_lasting - l.n_here
    union
    select l.stay_key, 0
    from lasting as l
),

open_now as materialized (
    select
        p.process_id,
        p.procedure,
        m.value,
        m.age_key,
        p.state,
        p.assigned_to,
        l.age_seconds,
        l.seconds_in_state,
        cast(round(l.age_seconds * 1000) as bigint) as age_ms,
        cast(round(l.seconds_in_state * 1000) as bigint) as stay_ms,
        m.ended_with is not null as is_reopened,
        to_json([p.procedure, p.state, m.value]) ->> '$' as stay_key,
        m.is_whole or v.entered_source = 'observed' as is_entry_known
    from processes as p
    inner join process_lifecycle as l on l.process_id = p.process_id
    inner join members as m on m.process_id = p.process_id
    inner join state_visits as v on v.process_id = p.process_id and v.is_current
    where p.outcome = 'open'
),

landed as materialized (
    select o.*, d.landmark_ms
    from open_now as o
    asof inner join lasting as n on n.stay_key = o.stay_key and n.stay_ms > o.stay_ms
    asof inner join landmarks as d on d.stay_key = o.stay_key and d.landmark_ms <= o.stay_ms
    where n.n_lasting >= least_stays() and o.is_entry_known and not o.is_reopened
),

-- Each process, or each stay that lasted beyond a landmark, with the key of the curve it is in.
followed as (
    select m.age_key as curve_key, m.from_ms, m.ms, m.ended_with
    from members as m
    where m.is_at_risk
    union all
    select d.landmark_ms || d.stay_key, d.landmark_ms + 1, s.ms, s.ended_with
    from (select distinct l.stay_key, l.landmark_ms from landed as l) as d
    inner join stays as s on s.stay_key = d.stay_key and s.stay_ms > d.landmark_ms
),

moves as (
    select f.curve_key, f.ms, f.ended_with, 1 as leaves, 0 as enters
    from followed as f
    union all
    select f.curve_key, f.from_ms, null, 0, 1
    from followed as f
),

at_times as (
    select
        m.curve_key,
        m.ms,
        sum(m.leaves) as n_leaving,
        sum(m.enters) as n_entering,
        count(*) filter (m.ended_with = 'completed') as n_completed,
        count(*) filter (m.ended_with = 'cancelled') as n_cancelled,
        count(m.ended_with) as n_any
    from moves as m
    group by m.curve_key, m.ms
),

-- Under observation just before an instant are those who leave then or later, without those who
-- enter then or later.
at_risk as materialized (
    select
        t.*,
        sum(t.n_leaving - t.n_entering) over (
            partition by t.curve_key order by t.ms desc
        ) as n_before,
        n_before + t.n_entering as n_at_risk
    from at_times as t
),

surviving as (
    select
        r.*,
        product(1 - r.n_any / r.n_at_risk) over (
            partition by r.curve_key order by r.ms
        ) as product_so_far
    from at_risk as r
    where r.n_any > 0
),

-- The estimates of Aalen and Johansen, as in estimates.sql. Rounding leaves products beside 0.
beside_before as (
    select
        s.*,
        case when s.product_so_far < 1e-12 then 0 else s.product_so_far end as survival,
        coalesce(
            lag(s.product_so_far) over (partition by s.curve_key order by s.ms), 1
        ) as survival_before
    from surviving as s
),

curves as materialized (
    select
        c.curve_key,
        c.ms,
        c.survival,
        sum(c.survival_before * c.n_completed / c.n_at_risk) over up_to_here as completed,
        sum(c.survival_before * c.n_cancelled / c.n_at_risk) over up_to_here as cancelled
    from beside_before as c
    window up_to_here as (partition by c.curve_key order by c.ms)
),

ends as (
    select r.curve_key, max(r.ms) as last_ms
    from at_risk as r
    group by r.curve_key
),

-- The curve of its state, if it reaches far enough, else that of its age.
chosen as (
    select
        o.*,
        coalesce(e.last_ms >= l.stay_ms + days * cast(86400000 as bigint), false) as is_of_state,
        case when is_of_state then l.landmark_ms || l.stay_key else o.age_key end as curve_key,
        case when is_of_state then l.stay_ms else o.age_ms end as now_ms,
        now_ms + days * cast(86400000 as bigint) as until_ms
    from open_now as o
    left join landed as l on l.process_id = o.process_id
    left join ends as e on e.curve_key = l.landmark_ms || l.stay_key
),

placed as (
    select
        o.*,
        coalesce(a.survival, 1) as survival_now,
        coalesce(a.completed, 0) as completed_now,
        coalesce(a.cancelled, 0) as cancelled_now,
        coalesce(t.completed, 0) as completed_then,
        coalesce(t.cancelled, 0) as cancelled_then,
        case when r.ms = o.until_ms then r.n_at_risk else coalesce(r.n_before, 0) end as at_risk,
        not o.is_reopened
        and e.last_ms is not null
        and coalesce(a.survival, 1) > 0 as is_on_curve,
        o.until_ms <= e.last_ms as is_before_end
    from chosen as o
    left join ends as e on e.curve_key = o.curve_key
    asof left join curves as a on a.curve_key = o.curve_key and a.ms <= o.now_ms
    asof left join curves as t on t.curve_key = o.curve_key and t.ms <= o.until_ms
    asof left join at_risk as r on r.curve_key = o.curve_key and r.ms >= o.until_ms
),

-- The first time by which half, and three quarters, of those as old have had an outcome.
timed as (
    select
        p.*,
        h.ms - p.now_ms as half_ms,
        q.ms - p.now_ms as three_quarters_ms
    from placed as p
    asof left join curves as h
        on h.curve_key = p.curve_key and h.survival <= p.survival_now * 0.5 + 1e-12
    asof left join curves as q
        on q.curve_key = p.curve_key and q.survival <= p.survival_now * 0.25 + 1e-12
),

packed as (select list(t) as found from timed as t),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case when is_valid_outlook(procedure, "by", days, given) then p.found end
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
    s.o.is_reopened as is_reopened,
    s.o.seconds_in_state as seconds_in_state,
    case
        when s.o.is_on_curve then case when s.o.is_of_state then 'state' else 'age' end
    end as based_on
from shown as s
order by s.o.procedure, share_completed desc nulls last, s.o.process_id;
