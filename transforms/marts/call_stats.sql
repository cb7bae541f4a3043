-- Calls and how many were answered: in all, by month, and by who called.
-- Grain: one row per procedure, level and values of that level. Each level has every call once, so
-- that sums are right within one level and never over several. Deleted calls, and those about no
-- known process, are left out.
with calls as (from calls),

users as (from users),

build as (from build),

date_calls as (
    select
        c.*,
        date_trunc('month', local_day(
            coalesce(c.call_start_at, c.connection_start_at, c.updated_at), b.time_zone
        ))::date as period
    from calls as c
    cross join build as b
    where c.procedure is not null and not c.is_deleted
),

sum_calls as (
    select
        procedure,
        case grouping(period, user_id)
            when 3 then 'all'
            when 1 then 'month'
            when 2 then 'user'
            when 0 then 'user_month'
        end as level,
        period,
        user_id,
        count(*) as calls,
        count(*) filter (is_connected) as connected,
        count(distinct process_id) as processes,
        count(distinct process_id) filter (is_connected) as processes_connected,
        -- Whole milliseconds add up to the same sum in any order.
        coalesce(sum(round(talk_seconds * 1000)::bigint), 0)::bigint as talk_ms,
        quantile_cont(talk_seconds, 0.5) as p50_talk_seconds,
        quantile_cont(ring_seconds, 0.5) as p50_ring_seconds
    from date_calls
    group by
        grouping sets (
            (procedure),
            (procedure, period),
            (procedure, user_id),
            (procedure, user_id, period)
        )
)

select
    s.procedure,
    s.level,
    s.period,
    s.user_id,
    coalesce(u.name, s.user_id::varchar) as user_name,
    s.calls,
    s.connected,
    s.connected / nullif(s.calls, 0) as share_connected,
    share_low(s.connected, s.calls) as share_connected_low,
    share_high(s.connected, s.calls) as share_connected_high,
    is_small_sample(s.calls) as is_small,
    s.processes,
    s.processes_connected,
    s.calls / nullif(s.processes_connected, 0) as calls_per_process_connected,
    s.talk_ms / 1000 as talk_seconds,
    round(s.p50_talk_seconds, 3) as p50_talk_seconds,
    round(s.p50_ring_seconds, 3) as p50_ring_seconds
from sum_calls as s
left join users as u on u.user_id = s.user_id
order by s.procedure, s.level, s.period nulls first, s.user_id nulls first
