-- Fisher's exact test of independence in a table of two by two, two-sided.
-- Source: Fisher (1934); as in other software, the p-value is the chance of all tables with the
-- same margins that are no more likely than this one.
-- kind: warehouse

-- The logarithm of the number of ways to choose k of n.
create macro ln_choose(n, k) as lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);

-- The logarithm of the chance that of k out of all, x are among the n of the first row.
create macro ln_hypergeometric(x, n, others, k) as
    ln_choose(n, x) + ln_choose(others, k - x) - ln_choose(n + others, k);

-- The p-value of a table with `x` of `n` in the first row, and `k` of all `n + others`; null where
-- a margin is empty. Tables that are as likely but for rounding count too.
create macro fisher_exact(x, n, others, k) as
    case
        when n > 0 and others > 0 and k between 1 and n + others - 1
            then least(1.0, list_sum(
                list_transform(
                    list_filter(
                        list_transform(
                            range(greatest(0, k - others), least(n, k) + 1),
                            lambda i: ln_hypergeometric(i, n, others, k)
                        ),
                        lambda l: l <= ln_hypergeometric(x, n, others, k) + 1e-7
                    ),
                    lambda l: exp(l)
                )
            ))
    end;
