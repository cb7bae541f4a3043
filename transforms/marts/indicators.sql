-- Key figures by day, with averages, a target and the limits of a control chart (XmR).
-- Grain: one row per procedure, indicator and whole local day on which the procedure was observed.
-- Limits come from the 28 days before, so that a day's own value does not widen them and no row
-- changes later. `open` has none: it carries over from day to day, and limits from its small daily
-- steps would be crossed all the time.
with flow_days as (from flow_daily),

observed as (from observed_since),

closings as (from closings),

lifecycles as (from process_lifecycle),

clocks as (from sla_clocks),

policies as (from sla_policies),

targets as (from indicator_targets),

build as (from build),

days as (
    select f.*
    from flow_days as f
    inner join observed as o on o.procedure = f.procedure
    cross join build as b
    where
        day_start(f.day, b.time_zone) >= o.observed_since
        and is_period_over(day_start(f.day + 1, b.time_zone), b.as_of)
),

resolutions as (
    select
        c.first_completed_in as procedure,
        local_day(l.first_completed_at, b.time_zone) as day,
        round(median(l.resolution_seconds), 3) as median_seconds
    from lifecycles as l
    inner join closings as c on c.process_id = l.process_id
    cross join build as b
    where l.first_completed_at is not null
    group by c.first_completed_in, local_day(l.first_completed_at, b.time_zone)
),

-- A clock is decided when it stops in time, or reaches its target.
decided as (
    select
        c.procedure,
        c.policy,
        local_day(coalesce(c.breached_at, c.stopped_at), b.time_zone) as day,
        share_of(count(*) filter (c.status = 'met'), count(*)) as share_met
    from clocks as c
    cross join build as b
    where c.status in ('met', 'breached')
    group by c.procedure, c.policy, local_day(coalesce(c.breached_at, c.stopped_at), b.time_zone)
),

dated as (
    select
        procedure,
        unnest(['arrivals', 'closed', 'completed', 'open']) as indicator,
        'processes' as unit,
        day,
        unnest([created + reopened + restored, completed + cancelled, completed, open_at_end])
            ::double as value
    from days
    union all
    select d.procedure, 'resolution', 'seconds', d.day, r.median_seconds
    from days as d
    left join resolutions as r on r.procedure = d.procedure and r.day = d.day
    union all
    select d.procedure, 'sla: ' || p.policy, 'share', d.day, c.share_met
    from days as d
    inner join policies as p on p.procedure = d.procedure
    left join decided as c
        on c.procedure = d.procedure and c.policy = p.policy and c.day = d.day
),

with_past as (
    select
        *,
        row_number() over in_order as day_no,
        avg(value) over (in_order rows between 6 preceding and current row) as mean_7,
        avg(value) over (in_order rows between 27 preceding and current row) as mean_28,
        list_filter(
            list(value) over (in_order rows between 28 preceding and 1 preceding),
            lambda v: v is not null
        ) as past
    from dated
    window in_order as (partition by procedure, indicator order by day)
),

with_limits as (
    select
        *,
        if(len(past) >= 14 and indicator <> 'open', list_avg(past), null) as center,
        -- 2.66 = 3 / 1.128, the mean range of two normal values in standard deviations.
        2.66 * list_avg(
            list_transform(range(2, len(past) + 1), lambda i: abs(past[i] - past[i - 1]))
        ) as half_width,
        greatest(center - half_width, 0) as lower_limit,
        if(unit = 'share', least(center + half_width, 1), center + half_width) as upper_limit
    from with_past
)

select
    l.procedure,
    l.indicator,
    l.unit,
    l.day,
    l.value,
    if(l.day_no >= 7, l.mean_7, null) as average_7,
    if(l.day_no >= 28, l.mean_28, null) as average_28,
    l.center,
    if(l.center is null, null, l.lower_limit) as lower_limit,
    if(l.center is null, null, l.upper_limit) as upper_limit,
    case
        when l.center is not null and l.value > l.upper_limit then 'above'
        when l.center is not null and l.value < l.lower_limit then 'below'
    end as signal,
    t.target,
    t.better,
    case t.better
        when 'higher' then average_7 >= t.target
        when 'lower' then average_7 <= t.target
    end as is_on_target
from with_limits as l
left join targets as t on t.procedure = l.procedure and t.indicator = l.indicator
order by l.procedure, l.indicator, l.day
