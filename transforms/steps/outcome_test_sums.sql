-- The scores of Gray's test (rho = 0) and their covariances.
-- Grain: one row per procedure, attribute, outcome and pair of compared groups (each pair once, and
-- each group with itself), without the last group. `score` is that of `group_no`: its outcomes less
-- those expected if all groups had one cumulative incidence; `covariance` is that of both scores.
-- There are no rows where processes enter a group of which nobody was left: nothing can be
-- estimated from then on.
-- Source: Gray (1988), section 2; ties as in the R package cmprsk.
with times as (from outcome_test_times),

-- What a process at risk stands for, with those who could not be watched so long.
weighted as (
    select
        *,
        if(n_at_risk > 0, n_at_risk / nullif(survival_before, 0), 0) as weight,
        if(n_at_risk > 0, n_at_risk * (1 - incidence_before) / nullif(survival_before, 0), 0)
            as subdistribution_at_risk,
        bool_or(n_at_risk > 0 and survival_before = 0) over (
            partition by procedure, attribute, outcome
        ) as is_lost,
        max(group_no) over (partition by procedure, attribute, outcome) as n_groups
    from times
),

pooled as (
    select
        procedure,
        attribute,
        outcome,
        ms,
        sum(n) as n_all,
        sum(weight order by group_no) as weights,
        sum(subdistribution_at_risk order by group_no) as subdistribution_at_risks
    from weighted
    where not is_lost
    group by procedure, attribute, outcome, ms
),

-- The incidence that all groups would have in common.
common as (
    select
        *,
        coalesce(n_all / nullif(weights, 0), 0) as step,
        sum(step) over (
            partition by procedure, attribute, outcome order by ms
            rows between unbounded preceding and current row
        ) as incidence
    from pooled
),

sum_scores as (
    select
        w.procedure,
        w.attribute,
        w.outcome,
        w.group_no,
        sum(
            w.n - coalesce(
                p.n_all * w.subdistribution_at_risk / nullif(p.subdistribution_at_risks, 0), 0
            )
            order by p.ms
        ) as score
    from weighted as w
    inner join common as p using (procedure, attribute, outcome, ms)
    group by w.procedure, w.attribute, w.outcome, w.group_no
),

-- The variances of the steps of a group's two martingales, less for ties: of the outcome and of the
-- other one.
measured as (
    select
        w.procedure,
        w.attribute,
        w.outcome,
        w.ms,
        w.group_no,
        w.n_groups,
        w.weight,
        c.weights,
        coalesce(c.step / nullif(1 - (c.incidence - c.step), 0), 0) as hazard,
        if(w.survival > 0, (1 - c.incidence) / w.survival, 0) as ratio,
        case
            when w.weight > 0 and c.n_all > 0
                then c.step / w.weight * if(
                    c.n_all > 1,
                    greatest(
                        0.0,
                        1 - (c.n_all - 1) / nullif(c.weights * w.survival_before - 1, 0)
                    ),
                    1
                )
            else 0
        end as step_variance,
        case
            when w.survival > 0 and w.n_other > 0
                then w.n_other * pow(w.survival_before / w.n_at_risk, 2)
                * if(w.n_other > 1, 1 - (w.n_other - 1) / (w.n_at_risk - 1), 1)
            else 0
        end as other_step_variance
    from weighted as w
    inner join common as c using (procedure, attribute, outcome, ms)
),

-- How the score of a group follows the martingale of another one (`of_no`), now and later.
paired as (
    select
        m.procedure,
        m.attribute,
        m.outcome,
        m.ms,
        s.group_no,
        m.group_no as of_no,
        m.ratio,
        m.step_variance,
        m.other_step_variance,
        if(
            m.weight > 0 and s.weight > 0,
            s.weight * ((s.group_no = m.group_no)::integer - m.weight / m.weights),
            0
        ) as now,
        coalesce(sum(now * m.hazard) over (
            partition by m.procedure, m.attribute, m.outcome, s.group_no, m.group_no
            order by m.ms desc
            rows between unbounded preceding and 1 preceding
        ), 0) as later
    from measured as m
    inner join measured as s using (procedure, attribute, outcome, ms)
    where s.group_no < s.n_groups
),

followed as (
    select *, now + (1 - ratio) * later as by_outcome, ratio * later as by_other
    from paired
    where step_variance > 0 or other_step_variance > 0
),

sum_covariances as (
    select
        a.procedure,
        a.attribute,
        a.outcome,
        a.group_no,
        b.group_no as with_no,
        sum(
            a.step_variance * a.by_outcome * b.by_outcome
            + a.other_step_variance * a.by_other * b.by_other
            order by a.ms, a.of_no
        ) as covariance
    from followed as a
    inner join followed as b using (procedure, attribute, outcome, ms, of_no)
    where a.group_no <= b.group_no
    group by a.procedure, a.attribute, a.outcome, a.group_no, b.group_no
)

select
    c.procedure,
    c.attribute,
    c.outcome,
    c.group_no,
    c.with_no,
    s.score,
    c.covariance
from sum_covariances as c
inner join sum_scores as s using (procedure, attribute, outcome, group_no)
