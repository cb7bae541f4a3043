-- The groups of processes in which funnels are counted: all, and by month of entry. Groups by the
-- values of attributes are added to this.
-- Grain: one row per funnel, mode, process that entered, and group it is in.
with moments as (from funnel_moments),

build as (from build)

select mode, funnel_no, process_id, 'all' as grouping, '' as attribute, '' as value_of, '' as value
from moments
union all
select
    m.mode,
    m.funnel_no,
    m.process_id,
    'cohort',
    '',
    '',
    date_trunc('month', local_day(m.happened_at, b.time_zone))::date::varchar
from moments as m
cross join build as b
