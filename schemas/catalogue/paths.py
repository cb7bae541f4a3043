"""The tables of moves between states: transitions, variants, rework, conformance."""

from __future__ import annotations

from dataclasses import replace

from schemas.catalogue.model import (
    COUNT,
    OutputColumn,
    OutputTable,
    count,
    flag,
    in_order,
    number,
    seconds,
    share,
    text,
)
from schemas.catalogue.shared import SHARED

_STATE = text("state", "shortId of the state.")

STATE_TRANSITIONS = OutputTable(
    "state_transitions",
    "mart",
    "The directly-follows graph: which state followed which, how often, and the time in the first. "
    "Visits separated by a deletion or a change of procedure do not follow each other.",
    "one row per procedure and pair of states",
    in_order(
        SHARED,
        (
            "procedure",
            text("from_state", "shortId of the state that was left."),
            text("to_state", "shortId of the state that followed directly."),
            count("n", "Number of such moves."),
            count("processes", "Processes with such a move."),
            flag(
                "is_allowed",
                "Whether the procedure's stategraph allows the move. Always true if the procedure "
                "has no stategraph.",
                nulls="if both states are the same, and if one of them is retired and not part of "
                "the stategraph",
            ),
            *(
                seconds(
                    name,
                    f"{statistic} of the time spent in `from_state` before these moves{note}.",
                    open_rule="open visits are left out",
                )
                for name, statistic, note in (
                    ("mean_seconds", "Arithmetic mean", ""),
                    ("p50_seconds", "Median", ", interpolated linearly"),
                    ("p90_seconds", "90th percentile", ", interpolated linearly"),
                )
            ),
        ),
    ),
    key=("procedure", "from_state", "to_state"),
)

VARIANTS = OutputTable(
    "variants",
    "mart",
    "Sequences of states that processes went through, most frequent first. Every process that was "
    "ever in a state of the procedure counts, open and deleted ones included, with its states of "
    "the procedure so far.",
    "one row per procedure and sequence of states",
    in_order(
        SHARED,
        (
            "procedure",
            text(
                "variant",
                "shortIds of the states visited, in order, joined by ` > `.",
                open_rule="an open process may still change to a longer variant",
            ),
            count("n_steps", "Visits in the sequence."),
            count("processes", "Processes with this sequence."),
            share("share", "`processes` divided by all processes of the procedure in this table."),
            share(
                "cumulative_share",
                "Sum of `share` from the most frequent variant down to this one; ties in "
                "alphabetical order.",
            ),
            seconds(
                "p50_resolution_seconds",
                "Median of `resolution_seconds` of those processes that were first completed in "
                "this procedure, interpolated linearly.",
                nulls="if none of them was",
                open_rule="processes never completed are left out",
            ),
        ),
    ),
    key=("procedure", "variant"),
)

REWORK = OutputTable(
    "rework",
    "mart",
    "Repeated work by state: states entered again, back-and-forth moves, changes of attributes. "
    "For handoffs between people see `handoffs` and `process_lifecycle`.",
    "one row per procedure and state that was ever entered",
    in_order(
        SHARED,
        (
            "procedure",
            _STATE,
            count("n_visits", "Visits to the state, open ones included."),
            count("processes", "Processes that were ever in the state, deleted ones included."),
            count(
                "n_reentries",
                "Visits by processes that had been in the state before, except restores in the "
                "same state.",
            ),
            count("n_processes_back", "Processes that returned to the state at least once."),
            share("share_back", "`n_processes_back` divided by `processes`."),
            count(
                "n_backward",
                "Visits entered from a state of higher rank (`state_rank`). Returning from a "
                "waiting state may count too, as rank is the order of the states in the "
                "definition.",
            ),
            count(
                "n_ping_pongs",
                "Visits that returned after a single visit to one other state (A, B, A).",
            ),
            replace(
                count(
                    "n_changes_in_place",
                    "Changes of tracked attributes while in the state, those in the version that "
                    "entered it included; changes of deleted processes are left out.",
                ),
                nulls="if the procedure tracks no attribute",
            ),
        ),
    ),
    key=("procedure", "state"),
)

_NO_PATH = "if no allowed path leads there"

CONFORMANCE = OutputTable(
    "conformance",
    "mart",
    "How many processes conform to the stategraph of their procedure. Every process that was ever "
    "in a state of the procedure counts, open and deleted ones included, with its moves so far.",
    "one row per procedure",
    in_order(
        SHARED,
        (
            "procedure",
            count("processes", "Processes that were ever in a state."),
            count(
                "n_without_moves",
                "Those of `processes` without a move (see `n_moves`): they neither conform nor "
                "deviate.",
                open_rule="an open process may still move",
            ),
            count(
                "conforming",
                "Processes with moves, none of which the stategraph forbids. All processes with "
                "moves if the procedure has no stategraph.",
                open_rule="an open process may still deviate",
            ),
            share(
                "share_conforming",
                "`conforming` divided by the processes with moves, `processes - n_without_moves`.",
                nulls="if the procedure has no stategraph, or no process has moved",
                open_rule="can still fall while processes are open",
            ),
            count(
                "n_moves",
                "Moves from one state to another: rows of `state_visits` where `is_allowed` is not "
                "null.",
            ),
            count(
                "n_not_allowed",
                "Those of `n_moves` that the stategraph forbids. Always 0 if the procedure has no "
                "stategraph.",
            ),
        ),
    ),
    key=("procedure",),
)

CONFORMANCE_DEPARTURES = OutputTable(
    "conformance_departures",
    "mart",
    "Moves that the stategraph forbids, most frequent first, and the states they skipped. Moves "
    "across a deletion count, as in `state_visits`.",
    "one row per procedure and pair of states with such a move",
    in_order(
        SHARED,
        (
            "procedure",
            number(
                "departure_no",
                "INTEGER",
                "Rank by `n` within the procedure, 1 is the most frequent; ties in alphabetical "
                "order of the states.",
            ),
            text("from_state", "shortId of the state that was left."),
            text("to_state", "shortId of the state that was entered."),
            count("n", "Number of such moves."),
            count("processes", "Processes with such a move."),
            share(
                "share_of_departures",
                "`n` divided by all forbidden moves of the procedure.",
            ),
            OutputColumn(
                "n_skipped_states",
                "INTEGER",
                "Number of states between the two on the shortest allowed path.",
                COUNT,
                _NO_PATH,
            ),
            OutputColumn(
                "skipped_states",
                "VARCHAR[]",
                "shortIds of these states in order. If several paths are equally short, the one "
                "whose states come first by rank.",
                nulls=_NO_PATH,
            ),
        ),
    ),
    key=("procedure", "departure_no"),
)
