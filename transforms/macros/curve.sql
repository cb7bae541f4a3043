-- The macro `curve`: the share with an outcome by each day since creation, as in `outcome_curves`
-- but of any group.
-- Deletion is an outcome too if asked for, otherwise it censors.
-- Grain: one row per procedure, value and day since creation, from 0 to the last day on which a
-- process was still at risk.
-- kind: published

create macro known_outcomes(with_deleted) as
    case
        when with_deleted then ['completed', 'cancelled', 'deleted', 'any']
        else ['completed', 'cancelled', 'any']
    end;

-- True, or an error that says what was found and what is allowed.
create macro is_valid_curve(
    asked, outcome_asked, column_name, from_date, to_date, with_deleted
) as
    case
        when not is_valid_choice('curve', asked, column_name, from_date, to_date)
            then false
        when with_deleted is null
            then error('curve: found with_deleted null; allowed: true, false')
        when
            outcome_asked is null
            or not list_contains(known_outcomes(with_deleted), outcome_asked)
            then error(
                'curve: found outcome ' || coalesce(outcome_asked, 'null') || '; allowed: '
                || array_to_string(known_outcomes(with_deleted), ', ')
                || case
                    when outcome_asked = 'deleted' then '; deleted with with_deleted := true'
                    else ''
                end
            )
        else true
    end;

create macro curve(
    procedure,
    outcome,
    by := null,
    from_date := null,
    to_date := null,
    with_deleted := false,
    filter := null
) as table
with grouped as (
    select g.found.process_id as process_id, g.found.value as value
    from (
        select
            unnest(process_value_list(table_of_values(procedure, "by"), "by")) as found
    ) as g
),

-- The time at risk is that of per_procedure/outcomes.py: from just after a late entry.
members as materialized (
    select
        o.procedure as procedure,
        g.value as value,
        case
            when with_deleted and o.ended_by = 'deleted' then 'deleted'
            else o.outcome
        end as ended_with,
        case
            when o.is_observed_from_start then 0
            else epoch_ms(o.entered_at) - epoch_ms(o.started_at) + 1
        end as from_ms,
        epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms
    from process_outcomes as o
    cross join build as b
    left join grouped as g on g.process_id = o.process_id
    where
        o.entered_at is not null
        and (procedure is null or o.procedure = procedure)
        and is_day_within(local_day(o.started_at, b.time_zone), from_date, to_date)
        and is_wanted(o.process_id, procedure, filter)
),

observed as (
    select
        list({
            'procedure': m.procedure,
            'value': m.value,
            'outcome': m.ended_with,
            'from_ms': m.from_ms,
            'ms': m.ms
        }) as found
    from members as m
),

-- A key without nulls: a join as of a time finds none.
estimates as (
    select
        e.found.procedure as procedure,
        concat('=' || e.found.value) as value_key,
        e.found.ms as ms,
        e.found.fewest_at_risk as fewest_at_risk,
        e.found.survival as survival,
        e.found.incidence as incidence,
        e.found.standard_error as standard_error,
        e.found.lower_95 as lower_95,
        e.found.upper_95 as upper_95
    from (select unnest(estimate_list((select o.found from observed as o))) as found) as e
    where e.found.outcome = outcome
),

in_days as (
    select
        m.procedure,
        m.value,
        m.ended_with,
        cast(ceil(m.ms / 86400000) as integer) as leaving_day,
        cast(ceil(m.from_ms / 86400000) as integer) as entry_day
    from members as m
),

days as (
    select
        i.procedure,
        i.value,
        cast(unnest(range(0, max(i.leaving_day) + 1)) as integer) as day_no
    from in_days as i
    group by i.procedure, i.value
),

leaving as (
    select
        i.procedure,
        i.value,
        i.leaving_day,
        count(*) as n_leaving,
        count(*) filter (
            i.ended_with = outcome or (outcome = 'any' and i.ended_with is not null)
        ) as events
    from in_days as i
    group by i.procedure, i.value, i.leaving_day
),

entering as (
    select i.procedure, i.value, i.entry_day, count(*) as n_entering
    from in_days as i
    group by i.procedure, i.value, i.entry_day
),

counted as (
    select
        d.procedure,
        d.value,
        concat('=' || d.value) as value_key,
        d.day_no,
        cast(
            sum(coalesce(l.n_leaving, 0)) over (
                later rows between unbounded preceding and current row
            )
            - coalesce(
                sum(coalesce(n.n_entering, 0)) over (
                    later rows between unbounded preceding and 1 preceding
                ),
                0
            )
            as bigint
        ) as at_risk,
        coalesce(l.events, 0) as events
    from days as d
    left join leaving as l
        on l.procedure = d.procedure
        and l.value is not distinct from d.value
        and l.leaving_day = d.day_no
    left join entering as n
        on n.procedure = d.procedure
        and n.value is not distinct from d.value
        and n.entry_day = d.day_no
    window later as (partition by d.procedure, d.value order by d.day_no desc)
),

estimated as (
    select
        c.procedure,
        c.value,
        c.day_no,
        c.at_risk,
        c.events,
        coalesce(e.incidence, 0) as incidence,
        coalesce(e.standard_error, 0) as standard_error,
        e.lower_95,
        e.upper_95,
        coalesce(e.survival, 1) as survival,
        least(
            coalesce(e.fewest_at_risk, c.at_risk),
            min(c.at_risk) over (
                partition by c.procedure, c.value order by c.day_no
                rows between unbounded preceding and current row
            )
        ) as fewest
    from counted as c
    asof left join estimates as e
        on e.procedure = c.procedure
        and e.value_key = c.value_key
        and e.ms <= c.day_no * cast(86400000 as bigint)
),

packed as (select list(e) as found from estimated as e),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_curve(procedure, outcome, "by", from_date, to_date, with_deleted)
                    and is_valid_filter('curve', procedure, filter)
                    then p.found
            end
        ) as point
    from packed as p
)

select
    v.point.procedure as procedure,
    v.point.value as value,
    outcome as outcome,
    v.point.day_no as day,
    v.point.at_risk as at_risk,
    v.point.events as events,
    v.point.incidence as cumulative_incidence,
    v.point.standard_error as standard_error,
    v.point.lower_95 as lower_95,
    v.point.upper_95 as upper_95,
    v.point.survival as survival,
    is_small_sample(v.point.fewest) as is_small
from valid as v
order by v.point.procedure, v.point.value nulls last, v.point.day_no;
