-- The time by which 85 % of the stays of open processes in a state have ended, by Kaplan-Meier.
-- Grain: one row per procedure and state with such stays; null until 85 % have ended. A stay ends
-- when the process moves to another state or is closed. It is censored at the build's as_of, by a
-- deletion and by a change of procedure: it lasted at least so long. Stays that began before the
-- procedure was observed, or while the process was closed, are left out.
-- kind: table
with visits as (from history_state_visits),

spells as (from history_status_spells),

observed as (from observed_since),

build as (from build),

-- The status of a process first seen closed is inferred until then; its state is not known.
open_stays_begun as (
    select
        v.procedure,
        v.state,
        v.entered_at,
        v.left_at,
        v.is_left_by_deletion or v.is_left_by_procedure_change as is_cut_off,
        s.ended_at as closed_at,
        coalesce(s.ended_by in ('completed', 'cancelled'), false) as is_closed
    from visits as v
    inner join observed as o on o.procedure = v.procedure
    inner join spells as s
        on s.process_id = v.process_id
        and s.status = 'OPEN'
        and not s.is_inferred
        and s.started_at <= v.entered_at
        and coalesce(s.ended_at > v.entered_at, true)
    where v.entered_at >= o.observed_since
),

time_stays as (
    select
        w.procedure,
        w.state,
        epoch_ms(least(coalesce(w.left_at, b.as_of), coalesce(w.closed_at, b.as_of)))
        - epoch_ms(w.entered_at) as ms,
        case
            when w.closed_at < w.left_at or w.left_at is null then w.is_closed
            else not w.is_cut_off
        end as is_ended
    from open_stays_begun as w
    cross join build as b
),

at_times as (
    select procedure, state, ms, count(*) as n_leaving, count(*) filter (is_ended) as n_ended
    from time_stays
    group by procedure, state, ms
),

at_risk as (
    select
        *,
        sum(n_leaving) over (
            partition by procedure, state order by ms desc
            rows between unbounded preceding and current row
        ) as n_at_risk
    from at_times
),

surviving as (
    select
        *,
        product(1 - n_ended / n_at_risk) over (
            partition by procedure, state order by ms
            rows between unbounded preceding and current row
        ) as survival
    from at_risk
)

select
    procedure,
    state,
    min(ms) filter (survival <= 0.15 + 1e-12) / 1000 as p85_seconds
from surviving
group by procedure, state
