"""Distribution of durations, by month, state and assignee, open work, SLA clocks."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Resolution times")

with app.setup:
    import marimo as mo

    from notebooks.parts import durations, layout
    from notebooks.parts import resolution_charts as draw
    from notebooks.parts.published import as_of, as_of_line, connect, in_words, procedures_of


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    procedure = layout.choice(procedures_of(con), "procedure")
    measure = layout.choice(durations.MEASURES, "time")
    clock = layout.choice(durations.CLOCKS, "in")
    layout.heading(f"# Resolution times\n{as_of_line(con)}", procedure, measure, clock)
    return clock, measure, procedure


@app.cell
def _(clock, con, measure, procedure):
    column = f"{clock.value}{measure.value}"
    words = f"{measure.selected_key}, {clock.selected_key}"
    totals = durations.totals(con, procedure.value, column)
    n_open = durations.still_open(con, procedure.value, column)
    return column, n_open, totals, words


@app.cell
def _(n_open, procedure, totals):
    mo.stop(
        totals is None,
        layout.note(f"No such interval of any {procedure.value} has ended yet."),
    )
    layout.figures(
        {
            "finished": f"{totals['n']:,}",
            "median": in_words(totals["p50_seconds"]),
            "90th percentile": in_words(totals["p90_seconds"]),
            "95th percentile": in_words(totals["p95_seconds"]),
            "open, not included": f"{n_open:,}",
        }
    )
    return


@app.cell
def _(column, con, n_open, procedure, totals, words):
    mo.stop(totals is None)
    bins = durations.spread(con, procedure.value, column)
    months = durations.by_month(con, procedure.value, column)
    _until = f"{as_of(con):%Y-%m-%d}"
    mo.vstack(
        [
            draw.spread_chart(bins, totals, words=words, n_open=n_open),
            draw.months_chart(months, words=words, n_open=n_open, until=_until),
        ]
    )
    return bins, months


@app.cell
def _(con, procedure):
    clocks = durations.by_clock(con, procedure.value)
    mo.stop(clocks.is_empty())
    draw.clocks_chart(clocks, calendars=durations.calendars(con, procedure.value))
    return (clocks,)


@app.cell
def _(con, procedure):
    states = durations.by_state(con, procedure.value)
    mo.stop(states.is_empty())
    layout.in_a_row(*draw.states_charts(states))
    return (states,)


@app.cell
def _(con, procedure):
    people = durations.by_assignee(con, procedure.value)
    mo.stop(people.is_empty())
    mo.vstack([draw.assignees_chart(people), layout.listing(people)])
    return (people,)


@app.cell
def _(con, procedure):
    ageing = durations.ageing(con, procedure.value)
    mo.stop(ageing.is_empty(), layout.note(f"No {procedure.value} is open."))
    stalled = durations.stalled(con, procedure.value)
    draw.ageing_chart(ageing, ages=durations.buckets(con))
    return ageing, stalled


@app.cell
def _(stalled):
    mo.stop(stalled.is_empty())
    mo.vstack([mo.md("### Longest stalled"), layout.listing(stalled)])
    return


@app.cell
def _(con, procedure):
    sla = durations.sla(con, procedure.value, level="all")
    mo.stop(sla.is_empty(), layout.note(f"No SLA policies are defined for {procedure.value}."))
    sla_months = durations.sla(con, procedure.value, level="month")
    _chart = [] if sla_months.is_empty() else [draw.sla_chart(sla_months, sla)]
    mo.vstack([*_chart, layout.listing(sla.drop("month"))])
    return sla, sla_months


@app.cell
def _(con, procedure):
    due = durations.due(con, procedure.value)
    mo.stop(due.is_empty())
    mo.vstack([mo.md("### SLA clocks due next"), layout.listing(due)])
    return (due,)


if __name__ == "__main__":
    app.run()
