-- How many have been completed or cancelled by each day since their creation, by value of the
-- attributes that a procedure compares its outcomes by.
-- Grain: one row per procedure, attribute, value, outcome and whole day since creation.
with curves as (from outcome_curve_days)

select
    procedure,
    attribute,
    nullif(value, '') as value,
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
where attribute <> ''
order by procedure, attribute, value nulls last, outcome, day
