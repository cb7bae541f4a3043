-- When processes entered each funnel.
-- Grain: one row per funnel, mode and process that entered.
with paths as (from funnel_paths)

select
    mode,
    funnel_no,
    process_id,
    entered_at as happened_at,
    version_of(entry_place) as version_no
from paths
where step_no = 1
