-- Macros of the published database. They read its tables only, and run on DuckDB 1.2 and later.
-- Columns are always qualified: a bare name that is also a parameter would mean the parameter.

-- Any funnel in mode `ordered`: step k is the first visit to its state after the visit of step k-1,
-- within `within` of step 1. Grain: one row per procedure and step. Without `procedure`: every
-- procedure that has all the states.
create macro funnel(steps, procedure := null, within := null, mode := 'ordered') as table
with recursive wanted as (
    select unnest(steps) as state, generate_subscripts(steps, 1) as step_no
),

unknown_states as (
    select string_agg(w.state, ', ' order by w.step_no) as names
    from wanted as w
    where not exists (select 1 from states as s where s.state = w.state)
),

unknown_procedures as (
    select procedure as name
    where procedure is not null
        and not exists (select 1 from states as s where s.procedure = procedure)
),

checked as (
    select
        case
            when mode <> 'ordered'
                then error('funnel: found mode ' || mode || '; allowed: ordered')
            when len(steps) = 0
                then error('funnel: found no steps; allowed: a list of states, such as [''NEW'']')
            when (select u.names from unknown_states as u) is not null
                then error(
                    'funnel: found unknown states ' || (select u.names from unknown_states as u)
                    || '; allowed: ' || (
                        select string_agg(distinct s.state, ', ' order by s.state) from states as s
                    )
                )
            when (select max(u.name) from unknown_procedures as u) is not null
                then error(
                    'funnel: found unknown procedure ' || procedure || '; allowed: ' || (
                        select string_agg(distinct s.procedure, ', ' order by s.procedure)
                        from states as s
                    )
                )
            else true
        end as is_valid
),

chosen as (
    select s.procedure
    from states as s
    where
        s.state in (select w.state from wanted as w)
        and (procedure is null or s.procedure = procedure)
        and (select c.is_valid from checked as c)
    group by s.procedure
    having count(distinct s.state) = (select count(distinct w.state) from wanted as w)
),

candidates as (
    select v.procedure, v.process_id, w.step_no, v.visit_no, v.entered_at
    from state_visits as v
    inner join wanted as w on w.state = v.state
    inner join chosen as c on c.procedure = v.procedure
),

reached as (
    select
        c.procedure,
        c.process_id,
        c.step_no,
        min(c.visit_no) as visit_no,
        min(c.entered_at) as reached_at,
        min(c.entered_at) as entered_at,
        cast(null as timestamp) as previous_reached_at
    from candidates as c
    where c.step_no = 1
    group by c.procedure, c.process_id, c.step_no
    union all
    select
        r.procedure,
        r.process_id,
        c.step_no,
        min(c.visit_no) as visit_no,
        min(c.entered_at) as reached_at,
        min(r.entered_at) as entered_at,
        min(r.reached_at) as previous_reached_at
    from reached as r
    inner join candidates as c
        on c.process_id = r.process_id and c.step_no = r.step_no + 1 and c.visit_no > r.visit_no
    where within is null or c.entered_at <= r.entered_at + cast(within as interval)
    group by r.procedure, r.process_id, c.step_no
),

step_sums as (
    select
        r.procedure,
        r.step_no,
        count(*) as processes,
        quantile_cont(epoch_ms(r.reached_at) - epoch_ms(r.entered_at), [0.5, 0.9]) as from_first,
        quantile_cont(epoch_ms(r.reached_at) - epoch_ms(r.previous_reached_at), 0.5)
            as median_from_previous
    from reached as r
    group by r.procedure, r.step_no
),

waiting as (
    select l.procedure, l.step_no, count(*) as processes
    from (
        select
            r.procedure,
            r.process_id,
            max(r.step_no) as step_no,
            min(r.entered_at) as entered_at
        from reached as r
        group by r.procedure, r.process_id
    ) as l
    inner join processes as p on p.process_id = l.process_id and p.outcome = 'open'
    cross join build as b
    where within is null or b.as_of < l.entered_at + cast(within as interval)
    group by l.procedure, l.step_no
),

counted as (
    select
        c.procedure,
        w.step_no,
        w.state as step,
        coalesce(s.processes, 0) as processes,
        s.from_first,
        s.median_from_previous,
        coalesce(sum(n.processes) over (
            partition by c.procedure order by w.step_no
            rows between unbounded preceding and 1 preceding
        ), 0) as immature
    from chosen as c
    cross join wanted as w
    left join step_sums as s on s.procedure = c.procedure and s.step_no = w.step_no
    left join waiting as n on n.procedure = c.procedure and n.step_no = w.step_no
)

select
    t.procedure,
    'ordered' as mode,
    t.step_no,
    t.step,
    t.processes,
    t.processes / nullif(first_value(t.processes) over step_order, 0) as share_of_first,
    t.processes / nullif(coalesce(lag(t.processes) over step_order, t.processes), 0)
        as share_of_previous,
    round(t.from_first[1] / 1000, 3) as median_seconds_from_first,
    round(t.from_first[2] / 1000, 3) as p90_seconds_from_first,
    round(t.median_from_previous / 1000, 3) as median_seconds_from_previous,
    cast(t.immature as bigint) as immature
from counted as t
window step_order as (partition by t.procedure order by t.step_no)
order by t.procedure, t.step_no;
