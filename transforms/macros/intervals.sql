-- Limits of shares at 95 %. Of observed ones: the interval of Wilson (1927), without correction for
-- continuity. It holds for few observations and for shares near 0 and 1, and never leaves 0 to 1.
-- kind: both

-- The limits of `k / n` are (k + z^2 / 2 -+ z * sqrt(k * (n - k) / n + z^2 / 4)) / (n + z^2), where
-- z = 1.959964 is the 97.5 % quantile of the normal distribution. Null without observations.
create macro wilson_width(k, n) as
    1.959963984540054 * sqrt(k * (n - k) / n + 0.960364705173531);

create macro share_low(k, n) as case
    when n > 0
        then greatest(0.0, (k + 1.920729410347062 - wilson_width(k, n)) / (n + 3.841458820694124))
end;

create macro share_high(k, n) as case
    when n > 0
        then least(1.0, (k + 1.920729410347062 + wilson_width(k, n)) / (n + 3.841458820694124))
end;

-- The limits of a share with a standard error, on the scale log(-log), which keeps them between 0
-- and 1. Null for a share of 0 or 1.
create macro log_log_width(share, standard_error) as case
    when share > 0 and share < 1
        then 1.959963984540054 * standard_error / abs(share * ln(share))
end;

create macro log_log_low(share, standard_error) as
    pow(share, exp(log_log_width(share, standard_error)));

create macro log_log_high(share, standard_error) as
    pow(share, exp(-log_log_width(share, standard_error)));

-- Whether a figure rests on too few observations to say much.
create macro is_small_sample(n) as n < 5;
