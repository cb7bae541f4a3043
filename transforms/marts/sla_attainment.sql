-- How many clocks of each SLA policy were met: in all, by month, by pod and by assignee.
-- Grain: one row per policy, level and values of that level. Each level has every clock once, so
-- that sums are right within one level and never over several.
with clocks as (from sla_clocks),

build as (from build),

placed as (
    select
        c.*,
        date_trunc('month', local_day(c.stopped_at, b.time_zone))::date as period
    from clocks as c
    cross join build as b
),

sums as (
    select
        procedure,
        policy,
        case grouping(period, pod_id, assigned_to)
            when 7 then 'all'
            when 3 then 'month'
            when 5 then 'pod'
            when 1 then 'pod_month'
            when 6 then 'assignee'
            when 2 then 'assignee_month'
        end as level,
        period,
        pod_id,
        assigned_to,
        count(*) as n,
        count(*) filter (status = 'met') as met,
        count(*) filter (status = 'breached') as breached,
        count(*) filter (status in ('running', 'paused')) as running,
        count(*) filter (status is null) as called_off,
        quantile_cont(elapsed_seconds, [0.5, 0.9]) filter (ended_by = 'stop') as quantiles
    from placed
    group by
        grouping sets (
            (procedure, policy),
            (procedure, policy, period),
            (procedure, policy, pod_id),
            (procedure, policy, pod_id, period),
            (procedure, policy, assigned_to),
            (procedure, policy, assigned_to, period)
        )
)

select
    procedure,
    policy,
    level,
    period,
    pod_id,
    assigned_to,
    n,
    met,
    breached,
    running,
    called_off,
    met / nullif(met + breached, 0) as share_met,
    round(quantiles[1], 3) as p50_elapsed_seconds,
    round(quantiles[2], 3) as p90_elapsed_seconds,
    share_low(met, met + breached) as share_met_low,
    share_high(met, met + breached) as share_met_high,
    is_small_sample(met + breached) as is_small
from sums
order by procedure, policy, level, period nulls first, pod_id nulls first, assigned_to nulls first
