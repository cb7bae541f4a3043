"""Notebooks on the published database, for analysts to use and adapt.

`leadtime notebook NAME` runs one as an app, with `--edit` in the editor. Metrics are defined in
published tables, not here.
"""
