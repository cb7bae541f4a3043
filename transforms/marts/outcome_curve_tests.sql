-- Whether the curves of an attribute's values differ by more than chance (Gray's test).
-- Grain: one row per procedure, outcome and attribute of `compareBy`. The statistic is the
-- quadratic form of the scores with the inverse of their covariances: these are reduced row by row
-- (Gauss), with the scores as a last row and column, where minus the statistic is left. P-values
-- are adjusted for all tests of the procedure (Holm 1979).
with recursive groups as (from outcome_groups where attribute not in ('', ' month')),

compared as (from outcome_test_groups),

times as (from outcome_test_times),

sums as (from outcome_test_sums),

outcomes as (select unnest(['completed', 'cancelled', 'any']) as outcome),

count_all as (
    select g.procedure, g.attribute, o.outcome, count(*) as processes
    from groups as g
    cross join outcomes as o
    group by g.procedure, g.attribute, o.outcome
),

count_compared as (
    select procedure, attribute, count(*) as n_groups, sum(processes) as processes
    from compared
    group by procedure, attribute
),

count_events as (
    select
        procedure,
        attribute,
        outcome,
        sum(n) as events,
        bool_or(n_at_risk > 0 and survival_before = 0) as is_lost
    from times
    group by procedure, attribute, outcome
),

entries as (
    select procedure, attribute, outcome, group_no as row_no, with_no as column_no, covariance as x
    from sums
    union all
    select procedure, attribute, outcome, with_no, group_no, covariance from sums
    where with_no > group_no
    union all
    select procedure, attribute, outcome, group_no, 9, score from sums where with_no = group_no
    union all
    select procedure, attribute, outcome, 9, group_no, score from sums where with_no = group_no
    union all
    select procedure, attribute, outcome, 9, 9, 0 from sums where group_no = 1 and with_no = 1
),

matrix_rows as (
    select procedure, attribute, outcome, row_no, list(x order by column_no) as row_values
    from entries
    group by procedure, attribute, outcome, row_no
),

matrices as (
    select
        procedure,
        attribute,
        outcome,
        list(row_values order by row_no) as m,
        -- A variance that is left over from rounding is none.
        1e-9 * list_max(list_transform(list_zip(m, range(1, len(m) + 1)), lambda p: p[1][p[2]]))
            as least_variance
    from matrix_rows
    group by procedure, attribute, outcome
),

reduced as (
    select procedure, attribute, outcome, m, least_variance, 1 as row_no
    from matrices
    union all
    select
        procedure,
        attribute,
        outcome,
        list_transform(
            range(1, len(m) + 1),
            lambda i: if(
                i <= row_no,
                m[i],
                list_transform(
                    range(1, len(m) + 1),
                    lambda j: m[i][j] - m[i][row_no] * m[row_no][j] / m[row_no][row_no]
                )
            )
        ),
        least_variance,
        row_no + 1
    from reduced
    where row_no < len(m) and m[row_no][row_no] > least_variance
),

tested as (
    select
        a.procedure,
        a.attribute,
        a.outcome,
        coalesce(c.n_groups, 0) as n_groups,
        coalesce(c.processes, 0) as processes,
        a.processes - coalesce(c.processes, 0) as n_left_out,
        coalesce(e.events, 0) as events,
        -r.m[r.row_no][r.row_no] as statistic,
        case
            when coalesce(c.n_groups, 0) < 2 then 'fewer than two groups'
            when coalesce(e.events, 0) = 0 then 'no such outcome'
            when e.is_lost then 'a group ran empty'
            when r.row_no is null then 'never at risk together'
        end as not_tested_because,
        if(not_tested_because is null, n_groups - 1, null) as degrees_of_freedom,
        chi_square_tail(statistic, degrees_of_freedom) as p_value
    from count_all as a
    left join count_compared as c on c.procedure = a.procedure and c.attribute = a.attribute
    left join count_events as e
        on e.procedure = a.procedure and e.attribute = a.attribute and e.outcome = a.outcome
    left join reduced as r
        on r.procedure = a.procedure
        and r.attribute = a.attribute
        and r.outcome = a.outcome
        and r.row_no = len(r.m)
        and e.events > 0
),

ranked as (
    select
        *,
        count(p_value) over (partition by procedure) as n_tests,
        row_number() over (partition by procedure order by p_value, outcome, attribute) as place
    from tested
)

select
    procedure,
    attribute,
    outcome,
    n_groups,
    processes::bigint as processes,
    n_left_out::bigint as n_left_out,
    events::bigint as events,
    if(not_tested_because is null, statistic, null) as statistic,
    degrees_of_freedom::integer as degrees_of_freedom,
    p_value,
    n_tests,
    holm_adjusted(p_value, procedure, n_tests, place) as p_adjusted,
    not_tested_because
from ranked
order by procedure, attribute, list_position(['completed', 'cancelled', 'any'], outcome)
