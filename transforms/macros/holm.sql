-- P-values adjusted for the number of comparisons.
-- Source: Holm (1979): the smallest p-value counts for all tests of a family, the next one for one
-- fewer, and none is less than one before it.
-- kind: warehouse

-- The adjusted p-value of a test, whose place among the `n_tests` of its family is that of its
-- p-value in order of size, from 1; null for what was not tested. To be used as a column.
create macro holm_adjusted(p_value, family, n_tests, place) as
    case
        when p_value is not null
            then least(1.0, max((n_tests - place + 1) * p_value) over (
                partition by family order by place
                rows between unbounded preceding and current row
            ))
    end;
