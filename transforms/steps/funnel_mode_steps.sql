-- The steps of each funnel as each mode counts them.
-- Grain: one row per funnel, mode and step. In mode `any_order` a step is a number of steps done.
with step_list as (from funnel_step_list),

funnels as (from funnels),

modes as (select unnest(list_filter(funnel_modes(), lambda m: m <> 'any_order')) as mode)

select m.mode, s.funnel_no, s.step_no, s.step, s.is_optional
from step_list as s
cross join modes as m
union all
select
    'any_order',
    s.funnel_no,
    s.required_no,
    any_order_step(s.required_no, f.n_required),
    false
from step_list as s
inner join funnels as f on f.funnel_no = s.funnel_no
where not s.is_optional
