"""Ingested and rejected lines, broken rules, drift of derived values, freshness.

The text of rejected lines is not published; `leadtime quarantine --text N` prints it.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Data quality")

with app.setup:
    import marimo as mo
    import polars as pl

    from notebooks.parts import layout, quality
    from notebooks.parts import quality_charts as draw
    from notebooks.parts.published import as_of_line, connect


@app.cell
def _():
    con = connect()
    mo.stop(con is None, layout.nothing_published())
    return (con,)


@app.cell
def _(con):
    freshness = quality.freshness(con)
    files = quality.files(con)
    n_rejected = quality.n_rejected(con)
    mo.vstack(
        [
            mo.md(f"# Data quality\n{as_of_line(con)}"),
            layout.figures({f"{name} (UTC)": at for name, at in freshness.items()}),
            layout.figures(
                {
                    "files": f"{len(files):,}",
                    "lines": f"{files['lines'].sum():,}",
                    "accepted": f"{files['accepted'].sum():,}",
                    "duplicates": f"{files['duplicates'].sum():,}",
                    "in quarantine now": f"{n_rejected:,}",
                }
            ),
        ]
    )
    return files, freshness, n_rejected


@app.cell
def _(files):
    mo.stop(files.is_empty(), layout.note("No file has been ingested yet."))
    _unreadable = files.filter(pl.col("status") != "ingested")
    _warning = (
        [layout.note(f"Unreadable files: {', '.join(_unreadable['file_name'])}.")]
        if len(_unreadable)
        else []
    )
    mo.vstack(
        [
            *_warning,
            layout.in_a_row(*draw.files_charts(files)),
            layout.listing(files.drop("file", "file_seq", "status")),
        ]
    )
    return


@app.cell
def _():
    severity = layout.choice(quality.SEVERITIES, "effect")
    layout.heading("## Rules", severity)
    return (severity,)


@app.cell
def _(con, severity):
    rules = quality.rules(con, severity.value)
    mo.stop(rules.is_empty(), layout.note("No rule with this effect was broken."))
    mo.vstack([draw.rules_chart(rules, words=severity.selected_key), layout.listing(rules)])
    return (rules,)


@app.cell
def _(con, n_rejected):
    mo.stop(n_rejected == 0, layout.note("The quarantine is empty."))
    lines = quality.rejected_lines(con)
    mo.vstack(
        [
            mo.md(
                f"### Rejected lines\nThe latest {len(lines):,} of {n_rejected:,}. After fixing a "
                "definition, `leadtime quarantine --replay` processes them again."
            ),
            layout.listing(lines),
        ]
    )
    return (lines,)


@app.cell
def _(con):
    drift = quality.drift(con)
    mo.stop(drift.is_empty(), layout.note("No derived attributes are defined."))
    _compared = drift["n_compared"].sum() > 0
    mo.vstack(
        [
            mo.md("## Derived attributes"),
            *([draw.drift_chart(drift)] if _compared else []),
            layout.listing(drift),
        ]
    )
    return (drift,)


if __name__ == "__main__":
    app.run()
