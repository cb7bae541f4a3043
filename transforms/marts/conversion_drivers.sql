-- Which values of an attribute go with converting, each compared with all other processes.
-- Grain: one row per funnel with a window, attribute that it is broken down by at entry, and value,
-- in mode `ordered`. Only processes whose window is over count: all of them have had the same time.
-- With an empty cell, one half is added to all four (Haldane 1956), and the limits are those of
-- Woolf (1955). P-values are adjusted for all tests of the funnel (Holm 1979).
with values_at_entry as (from funnel_values_at_entry),

funnels as (from funnels),

entered as (
    select
        f.funnel_no,
        v.attribute,
        coalesce(v.value, '') as value,
        v.is_window_over as is_over,
        v.is_finished as is_converted
    from values_at_entry as v
    inner join funnels as f on f.procedure = v.procedure and f.funnel = v.funnel
    where f.within_seconds is not null and v.is_observed_from_start
),

by_value as (
    select
        funnel_no,
        attribute,
        value,
        count(*) filter (is_over) as processes,
        count(*) filter (is_over and is_converted) as converted,
        count(*) filter (not is_over) as waiting
    from entered
    group by funnel_no, attribute, value
),

compared as (
    select
        *,
        (sum(processes) over one_attribute - processes)::bigint as others,
        (sum(converted) over one_attribute - converted)::bigint as others_converted
    from by_value
    window one_attribute as (partition by funnel_no, attribute)
),

cells as (
    select
        *,
        processes > 0
        and others > 0
        and converted + others_converted between 1 and processes + others - 1 as is_comparable,
        if(
            least(
                converted,
                processes - converted,
                others_converted,
                others - others_converted
            ) = 0,
            0.5,
            0
        ) as added,
        ln(
            (converted + added) * (others - others_converted + added)
            / ((processes - converted + added) * (others_converted + added))
        ) as log_odds_ratio,
        1.959963984540054 * sqrt(
            1 / (converted + added)
            + 1 / (processes - converted + added)
            + 1 / (others_converted + added)
            + 1 / (others - others_converted + added)
        ) as width,
        is_small_sample(least(processes, others)) as is_small
    from compared
),

tested as (
    select
        *,
        if(
            is_small,
            null,
            fisher_exact(converted, processes, others, converted + others_converted)
        ) as p_value
    from cells
),

ranked as (
    select
        *,
        count(p_value) over (partition by funnel_no) as n_tests,
        row_number() over (partition by funnel_no order by p_value, attribute, value) as place
    from tested
)

select
    f.funnel,
    f.procedure,
    r.attribute,
    nullif(r.value, '') as value,
    r.processes,
    r.converted,
    share_of(r.converted, r.processes) as share,
    share_low(r.converted, r.processes) as share_low,
    share_high(r.converted, r.processes) as share_high,
    r.waiting,
    r.others,
    share_of(r.others_converted, r.others) as share_of_others,
    if(r.is_comparable, exp(r.log_odds_ratio), null) as odds_ratio,
    if(r.is_comparable, exp(r.log_odds_ratio - r.width), null) as odds_ratio_low,
    if(r.is_comparable, exp(r.log_odds_ratio + r.width), null) as odds_ratio_high,
    r.p_value,
    r.n_tests,
    holm_adjusted(r.p_value, r.funnel_no, r.n_tests, r.place) as p_adjusted,
    r.is_small
from ranked as r
inner join funnels as f on f.funnel_no = r.funnel_no
order by f.procedure, f.funnel, r.attribute, value nulls last
