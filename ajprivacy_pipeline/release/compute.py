"""The cells of a release: made of periods that fit the shop, checked, suppressed, checked again.

Belongs here: the order of these steps, and taking them again with longer periods where a first release would show too
little. Does not belong here: which periods (periods), the steps themselves, what is done with the tables (build).
"""

from dataclasses import replace

from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.lineage import check_lineage
from ajprivacy_pipeline.release import files, gates, ledger_cells, periods, prove, tables
from ajprivacy_pipeline.release.determinism import check_order
from ajprivacy_pipeline.release.run import Run


def fitted(run: Run) -> tuple[Run, tuple[Verdict, Verdict], tuple[dict[str, str], list[Verdict]]]:
    """The run with its periods chosen, what `_compute` gave for them, and what `_suppress` gave.

    A later release keeps the periods of the one before. A first one tries longer ones while too little is visible: of
    the cells that stand by themselves, which costs nothing, then of what secondary suppression leaves of them.
    """
    is_made = not run.run_models
    while True:
        run = _bounded(run, is_made)
        computed, suppressed = _compute(run), _suppress(run)
        chosen = _chosen(run, suppressed[0])
        if chosen.plan.lengths == run.plan.lengths:
            return chosen, computed, suppressed
        run, is_made = chosen, False


def _bounded(run: Run, is_made: bool) -> Run:
    """The run with cells made of the finest periods that primary suppression alone does not rule out."""
    while True:
        run.progress("computing cells")
        if not is_made:
            tables.run_layers(run.con, run.declared, run.plan, run.sql)
        if run.plan.previous is not None:
            return run
        chosen = _chosen(run, tables.make_public(run.con, run.policy, _left_out(run)))
        if chosen.plan.lengths == run.plan.lengths:
            return run
        run, is_made = chosen, False


def _chosen(run: Run, public: dict[str, str]) -> Run:
    """The run with the periods that are right by what its public tables show, for a first release that may choose."""
    if run.plan.previous is not None:
        return run
    shares = periods.visible_shares(run.con, run.policy, public)
    tried = {**run.tried}
    for population, share in shares.items():
        length, seen = run.plan.lengths[population][0].length, tried.get(population, {})
        tried[population] = {**seen, length: min(share, seen.get(length, share))}
    lengths = periods.choose(run.policy, tried, run.plan.history_from, run.plan.month)
    return replace(run, tried=tried, plan=replace(run.plan, lengths={**lengths, **run.plan.given}))


def _left_out(run: Run) -> list[str]:
    """The tables of which nothing is computed."""
    return [table for table in run.policy.release.tables if not files.months_of(run.policy, run.plan, table)]


def _compute(run: Run) -> tuple[Verdict, Verdict]:
    """What is checked of the cells before anything is suppressed: G1, G11 of the models, G12 of both, all required.

    Returns G11 and G12.
    """
    ledger_cells.link_people(run.con, run.settings)
    tables.forget_tokens(run.con)
    prove.require([tables.check_cells(run.con, run.declared)])
    run.progress("tracing columns")
    lineage = check_lineage(run.declared, run.sql if run.run_models else None)
    prove.require([lineage])
    run.progress("computing cells in another order")
    order = check_order(run.con, run.sql, run.declared, run.plan)
    prove.require([order])
    return lineage, order


def _suppress(run: Run) -> tuple[dict[str, str], list[Verdict]]:
    """The public tables with everything suppressed that must be, and the gates over them, required."""
    con, policy = run.con, run.policy
    run.progress("primary suppression")
    public = tables.make_public(con, policy, _left_out(run))
    run.progress("secondary suppression")
    closed = files.closed_relations(policy, run.previous, run.plan)
    verdicts = gates.suppress_until_proven(con, policy, public, closed)
    run.progress("checking thresholds")
    ledger_cells.hash_cells(con, run.settings, policy, public, run.plan.month)
    verdicts = gates.with_ledger(verdicts, con, run.settings, policy, earlier_manifests(run))
    prove.require(verdicts)
    return public, verdicts


def earlier_manifests(run: Run) -> list[str]:
    """The manifests of the releases that count."""
    return [row["manifest_sha256"] for row in run.control.releases() if row["proven"]]
