-- Calendar days of a time zone.
-- kind: both

-- The calendar day of an instant in a time zone. Days are found from instants, never the reverse:
-- an instant has one local time, a local time may have none or two.
create macro local_day(instant, zone) as
    timezone(zone, timezone('UTC', instant))::date;
