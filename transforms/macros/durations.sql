-- Durations.
-- kind: both

-- Seconds from one instant to another, exact to the millisecond; null when either is null.
create macro seconds_between(started, ended) as
    (epoch_ms(ended) - epoch_ms(started)) / 1000;
