"""Draws the calls and tasks of leads, and writes their files as the platform would export them."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from pipelines.simulator.draws import Draws
from pipelines.simulator.kinship import LEAD
from pipelines.simulator.members import json_object, number_member, text_member
from pipelines.simulator.paths import Histories

_MOST_CALLS = 6
_HOUR_MS = 3_600_000
_MEAN_FIRST_GAP_MS = 5 * _HOUR_MS
_MEAN_GAP_MS = 44 * _HOUR_MS
_MEAN_TALK_MS = 170_000
_CONNECTED_SHARE = 0.38
_INBOUND_SHARE = 0.12
_NOT_DISPOSED_SHARE = 0.05
_NOT_CONNECTED = ("UNANSWERED", "UNANSWERED", "BUSY", "REJECTED", "FAILED")
_PROVIDERS = ("Acme Voice", "Telco One")

_TASK_SHARE = 0.6
_DONE_SHARE = 0.85
_MEAN_TASK_GAP_MS = 9 * _HOUR_MS
_MEAN_WORK_MS = 30 * _HOUR_MS
_DUE_AFTER_MS = 48 * _HOUR_MS
_TITLES = ("Call back", "Send the brochure", "Prepare the offer", "Ask for references")


def write_activities(
    folder: Path, histories: Histories, facts: pl.DataFrame, people: pl.DataFrame, draws: Draws
) -> None:
    """Writes `calls.ndjson` and `tasks.ndjson`, from streams of draws of their own.

    Nothing happens after the latest version of any process. A task has a version when it was made
    and one when it was completed.
    """
    leads = _leads(histories, facts, people)
    is_over = pl.col("updated_at") <= histories.steps["t"].max()
    folder.mkdir(parents=True, exist_ok=True)
    for name, lines in (
        ("calls", _calls(leads, draws).filter(is_over).select(_call())),
        ("tasks", _tasks(leads, draws).filter(is_over).select(_task())),
    ):
        path = folder / f"{name}.ndjson"
        lines.write_csv(path, include_header=False, quote_style="never")


def _leads(histories: Histories, facts: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """One row per lead: its id, when it was created, and its last assignee."""
    of_leads = people.filter(pl.col("procedure_no") == LEAD)["person"]
    last = histories.steps.group_by("process", maintain_order=True).agg(pl.col("assignee").last())
    present = pl.when(pl.col("assignee") >= 0).then(pl.col("assignee"))
    return (
        histories.processes.with_columns(lead=facts["id"])
        .filter(pl.col("procedure_no") == LEAD)
        .join(last, on="process", maintain_order="left")
        .select("lead", "created_at", user=pl.lit(of_leads).gather(present))
    )


def _calls(leads: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """One row per call. A lead has up to `_MOST_CALLS`, the first one soon after it came."""
    n = leads.height * _MOST_CALLS
    numbered = leads.with_columns(
        n_calls=draws.below("calls of a lead", leads.height, _MOST_CALLS + 1),
        number=draws.below("call numbers", leads.height, 90_000_000) + 10_000_000,
    ).join(pl.DataFrame({"call_no": range(_MOST_CALLS)}), how="cross", maintain_order="left_right")
    connects = pl.col("u_connected") < _CONNECTED_SHARE
    return (
        numbered.with_columns(
            id=draws.uuids("call ids", n),
            gap=_exponential(draws, "call gaps", n),
            talk=_exponential(draws, "call talk", n),
            ring_ms=draws.below("call rings", n, 28_000) + 2_000,
            wrap_up_ms=draws.below("call wrap-ups", n, 90_000) + 1_000,
            u_connected=draws.uniform("call connected", n),
            u_inbound=draws.uniform("call directions", n),
            u_disposed=draws.uniform("call disposed", n),
            not_connected=draws.pick("call results", n, _NOT_CONNECTED),
            provider=draws.pick("call providers", n, _PROVIDERS),
        )
        .with_columns(
            gap_ms=pl.when(pl.col("call_no") == 0).then(_MEAN_FIRST_GAP_MS).otherwise(_MEAN_GAP_MS)
            * pl.col("gap")
        )
        .with_columns(
            begun=pl.col("created_at")
            + pl.col("gap_ms").cast(pl.Int64).cum_sum().over("lead", order_by="call_no")
        )
        .filter(pl.col("call_no") < pl.col("n_calls"))
        .with_columns(
            connected=pl.when(connects).then(pl.col("begun") + pl.col("ring_ms")),
            ended=pl.col("begun")
            + pl.col("ring_ms")
            + pl.when(connects).then((pl.col("talk") * _MEAN_TALK_MS).cast(pl.Int64)).otherwise(0),
            status=pl.when(connects).then(pl.lit("COMPLETED")).otherwise("not_connected"),
        )
        .with_columns(
            disposed=pl.when(pl.col("u_disposed") > _NOT_DISPOSED_SHARE).then(
                pl.col("ended") + pl.col("wrap_up_ms")
            )
        )
        .with_columns(updated_at=pl.col("disposed").fill_null(pl.col("ended")))
    )


def _call() -> pl.Expr:
    hung_up = pl.when(pl.col("connected").is_not_null()).then(pl.col("ended"))
    ours, theirs = pl.lit("+49 30 5550000"), pl.lit("+49 170 ") + pl.col("number").cast(pl.String)
    is_inbound = pl.col("u_inbound") < _INBOUND_SHARE
    direction = pl.when(is_inbound).then(pl.lit("INBOUND")).otherwise(pl.lit("OUTBOUND"))
    return json_object(
        text_member("id", pl.col("id")),
        text_member("forProcess", pl.col("lead")),
        text_member("user", pl.col("user")),
        text_member("type", direction),
        text_member("callStatus", pl.col("status")),
        text_member("from", pl.when(is_inbound).then(theirs).otherwise(ours)),
        text_member("to", pl.when(is_inbound).then(ours).otherwise(theirs)),
        text_member("provider", pl.col("provider")),
        number_member("callStart", pl.col("begun")),
        number_member("callEnd", pl.col("ended")),
        number_member("callDuration", (pl.col("ended") - pl.col("begun")) // 1000),
        number_member("connectionStart", pl.col("connected"), absent="0"),
        number_member("connectionEnd", hung_up, absent="0"),
        number_member("disposedAt", pl.col("disposed"), absent="0"),
        number_member("createdAt", pl.col("begun")),
        number_member("updatedAt", pl.col("updated_at")),
    )


def _tasks(leads: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """One row per version of a task; some leads have one."""
    n = leads.height
    made = (
        leads.with_columns(
            id=draws.uuids("task ids", n),
            title=draws.pick("task titles", n, _TITLES),
            u_task=draws.uniform("tasks", n),
            u_done=draws.uniform("tasks done", n),
            made_at=pl.col("created_at")
            + (_exponential(draws, "task gaps", n) * _MEAN_TASK_GAP_MS).cast(pl.Int64),
            work_ms=(_exponential(draws, "task work", n) * _MEAN_WORK_MS).cast(pl.Int64),
        )
        .filter(pl.col("u_task") < _TASK_SHARE)
        .with_columns(
            status=pl.lit("OPEN"),
            updated_at=pl.col("made_at"),
            done_at=pl.lit(None, dtype=pl.Int64),
        )
    )
    done = made.filter(pl.col("u_done") < _DONE_SHARE).with_columns(
        status=pl.lit("COMPLETED"),
        updated_at=pl.col("made_at") + pl.col("work_ms"),
        done_at=pl.col("made_at") + pl.col("work_ms"),
    )
    return pl.concat([made, done]).sort("updated_at", "id")


def _task() -> pl.Expr:
    return json_object(
        text_member("id", pl.col("id")),
        text_member("process", pl.col("lead")),
        text_member("title", pl.col("title")),
        text_member("status", pl.col("status")),
        text_member("assignedTo", pl.col("user")),
        number_member("dueBy", pl.col("made_at") + _DUE_AFTER_MS),
        number_member("completedAt", pl.col("done_at"), absent="0"),
        number_member("createdAt", pl.col("made_at")),
        number_member("updatedAt", pl.col("updated_at")),
    )


def _exponential(draws: Draws, stream: str, height: int) -> pl.Series:
    """Exponential numbers with mean 1."""
    return -draws.uniform(stream, height).log()
