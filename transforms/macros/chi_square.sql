-- The upper tail of the chi-square distribution, which DuckDB does not have, by finite sums.
-- Source: Abramowitz and Stegun (1964), 26.4.4 and 26.4.5 (whole degrees of freedom) and 7.1.6 (the
-- error function); Chiarella and Reichel (1968) for its complement.
-- kind: warehouse

-- 1 - erf(sqrt(y)). Below 2 the series of erf, whose terms are all positive. Above, the trapezoidal
-- rule with steps of 1/2 on the integral of exp(-t^2) / (t^2 + y), less its error at the poles, so
-- that very small values keep their digits.
create macro erfc_of_root(y) as
    if(
        y < 2,
        1 - exp(-y) * list_sum(
            list_transform(range(0, 60), lambda n: pow(y, n + 0.5) / gamma(n + 1.5))
        ),
        sqrt(y) * exp(-y) / pi() * list_sum(
            list_transform(range(-20, 21), lambda k: 0.5 * exp(-k * k / 4) / (k * k / 4 + y))
        ) - if(y < 36, 2 / (exp(4 * pi() * sqrt(y)) - 1), 0)
    );

-- The chance that a chi-square variable with `df` degrees of freedom (1 to 100) exceeds `x`; null
-- where either is null.
create macro chi_square_tail(x, df) as
    case
        when x >= 0 and df >= 1
            then least(
                1.0,
                if(df % 2 = 1, erfc_of_root(x / 2), 0) + exp(-x / 2) * coalesce(
                    list_sum(
                        list_transform(
                            range(0, df // 2),
                            lambda n: pow(x / 2, n + (df % 2) / 2) / gamma(n + 1 + (df % 2) / 2)
                        )
                    ),
                    0
                )
            )
    end;
