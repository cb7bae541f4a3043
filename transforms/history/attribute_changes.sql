-- Changes of attributes whose history is kept (`track`), in the typed form of their values.
-- Grain: one row per change. The values of the first version are where each attribute starts, and
-- no change. Data of deleted versions are data too. `tracked_values` comes from the definitions
-- (transforms/tracked.py); it has the first version and those whose data differ from the one before.
with tracked_values as (from tracked_values),

states as (from states),

compared as (
    select *, lag(value) over attribute_order as old_value
    from tracked_values
    window attribute_order as (partition by process_id, attribute order by version_no)
),

changes as (
    select *
    from compared
    where version_no > 1 and value is distinct from old_value
),

timed as (
    select
        *,
        row_number() over attribute_order as change_no,
        coalesce(lag(updated_at) over attribute_order, started_at) as held_since
    from changes
    window attribute_order as (partition by process_id, attribute order by version_no)
)

select
    c.process_id,
    c.procedure,
    c.attribute,
    c.type,
    c.change_no::integer as change_no,
    c.old_value,
    c.value as new_value,
    c.updated_at as changed_at,
    seconds_between(c.held_since, c.updated_at) as previous_seconds,
    s.state,
    c.assigned_to
from timed as c
inner join states as s on s.procedure = c.procedure and s.state_rank = c.state_rank
