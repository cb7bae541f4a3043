-- The macro `time_to_convert`: how long those who finished a funnel took.
-- Grain: one row per procedure, value and bucket of time, up to the last one in which any process
-- finished.
-- kind: published

-- The upper ends of the buckets, in seconds: hours, days, weeks, months.
create macro convert_ends() as [
    3600, 14400, 43200, 86400, 172800, 259200, 432000, 604800, 1209600, 1814400, 2592000, 5184000,
    7776000, 15552000, 31536000
];

create macro time_to_convert(
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

entered as (
    select p.path.procedure as procedure, p.path.value as value, count(*) as processes
    from paths as p
    where p.path.step_no = 1
    group by p.path.procedure, p.path.value
),

ends as (select unnest(convert_ends()) as seconds),

finished as (
    select
        p.path.procedure as procedure,
        p.path.process_id as process_id,
        any_value(p.path.value) as value,
        1 + count(e.seconds) as bucket_no
    from paths as p
    left join ends as e on e.seconds < seconds_between(p.path.entered_at, p.path.reached_at)
    where p.path.step_no = len(steps)
    group by p.path.procedure, p.path.process_id, p.path.attempt_no
),

counted as (
    select f.procedure, f.value, f.bucket_no, count(*) as processes
    from finished as f
    group by f.procedure, f.value, f.bucket_no
),

buckets as (
    select
        c.procedure,
        c.value,
        unnest(range(1, max(c.bucket_no) + 1)) as bucket_no,
        sum(c.processes) as converted
    from counted as c
    group by c.procedure, c.value
),

filled as (
    select
        b.procedure,
        mode as mode,
        b.bucket_no,
        coalesce(convert_ends()[b.bucket_no - 1], 0) as from_seconds,
        convert_ends()[b.bucket_no] as to_seconds,
        coalesce(c.processes, 0) as processes,
        b.converted,
        e.processes as entered,
        sum(coalesce(c.processes, 0)) over (
            partition by b.procedure, b.value order by b.bucket_no
        ) as so_far,
        b.value
    from buckets as b
    inner join entered as e
        on e.procedure = b.procedure and e.value is not distinct from b.value
    left join counted as c
        on c.procedure = b.procedure
        and c.value is not distinct from b.value
        and c.bucket_no = b.bucket_no
),

packed as (select list(f) as found from filled as f),

-- As in `funnel`: the check runs whatever is read.
valid as (
    select
        unnest(
            case
                when
                    is_valid_funnel(
                        steps, procedure, within, mode, unit, filter, "by", from_date, to_date
                    )
                    then p.found
            end
        ) as bucket
    from packed as p
)

select
    v.bucket.procedure as procedure,
    v.bucket.mode as mode,
    v.bucket.bucket_no as bucket_no,
    v.bucket.from_seconds as from_seconds,
    v.bucket.to_seconds as to_seconds,
    v.bucket.processes as processes,
    share_of(v.bucket.processes, v.bucket.converted) as share_of_converted,
    share_of(v.bucket.so_far, v.bucket.entered) as share_of_first_so_far,
    v.bucket.value as value
from valid as v
order by v.bucket.procedure, v.bucket.value nulls last, v.bucket.bucket_no;
