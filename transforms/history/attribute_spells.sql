-- Stays in one value of attributes whose history is kept (`track`), in the values' typed form.
-- Grain: one row per stay. The first version of each stretch of one procedure begins stays with the
-- values that attributes start with, which are not changes; the next procedure ends them. Versions
-- of a deleted process count too.
-- `tracked_values` comes from the definitions (transforms/per_procedure/tracked.py): the first
-- version of each stretch, and those whose data differ from the version before. A personal value
-- that follows erased ones is no change: what it was before is not known.
with tracked_values as (from tracked_values),

versions as (from versions),

states as (from states),

compare_values as (
    select
        *,
        lag(value) over attribute_order as old_value,
        row_number() over attribute_order as value_no,
        if(version_no = 1, started_at, updated_at) as began_at
    from tracked_values
    window attribute_order as (
        partition by process_id, stretch_no, attribute order by version_no
    )
),

find_starts as (
    select *, value_no > 1 and not (is_personal and follows_erased) as is_change
    from compare_values
    where value_no = 1 or value is distinct from old_value
),

end_stretches as (
    select process_id, stretch_no - 1 as stretch_no, updated_at as ended_at
    from versions
    where is_new_procedure
),

number_starts as (
    select
        *,
        row_number() over attribute_order as spell_no,
        count(*) filter (is_change) over attribute_order as change_no,
        lead(updated_at) over stretch_order as next_began_at,
        first_value(began_at) over stretch_order as stretch_began_at,
        max(updated_at) filter (is_change) over (
            stretch_order rows between unbounded preceding and 1 preceding
        ) as previous_change_at
    from find_starts
    window
        attribute_order as (
            partition by process_id, attribute order by version_no
            rows between unbounded preceding and current row
        ),
        stretch_order as (partition by process_id, stretch_no, attribute order by version_no)
)

select
    n.process_id,
    n.procedure,
    n.attribute,
    n.type,
    n.spell_no::integer as spell_no,
    n.value,
    n.began_at as started_at,
    coalesce(n.next_began_at, e.ended_at) as ended_at,
    n.is_change,
    if(n.is_change, n.change_no, null)::integer as change_no,
    n.old_value,
    n.updated_at as changed_at,
    seconds_between(coalesce(n.previous_change_at, n.stretch_began_at), n.updated_at)
        as previous_seconds,
    s.state,
    n.assigned_to,
    n.is_deleted
from number_starts as n
inner join states as s on s.procedure = n.procedure and s.state_rank = n.state_rank
left join end_stretches as e on e.process_id = n.process_id and e.stretch_no = n.stretch_no
