"""The tables that hold what processes did against the stategraph, in words.

Single moves stand in `state_visits`, all pairs of states in `state_transitions`.
"""

from __future__ import annotations

from schemas.catalogue_model import (
    COUNT,
    OutputColumn,
    OutputTable,
    count,
    in_order,
    number,
    share,
    text,
)
from schemas.catalogue_shared import SHARED

_NO_WAY = "when no allowed way leads there"

CONFORMANCE = OutputTable(
    "conformance",
    "mart",
    "How many processes kept to the stategraph of their procedure. Every process that was ever in "
    "a state counts, open and deleted ones too, with the moves it has made so far.",
    "one row per procedure",
    in_order(
        SHARED,
        (
            "procedure",
            count("processes", "Processes that were ever in a state."),
            count(
                "conforming",
                "Processes without a move that the stategraph does not allow, those that have not "
                "moved included. All of them where the procedure has no stategraph.",
                open_rule="an open process may still depart",
            ),
            share(
                "share_conforming",
                "`conforming` divided by `processes`.",
                nulls="where the procedure has no stategraph, or there are no processes",
                open_rule="can still fall while processes are open",
            ),
            count(
                "n_moves",
                "Moves from one state to another: rows of `state_visits` where `is_allowed` is "
                "true or false.",
            ),
            count(
                "n_not_allowed",
                "Those of `n_moves` that the stategraph does not allow. Always 0 where the "
                "procedure has no stategraph.",
            ),
        ),
    ),
)

CONFORMANCE_DEPARTURES = OutputTable(
    "conformance_departures",
    "mart",
    "Moves that the stategraph does not allow, most frequent first, and what they skipped. Moves "
    "over a deletion count, as in `state_visits`.",
    "one row per procedure and pair of states with such a move",
    in_order(
        SHARED,
        (
            "procedure",
            number(
                "departure_no",
                "INTEGER",
                "Place by `n` within the procedure, 1 is the most frequent; equally frequent ones "
                "in alphabetical order of the states.",
            ),
            text("from_state", "shortId of the state that was left."),
            text("to_state", "shortId of the state that was entered."),
            count("n", "How often it happened."),
            count("processes", "Different processes in which it happened."),
            share(
                "share_of_departures",
                "`n` divided by all moves of the procedure that are not allowed.",
            ),
            OutputColumn(
                "n_skipped_states",
                "INTEGER",
                "States between the two on the shortest allowed way.",
                COUNT,
                _NO_WAY,
            ),
            OutputColumn(
                "skipped_states",
                "VARCHAR[]",
                "shortIds of these states in order. Where several ways are equally short, the one "
                "whose states come first by rank.",
                nulls=_NO_WAY,
            ),
        ),
    ),
)
