-- Where a process may reach a step of a funnel, before conditions on values.
-- Grain: one row per funnel, step and move into one of its states, or outcome that it asks for.
-- `place` orders them within a process, `move_no` is the move during which it happens.
-- kind: view
with moves as (from funnel_moves),

spells as (from status_spells),

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
    m.process_id,
    m.version_no,
    m.place,
    m.move_no,
    true as is_move,
    m.entered_at as happened_at
from moves as m
inner join funnel_states as s on s.procedure = m.procedure and s.state = m.state
union all
select
    o.funnel_no,
    o.step_no,
    o.process_id,
    o.version_no,
    place_of_outcome(o.version_no),
    m.move_no,
    false,
    o.happened_at
from outcomes as o
asof inner join moves as m
    on m.process_id = o.process_id and m.version_no <= o.version_no
