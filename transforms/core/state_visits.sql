-- Stays in a state as at the build's instant, where running stays end.
-- Grain: one row per stay in a state.
with visits as (from history_state_visits),

build as (from build)

select
    v.process_id,
    v.procedure,
    v.visit_no,
    v.state,
    v.state_name,
    v.state_kind,
    v.state_rank,
    v.entered_at,
    v.left_at,
    v.is_current,
    seconds_between(v.entered_at, coalesce(v.left_at, b.as_of)) as seconds,
    v.previous_state,
    v.next_state,
    v.direction,
    v.is_allowed,
    v.n_previous_visits,
    v.assigned_to,
    v.entered_source
from visits as v
cross join build as b
