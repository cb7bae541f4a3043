-- How many processes had ever come as far as each state by the end of each local day.
-- Grain: one row per day of flow_daily, procedure and state. A process counts for a state from its
-- first visit to that state or to one of higher rank on, whatever became of it later, so that the
-- lines of a cumulative flow diagram never fall and never cross.
with visits as (from state_visits),

states as (from states),

flow_days as (from flow_daily),

build as (from build),

-- Going back leaves the highest rank as it was.
climbs as (
    select
        procedure,
        entered_at,
        state_rank,
        coalesce(max(state_rank) over (
            partition by process_id order by visit_no
            rows between unbounded preceding and 1 preceding
        ), 0) as highest_before
    from visits
    where direction <> 'backward'
),

climb_days as (
    select
        c.procedure,
        local_day(c.entered_at, b.time_zone) as day,
        c.highest_before,
        c.state_rank,
        count(*) as processes
    from climbs as c
    cross join build as b
    where c.state_rank > c.highest_before
    group by all
),

-- Whoever jumps over states has come as far as each of them.
arrivals as (
    select s.procedure, s.state_rank, c.day, sum(c.processes) as arrived
    from climb_days as c
    inner join states as s
        on s.procedure = c.procedure
        and s.state_rank > c.highest_before
        and s.state_rank <= c.state_rank
    group by all
),

first_days as (select procedure, min(day) as first_day from flow_days group by procedure),

-- What came before the first day, never having been open, stands on the first day.
arrival_days as (
    select
        a.procedure,
        a.state_rank,
        greatest(a.day, f.first_day) as day,
        sum(a.arrived) as arrived
    from arrivals as a
    inner join first_days as f using (procedure)
    group by all
),

counted as (
    select
        f.day,
        f.procedure,
        s.state,
        s.state_rank,
        coalesce(a.arrived, 0) as arrived
    from flow_days as f
    inner join states as s on s.procedure = f.procedure
    left join arrival_days as a
        on a.procedure = f.procedure and a.state_rank = s.state_rank and a.day = f.day
)

select
    day,
    procedure,
    state,
    state_rank,
    arrived::bigint as arrived,
    (sum(arrived) over (partition by procedure, state_rank order by day))::bigint
        as arrived_so_far
from counted
order by procedure, day, state_rank
