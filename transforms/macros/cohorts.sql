-- The macro `cohorts`: the shares of what was created in a period that were closed by an age, as in
-- `cohort_outcomes` but of any group.
-- Grain: one row per procedure, value, period of creation and age in days.
-- kind: published

create macro known_periods() as ['week', 'month', 'quarter', 'year'];

-- True, or an error that says what was found and what is allowed.
create macro is_valid_cohort(
    asked, column_name, asked_period, asked_ages, from_date, to_date, with_deleted
) as
    case
        when not is_valid_choice('cohorts', asked, column_name, from_date, to_date)
            then false
        when asked_period is null or not list_contains(known_periods(), asked_period)
            then error(
                'cohorts: found period ' || coalesce(asked_period, 'null') || '; allowed: '
                || array_to_string(known_periods(), ', ')
            )
        when
            coalesce(len(asked_ages), 0) = 0
            or list_aggregate(asked_ages, 'count') < len(asked_ages)
            or list_min(asked_ages) < 1
            then error('cohorts: found ages that are not days; allowed: a list such as [7, 30, 90]')
        when with_deleted is null
            then error('cohorts: found with_deleted null; allowed: true, false')
        else true
    end;

create macro cohorts(
    procedure := null,
    by := null,
    period := 'month',
    ages := [1, 3, 7, 14, 30, 60, 90, 180],
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

age_list as (select distinct cast(unnest(ages) as integer) as age_days),

members as (
    select
        o.procedure as procedure,
        g.value as value,
        cast(date_trunc(period, local_day(o.started_at, b.time_zone)) as date) as cohort,
        case when o.ended_by = 'deleted' then 'deleted' else o.outcome end as outcome,
        o.is_observed_from_start as is_observed,
        epoch_ms(o.ended_at) - epoch_ms(o.started_at) as ms
    from process_outcomes as o
    cross join build as b
    left join grouped as g on g.process_id = o.process_id
    where
        (with_deleted or o.ended_by <> 'deleted')
        and (procedure is null or o.procedure = procedure)
        and is_day_within(local_day(o.started_at, b.time_zone), from_date, to_date)
        and is_wanted(o.process_id, procedure, filter)
),

counted as (
    select
        m.procedure,
        m.value,
        m.cohort,
        a.age_days,
        count(*) filter (m.is_observed) as processes,
        count(*) filter (not m.is_observed) as n_left_out,
        count(*) filter (
            m.is_observed
            and m.outcome = 'completed'
            and m.ms <= a.age_days * cast(86400000 as bigint)
        ) as n_completed,
        count(*) filter (
            m.is_observed
            and m.outcome = 'cancelled'
            and m.ms <= a.age_days * cast(86400000 as bigint)
        ) as n_cancelled,
        count(*) filter (
            m.is_observed
            and m.outcome = 'deleted'
            and m.ms <= a.age_days * cast(86400000 as bigint)
        ) as n_deleted
    from members as m
    cross join age_list as a
    group by m.procedure, m.value, m.cohort, a.age_days
),

-- What happens at the build's instant is seen: the picture ends a millisecond after it.
seen as (
    select
        c.*,
        case
            when c.processes = 0 then 'not observed from the start'
            when
                epoch_ms(b.as_of) + 1
                - epoch_ms(
                    day_start(
                        cast(date_trunc(period, c.cohort) + to_months(case period
                            when 'month' then 1
                            when 'quarter' then 3
                            when 'year' then 12
                            else 0
                        end) + to_days(case period when 'week' then 7 else 0 end) as date),
                        b.time_zone
                    )
                )
                < c.age_days * cast(86400000 as bigint)
                then 'not old enough'
        end as not_observed_because
    from counted as c
    cross join build as b
),

packed as (select list(s) as found from seen as s),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_cohort(
                        procedure, "by", period, ages, from_date, to_date, with_deleted
                    )
                    and is_valid_filter('cohorts', procedure, filter)
                    then p.found
            end
        ) as cohort_row
    from packed as p
),

shown as (
    select
        v.cohort_row as c,
        v.cohort_row.not_observed_because is null as is_seen,
        v.cohort_row.not_observed_because is null and with_deleted as is_deletion_seen
    from valid as v
)

select
    s.c.procedure as procedure,
    s.c.value as value,
    s.c.cohort as cohort,
    s.c.age_days as age_days,
    s.c.processes as processes,
    case when s.is_seen then share_of(s.c.n_completed, s.c.processes) end as share_completed,
    case when s.is_seen then share_of(s.c.n_cancelled, s.c.processes) end as share_cancelled,
    s.is_seen as is_observed,
    case when s.is_seen then share_low(s.c.n_completed, s.c.processes) end
        as share_completed_low,
    case when s.is_seen then share_high(s.c.n_completed, s.c.processes) end
        as share_completed_high,
    case when s.is_seen then share_low(s.c.n_cancelled, s.c.processes) end
        as share_cancelled_low,
    case when s.is_seen then share_high(s.c.n_cancelled, s.c.processes) end
        as share_cancelled_high,
    is_small_sample(s.c.processes) as is_small,
    s.c.not_observed_because as not_observed_because,
    s.c.n_left_out as n_left_out,
    case when s.is_deletion_seen then share_of(s.c.n_deleted, s.c.processes) end
        as share_deleted,
    case when s.is_deletion_seen then share_low(s.c.n_deleted, s.c.processes) end
        as share_deleted_low,
    case when s.is_deletion_seen then share_high(s.c.n_deleted, s.c.processes) end
        as share_deleted_high
from shown as s
order by s.c.procedure, s.c.value nulls last, s.c.cohort, s.c.age_days;
