"""The parts of the notebooks: queries, charts and widgets.

`published.py` opens the database; `funnels.py`, `outcomes.py`, `durations.py` and `quality.py`
query it; `..._charts.py` draw the charts of a notebook with `charts.py`; `layout.py` has widgets.
"""
