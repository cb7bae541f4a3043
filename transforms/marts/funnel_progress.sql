-- How far each process got in each funnel of its procedure, in mode `ordered`: a step is the first
-- visit to one of its states after the visit of the step before, within the funnel's window.
-- Grain: one row per funnel, process and step reached. Later visits decide by their number, not
-- their time, so visits of no length count, and two steps with one state need two visits.
with recursive visits as (from state_visits),

funnels as (from funnels),

funnel_states as (from funnel_states),

processes as (from processes),

build as (from build),

candidates as (
    select
        s.funnel,
        s.procedure,
        s.step_no,
        s.step,
        v.process_id,
        v.visit_no,
        v.entered_at
    from visits as v
    inner join funnel_states as s on s.procedure = v.procedure and s.state = v.state
),

reached as (
    select
        funnel,
        procedure,
        process_id,
        step_no,
        min(visit_no) as visit_no,
        min(entered_at) as reached_at,
        min(entered_at) as entered_at
    from candidates
    where step_no = 1
    group by funnel, procedure, process_id, step_no
    union all
    select
        r.funnel,
        r.procedure,
        r.process_id,
        c.step_no,
        min(c.visit_no) as visit_no,
        min(c.entered_at) as reached_at,
        min(r.entered_at) as entered_at
    from reached as r
    inner join funnels as f on f.funnel = r.funnel and f.procedure = r.procedure
    inner join candidates as c
        on c.funnel = r.funnel
        and c.procedure = r.procedure
        and c.process_id = r.process_id
        and c.step_no = r.step_no + 1
        and c.visit_no > r.visit_no
        and (
            f.within_seconds is null
            or epoch_ms(c.entered_at) - epoch_ms(r.entered_at) <= f.within_seconds * 1000
        )
    group by r.funnel, r.procedure, r.process_id, c.step_no
),

beside_previous as (
    select
        *,
        lag(reached_at) over step_order as previous_reached_at,
        lead(step_no) over step_order is null as is_last
    from reached
    window step_order as (partition by funnel, procedure, process_id order by step_no)
),

steps as (select distinct funnel, procedure, step_no, step from funnel_states)

select
    b.funnel,
    b.procedure,
    'ordered' as mode,
    b.process_id,
    b.step_no,
    s.step,
    b.reached_at,
    seconds_between(b.entered_at, b.reached_at) as seconds_from_first,
    seconds_between(b.previous_reached_at, b.reached_at) as seconds_from_previous,
    case
        when not b.is_last then null
        when b.step_no = f.n_steps then 'finished'
        when p.outcome <> 'open' then p.outcome
        when seconds_between(b.entered_at, t.as_of) > f.within_seconds then 'out_of_time'
        else 'open'
    end as stop_reason
from beside_previous as b
inner join funnels as f on f.funnel = b.funnel and f.procedure = b.procedure
inner join steps as s
    on s.funnel = b.funnel and s.procedure = b.procedure and s.step_no = b.step_no
inner join processes as p on p.process_id = b.process_id
cross join build as t
