"""Building a release: compute, suppress, prove, stage, prove again, swap.

Belongs here: the order of the steps. Each step is a module beside it.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.guarantees import PROVING
from ajprivacy_pipeline.disclosure.texts.leakscan import Text
from ajprivacy_pipeline.disclosure.verdict import PASSED, Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.narrow import without_columns
from ajprivacy_pipeline.release import (
    files,
    ledger,
    ledger_cells,
    logs,
    microdata,
    microdata_ledger,
    periods,
    prove,
    swap,
    tables,
    texts,
)
from ajprivacy_pipeline.release.closed import already_closed
from ajprivacy_pipeline.release.compute import earlier_manifests, fitted
from ajprivacy_pipeline.release.logs import Logs
from ajprivacy_pipeline.release.manifest import Release, sha256_of, verify_release, write_manifest
from ajprivacy_pipeline.release.microdata_recoding import PUBLIC
from ajprivacy_pipeline.release.page import write_page
from ajprivacy_pipeline.release.plan import ReleasePlan, ReleaseRequest, plan_release, reissued
from ajprivacy_pipeline.release.rounded import with_rounded
from ajprivacy_pipeline.release.run import ReleaseResult, Run
from ajprivacy_pipeline.release.utility import check_utility, suppressed_sums
from ajprivacy_pipeline.release.visible import visible_shares
from ajprivacy_pipeline.settings import Settings, sql_folder
from ajprivacy_pipeline.storage.control import ControlStore, utc_now
from ajprivacy_pipeline.storage.control_rows import NewRelease, PeopleGroup
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, threads_by_size


def _silent(step: str) -> None:
    """Progress that nobody watches."""


def build_release(con: Connection, settings: Settings, policy: Policy, control: ControlStore, month: str, run_id: str,
                  progress: swap.Progress = _silent, *, run_models: bool = True, sql: Path | None = None,
                  logs: Logs | None = None, request: ReleaseRequest | None = None) -> ReleaseResult:
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
        logs: gives everything the run has written down so far. Without it G13 is not checked and the release unproven.
        request: overrides given on the command line: an earlier history, or a month issued again.

    Raises:
        GuaranteeError: a gate failed, or was not checked though the previous release is proven; that one stays.
        ReleaseError: the previous release is gone or changed, or another run is publishing.
        ModelError: a model failed.
        ZoneError: the disk is full or not writable; nothing was swapped.
    """
    with swap.publishing(settings, control, run_id) as staging, threads_by_size(con):
        repaired = swap.repair(settings, policy, control, staging, progress)
        swap.retire_unproven(settings, control)
        plan = plan_release(control, policy, month, request)
        previous = _previous(settings, plan)
        if plan.closed and previous is not None:
            return already_closed(plan, settings, control, previous, repaired)
        absent = tables.absent_tables(con, policy)
        lacking = _absent_columns(con, policy, previous)
        plan = replace(plan, absent={**absent, **lacking},
                       reissued=reissued(plan, previous.manifest if previous else {}))
        shown = without_columns(_without(policy, set(absent), previous), lacking)
        run = Run(con=con, settings=settings, policy=shown, declared=policy, control=control, plan=plan,
                  previous=previous, staging=staging, run_id=run_id, progress=progress, repaired=repaired,
                  sql=sql or sql_folder(), run_models=run_models, logs=logs)
        try:
            return _publish(run)
        finally:
            tables.drop_public(con, policy)
            ledger_cells.drop(con)
            microdata.drop_microdata(con)


def _without(policy: Policy, absent: set[str], previous: Release | None) -> Policy:
    """The policy without the tables a release has no file of: absent ones of which no closed month is known."""
    gone = absent - set(previous.tables if previous else ())
    kept = {name: table for name, table in policy.release.tables.items() if name not in gone}
    return policy.model_copy(update={"release": policy.release.model_copy(update={"tables": kept})})


def _absent_columns(con: Connection, policy: Policy, previous: Release | None) -> dict[str, str]:
    """The columns (table.column) that tables of cells lack, with the reason: all months of a table have the same ones.

    What a table lacked when it was first published it lacks from then on.
    """
    published = set(previous.tables if previous else ())
    known = files.absent_columns(previous.manifest) if previous else {}
    kept = {name: reason for name, reason in known.items()
            if name.partition(".")[0] in published & set(tables.month_tables(policy))}
    fresh = [table for table in tables.month_tables(policy) if table not in published]
    return kept | {f"{table}.{column}": reason for table, columns in tables.absent_columns(con, policy, fresh).items()
                   for column, reason in columns.items()}


def _previous(settings: Settings, plan: ReleasePlan) -> Release | None:
    """The release whose closed months are copied, verified.

    Raises:
        ReleaseError: it is known and its files are gone or changed.
    """
    if plan.previous is None:
        return None
    folder = settings.published / "releases" / plan.previous["month"]
    return verify_release(folder, plan.previous["manifest_sha256"])


def _publish(run: Run) -> ReleaseResult:
    """Compute, prove and swap one release that is not closed."""
    cells = fitted(run)
    public, gates = with_rounded(cells.run, cells.public, cells.gates)
    run.progress("recoding microdata")
    run, snapshot = _with_microdata(cells.run)
    run.progress("measuring what is still good")
    visible = _visible(run, public)
    useful, utility = check_utility(run.con, run.policy, run.plan.month, cells.public, snapshot.left_out, run.previous)
    gates = [prove.together(gates[0], snapshot.size), *gates[1:], *snapshot.verdicts, cells.order, useful]
    prove.require(gates)
    paths = files.planned_paths(run.policy, run.plan, run.previous)
    verdicts = prove.claims(run.policy, gates, len(paths), is_logged=run.logs is not None)
    utility["suppressed_sums"] = suppressed_sums(gates)
    head = files.head_of(run.policy, run.plan, verdicts, utility, snapshot.said) | {"visible": visible}
    earlier = run.previous.manifest if run.previous else {}
    head["periods"] = periods.said(run.policy, run.plan.lengths, run.tried, earlier)
    _keep_proven(run, head)
    run.progress("scanning for leaks")
    made = {run.policy.release.microdata.table: PUBLIC} if snapshot.made else {}
    leaks, cleared = _scan(run, public, made, head, paths)
    run.progress("writing files")
    release = _stage(run, public, snapshot, head)
    late = _prove_built(run, release, cleared)
    if run.previous and release.manifest_sha256 == run.previous.manifest_sha256:
        return already_closed(run.plan, run.settings, run.control, run.previous, run.repaired)
    if head["proven"]:  # an unproven release closes nothing: nobody need be remembered for it
        ledger.remember(run.con, run.settings, release.manifest_sha256, release.month, earlier_manifests(run))
    row = _record(run, release)
    folder = swap.swap(run.settings, run.control, run.staging, row, _decided(run, release), run.progress)
    if head["proven"]:
        ledger.confirm(run.con, run.settings, release.manifest_sha256)
    figures = {**{n: v for gate in (*gates, cells.lineage, leaks) for n, v in gate.figures.items()},
               **periods.figures(run.policy, run.tried), "texts_scanned_late": late,
               "unconverted_lines": tables.unconverted_lines(run.con)}
    return ReleaseResult(
        month=release.month, status="published", history_from=run.plan.history_from, proven=head["proven"],
        folder=folder.relative_to(run.settings.home).as_posix(), manifest_sha256=release.manifest_sha256,
        repaired=run.repaired, verdicts=tuple(verdicts), rows=release.rows, figures=figures, visible=visible,
        published_at=row["published_at"].isoformat(timespec="seconds"), absent=files.absent_columns(release.manifest))


def _visible(run: Run, public: dict[str, str]) -> list[dict[str, Any]]:
    """What the release says of its visible shares."""
    before = run.previous.manifest.get("visible", []) if run.previous else []
    return visible_shares(run.con, run.policy, public, files.closed_relations(run.policy, run.previous, run.plan),
                          before, is_new=run.plan.reissue is None)


def _keep_proven(run: Run, head: dict[str, Any]) -> None:
    """Let nothing unproven replace a proven release.

    Raises:
        GuaranteeError: with every guarantee that was not checked.
    """
    if run.previous is not None and not head["proven"]:
        prove.require([verdict(g, entry["verdict"], [f"{entry['verdict']}, and the release before is proven"])
                       for g, entry in head["guarantees"].items() if g in PROVING and entry["verdict"] != PASSED])


def _with_microdata(run: Run) -> tuple[Run, microdata.Snapshot]:
    """The run with what was decided about the microdata: made anew, repeated, or absent with a reason."""
    snapshot = microdata.build_or_carry_over(run.con, run.settings, run.policy, run.plan, run.previous, run.sql)
    table = run.policy.release.microdata.table
    absent = {f"{table}.{column}": reason for column, reason in snapshot.columns.absent.items()}
    plan = replace(run.plan, microdata=snapshot.month, absent={**run.plan.absent, **absent})
    policy = snapshot.columns.of(run.policy)
    if snapshot.reason:
        plan = replace(plan, absent={**plan.absent, table: snapshot.reason})
        policy = _without(policy, {table}, None)
    return replace(run, plan=plan, policy=policy), snapshot


def _scan(run: Run, public: dict[str, str], record: dict[str, str], head: dict[str, Any],
          paths: list[str]) -> tuple[Verdict, set[Text]]:
    """G10 on everything about to be written, G13 on what the run has logged; suppresses product names.

    Returns the verdict of G10 and the texts that were cleared.

    Raises:
        GuaranteeError: something other than a product name names somebody, or a log holds a key or a value.
    """
    con, policy = run.con, run.policy
    with engine_errors("leak scan"):
        new = set(texts.texts_of_policy(policy, head, paths))
        for table, relation in {**public, **record}.items():
            new.update(texts.texts_of_table(con, policy, table, relation))
        closed = set(texts.texts_of_closed(policy, run.previous)) if run.previous else set()
        logged = logs.texts_of_logs(run.logs) if run.logs else set()
        found, names, values = prove.check_leaks(con, policy, new, closed, logged)
        written = [*values, *logs.query_log_faults(con)]
        prove.require([found, verdict("G13", logs.FIGURE, [*written, *_keys_in_log(run)])])
        tables.suppress_names(con, policy, public, names)
    places = prove.name_places(policy)
    suppressed = {text for text in new - closed if text.place in places and text.value in names}
    return replace(found, figures={**found.figures, "log_texts": len(logged)}), (new | closed) - suppressed


def _keys_in_log(run: Run) -> list[str]:
    """A line for each key that the run has written down so far."""
    keys = KeyStore(run.settings.keys, run.settings.root_key)
    return logs.key_faults(keys, run.plan.month, run.logs) if run.logs else []


def _prove_built(run: Run, release: Release, cleared: set[Text]) -> int:
    """Build analytics.duckdb and hold everything that was built to its guarantees; returns the texts scanned late.

    Raises:
        GuaranteeError: it is not what was proven.
    """
    run.progress("building analytics.duckdb")
    files.build_analytics(run.policy, release, run.analytics)
    run.progress("proving what was built")
    late = prove.check_remaining_texts(run.con, run.policy, release, run.analytics, cleared)
    logged = verdict("G13", logs.FIGURE, _keys_in_log(run))
    prove.require([*prove.check_built(run.policy, release, run.analytics), late, logged])
    return late.figures["scanned_late"]


def _stage(run: Run, public: dict[str, str], snapshot: microdata.Snapshot, head: dict[str, Any]) -> Release:
    """Write the folder of the release: copied and new months, dictionary, verdicts, manifest.

    Raises:
        GuaranteeError: a file has a column that is not declared, or marks that contradict its values.
    """
    policy, folder = run.policy, run.staging / "release"
    rows = files.copy_closed(run.previous, policy, run.plan, folder) if run.previous else {}
    for table, relation in public.items():
        rows |= files.write_months(run.con, policy, table, relation, files.months_of(policy, run.plan, table), folder)
    rows |= _stage_microdata(run, snapshot, folder)
    rows |= files.write_rows(policy, "data_dictionary", files.dictionary_rows(policy), folder)
    rows |= files.write_rows(policy, "release_info", files.info_rows(policy, head), folder)
    prove.require([prove.check_staged(policy, folder, sorted(rows))])
    rows |= write_page(policy, folder, rows, head)
    with engine_errors("published"):
        digest = write_manifest(folder, rows, head)
    return verify_release(folder, digest)


def _stage_microdata(run: Run, snapshot: microdata.Snapshot, folder: Path) -> dict[str, int]:
    """Write or repeat the record-level file; who is in which class of a new one goes into the ledger first."""
    table = run.policy.release.microdata.table
    if snapshot.month is None:
        return {}
    if snapshot.members is None:
        path = f"{table}/{snapshot.month}.parquet"
        return files.copy_files(run.previous, [path], folder) if run.previous else {}
    rows = files.write_microdata(run.con, run.policy, table, PUBLIC, snapshot.month, folder)
    keys = microdata_ledger.key_store(run.settings)
    microdata_ledger.remember(run.con, run.settings, keys, sha256_of(folder / next(iter(rows))), snapshot.members)
    return rows


def _record(run: Run, release: Release) -> NewRelease:
    """The control store's row of the release."""
    return {"month": release.month, "history_from": run.plan.history_from, "proven": release.manifest["proven"],
            "policy_version": run.policy.version, "manifest_sha256": release.manifest_sha256, "run_id": run.run_id,
            "published_at": utc_now()}


def _decided(run: Run, release: Release) -> dict[str, list[dict[str, str]]]:
    """The control store's rows of what later releases must keep to, by table: periods, and how people are described."""
    stamp = release.manifest_sha256
    groups = run.con.execute(f"SELECT {', '.join(PeopleGroup._fields)} FROM anonymous.people_groups ORDER BY ALL")
    return {"release_periods": periods.rows(run.plan.lengths, stamp),
            "release_groups": [{"manifest_sha256": stamp, **PeopleGroup(*row)._asdict()} for row in groups.fetchall()]}

