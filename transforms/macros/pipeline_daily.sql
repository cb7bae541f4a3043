-- The macro `pipeline_daily`: what was open at the end of each local day, what it was worth, and
-- that weighted by the probability of being completed.
-- Grain: one row per day, procedure and state with at least one open process; the last day ends at
-- the build's as_of.
-- kind: published

-- True, or an error that says what was found and what is allowed.
create macro is_valid_pipeline_days(asked, column_name, from_date, to_date) as
    case
        when not is_valid_choice('pipeline_daily', asked, null, from_date, to_date)
            then false
        else is_valid_amount('pipeline_daily', asked, column_name)
    end;

-- One group of entries in `estimate_list`: a state, as far as it was known when a month began.
create macro month_and_state(month_day, state_name) as concat_ws(' ', month_day, state_name);

create macro pipeline_daily(
    procedure := null,
    value := null,
    from_date := null,
    to_date := null
) as table
with latest as (
    select g.found.process_id as process_id, as_amount(g.found.value) as amount
    from (
        select unnest(process_value_list(table_of_values(procedure, value), value)) as found
    ) as g
),

-- Of an attribute whose history is kept: the value in force, before the first one that, after the
-- process has left the procedure the last one.
periods as (
    select
        a.process_id,
        case when a.spell_no > min(a.spell_no) over spell_order then a.started_at end as from_at,
        lead(a.started_at) over spell_order as to_at,
        as_amount(a.value) as amount
    from attribute_spells as a
    where a.procedure = procedure and a.attribute = value
    window spell_order as (partition by a.process_id order by a.spell_no)
),

-- The parts of open stays in which nothing changes; `least` and `greatest` pass over nulls.
parts as (
    select
        s.procedure as procedure,
        s.state as state,
        case when p.process_id is not null then p.amount else l.amount end as amount,
        local_day(greatest(s.started_at, p.from_at), b.time_zone) as first_day,
        local_day(least(s.ended_at, p.to_at), b.time_zone) as last_day
    from open_stays as s
    cross join build as b
    left join periods as p
        on p.process_id = s.process_id
        and (p.to_at is null or p.to_at > s.started_at)
        and (p.from_at is null or s.ended_at is null or p.from_at < s.ended_at)
        and (p.from_at is null or p.to_at is null or p.from_at < p.to_at)
    left join latest as l on l.process_id = s.process_id
    where procedure is null or s.procedure = procedure
),

moves as (
    select a.procedure, a.state, a.first_day as move_day, 1 as sign, a.amount from parts as a
    union all
    select a.procedure, a.state, a.last_day, -1, a.amount
    from parts as a
    where a.last_day is not null
),

sums as (
    select
        m.procedure,
        m.state,
        m.move_day,
        sum(m.sign) as processes,
        sum(m.sign * coalesce(m.amount, 0)) as amount,
        sum(case when m.amount is null then m.sign else 0 end) as n_without_value
    from moves as m
    group by m.procedure, m.state, m.move_day
),

levels as (
    select
        s.procedure,
        s.state,
        s.move_day,
        sum(s.processes) over up_to_here as processes,
        sum(s.amount) over up_to_here as amount,
        sum(s.n_without_value) over up_to_here as n_without_value,
        lead(s.move_day) over (partition by s.procedure, s.state order by s.move_day) as next_day
    from sums as s
    window up_to_here as (
        partition by s.procedure, s.state order by s.move_day
        rows between unbounded preceding and current row
    )
),

daily as (
    select
        d.day as end_day,
        cast(date_trunc('month', d.day) as date) as month_day,
        l.procedure,
        l.state,
        cast(l.processes as bigint) as processes,
        l.amount,
        cast(l.n_without_value as bigint) as n_without_value
    from levels as l
    inner join flow_daily as d
        on d.procedure = l.procedure
        and d.day >= l.move_day
        and (l.next_day is null or d.day < l.next_day)
    where l.processes > 0 and is_day_within(d.day, from_date, to_date)
),

spells as (
    select
        s.procedure,
        s.process_id,
        s.spell_no,
        case when count(*) = count(s.ended_at) then max(s.ended_at) end as ended_at,
        bool_or(s.ended_by = 'completed') as is_completed
    from open_stays as s
    where procedure is null or s.procedure = procedure
    group by s.procedure, s.process_id, s.spell_no
),

-- The first entry into each state in a stretch of being open, if all changes since are known.
entries as (
    select
        s.procedure,
        s.state,
        min(s.started_at) as entered_at,
        any_value(e.ended_at) as ended_at,
        bool_or(e.is_completed) as is_completed
    from open_stays as s
    inner join spells as e
        on e.procedure = s.procedure
        and e.process_id = s.process_id
        and e.spell_no = s.spell_no
    inner join observation_starts as o on o.procedure = s.procedure
    group by s.procedure, s.state, s.process_id, s.spell_no
    having min(s.started_at) >= any_value(o.observed_since)
),

-- What had come of these entries by the time a month began. What is known later stays out.
known as (
    select
        m.procedure,
        month_and_state(m.month_day, e.state) as month_state,
        case
            when e.ended_at < m.begins_at and e.is_completed then 'completed'
            when e.ended_at < m.begins_at then 'cancelled'
        end as outcome,
        epoch_ms(least(e.ended_at, m.begins_at)) - epoch_ms(e.entered_at) as ms
    from (
        select
            d.procedure,
            d.month_day,
            day_start(d.month_day, any_value(b.time_zone)) as begins_at
        from daily as d
        cross join build as b
        group by d.procedure, d.month_day
    ) as m
    inner join entries as e on e.procedure = m.procedure and e.entered_at < m.begins_at
),

estimates as (
    select
        e.found.procedure as procedure,
        e.found.value as month_state,
        max(e.found.incidence) filter (e.found.outcome = 'completed') as probability
    from (
        select
            unnest(estimate_list((
                select
                    list({
                        'procedure': k.procedure,
                        'value': k.month_state,
                        'outcome': k.outcome,
                        'from_ms': cast(0 as bigint),
                        'ms': k.ms
                    })
                from known as k
            ))) as found
    ) as e
    group by e.found.procedure, e.found.value
),

counts as (
    select k.procedure, k.month_state, count(*) as n_entries
    from known as k
    group by k.procedure, k.month_state
),

weighted as (
    select
        d.*,
        s.state_rank,
        s.probability as defined,
        e.probability as observed,
        coalesce(s.probability, e.probability) as probability,
        coalesce(n.n_entries, 0) as n_entries
    from daily as d
    inner join states as s on s.procedure = d.procedure and s.state = d.state
    left join estimates as e
        on e.procedure = d.procedure and e.month_state = month_and_state(d.month_day, d.state)
    left join counts as n
        on n.procedure = d.procedure and n.month_state = month_and_state(d.month_day, d.state)
),

packed as (select list(w) as found from weighted as w),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when is_valid_pipeline_days(procedure, value, from_date, to_date) then p.found
            end
        ) as w
    from packed as p
)

select
    v.w.end_day as day,
    v.w.procedure as procedure,
    v.w.state as state,
    v.w.processes as open_processes,
    v.w.probability as probability,
    v.w.probability * v.w.processes as weighted_processes,
    case when value is not null then v.w.amount end as amount,
    case when value is not null then v.w.probability * v.w.amount end as weighted_amount,
    case when value is not null then v.w.n_without_value end as n_without_value,
    v.w.defined as defined_probability,
    v.w.observed as observed_probability,
    v.w.n_entries as n_observed,
    is_small_sample(v.w.n_entries) as is_small
from valid as v
order by v.w.procedure, v.w.end_day, v.w.state_rank;
