-- How many processes had ever come as far as each state by the end of each local day.
-- Grain: one row per day of flow_daily, procedure and state. A process counts for a state from its
-- first visit to that state or to one of higher rank in the procedure, whatever happens to it
-- later, so that the lines of a cumulative flow diagram never fall and never cross.
with visits as (from state_visits),

states as (from states),

flow_days as (from flow_daily),

build as (from build),

-- Going back leaves the highest rank unchanged.
find_highest_ranks as (
    select
        procedure,
        entered_at,
        state_rank,
        coalesce(max(state_rank) over (
            partition by process_id, procedure order by visit_no
            rows between unbounded preceding and 1 preceding
        ), 0) as highest_before
    from visits
    where direction <> 'backward'
),

count_climbs as (
    select
        c.procedure,
        local_day(c.entered_at, b.time_zone) as day,
        c.highest_before,
        c.state_rank,
        count(*) as processes
    from find_highest_ranks as c
    cross join build as b
    where c.state_rank > c.highest_before
    group by all
),

-- A process that skips states has come as far as each of them.
spread_arrivals as (
    select s.procedure, s.state_rank, c.day, sum(c.processes) as arrived
    from count_climbs as c
    inner join states as s
        on s.procedure = c.procedure
        and s.state_rank > c.highest_before
        and s.state_rank <= c.state_rank
    group by all
),

find_first_days as (select procedure, min(day) as first_day from flow_days group by procedure),

-- Processes that came before the first day without having been open count on the first day.
date_arrivals as (
    select
        a.procedure,
        a.state_rank,
        greatest(a.day, f.first_day) as day,
        sum(a.arrived) as arrived
    from spread_arrivals as a
    inner join find_first_days as f using (procedure)
    group by all
),

fill_days as (
    select
        f.day,
        f.procedure,
        s.state,
        s.state_rank,
        coalesce(a.arrived, 0) as arrived
    from flow_days as f
    inner join states as s on s.procedure = f.procedure
    left join date_arrivals as a
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
from fill_days
order by procedure, day, state_rank
