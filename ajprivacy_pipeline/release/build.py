"""Building a release: compute, withhold, prove, stage, prove again, swap.

Belongs here: the order of the steps. Each step is a module beside it.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from ajprivacy_pipeline.anonymise.leakscan import Text
from ajprivacy_pipeline.anonymise.verdict import Verdict
from ajprivacy_pipeline.control import ControlStore, utc_now
from ajprivacy_pipeline.lineage import check_lineage
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy_microdata import MICRODATA
from ajprivacy_pipeline.release import files, ledger, microdata, microdata_ledger, prove, swap, tables, texts
from ajprivacy_pipeline.release import gates as cell_gates
from ajprivacy_pipeline.release.manifest import Release, sha256_of, verify_release, write_manifest
from ajprivacy_pipeline.release.plan import PROVEN, ReleasePlan, plan_release
from ajprivacy_pipeline.report.release_page import write_page
from ajprivacy_pipeline.settings import Settings, sql_folder
from ajprivacy_pipeline.zones import Connection, engine_errors

Status = Literal["published", "already_closed"]


@dataclass(frozen=True)
class ReleaseResult:
    """What a publish did. `rows` and `figures` are for the run's metadata; `folder` is relative to the home."""

    month: str
    status: Status
    history_from: str
    proven: bool
    folder: str
    manifest_sha256: str
    repaired: bool = False
    verdicts: tuple[Verdict, ...] = ()
    rows: dict[str, int] = field(default_factory=dict)
    figures: dict[str, int] = field(default_factory=dict)


def _silent(step: str) -> None:
    """Progress that nobody watches."""


def build_release(con: Connection, settings: Settings, policy: Policy, control: ControlStore, month: str, run_id: str,
                  progress: swap.Progress = _silent, *, run_models: bool = True,
                  sql: Path | None = None) -> ReleaseResult:
    """Publish the release for a month, or say that the month lies in a closed period.

    Args:
        con: the month's restricted zone, with `staged`, `retention`, `control.rates`.
        settings: where published/ lies.
        policy: what may leave and how.
        control: which releases there are.
        month: YYYY-MM.
        run_id: names the staging folder and the control store's row; never published.
        progress: told each step before it is taken.
        run_models: False when the caller ran the layers anonymous and published with `model_values` already.
        sql: the folder of the models; the product's own when omitted.

    Raises:
        GuaranteeError: a gate failed; the previous release stays.
        ReleaseError: the previous release is gone or changed, or another run is publishing.
        ModelError: a model failed.
        ZoneError: the disk is full or not writable; nothing was swapped.
    """
    with swap.publishing(settings, control, run_id) as staging:
        repaired = swap.repair(settings, policy, control, staging, progress)
        plan = plan_release(control, policy, month)
        previous = _previous(settings, plan)
        if plan.closed and previous is not None:
            folder = _relative(previous.folder, settings)
            return ReleaseResult(month, "already_closed", plan.history_from, PROVEN, folder, previous.manifest_sha256,
                                 repaired)
        absent = tables.absent_tables(con, policy)
        plan, shown = replace(plan, absent=absent), _without(policy, set(absent), previous)
        run = _Run(con, settings, shown, control, plan, previous, staging, run_id, progress, repaired)
        try:
            return _publish(run, (sql or sql_folder()) if run_models else None, policy)
        finally:
            tables.drop_public(con, policy)
            microdata.drop_microdata(con)


def _without(policy: Policy, absent: set[str], previous: Release | None) -> Policy:
    """The policy without the tables a release has no file of: absent ones of which no closed month is known."""
    gone = absent - set(previous.tables if previous else ())
    kept = {name: table for name, table in policy.release.tables.items() if name not in gone}
    return policy.model_copy(update={"release": policy.release.model_copy(update={"tables": kept})})


@dataclass(frozen=True)
class _Run:
    """What every step of one publish needs."""

    con: Connection
    settings: Settings
    policy: Policy
    control: ControlStore
    plan: ReleasePlan
    previous: Release | None
    staging: Path
    run_id: str
    progress: swap.Progress
    repaired: bool

    @property
    def analytics(self) -> Path:
        """The staged file that will be the published one."""
        return self.staging / swap.ANALYTICS


def _previous(settings: Settings, plan: ReleasePlan) -> Release | None:
    """The release whose closed months are copied, verified.

    Raises:
        ReleaseError: it is known and its files are gone or changed.
    """
    if plan.previous is None:
        return None
    folder = settings.published / "releases" / plan.previous["month"]
    return verify_release(folder, plan.previous["manifest_sha256"])


def _publish(run: _Run, sql: Path | None, declared: Policy) -> ReleaseResult:
    """Compute (from the models in `sql`, unless that was done), prove and swap one release that is not closed.

    `declared` is the whole policy, which the models follow; the run's own leaves out what is absent.
    """
    con, policy, progress = run.con, run.policy, run.progress
    progress("computing cells")
    if sql is not None:
        tables.run_layers(con, declared, run.plan, sql)
    tables.forget_tokens(con)
    prove.require([tables.check_cells(con, declared)])
    progress("tracing columns")
    lineage = check_lineage(declared, sql)
    prove.require([lineage])
    progress("withholding")
    public = tables.make_public(con, policy, run.plan.absent)
    progress("withholding complements")
    took = cell_gates.withhold_more(con, policy, public)
    progress("checking thresholds")
    cells = ledger.hash_cells(con, run.settings, policy, public)
    earlier = [row["manifest_sha256"] for row in run.control.releases() if bool(row["proven"]) == PROVEN]
    gates = cell_gates.with_ledger(cell_gates.check_gates(con, policy, public, took), run.settings, cells, earlier)
    prove.require(gates)
    progress("recoding microdata")
    run, snapshot = _with_microdata(run)
    policy, gates = run.policy, [prove.together(gates[0], snapshot.size), *gates[1:], *snapshot.verdicts]
    prove.require(gates)
    paths = files.planned_paths(policy, run.plan, run.previous)
    verdicts = prove.claims(policy, gates, len(paths))
    head = files.head_of(policy, run.plan, PROVEN, verdicts)
    progress("scanning for leaks")
    record = {MICRODATA: microdata.PUBLIC} if snapshot.made else {}
    leaks, cleared = _scan(run, public, record, head, paths)
    progress("writing files")
    release = _stage(run, public, snapshot, head)
    progress("building analytics.duckdb")
    files.build_analytics(policy, release, run.analytics)
    progress("proving what was built")
    late = prove.check_remaining_texts(con, policy, release, run.analytics, cleared)
    prove.require([*prove.check_built(policy, release, run.analytics), late])
    ledger.remember(run.settings, release.manifest_sha256, cells)
    folder = swap.swap(run.settings, run.control, run.staging, _record(run, release), progress)
    figures = {**{n: v for gate in gates for n, v in gate.figures.items()}, **lineage.figures, **leaks.figures,
               "texts_scanned_late": late.figures["scanned_late"], "unconverted_lines": tables.unconverted_lines(con)}
    return ReleaseResult(release.month, "published", run.plan.history_from, PROVEN, _relative(folder, run.settings),
                         release.manifest_sha256, run.repaired, tuple(verdicts), _rows(release), figures)


def _with_microdata(run: _Run) -> tuple[_Run, microdata.Snapshot]:
    """The run with what was decided about the microdata: made anew, repeated, or absent with a reason."""
    snapshot = microdata.take(run.con, run.settings, run.policy, run.plan, run.previous)
    plan, policy = replace(run.plan, microdata=snapshot.month), run.policy
    if snapshot.reason:
        plan = replace(plan, absent={**plan.absent, MICRODATA: snapshot.reason})
        policy = _without(policy, {MICRODATA}, None)
    return replace(run, plan=plan, policy=policy), snapshot


def _scan(run: _Run, public: dict[str, str], record: dict[str, str], head: dict[str, Any],
          paths: list[str]) -> tuple[Verdict, set[Text]]:
    """G10 on everything about to be written; withholds product names; returns the verdict and what was cleared.

    Raises:
        GuaranteeError: something other than a product name names somebody.
    """
    con, policy = run.con, run.policy
    with engine_errors("leak scan"):
        new = set(texts.texts_of_policy(policy, head, paths))
        for table, relation in {**public, **record}.items():
            new.update(texts.texts_of_table(con, policy, table, relation))
        closed = set(texts.texts_of_closed(policy, run.previous)) if run.previous else set()
        found, names = prove.check_leaks(con, policy, new, closed)
        prove.require([found])
        tables.withhold_names(con, public[prove.NAMES.partition(".")[0]], names)
    withheld = {text for text in new - closed if text.place == prove.NAMES and text.value in names}
    return found, (new | closed) - withheld


def _stage(run: _Run, public: dict[str, str], snapshot: microdata.Snapshot, head: dict[str, Any]) -> Release:
    """Write the folder of the release: copied and new months, dictionary, verdicts, manifest.

    Raises:
        GuaranteeError: a file has a column that is not declared, or marks that contradict its values.
    """
    policy, folder = run.policy, run.staging / "release"
    rows = files.copy_closed(run.previous, policy, folder) if run.previous else {}
    for table, relation in public.items():
        rows |= files.write_months(run.con, policy, table, relation, files.months_of(policy, run.plan, table), folder)
    rows |= _stage_microdata(run, snapshot, folder)
    rows |= files.write_rows(policy, "data_dictionary", files.dictionary_rows(policy), folder)
    rows |= files.write_rows(policy, "release_info", files.info_rows(head), folder)
    prove.require([prove.check_staged(policy, folder, sorted(rows))])
    rows |= write_page(policy, folder, rows, head)
    with engine_errors("published"):
        digest = write_manifest(folder, rows, head)
    return verify_release(folder, digest)


def _stage_microdata(run: _Run, snapshot: microdata.Snapshot, folder: Path) -> dict[str, int]:
    """Write or repeat the record-level file; who is in which class of a new one goes into the ledger first."""
    if snapshot.month is None:
        return {}
    if snapshot.members is None:
        path = f"{MICRODATA}/{snapshot.month}.parquet"
        return files.copy_files(run.previous, [path], folder) if run.previous else {}
    rows = files.write_microdata(run.con, run.policy, MICRODATA, microdata.PUBLIC, snapshot.month, folder)
    keys = microdata_ledger.key_store(run.settings)
    microdata_ledger.remember(run.settings, keys, sha256_of(folder / next(iter(rows))), snapshot.members)
    return rows


def _record(run: _Run, release: Release) -> dict[str, Any]:
    """The control store's row of the release."""
    return {"month": release.month, "history_from": run.plan.history_from, "proven": PROVEN,
            "policy_version": run.policy.version, "manifest_sha256": release.manifest_sha256, "run_id": run.run_id,
            "published_at": utc_now()}


def _rows(release: Release) -> dict[str, int]:
    """Rows of each published table over all its months."""
    rows: dict[str, int] = {}
    for path, entry in release.manifest["files"].items():
        table, is_table, _ = path.partition("/")
        if is_table:
            rows[table] = rows.get(table, 0) + int(entry["rows"])
    return rows


def _relative(folder: Path, settings: Settings) -> str:
    return folder.relative_to(settings.home).as_posix()

