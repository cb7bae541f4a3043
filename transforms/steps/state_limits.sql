-- How long 85 % of the visits to each state took that were left for another state.
-- Grain: one row per procedure and state with such visits.
with visits as (from state_visits)

select procedure, state, round(quantile_cont(seconds, 0.85), 3) as p85_seconds
from visits
where not is_current and not is_left_by_deletion
group by procedure, state
