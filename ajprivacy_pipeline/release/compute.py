"""The cells of a release: made of periods that fit the shop, checked, suppressed, checked again.

Belongs here: the order of these steps, and taking them again with longer periods where a first release would show too
little. Does not belong here: which periods (periods), the steps themselves, what is done with the tables (build).
"""

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, replace

from ajprivacy_pipeline.disclosure.cells.measure_groups import population_of
from ajprivacy_pipeline.disclosure.cells.table_rows import Chosen
from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.lineage import check_lineage
from ajprivacy_pipeline.release import files, gates, ledger_cells, periods, prove, tables
from ajprivacy_pipeline.release.determinism import check_order
from ajprivacy_pipeline.release.run import Run


@dataclass(frozen=True)
class Computed:
    """The run with its periods chosen, G11 and G12 of its cells, and the public tables with the gates over them."""

    run: Run
    lineage: Verdict
    order: Verdict
    public: dict[str, str]
    gates: list[Verdict]


def fitted(run: Run) -> Computed:
    """Returns the cells in periods that fit the shop, with everything suppressed that must be; all gates passed.

    A later release keeps the periods of the one before. A first one tries longer ones while too little is visible: of
    the cells that stand by themselves, which costs nothing, then of what secondary suppression leaves of them. What has
    the very same cells with other periods tried elsewhere is not suppressed once more.
    """
    is_made, one = not run.run_models, _Suppressed({}, {}, Chosen(), {})
    while True:
        tables.keep_public(run.con, one.public)
        run = _bounded(run, is_made)
        one = _suppress(run, one)
        chosen = _chosen(run, one.public)
        if chosen.plan.lengths == run.plan.lengths:
            return Computed(chosen, *_check_models(chosen), one.public, _judge(chosen, one))
        run, is_made = chosen, False


@dataclass(frozen=True)
class _Suppressed:
    """Public tables with everything suppressed that must be, and which rows only hide others.

    `by_population` is what that took of each population of facts, and what its cells were before.
    """

    public: dict[str, str]
    closed: dict[str, str]
    chosen: Chosen
    by_population: dict[str, tuple[Hashable, dict[str, int]]]

    @property
    def took(self) -> dict[str, int]:
        """What it took altogether."""
        found = Counter[str]()
        for _, took in self.by_population.values():
            found.update(took)
        return dict(found)


def _bounded(run: Run, is_made: bool) -> Run:
    """The run with cells made of the finest periods that primary suppression alone does not rule out."""
    while True:
        run.progress("computing longer periods" if run.tried else "computing cells")
        if not is_made:
            tables.run_layers(run.con, run.declared, run.plan, run.sql)
        ledger_cells.link_people(run.con, run.settings)
        tables.forget_tokens(run.con)  # from here on nobody can be told from the facts, however the run ends
        prove.require([tables.check_cells(run.con, run.declared)])
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
    shares = periods.shares(run.con, run.policy, public)
    tried = {**run.tried}
    for population, share in shares.items():
        length, seen = run.plan.lengths[population][0].length, tried.get(population, {})
        tried[population] = {**seen, length: min(share, seen.get(length, share))}
    lengths = periods.choose(run.policy, tried, run.plan.history_from, run.plan.month)
    return replace(run, tried=tried, plan=replace(run.plan, lengths={**lengths, **run.plan.given}))


def _left_out(run: Run) -> list[str]:
    """The tables of which nothing is computed."""
    return [table for table in run.policy.release.tables if not files.months_of(run.policy, run.plan, table)]


def _check_models(run: Run) -> tuple[Verdict, Verdict]:
    """G11 of the models and G12 of their cells, both required."""
    run.progress("tracing columns")
    lineage = check_lineage(run.declared, run.sql if run.run_models else None)
    prove.require([lineage])
    run.progress("computing cells in another order")
    order = check_order(run.con, run.sql, run.declared, run.plan)
    prove.require([order])
    return lineage, order


def _suppress(run: Run, before: _Suppressed) -> _Suppressed:
    """The public tables, suppressed; nothing is judged yet.

    No complement and no difference crosses populations, so each is suppressed by itself; one whose cells are what they
    were when it was suppressed `before` is taken from there.
    """
    run.progress("primary suppression")
    public, chosen = tables.make_public(run.con, run.policy, _left_out(run)), Chosen()
    run.progress("secondary suppression")
    closed = files.closed_relations(run.policy, run.previous, run.plan)
    by_population: dict[str, tuple[Hashable, dict[str, int]]] = {}
    for population in dict.fromkeys(population_of(run.policy, table) for table in public):
        own = {table: relation for table, relation in public.items()
               if population_of(run.policy, table) == population}
        cells = tables.cells_of(run.con, own)
        was, took = before.by_population.get(population, (None, {}))
        if was == cells:
            tables.take_kept(run.con, own)
            chosen |= {place for place in before.chosen if place[0] in own}
        else:
            took = gates.suppress_more(run.con, run.policy, own, closed, chosen)
        by_population[population] = cells, took
    tables.drop_kept(run.con, before.public)
    return _Suppressed(public, closed, chosen, by_population)


def _judge(run: Run, one: _Suppressed) -> list[Verdict]:
    """The gates over the public tables, required; where they find that more must be suppressed, it is."""
    run.progress("checking thresholds")
    verdicts = gates.suppress_until_proven(run.con, run.policy, one.public, one.closed, one.chosen, one.took)
    ledger_cells.hash_cells(run.con, run.settings, run.policy, one.public, run.plan.month)
    verdicts = gates.with_ledger(verdicts, run.con, run.settings, run.policy, one.public, earlier_manifests(run))
    prove.require(verdicts)
    return verdicts


def earlier_manifests(run: Run) -> list[str]:
    """The manifests of the releases that count."""
    return [row["manifest_sha256"] for row in run.control.releases() if row["proven"]]
