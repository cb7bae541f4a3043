-- How long processes stay in each state, and where the time goes.
-- Grain: one row per procedure and state that was ever entered. Durations are those of visits that
-- were left for another state of the procedure; time spent is that of all visits up to the build's
-- as_of, and only while the process was open.
with visits as (
    select
        *,
        not (is_current or is_left_by_deletion or is_left_by_procedure_change) as is_finished
    from state_visits
),

stays as (from open_stays),

sum_visits as (
    select
        procedure,
        state,
        any_value(state_name) as state_name,
        any_value(state_kind) as state_kind,
        any_value(state_rank) as state_rank,
        count(*) as n_visits,
        count(distinct process_id) as processes,
        count(*) filter (is_current) as n_current,
        count(*) filter (is_finished) as n,
        sum(round(seconds * 1000)::bigint) filter (is_finished) as total_ms,
        quantile_cont(seconds, [0.5, 0.75, 0.9, 0.95]) filter (is_finished) as quantiles,
        max(seconds) filter (is_current) as longest_current_seconds
    from visits
    group by procedure, state
),

sum_stays as (
    select procedure, state, sum(round(seconds * 1000)::bigint) as open_ms
    from stays
    group by procedure, state
),

join_sums as (
    select
        v.*,
        coalesce(o.open_ms, 0) as open_ms,
        sum(coalesce(o.open_ms, 0)) over (partition by v.procedure) as all_ms
    from sum_visits as v
    left join sum_stays as o using (procedure, state)
)

select
    procedure,
    state,
    state_name,
    state_kind,
    state_rank,
    n_visits,
    processes,
    n_current,
    n,
    total_ms / nullif(n, 0) / 1000 as mean_seconds,
    round(quantiles[1], 3) as p50_seconds,
    round(quantiles[2], 3) as p75_seconds,
    round(quantiles[3], 3) as p90_seconds,
    round(quantiles[4], 3) as p95_seconds,
    longest_current_seconds,
    open_ms / 1000 as total_open_seconds,
    open_ms / nullif(all_ms, 0) as share_of_open_time,
    case
        when state_kind <> 'done' then (
            row_number() over (
                partition by procedure, state_kind = 'done' order by open_ms desc, state_rank
            )
        )::integer
    end as bottleneck_rank
from join_sums
order by procedure, state_rank
