-- The macro `funnel_processes`: who is behind the bars of a funnel.
-- Grain: one row per procedure and process that entered, with `unit := 'attempt'` per attempt.
-- kind: published

create macro funnel_processes(
    steps,
    procedure := null,
    within := null,
    mode := 'ordered',
    by := null,
    from_date := null,
    to_date := null,
    unit := 'process',
    filter := null
) as table
with paths as materialized (
    select
        unnest(
            funnel_path_list(
                steps, procedure, within, mode, unit, filter,
                table_of_values(procedure, "by"), "by", from_date, to_date
            )
        ) as path
),

last_steps as (
    select
        p.path.procedure as procedure,
        p.path.process_id as process_id,
        any_value(p.path.value) as value,
        max(p.path.step_no) as step_no,
        max(p.path.reached_at) as reached_at,
        arg_max(p.path.has_moved_on, p.path.step_no) as has_strayed,
        min(p.path.entered_at) as entered_at,
        p.path.attempt_no as attempt_no,
        min(p.path.next_entered_at) as next_entered_at
    from paths as p
    group by p.path.procedure, p.path.process_id, p.path.attempt_no
),

step_list as (
    select
        s.step.procedure as procedure,
        s.step.step_no as step_no,
        s.step.step as step
    from (select unnest(funnel_step_list(steps, procedure)) as step) as s
),

explained as (
    select
        l.procedure,
        mode as mode,
        l.process_id,
        p.label,
        p.link,
        l.step_no,
        case mode
            when 'any_order' then any_order_step(l.step_no, len(steps))
            else s.step
        end as step,
        l.entered_at,
        l.reached_at,
        l.value,
        l.attempt_no,
        case
            when l.step_no = len(steps) then 'finished'
            when l.has_strayed then 'strayed'
            when
                l.next_entered_at is not null
                and is_in_window(
                    l.next_entered_at, l.entered_at, interval_ms(l.entered_at, within)
                )
                then 'restarted'
            when l.next_entered_at is not null then 'out_of_time'
            when p.procedure <> l.procedure then 'moved_out'
            when p.outcome <> 'open' then p.outcome
            when is_window_over(b.as_of, l.entered_at, interval_ms(l.entered_at, within))
                then 'out_of_time'
            else 'open'
        end as stop_reason
    from last_steps as l
    inner join step_list as s on s.procedure = l.procedure and s.step_no = l.step_no
    inner join processes as p on p.process_id = l.process_id
    cross join build as b
),

packed as (select list(e) as found from explained as e),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_funnel(
                        steps, procedure, within, mode, unit, filter, "by", from_date, to_date
                    )
                    then p.found
            end
        ) as process
    from packed as p
)

select
    v.process.procedure as procedure,
    v.process.mode as mode,
    v.process.process_id as process_id,
    v.process.label as label,
    v.process.step_no as step_no,
    v.process.step as step,
    v.process.entered_at as entered_at,
    v.process.reached_at as reached_at,
    seconds_between(v.process.entered_at, v.process.reached_at) as seconds_from_first,
    v.process.stop_reason as stop_reason,
    v.process.value as value,
    v.process.link as link,
    v.process.attempt_no as attempt_no
from valid as v
order by
    v.process.procedure,
    v.process.step_no,
    v.process.reached_at,
    v.process.process_id,
    v.process.attempt_no;
