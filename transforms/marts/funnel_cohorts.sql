-- The steps of each funnel by the month in which processes entered it.
-- Grain: one row per funnel, mode, month of entry (local) and step.
with sums as (from funnel_sums),

funnels as (from funnels)

select
    f.funnel,
    f.procedure,
    s.mode,
    s.value::date as cohort,
    s.step_no,
    s.step,
    s.processes,
    s.share_of_first,
    s.share_of_previous,
    s.median_seconds_from_first,
    s.p90_seconds_from_first,
    s.median_seconds_from_previous,
    s.immature,
    s.share_of_first_low,
    s.share_of_first_high,
    s.is_small,
    s.n_left_out,
    s.share_of_first_adjusted,
    s.share_of_first_adjusted_low,
    s.share_of_first_adjusted_high
from sums as s
inner join funnels as f on f.funnel_no = s.funnel_no
where s.grouping = 'cohort'
order by f.procedure, f.funnel, s.mode, cohort, s.step_no
