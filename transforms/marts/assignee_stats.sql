-- What each assignee held and completed, and how long it took, by who held the process then.
-- Grain: one row per procedure, assignee and local month with something held or done, and one for
-- all months together (`period` is null); `assigned_to` is null on the rows of unassigned
-- processes. `held` and `overdue` are as at the end of the month, or at the build's as_of. SLA
-- clocks count in the month in which they stopped, by who held the process then.
with stays as (from dated_stays),

lifecycles as (from process_lifecycle),

assignee_days as (from assignee_daily),

flow_days as (from flow_daily),

clocks as (from sla_clocks),

users as (from users),

build as (from build),

find_last_days as (
    select
        procedure,
        date_trunc('month', day)::date as month,
        max(day) as day,
        day_start((date_trunc('month', max(day)) + interval 1 month)::date, any_value(b.time_zone))
            as next_begins_at,
        any_value(b.as_of) as as_of
    from flow_days
    cross join build as b
    group by procedure, date_trunc('month', day)
),

bound_months as (
    select procedure, month, day, least(next_begins_at, as_of) as ends_at
    from find_last_days
),

-- The time held up to an instant t is t x (starts - ends so far) - (sum of the instants of starts
-- - sum of the instants of ends).
find_held_changes as (
    select procedure, assigned_to, started_day as day, started_at as happened_at, 1 as change
    from stays
    where began_by <> 'moved'
    union all
    select procedure, assigned_to, ended_day, ended_at, -1
    from stays
    where ended_by <> 'moved'
),

sum_held_changes as (
    select
        procedure,
        assigned_to,
        date_trunc('month', day)::date as month,
        sum(change) as change,
        sum(change * epoch_ms(happened_at)) as change_ms
    from find_held_changes
    group by all
),

find_first_months as (
    select procedure, assigned_to, min(month) as first_month
    from sum_held_changes
    group by procedure, assigned_to
),

list_months as (
    select f.procedure, f.assigned_to, m.month, m.day, m.ends_at
    from find_first_months as f
    inner join bound_months as m on m.procedure = f.procedure and m.month >= f.first_month
),

add_up_held as (
    select
        a.*,
        h.month is not null as has_events,
        coalesce(sum(h.change) over months_so_far, 0) * epoch_ms(a.ends_at)
        - coalesce(sum(h.change_ms) over months_so_far, 0) as so_far_ms
    from list_months as a
    left join sum_held_changes as h
        on h.procedure = a.procedure
        and h.assigned_to is not distinct from a.assigned_to
        and h.month = a.month
    window months_so_far as (partition by a.procedure, a.assigned_to order by a.month)
),

split_held as (
    select
        *,
        so_far_ms - lag(so_far_ms, 1, 0) over (
            partition by procedure, assigned_to order by month
        ) as held_ms
    from add_up_held
),

sum_done as (
    select
        procedure,
        assigned_to,
        date_trunc('month', day)::date as month,
        sum(opened) as opened,
        sum(moved_in) as moved_in,
        sum(received) as received,
        sum(handed_on) as handed_on,
        sum(completed) as completed,
        sum(cancelled) as cancelled,
        sum(deleted) as deleted,
        sum(moved_out) as moved_out
    from assignee_days
    group by all
),

join_months as (
    select
        h.procedure,
        h.assigned_to,
        h.month,
        h.has_events or h.held_ms > 0 or e.held > 0 as is_active,
        h.held_ms,
        coalesce(e.held, 0) as held,
        coalesce(e.overdue, 0) as overdue,
        coalesce(d.opened, 0) as opened,
        coalesce(d.moved_in, 0) as moved_in,
        coalesce(d.received, 0) as received,
        coalesce(d.handed_on, 0) as handed_on,
        coalesce(d.completed, 0) as completed,
        coalesce(d.cancelled, 0) as cancelled,
        coalesce(d.deleted, 0) as deleted,
        coalesce(d.moved_out, 0) as moved_out
    from split_held as h
    left join sum_done as d
        on d.procedure = h.procedure
        and d.assigned_to is not distinct from h.assigned_to
        and d.month = h.month
    left join assignee_days as e
        on e.procedure = h.procedure
        and e.assigned_to is not distinct from h.assigned_to
        and e.day = h.day
),

-- Over all months `held` and `overdue` are those of the last month, even if the assignee was not
-- active in it.
sum_periods as (
    select
        procedure,
        assigned_to,
        month as period,
        bool_or(coalesce(is_active, false)) as is_active,
        sum(held_ms) as held_ms,
        max_by(held, month) as held,
        max_by(overdue, month) as overdue,
        sum(opened) as opened,
        sum(moved_in) as moved_in,
        sum(received) as received,
        sum(handed_on) as handed_on,
        sum(completed) as completed,
        sum(cancelled) as cancelled,
        sum(deleted) as deleted,
        sum(moved_out) as moved_out
    from join_months
    group by grouping sets ((procedure, assigned_to), (procedure, assigned_to, month))
),

-- `resolution_seconds` counts for the person who held the process at its first completion.
find_completions as (
    select
        s.procedure,
        s.assigned_to,
        date_trunc('month', s.ended_day)::date as month,
        case
            when s.ended_at = l.first_completed_at
            and row_number() over (partition by s.process_id order by s.stay_no) = 1
                then l.resolution_seconds
        end as resolution_seconds,
        n.stay_no is not null as is_undone
    from stays as s
    inner join lifecycles as l on l.process_id = s.process_id
    left join stays as n
        on n.process_id = s.process_id
        and n.stay_no = s.stay_no + 1
        and n.began_by = 'reopened'
    where s.ended_by = 'completed'
),

sum_completions as (
    select
        procedure,
        assigned_to,
        month as period,
        quantile_cont(resolution_seconds, [0.5, 0.9]) as quantiles,
        count(*) filter (is_undone) as completed_then_reopened
    from find_completions
    group by grouping sets ((procedure, assigned_to), (procedure, assigned_to, month))
),

find_decided_clocks as (
    select
        c.procedure,
        c.assigned_to,
        date_trunc('month', local_day(c.stopped_at, b.time_zone))::date as month,
        c.status
    from clocks as c
    cross join build as b
    where c.status in ('met', 'breached')
),

sum_clocks as (
    select
        procedure,
        assigned_to,
        month as period,
        count(*) filter (status = 'met') as sla_met,
        count(*) filter (status = 'breached') as sla_breached
    from find_decided_clocks
    group by grouping sets ((procedure, assigned_to), (procedure, assigned_to, month))
    -- Running clocks have no month.
    having grouping(month) = 1 or month is not null
)

select
    p.procedure,
    p.assigned_to,
    coalesce(u.name, p.assigned_to::varchar) as assigned_to_name,
    p.period,
    p.held_ms / 1000 as held_seconds,
    p.held::bigint as held,
    p.overdue::bigint as overdue,
    p.opened::bigint as opened,
    p.moved_in::bigint as moved_in,
    p.received::bigint as received,
    p.handed_on::bigint as handed_on,
    p.completed::bigint as completed,
    p.cancelled::bigint as cancelled,
    p.deleted::bigint as deleted,
    p.moved_out::bigint as moved_out,
    p.completed / nullif(sum(p.completed) over (partition by p.procedure, p.period), 0)
        as share_of_completed,
    round(c.quantiles[1], 3) as p50_resolution_seconds,
    round(c.quantiles[2], 3) as p90_resolution_seconds,
    coalesce(c.completed_then_reopened, 0) as completed_then_reopened,
    coalesce(c.completed_then_reopened, 0) / nullif(p.completed, 0) as share_reopened,
    coalesce(k.sla_met, 0) as sla_met,
    coalesce(k.sla_breached, 0) as sla_breached,
    k.sla_met / (k.sla_met + k.sla_breached) as share_sla_met
from sum_periods as p
left join sum_completions as c
    on c.procedure = p.procedure
    and c.assigned_to is not distinct from p.assigned_to
    and c.period is not distinct from p.period
left join sum_clocks as k
    on k.procedure = p.procedure
    and k.assigned_to is not distinct from p.assigned_to
    and k.period is not distinct from p.period
left join users as u on u.user_id = p.assigned_to
where p.is_active
order by p.procedure, p.assigned_to nulls first, p.period nulls first
