-- Changes of attributes whose history is kept (`track`), in the typed form of their values.
-- Grain: one row per change. The first version of each stretch of one procedure has the values that
-- attributes start with, which are not changes. Versions of a deleted process count too.
-- `tracked_values` comes from the definitions (transforms/per_procedure/tracked.py): the first
-- version of each stretch, and those whose data differ from the version before. A personal value
-- that follows erased ones is no change: what it was before is not known.
with tracked_values as (from tracked_values),

states as (from states),

compare_values as (
    select
        *,
        lag(value) over attribute_order as old_value,
        row_number() over attribute_order as value_no,
        first_value(if(version_no = 1, started_at, updated_at)) over attribute_order
            as stretch_started_at
    from tracked_values
    window attribute_order as (
        partition by process_id, stretch_no, attribute order by version_no
    )
),

find_changes as (
    select *
    from compare_values
    where
        value_no > 1
        and value is distinct from old_value
        and not (is_personal and follows_erased)
),

time_changes as (
    select
        *,
        row_number() over (partition by process_id, attribute order by version_no) as change_no,
        coalesce(
            lag(updated_at) over (
                partition by process_id, stretch_no, attribute order by version_no
            ),
            stretch_started_at
        ) as held_since
    from find_changes
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
    c.assigned_to,
    c.is_deleted
from time_changes as c
inner join states as s on s.procedure = c.procedure and s.state_rank = c.state_rank
