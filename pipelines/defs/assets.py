"""The assets: four steps that read and write the warehouse explicitly.

Few steps with many tables each, because every step costs Dagster a fixed time.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

import dagster as dg

from pipelines.defs.check import Check, Verdict
from pipelines.defs.checks import CHECKS
from pipelines.defs.column_lineage import Sources, raw_columns
from pipelines.defs.lineage import AssetLayer, Lineage, find_lineage
from pipelines.defs.metadata import (
    describe_columns,
    describe_generation,
    describe_ingest,
    describe_raw_columns,
    describe_table,
)
from pipelines.defs.resources import Session
from schemas.catalogue.model import OutputTable
from schemas.compiled.wide_table import built_tables
from schemas.definitions.procedure import Procedures

POOL = "warehouse"

# Owners: who brings the files, and who uses the tables.
_OPERATORS, _ANALYSTS = ["team:operators"], ["team:analysts"]
# With a nightly schedule it is at most a day old; after 38 hours a night was missed.
_FRESH = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(hours=26), fail_window=timedelta(hours=38)
)

_RAW_TABLES = {
    "process_versions": "Every accepted version of every process, as delivered, with its place "
    "in the order of all versions. The content of a version is never changed.",
    "quarantine": "Every rejected line with its text and the rules it broke. The text never "
    "leaves the warehouse.",
    "violations": "Broken rules of accepted versions: values set to null, and flags.",
    "dimension_rows": "Every accepted line of the files of users, pods, teams, entities and "
    "records, and of tasks and calls. The latest one about an id counts.",
    "ingest_files": "The ledger: every file by the hash of its bytes, with the number of its "
    "accepted, duplicate, quarantined, blank and erased lines.",
    "erasures": "What was erased with `leadtime erase` or `retain`: numbers and hashes, no "
    "personal data.",
}
_STEPS: dict[AssetLayer, tuple[str, str]] = {"core": ("core", "core"), "mart": ("marts", "mart")}

Warehouse = dg.ResourceParam[Session]


def build_assets(
    procedures: Procedures,
    column_lineage: Sources | None = None,
    *,
    prefix: Sequence[str] = (),
) -> list[dg.AssetsDefinition]:
    """All assets for these procedures: raw tables, core tables, marts, the published database.

    `column_lineage` is shown in the UI only. Keys begin with `prefix`.
    """
    lineage = find_lineage(procedures)
    catalogue = {table.name: table for table in built_tables(procedures)}
    return [
        _ingest_assets(prefix),
        _table_assets("core", lineage, catalogue, column_lineage or {}, prefix),
        _table_assets("mart", lineage, catalogue, column_lineage or {}, prefix),
        _published_asset(lineage, prefix),
    ]


def _ingest_assets(prefix: Sequence[str]) -> dg.AssetsDefinition:
    checks = _checks_of("raw")
    columns = raw_columns()
    specs = [
        dg.AssetSpec(
            [*prefix, "raw", name],
            description=description,
            metadata=describe_raw_columns(columns[name]),
            group_name="raw",
            kinds={"python", "duckdb"},
            owners=_OPERATORS,
        )
        for name, description in _RAW_TABLES.items()
    ]

    @dg.multi_asset(
        name="ingest", specs=specs, check_specs=[check.spec(prefix) for check in checks], pool=POOL
    )
    def ingest(warehouse: Warehouse) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Take in the landing files that are not in the ledger."""
        with warehouse.stage("ingest") as run:
            about = describe_ingest(warehouse.ingest(run), run.con)
            verdicts = warehouse.verify(run, checks)
        for name in _RAW_TABLES:
            yield dg.MaterializeResult(asset_key=[*prefix, "raw", name], metadata=about[name])
        yield from (_result(check, verdict, prefix) for check, verdict in verdicts.items())

    return ingest


def _table_assets(
    layer: AssetLayer,
    lineage: Lineage,
    catalogue: Mapping[str, OutputTable],
    column_lineage: Sources,
    prefix: Sequence[str],
) -> dg.AssetsDefinition:
    stage, group = _STEPS[layer]
    checks = _checks_of(layer)
    order = lineage.order[layer]
    specs = [
        dg.AssetSpec(
            [*prefix, layer, name],
            deps=_deps(lineage.reads[dg.AssetKey([layer, name])], prefix),
            description=catalogue[name].description,
            metadata=describe_columns(
                catalogue[name], column_lineage.get(f"{layer}/{name}", {}), prefix
            ),
            group_name=group,
            code_version=lineage.code_versions[dg.AssetKey([layer, name])],
            kinds={"sql", "duckdb"},
            owners=_ANALYSTS,
        )
        for name in order
    ]

    @dg.multi_asset(
        name=stage,
        specs=specs,
        check_specs=[check.spec(prefix) for check in checks],
        can_subset=True,
        pool=POOL,
    )
    def build(
        context: dg.AssetExecutionContext, warehouse: Warehouse
    ) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        """Build the selected tables, after the tables that they read."""
        selected, checked = context.selected_asset_keys, context.selected_asset_check_keys
        chosen = [n for n in order if dg.AssetKey([*prefix, layer, n]) in selected]
        due = [check for check in checks if check.spec(prefix).key in checked]
        needed = lineage.with_upstreams(layer, [*chosen, *(n for c in due for n in c.reads)])
        with warehouse.stage(stage) as run:
            warehouse.bring_up(run, layer, needed)
            about = {
                n: describe_table(catalogue[n], warehouse.built[layer, n], run.con) for n in chosen
            }
            verdicts = warehouse.verify(run, due)
        for name in chosen:
            yield dg.MaterializeResult(asset_key=[*prefix, layer, name], metadata=about[name])
        yield from (_result(check, verdict, prefix) for check, verdict in verdicts.items())

    return build


def _published_asset(lineage: Lineage, prefix: Sequence[str]) -> dg.AssetsDefinition:
    blocking = [check for check in CHECKS if check.is_blocking]

    @dg.asset(
        key=[*prefix, "analytics"],
        deps=_deps(lineage.reads, prefix),
        group_name="published",
        kinds={"duckdb"},
        owners=_ANALYSTS,
        freshness_policy=_FRESH,
        pool=POOL,
        description="The read-only database that analysts query: all core tables and marts, with "
        "comments, the metric catalogue and the funnel macro. A new generation when it would show "
        "more than longer durations; the pointer `analytics.duckdb` moves to it only when every "
        "blocking check has passed.",
    )
    def analytics(warehouse: Warehouse) -> dg.MaterializeResult:
        """Publish a generation if something has changed, after the tables not built yet."""
        with warehouse.stage("publish") as run:
            warehouse.bring_up(run, "mart", lineage.order["mart"])
            _refuse_failed(warehouse.verify(run, blocking))
            generation = warehouse.publish(run)
        seconds = warehouse.stage_seconds["publish"]
        about = describe_generation(generation, as_of=run.as_of, seconds=seconds)
        return dg.MaterializeResult(metadata=about)

    return analytics


def _checks_of(layer: str) -> list[Check]:
    return [check for check in CHECKS if check.layer == layer]


def _deps(keys: Iterable[dg.AssetKey], prefix: Sequence[str]) -> list[dg.AssetKey]:
    return sorted(dg.AssetKey([*prefix, *key.path]) for key in keys)


def _result(check: Check, verdict: Verdict, prefix: Sequence[str]) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=check.spec(prefix).asset_key,
        check_name=check.name,
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity[verdict.severity.upper()],
        description=verdict.sentence,
        metadata={"n_wrong": verdict.n_wrong},
    )


def _refuse_failed(verdicts: Mapping[Check, Verdict]) -> None:
    failed = [
        f"{c.name}: {v.sentence} {c.description}" for c, v in verdicts.items() if not v.passed
    ]
    if failed:
        raise dg.Failure("Nothing was published. " + " ".join(failed), allow_retries=False)
