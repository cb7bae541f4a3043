-- Working time, and calendar days of a time zone.
-- kind: both

-- The milliseconds that a calendar worked before an instant, from the latest slot that began by
-- then (a row of `working_slots`): 0 without such a slot, null for a null instant. The working time
-- of [a, b) is the difference of the two.
create macro worked_ms(instant, slot_start, slot_end, slots_before) as
    case
        when instant is not null
            then coalesce(
                slots_before + epoch_ms(least(instant, slot_end)) - epoch_ms(slot_start), 0
            )
    end;

-- The instant by which a calendar has worked so many milliseconds, from the last slot before which
-- it had worked less (a row of `working_slots`); null if that slot ends before: it is the last one.
create macro instant_worked(wanted_ms, slot_start, slot_end, slots_before) as
    case
        when wanted_ms - slots_before <= epoch_ms(slot_end) - epoch_ms(slot_start)
            then slot_start + to_milliseconds(wanted_ms - slots_before)
    end;

create macro local_time(instant, zone) as
    timezone(zone, timezone('UTC', instant));

create macro utc_of(local_time, zone) as
    timezone('UTC', timezone(zone, local_time::timestamp));

-- How far the clock was put back in the three hours before an instant.
create macro put_back(instant, zone) as
    greatest(
        (local_time(instant - interval 3 hours, zone) + interval 3 hours)
        - local_time(instant, zone),
        interval 0 seconds
    );

create macro earlier_if_same_day(later, earlier, zone) as
    case when local_day(earlier, zone) = local_day(later, zone) then earlier else later end;

-- The first instant of a calendar day in a time zone. Where the clock is put back and shows
-- midnight twice, `utc_of` gives the second one; the first is earlier by the change of the offset.
create macro day_start(day, zone) as
    earlier_if_same_day(
        utc_of(day, zone),
        utc_of(day, zone) - put_back(utc_of(day, zone), zone),
        zone
    );

-- Whether a period that ends at an instant is over: what happens at the as_of itself is seen, so
-- that the time that is seen ends a millisecond later.
create macro is_period_over(ends_at, as_of) as epoch_ms(ends_at) <= epoch_ms(as_of) + 1;
