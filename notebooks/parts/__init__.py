"""What the notebooks are put together from: rows of published tables, charts, widgets.

`published.py` opens the database; `funnels.py`, `outcomes.py`, `durations.py` and `quality.py` read
it; `..._charts.py` draw with the forms of `charts.py`; `layout.py` has the rest of a page.
"""
