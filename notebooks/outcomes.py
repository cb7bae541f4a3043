"""Shares completed and cancelled by age, compared by value, and by month of creation."""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Outcomes")

with app.setup:
    import marimo as mo

    from notebooks.parts import layout, outcomes
    from notebooks.parts import outcome_charts as draw
    from notebooks.parts.published import as_of_line, connect, procedures_of


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    procedure = layout.choice(procedures_of(con), "procedure")
    outcome = layout.choice(["completed", "cancelled"], "outcome")
    return outcome, procedure


@app.cell
def _(con, procedure):
    attributes = outcomes.compared_attributes(con, procedure.value)
    compared = layout.choice(["nothing", *attributes], "compare by")
    return attributes, compared


@app.cell
def _(attributes, compared, con, outcome, procedure):
    _compared = compared if attributes else None
    layout.heading(f"# Outcomes\n{as_of_line(con)}", procedure, outcome, _compared)


@app.cell
def _(compared, con, outcome, procedure):
    if compared.value == "nothing":
        curves, _tested = outcomes.curves(con, procedure.value), ""
        _title = "Outcomes by age"
    else:
        _asked = {"attribute": compared.value, "outcome": outcome.value}
        curves = outcomes.curves_by(con, procedure.value, **_asked)
        _title = f"Share {outcome.value} by age, by {compared.value}"
        _tested = outcomes.tested(con, procedure.value, **_asked)
    n_without, n_all = outcomes.without_outcome(con, procedure.value)
    _nothing = f"No {procedure.value} has an outcome yet, or too few to draw a curve."
    mo.stop(curves.is_empty(), layout.note(_nothing))
    draw.outcome_chart(curves, title=_title, n_without=n_without, n_all=n_all, tested=_tested)
    return curves, n_without


@app.cell
def _(con, outcome, procedure):
    ages = outcomes.by_age(con, procedure.value, outcome=outcome.value)
    mo.stop(ages.is_empty())
    draw.age_chart(ages, outcome=outcome.value)
    return (ages,)


if __name__ == "__main__":
    app.run()
