"""Simulates leads and tickets and writes landing files as the platform would export them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from pipelines.settings import PROCEDURES_FOLDER
from pipelines.simulator.activities import write_activities
from pipelines.simulator.arrivals import DAY_MS
from pipelines.simulator.behaviour import BEHAVIOURS
from pipelines.simulator.damage import FLAGGED, NULLED, REJECTED, reject, soil
from pipelines.simulator.directory import Directory, draw_directory, write_dimensions
from pipelines.simulator.draws import Draws
from pipelines.simulator.facts import draw_facts
from pipelines.simulator.paths import Histories, draw_histories
from pipelines.simulator.records import Renderer, prepare_renderer
from pipelines.simulator.shipping import (
    ORIGINAL,
    REJECT,
    REPEAT,
    STAINS,
    Files,
    Shipment,
    draw_shipment,
)
from pipelines.simulator.situations import Situations, compile_situations
from pipelines.simulator.values import STYLES, attribute_keys
from schemas.definitions.procedure import Procedure
from schemas.errors import OperationError
from schemas.load import load_procedures

DEFAULT_DAYS = 270
_MAX_BLANK_LINES = 3


@dataclass(frozen=True)
class SimulationSummary:
    """Counts of what was written: lines = versions + duplicates + sum(rejected) + blank."""

    files: Mapping[str, Mapping[str, int]]
    processes: Mapping[str, int]
    lines: int
    versions: int
    duplicates: int
    blank: int
    late: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    nulled: Mapping[str, int] = field(default_factory=dict)
    flagged: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drawn:
    """The simulated processes, before they are written as lines of files."""

    draws: Draws
    situations: Situations
    histories: Histories
    procedures: Sequence[Procedure]
    directory: Directory
    facts: pl.DataFrame


def simulate(
    folder: Path,
    *,
    versions: int,
    seed: int,
    end: datetime | int,
    start: datetime | int | None = None,
    files: Files = "monthly",
    late_share: float = 0.02,
    duplicate_share: float = 0.01,
    dirty_share: float = 0.01,
    dimensions: bool = False,
    activities: bool = False,
) -> SimulationSummary:
    """Writes landing files with exactly `versions` different versions into `folder`.

    `start` and `end` are instants (aware, or epoch milliseconds); without `start` the history
    covers 270 days. `files` is a number of slices of equal size, or one file a month; ingest them
    in the order of their names. Shares are of `versions`; rejected and repeated lines come on top.
    With `dimensions`, files with the names of users, pods, teams, entities and records are written
    too, and with `activities` those of the calls and tasks of leads; the summary does not count
    them. The same arguments give the same bytes.

    Raises `ValueError` for arguments that cannot be met, and `OperationError` when `folder` already
    holds landing files.
    """
    if versions < 1 or (files != "monthly" and not 1 <= files <= versions):
        raise ValueError("a simulation needs at least one version, and one for each file")
    if any(folder.glob("*.ndjson")):
        raise OperationError(str(folder), "already holds landing files", "Choose an empty folder.")
    drawn = draw_processes(versions=versions, seed=seed, end=end, start=start)
    draws, histories = drawn.draws, drawn.histories
    renderer = prepare_renderer(
        drawn.procedures, drawn.situations, drawn.facts, drawn.directory.people
    )
    shipment = draw_shipment(
        histories.steps,
        draws,
        files=files,
        late_share=late_share,
        duplicate_share=duplicate_share,
        dirty_share=dirty_share,
    )
    if dimensions:
        write_dimensions(folder, drawn.directory, drawn.procedures)
    if activities:
        write_activities(folder, histories, drawn.facts, drawn.directory.people, draws)
    return _write_files(folder, histories, shipment, renderer, draws, has_dirt=dirty_share > 0)


def draw_processes(
    *, versions: int, seed: int, end: datetime | int, start: datetime | int | None = None
) -> Drawn:
    """The processes with exactly `versions` versions; the arguments are those of `simulate`."""
    end_ms = _epoch_ms(end)
    start_ms = end_ms - DEFAULT_DAYS * DAY_MS if start is None else _epoch_ms(start)
    if end_ms - start_ms < DAY_MS:
        raise ValueError("a simulation needs at least a day between start and end")
    draws = Draws(seed)
    situations = compile_situations()
    histories = draw_histories(situations, draws, versions=versions, start=start_ms, end=end_ms)
    definitions = load_procedures(PROCEDURES_FOLDER)
    procedures = [definitions.by_short_id[behaviour.procedure] for behaviour in BEHAVIOURS]
    directory = draw_directory(draws, processes=histories.processes.height)
    facts = draw_facts(histories, procedures, directory, draws)
    return Drawn(draws, situations, histories, procedures, directory, facts)


def _write_files(
    folder: Path,
    histories: Histories,
    shipment: Shipment,
    renderer: Renderer,
    draws: Draws,
    *,
    has_dirt: bool,
) -> SimulationSummary:
    folder.mkdir(parents=True, exist_ok=True)
    counts: dict[str, dict[str, int]] = {}
    for number, name in enumerate(shipment.names):
        lines = shipment.of_file(number, histories.steps)
        text = _apply_dirt(renderer.render(lines), lines, renderer)
        blank = draws.generator(f"blank {name}").randrange(_MAX_BLANK_LINES) if has_dirt else 0
        _write_lines(folder / name, text, blank=blank)
        counts[name] = {
            "lines": lines.height + blank,
            "accepted": lines.filter(pl.col("copy") == ORIGINAL).height,
            "duplicates": lines.filter(pl.col("copy") == REPEAT).height,
            "quarantined": lines.filter(pl.col("copy") == REJECT).height,
            "blank": blank,
        }
    everything = shipment.lines
    stains = dict(everything.filter(pl.col("copy") == ORIGINAL)["stain"].value_counts().iter_rows())
    rejects = dict(everything["reject_kind"].value_counts().iter_rows())
    by_procedure = dict(histories.processes["procedure_no"].value_counts().iter_rows())
    return SimulationSummary(
        files=counts,
        processes={b.procedure: by_procedure.get(number, 0) for number, b in enumerate(BEHAVIOURS)},
        lines=sum(count["lines"] for count in counts.values()),
        versions=histories.steps.height,
        duplicates=sum(count["duplicates"] for count in counts.values()),
        blank=sum(count["blank"] for count in counts.values()),
        late=int(everything["is_late"].sum()),
        rejected={kind: rejects.get(kind, 0) for kind in REJECTED},
        nulled={kind: stains.get(STAINS.index(kind), 0) for kind in NULLED},
        flagged={kind: stains.get(STAINS.index(kind), 0) for kind in FLAGGED},
    )


def _apply_dirt(text: pl.Series, lines: pl.DataFrame, renderer: Renderer) -> pl.Series:
    """The lines, with the dirty ones replaced."""
    numbers = renderer.facts["procedure_no"]
    keys = [{style: attribute_keys(p, style) for style in STYLES} for p in renderer.procedures]
    dirty = lines.with_row_index("place").filter(
        pl.col("stain").is_not_null() | pl.col("reject_kind").is_not_null()
    )
    changed: list[str] = []
    for row in dirty.select("place", "process", "style", "stain", "reject_kind").iter_rows(
        named=True
    ):
        line = text[row["place"]]
        if row["reject_kind"] is not None:
            changed.append(reject(line, row["reject_kind"]))
        else:
            number = numbers[row["process"]]
            procedure = renderer.procedures[number].short_id
            own = keys[number][row["style"]]
            changed.append(soil(line, STAINS[row["stain"]], procedure=procedure, keys=own))
    return text.scatter(dirty["place"], changed)


def _write_lines(path: Path, text: pl.Series, *, blank: int) -> None:
    """Write one line per row; blank lines go after the first line and at the end."""
    empty = pl.Series([""], dtype=pl.String)
    parts = [text.head(1), *[empty] * (blank // 2), text.slice(1), *[empty] * (blank - blank // 2)]
    lines = pl.concat([part.alias("line") for part in parts]).to_frame()
    lines.write_csv(path, include_header=False, quote_style="never")


def _epoch_ms(instant: datetime | int) -> int:
    if isinstance(instant, int):
        return instant
    if instant.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {instant}")
    return round(instant.timestamp() * 1000)
