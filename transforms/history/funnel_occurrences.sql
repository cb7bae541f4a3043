-- Where a process may reach a step of a funnel, with conditions on values met.
-- Grain: one row per funnel, step and move or outcome. transforms/per_procedure/funnels.py adds the
-- steps with conditions.
with candidates as (from funnel_candidates),

step_list as (from funnel_step_list)

select
    c.funnel_no,
    c.step_no,
    c.process_id,
    c.version_no,
    c.place,
    c.move_no,
    c.is_move,
    c.happened_at
from candidates as c
inner join step_list as s on s.funnel_no = c.funnel_no and s.step_no = c.step_no
where not s.has_where
