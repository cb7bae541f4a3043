-- The macro `funnel` of the published database: any funnel over states and outcomes.
-- Grain: one row per procedure, value and step. Without `procedure`: every procedure that has all
-- the states. `within` runs from the entry. With `unit := 'attempt'` each attempt of a process is
-- counted as processes are otherwise.
-- kind: published

create macro funnel(
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

step_sums as (
    select
        p.path.procedure as procedure,
        p.path.value as value,
        p.path.step_no as step_no,
        count(*) as processes,
        quantile_cont(seconds_between(p.path.entered_at, p.path.reached_at), [0.5, 0.9])
            as from_first,
        quantile_cont(seconds_between(p.path.previous_reached_at, p.path.reached_at), 0.5)
            as median_from_previous
    from paths as p
    group by p.path.procedure, p.path.value, p.path.step_no
),

last_steps as (
    select
        p.path.procedure as procedure,
        p.path.process_id as process_id,
        max(p.path.step_no) as step_no,
        any_value(p.path.value) as value,
        arg_max(p.path.has_moved_on, p.path.step_no) as has_strayed,
        min(p.path.entered_at) as entered_at,
        min(p.path.next_entered_at) as next_entered_at
    from paths as p
    group by p.path.procedure, p.path.process_id, p.path.attempt_no
),

waiting as (
    select l.procedure, l.value, l.step_no, count(*) as processes
    from last_steps as l
    inner join processes as p
        on p.process_id = l.process_id and p.procedure = l.procedure and p.outcome = 'open'
    cross join build as b
    where
        not is_window_over(b.as_of, l.entered_at, interval_ms(l.entered_at, within))
        and not l.has_strayed
        and l.next_entered_at is null
    group by l.procedure, l.value, l.step_no
),

step_list as (
    select
        s.step.procedure as procedure,
        s.step.step_no as step_no,
        s.step.step as step
    from (select unnest(funnel_step_list(steps, procedure)) as step) as s
),

-- Without values each procedure is one group, also if no process entered.
groups as (
    select distinct s.procedure, s.value from step_sums as s
    union
    select l.procedure, null from step_list as l where "by" is null
),

counted as (
    select
        l.procedure,
        g.value,
        l.step_no,
        case mode
            when 'any_order' then any_order_step(l.step_no, len(steps))
            else l.step
        end as step,
        coalesce(s.processes, 0) as processes,
        s.from_first,
        s.median_from_previous,
        coalesce(sum(n.processes) over (
            partition by l.procedure, g.value order by l.step_no
            rows between unbounded preceding and 1 preceding
        ), 0) as immature
    from step_list as l
    inner join groups as g on g.procedure = l.procedure
    left join step_sums as s
        on s.procedure = l.procedure
        and s.step_no = l.step_no
        and s.value is not distinct from g.value
    left join waiting as n
        on n.procedure = l.procedure
        and n.step_no = l.step_no
        and n.value is not distinct from g.value
),

shared as (
    select
        c.procedure,
        c.value,
        mode as mode,
        c.step_no,
        c.step,
        c.processes,
        share_of(c.processes, first_value(c.processes) over step_order) as share_of_first,
        share_of(c.processes, coalesce(lag(c.processes) over step_order, c.processes))
            as share_of_previous,
        c.from_first,
        c.median_from_previous,
        c.immature,
        first_value(c.processes) over step_order as entered
    from counted as c
    window step_order as (partition by c.procedure, c.value order by c.step_no)
),

packed as (
    select list(s) as step_rows
    from shared as s
),

-- All rows come out of one list that only the check hands over: so the check runs whatever columns
-- and conditions a query has. A query that reads no row (`limit 0`, `where false`) does not run it.
valid as (
    select
        unnest(
            case
                when
                    is_valid_funnel(
                        steps, procedure, within, mode, unit, filter, "by", from_date, to_date
                    )
                    then p.step_rows
            end
        ) as step_row
    from packed as p
)

select
    v.step_row.procedure as procedure,
    v.step_row.mode as mode,
    v.step_row.step_no as step_no,
    v.step_row.step as step,
    v.step_row.processes as processes,
    v.step_row.share_of_first as share_of_first,
    v.step_row.share_of_previous as share_of_previous,
    round(v.step_row.from_first[1], 3) as median_seconds_from_first,
    round(v.step_row.from_first[2], 3) as p90_seconds_from_first,
    round(v.step_row.median_from_previous, 3) as median_seconds_from_previous,
    cast(v.step_row.immature as bigint) as immature,
    share_low(v.step_row.processes, v.step_row.entered) as share_of_first_low,
    share_high(v.step_row.processes, v.step_row.entered) as share_of_first_high,
    is_small_sample(v.step_row.entered) as is_small,
    v.step_row.value as value
from valid as v
order by v.step_row.procedure, v.step_row.value nulls last, v.step_row.step_no;
