-- Steps reached in mode `ordered`: a required step by its first occurrence in time after the one
-- chosen for the required step before it; an optional step by its first occurrence between the two.
-- Grain: one row per funnel, process and step reached, of the attempt that got furthest (of equal
-- ones the earliest).
-- kind: view
with recursive occurrences as (from funnel_occurrences),

step_list as (from funnel_step_list),

funnels as (from funnels),

entries as (from funnel_entries),

required as (
    select
        funnel_no,
        process_id,
        place as entry_place,
        happened_at as entered_at,
        end_place,
        excluded_at,
        1 as required_no,
        1 as step_no,
        place,
        happened_at as reached_at
    from entries
    union all
    select
        r.funnel_no,
        r.process_id,
        r.entry_place,
        min(r.entered_at) as entered_at,
        min(r.end_place) as end_place,
        min(r.excluded_at) as excluded_at,
        min(s.required_no) as required_no,
        min(s.step_no) as step_no,
        min(o.place) as place,
        -- A completion may be dated before the version that shows it.
        arg_min(greatest(o.happened_at, r.reached_at), o.place) as reached_at
    from required as r
    inner join funnels as f on f.funnel_no = r.funnel_no
    inner join step_list as s
        on s.funnel_no = r.funnel_no
        and s.required_no = r.required_no + 1
        and not s.is_optional
    inner join occurrences as o
        on o.funnel_no = r.funnel_no
        and o.process_id = r.process_id
        and o.step_no = s.step_no
        and o.place > r.place
    where
        (r.end_place is null or o.place < r.end_place)
        and is_in_time(
            greatest(o.happened_at, r.reached_at),
            r.entered_at,
            r.reached_at,
            f.within_seconds * 1000,
            s.within_ms,
            s.min_gap_ms
        )
    group by r.funnel_no, r.process_id, r.entry_place
),

chosen as (
    select
        funnel_no,
        process_id,
        arg_max(entry_place, (required_no, -entry_place)) as entry_place
    from required
    group by funnel_no, process_id
),

kept as (
    select
        r.*,
        lead(r.place) over (
            partition by r.funnel_no, r.process_id order by r.required_no
        ) as next_place
    from required as r
    inner join chosen as c
        on c.funnel_no = r.funnel_no
        and c.process_id = r.process_id
        and c.entry_place = r.entry_place
),

optional as (
    select
        *,
        0 as optional_no,
        true as is_reached
    from kept
    union all
    select
        k.funnel_no,
        k.process_id,
        any_value(k.entry_place) as entry_place,
        any_value(k.entered_at) as entered_at,
        any_value(k.end_place) as end_place,
        any_value(k.excluded_at) as excluded_at,
        k.required_no,
        any_value(s.step_no) as step_no,
        coalesce(min(o.place), any_value(k.place)) as place,
        coalesce(
            arg_min(greatest(o.happened_at, k.reached_at), o.place), any_value(k.reached_at)
        ) as reached_at,
        any_value(k.next_place) as next_place,
        any_value(s.optional_no) as optional_no,
        count(o.place) > 0 as is_reached
    from optional as k
    inner join funnels as f on f.funnel_no = k.funnel_no
    inner join step_list as s
        on s.funnel_no = k.funnel_no
        and s.required_no = k.required_no
        and s.is_optional
        and s.optional_no = k.optional_no + 1
    left join occurrences as o
        on o.funnel_no = k.funnel_no
        and o.process_id = k.process_id
        and o.step_no = s.step_no
        and o.place > k.place
        and (k.next_place is null or o.place < k.next_place)
        and (k.end_place is null or o.place < k.end_place)
        and is_in_time(
            greatest(o.happened_at, k.reached_at),
            k.entered_at,
            k.reached_at,
            f.within_seconds * 1000,
            s.within_ms,
            s.min_gap_ms
        )
    group by k.funnel_no, k.process_id, k.required_no
)

select
    funnel_no,
    process_id,
    entry_place,
    entered_at,
    excluded_at,
    step_no,
    required_no,
    place,
    reached_at,
    null::timestamp as strayed_at
from optional
where is_reached
