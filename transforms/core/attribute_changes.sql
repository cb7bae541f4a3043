-- Changes of attributes whose history is kept, up to the build's instant.
-- Grain: one row per change of one attribute of one process.
with changes as (from history_attribute_changes)

select
    process_id,
    procedure,
    attribute,
    type,
    change_no,
    old_value,
    new_value,
    changed_at,
    previous_seconds,
    state,
    assigned_to
from changes
