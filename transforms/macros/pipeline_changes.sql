-- The macro `pipeline_changes`: from what was open at one instant to what was open at another.
-- Grain: one row per procedure and kind of change, in the order in which they add up.
-- kind: published

-- The kinds of change. Those with a sign 0 move nothing in or out.
create macro pipeline_steps() as [
    {'change': 'open at start', 'sign': 0},
    {'change': 'new', 'sign': 1},
    {'change': 'reopened', 'sign': 1},
    {'change': 'restored', 'sign': 1},
    {'change': 'moved in', 'sign': 1},
    {'change': 'value up', 'sign': 0},
    {'change': 'value down', 'sign': 0},
    {'change': 'won', 'sign': -1},
    {'change': 'lost', 'sign': -1},
    {'change': 'deleted', 'sign': -1},
    {'change': 'moved out', 'sign': -1},
    {'change': 'moved on', 'sign': 0},
    {'change': 'moved back', 'sign': 0},
    {'change': 'open at end', 'sign': 0}
];

-- The kind of change that begins, or ends, an open stay.
create macro pipeline_change(event) as case event
    when 'created' then 'new'
    when 'moved_in' then 'moved in'
    when 'completed' then 'won'
    when 'cancelled' then 'lost'
    when 'moved_out' then 'moved out'
    else event
end;

-- True, or an error that says what was found and what is allowed.
create macro is_valid_pipeline(from_instant, to_instant, asked, column_name) as
    case
        when not is_valid_choice('pipeline_changes', asked, null, null, null)
            then false
        when
            known_instant('pipeline_changes', from_instant)
            > known_instant('pipeline_changes', to_instant)
            then error(
                'pipeline_changes: found from_instant ' || from_instant || ' after to_instant '
                || to_instant || '; allowed: an instant at or before it'
            )
        else is_valid_amount('pipeline_changes', asked, column_name)
    end;

create macro pipeline_changes(
    from_instant,
    to_instant,
    procedure := null,
    value := null
) as table
with instants as (
    select
        known_instant('pipeline_changes', from_instant) as first_at,
        known_instant('pipeline_changes', to_instant) as last_at
),

stays as (
    select
        s.procedure as procedure,
        s.process_id as process_id,
        s.stay_no as stay_no,
        s.state_rank as state_rank,
        s.began_by as began_by,
        s.ended_by as ended_by,
        is_within(i.first_at, s.started_at, s.ended_at) as is_first,
        is_within(i.last_at, s.started_at, s.ended_at) as is_last
    from open_stays as s
    cross join instants as i
    where
        (procedure is null or s.procedure = procedure)
        and s.started_at <= i.last_at
        and (
            is_within(i.first_at, s.started_at, s.ended_at)
            or s.started_at > i.first_at
        )
),

-- One row per process and procedure in which it was open at some time from the one instant to the
-- other: how it came in and how it went out.
members as (
    select
        s.procedure,
        s.process_id,
        bool_or(s.is_first) as is_open_first,
        bool_or(s.is_last) as is_open_last,
        arg_min(s.began_by, s.stay_no) as came_by,
        arg_max(s.ended_by, s.stay_no) as went_by,
        max(s.state_rank) filter (s.is_first) as first_rank,
        max(s.state_rank) filter (s.is_last) as last_rank
    from stays as s
    group by s.procedure, s.process_id
),

latest as (
    select g.found.process_id as process_id, as_amount(g.found.value) as amount
    from (
        select unnest(process_value_list(table_of_values(procedure, value), value)) as found
    ) as g
),

-- Of an attribute whose history is kept: the value in force, before the first one that, after the
-- process has left the procedure the last one. Values are packed, as `arg_max` passes over nulls.
tracked as (
    select
        a.process_id,
        arg_min(struct_pack(v := a.value), a.spell_no) as earliest,
        arg_max(struct_pack(v := a.value), a.spell_no) filter (a.started_at <= i.first_at)
            as first_value,
        arg_max(struct_pack(v := a.value), a.spell_no) filter (a.started_at <= i.last_at)
            as last_value
    from attribute_spells as a
    cross join instants as i
    where a.procedure = procedure and a.attribute = value
    group by a.process_id
),

valued as (
    select
        m.*,
        case
            when t.process_id is not null
                then as_amount(coalesce(t.first_value, t.earliest).v)
            else l.amount
        end as first_amount,
        case
            when t.process_id is not null
                then as_amount(coalesce(t.last_value, t.earliest).v)
            else l.amount
        end as last_amount
    from members as m
    left join latest as l on l.process_id = m.process_id
    left join tracked as t on t.process_id = m.process_id
),

changes as (
    select v.procedure, 'open at start' as change, v.first_amount as amount
    from valued as v
    where v.is_open_first
    union all
    select v.procedure, pipeline_change(v.came_by), v.last_amount
    from valued as v
    where not v.is_open_first
    union all
    select
        v.procedure,
        case
            when coalesce(v.last_amount, 0) > coalesce(v.first_amount, 0) then 'value up'
            else 'value down'
        end,
        coalesce(v.last_amount, 0) - coalesce(v.first_amount, 0)
    from valued as v
    where v.is_open_first and coalesce(v.last_amount, 0) <> coalesce(v.first_amount, 0)
    union all
    select v.procedure, pipeline_change(v.went_by), v.last_amount
    from valued as v
    where not v.is_open_last
    union all
    select
        v.procedure,
        case when v.last_rank > v.first_rank then 'moved on' else 'moved back' end,
        v.last_amount
    from valued as v
    where v.is_open_first and v.is_open_last and v.last_rank <> v.first_rank
    union all
    select v.procedure, 'open at end', v.last_amount
    from valued as v
    where v.is_open_last
),

sums as (
    select
        c.procedure,
        c.change,
        count(*) as processes,
        coalesce(sum(c.amount), 0) as amount,
        count(*) filter (c.amount is null) as n_without_value
    from changes as c
    group by c.procedure, c.change
),

steps as (
    select
        p.procedure,
        unnest(pipeline_steps()) as step,
        generate_subscripts(pipeline_steps(), 1) as step_no
    from (
        select distinct s.procedure
        from states as s
        where procedure is null or s.procedure = procedure
    ) as p
),

filled as (
    select
        s.procedure,
        s.step_no,
        s.step.change as change,
        s.step.sign as sign,
        coalesce(u.processes, 0) as processes,
        coalesce(u.amount, 0) as amount,
        coalesce(u.n_without_value, 0) as n_without_value
    from steps as s
    left join sums as u on u.procedure = s.procedure and u.change = s.step.change
),

signed as (
    select
        f.*,
        f.sign * f.processes as change_processes,
        case
            when f.change in ('value up', 'value down') then f.amount
            else f.sign * f.amount
        end as change_amount,
        f.change = 'open at start' as is_start
    from filled as f
),

added as (
    select
        s.*,
        sum(case when s.is_start then s.processes else s.change_processes end) over up_to_here
            as open_processes,
        sum(case when s.is_start then s.amount else s.change_amount end) over up_to_here
            as open_amount
    from signed as s
    window up_to_here as (
        partition by s.procedure order by s.step_no
        rows between unbounded preceding and current row
    )
),

packed as (select list(a) as found from added as a),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when is_valid_pipeline(from_instant, to_instant, procedure, value) then p.found
            end
        ) as step
    from packed as p
)

select
    v.step.procedure as procedure,
    v.step.step_no as step_no,
    v.step.change as change,
    v.step.processes as processes,
    v.step.change_processes as change_processes,
    cast(v.step.open_processes as bigint) as open_processes,
    case when value is not null then v.step.amount end as amount,
    case when value is not null then v.step.change_amount end as change_amount,
    case when value is not null then v.step.open_amount end as open_amount,
    case when value is not null then v.step.n_without_value end as n_without_value
from valid as v
order by v.step.procedure, v.step.step_no;
