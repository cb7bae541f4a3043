-- How many have been completed or cancelled by each day since their creation.
-- Grain: one row per procedure, outcome (`completed`, `cancelled`, or `any` of them) and whole day
-- since creation, from 0 to the last day on which a process was still at risk.
with curves as (from outcome_curve_days)

select
    procedure,
    outcome,
    day,
    at_risk,
    events,
    cumulative_incidence,
    standard_error,
    lower_95,
    upper_95,
    survival,
    is_small
from curves
where attribute = ''
order by procedure, outcome, day
