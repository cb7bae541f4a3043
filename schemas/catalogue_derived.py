"""The comparison of computed with supplied values, in words.

The computed columns themselves stand in the wide tables (`catalogue.py`).
"""

from __future__ import annotations

from schemas.catalogue_model import OutputTable, count, in_order, share, text
from schemas.catalogue_shared import SHARED

DERIVED_DRIFT = OutputTable(
    "derived_drift",
    "mart",
    "Derived attributes that are computed here, beside what the platform supplied for them with "
    "the latest version of each process. The processes that differ are in `violations` under the "
    "rule `derived:<attribute>:differs`.",
    "one row per procedure and computed attribute",
    in_order(
        SHARED,
        (
            "procedure",
            text("attribute", "shortId of the derived attribute."),
            count("processes", "Processes of the procedure."),
            count("n_failed", "Processes for which the value could not be computed."),
            count("n_supplied", "Processes for which the platform supplied a value."),
            count("n_computed", "Processes with a computed value."),
            count("n_compared", "Processes with both."),
            count(
                "n_different",
                "Of those, the ones whose values differ. Floating numbers are the same when they "
                "agree to nine digits.",
            ),
            share(
                "share_different",
                "`n_different` divided by `n_compared`.",
                nulls="when no process has both values",
            ),
        ),
    ),
)
