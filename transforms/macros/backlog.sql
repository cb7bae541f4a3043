-- The macro `backlog`: what was open at the end of each local day, by state, assignee, pod or any
-- column.
-- Grain: one row per day, procedure and value with at least one open process; the last day ends at
-- the build's as_of.
-- kind: published

-- A column of the table of processes, as opposed to what an open stay has of its own.
create macro column_of_processes(column_name) as
    case when column_name not in ('state', 'assigned_to', 'pod_id') then column_name end;

create macro backlog(
    procedure := null,
    by := 'state',
    from_date := null,
    to_date := null,
    filter := null
) as table
with grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (
        select
            unnest(
                process_value_list(
                    table_of_values(procedure, column_of_processes("by")),
                    column_of_processes("by")
                )
            ) as found
    ) as g
),

stays as (
    select
        s.procedure as procedure,
        case "by"
            when 'state' then s.state
            when 'assigned_to' then cast(s.assigned_to as varchar)
            when 'pod_id' then cast(s.pod_id as varchar)
            else g.value
        end as value,
        local_day(s.started_at, b.time_zone) as started_day,
        local_day(s.ended_at, b.time_zone) as ended_day
    from open_stays as s
    cross join build as b
    left join grouped as g on g.process_id = s.process_id
    where
        (procedure is null or s.procedure = procedure)
        and is_wanted(s.process_id, procedure, filter)
),

changes as (
    select s.procedure, s.value, s.started_day as change_day, 1 as change from stays as s
    union all
    select s.procedure, s.value, s.ended_day, -1 from stays as s where s.ended_day is not null
),

sums as (
    select c.procedure, c.value, c.change_day, sum(c.change) as change
    from changes as c
    group by c.procedure, c.value, c.change_day
),

levels as (
    select
        s.procedure,
        s.value,
        s.change_day,
        sum(s.change) over value_days as open_processes,
        lead(s.change_day) over value_days as next_day
    from sums as s
    window value_days as (partition by s.procedure, s.value order by s.change_day)
),

daily as (
    select d.day as end_day, l.procedure, l.value, cast(l.open_processes as bigint) as processes
    from levels as l
    inner join flow_daily as d
        on d.procedure = l.procedure
        and d.day >= l.change_day
        and (l.next_day is null or d.day < l.next_day)
    where l.open_processes > 0 and is_day_within(d.day, from_date, to_date)
),

packed as (select list(d) as found from daily as d),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_choice(
                        'backlog', procedure, column_of_processes("by"), from_date, to_date
                    )
                    and is_valid_filter('backlog', procedure, filter)
                    then p.found
            end
        ) as level
    from packed as p
)

select
    v.level.end_day as day,
    v.level.procedure as procedure,
    v.level.value as value,
    v.level.processes as open_processes
from valid as v
order by v.level.procedure, v.level.end_day, v.level.value nulls last;
