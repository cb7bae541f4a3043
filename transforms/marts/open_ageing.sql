-- How long open processes have been in their states, in buckets of time.
-- Grain: one row per procedure, state and bucket with at least one open process.
with processes as (from processes),

lifecycles as (from process_lifecycle),

limits as (from state_limits),

buckets as (
    select *
    from (
        values
            (1, 'under 1 day', 0, 1),
            (2, '1 to 3 days', 1, 3),
            (3, '3 to 7 days', 3, 7),
            (4, '7 to 14 days', 7, 14),
            (5, '14 to 30 days', 14, 30),
            (6, '30 to 90 days', 30, 90),
            (7, '90 days and more', 90, null)
    ) as buckets (bucket_no, bucket, from_days, to_days)
)

select
    p.procedure,
    p.state,
    b.bucket_no,
    b.bucket,
    count(*) as open_processes,
    max(l.seconds_in_state) as longest_seconds,
    any_value(s.p85_seconds) as p85_seconds,
    case
        when any_value(s.p85_seconds) is not null
            then count(*) filter (l.seconds_in_state > s.p85_seconds)
    end as n_stalled
from processes as p
inner join lifecycles as l on l.process_id = p.process_id
inner join buckets as b
    on l.seconds_in_state >= b.from_days * 86400
    and (b.to_days is null or l.seconds_in_state < b.to_days * 86400)
left join limits as s on s.procedure = p.procedure and s.state = p.state
where p.outcome = 'open'
group by p.procedure, p.state, b.bucket_no, b.bucket
order by p.procedure, p.state, b.bucket_no
