-- Where a process may reach a step of a funnel, before conditions on values.
-- Grain: one row per funnel, step and visit to one of its states, or outcome that it asks for.
-- `place` orders them within a process: by the version that shows them, and of one version the
-- visit before the outcome. `visit_no` is the visit in which it happens.
with visits as (from history_state_visits),

spells as (from history_status_spells),

funnel_states as (from funnel_states),

step_list as (from funnel_step_list),

outcomes as (
    select
        s.funnel_no,
        s.step_no,
        p.process_id,
        p.shown_version_no as version_no,
        p.started_at as happened_at
    from spells as p
    inner join step_list as s on s.procedure = p.procedure and s.outcome = p.status
)

select
    s.funnel_no,
    s.step_no,
    v.process_id,
    v.entered_version_no as version_no,
    v.entered_version_no * 2 as place,
    v.visit_no,
    true as is_visit,
    v.entered_at as happened_at
from visits as v
inner join funnel_states as s on s.procedure = v.procedure and s.state = v.state
union all
select
    o.funnel_no,
    o.step_no,
    o.process_id,
    o.version_no,
    o.version_no * 2 + 1,
    v.visit_no,
    false,
    o.happened_at
from outcomes as o
asof inner join visits as v
    on v.process_id = o.process_id and v.entered_version_no <= o.version_no
