"""What must hold between what is released and the rest of the policy.

Belongs here: faults of `release.toml` that its shape does not show, each as a line that names the key. Does not belong
here: whether a release keeps to it (`release`).
"""

import re
from collections.abc import Iterator

from ajprivacy_pipeline.calendar import MONTHS
from ajprivacy_pipeline.policy.policy import Policy
from ajprivacy_pipeline.policy.regions import region_faults
from ajprivacy_pipeline.policy.release import PublishedTable
from ajprivacy_pipeline.policy.utility import Utility


def release_faults(policy: Policy) -> Iterator[str]:
    """Yields every fault of what is released."""
    yield from _table_faults(policy)
    yield from _nearly_faults(policy)
    yield from _view_faults(policy)
    yield from _rule_faults(policy)
    yield from _source_faults(policy)
    named = policy.release.values
    others = {named.all, named.abroad, named.unknown, policy.release.rules.other}
    yield from region_faults(policy.regions, frozenset(others))
    yield from _period_faults(policy)
    yield from _rounded_faults(policy)
    yield from _microdata_faults(policy)
    values = policy.release.thresholds
    yield from utility_faults(policy.release.utility, values.k, policy.release.values.all, policy.release.tables)
    if values.k < values.k_floor:
        yield f"release.toml: thresholds.k is {values.k}, never below k_floor = {values.k_floor}"


def _period_faults(policy: Policy) -> Iterator[str]:
    lengths: dict[str, set[str]] = {}
    for name, table in policy.release.tables.items():
        column = table.columns.get("period")
        if table.period == "fitted" and (table.population is None or column is None or column.role != "flag"):
            yield (f"release.toml: tables.{name}.period is fitted: the table needs a population, whose facts are cut "
                   "into periods, and the flag period")
        if table.population is not None:
            lengths.setdefault(table.population, set()).add(table.period)
    for population, found in sorted(lengths.items()):
        if len(found) > 1:
            yield (f"release.toml: tables of the population {population} have different periods: months and quarters "
                   "of the same facts would tell what each keeps back")
    if list(policy.release.periods.lengths) != [n for n in MONTHS if n in policy.release.periods.lengths]:
        yield "release.toml: periods.lengths must be some of month, quarter, year, each once, in this order"


def _rounded_faults(policy: Policy) -> Iterator[str]:
    """Tables of rounded counts: every one has an exact table of the same dimensions, period and people beside it."""
    for name, table in policy.release.tables.items():
        if table.rounded is None:
            continue
        exact = policy.release.tables.get(table.rounded.beside)
        dimensions, measures = ([c for c, entry in table.columns.items() if entry.role == role]
                                for role in ("dimension", "measure"))
        if exact is None or exact.rounded or (exact.period, exact.population) != (table.period, table.population):
            yield f"release.toml: tables.{name}.rounded.beside must be an exact table of the same population and period"
        elif [c for c, entry in exact.columns.items() if entry.role == "dimension"] != dimensions or (
                len(measures) != 1 or measures[0] not in exact.columns):
            yield (f"release.toml: tables.{name} must have the dimensions of {table.rounded.beside}, and one of its "
                   "measures")
        if "rounded_to" not in table.columns or {"suppressed", "suppressed_measures"} & set(table.columns):
            yield f"release.toml: tables.{name} is rounded: it needs the flag rounded_to, and suppresses nothing"
        if any(set(dimensions) - set(table.columns[m].additive_over) for m in measures):
            yield f"release.toml: tables.{name} is rounded, so that its measure adds up over all its dimensions"
        if table.rounded.multiples[0] < 1 or list(table.rounded.multiples) != sorted(set(table.rounded.multiples)):
            yield f"release.toml: tables.{name}.rounded.multiples must rise, from 1 or more"


def _table_faults(policy: Policy) -> Iterator[str]:
    for name, table in policy.release.tables.items():
        for source in set(table.sources) - set(policy.sources.tables):
            yield f"release.toml: tables.{name}.sources names the unknown table {source}"
        roles = {column: entry.role for column, entry in table.columns.items()}
        can_flow = "rounded_to" in roles and [c for c, role in roles.items() if role == "dimension"] == ["month"]
        for column, entry in table.columns.items():
            if entry.names is not None and {roles[column], roles.get(entry.names)} != {"dimension"}:
                yield f"release.toml: tables.{name}.columns.{column}.names must be a dimension, and of a dimension"
            if entry.flows and not (can_flow and {roles.get(flow) for flow in entry.flows} == {"measure"}):
                yield (f"release.toml: tables.{name}.columns.{column}.flows must be two measures of a table that has "
                       "rounded_to, and no dimension but the month")


def _nearly_faults(policy: Policy) -> Iterator[str]:
    """A figure is nearly one of another table that is cut into periods and has its dimensions, and perhaps more."""
    for name, table in policy.release.tables.items():
        for column, entry in table.columns.items():
            other, _, measure = (entry.nearly or "").partition(".")
            known = policy.release.tables[other].columns if other in policy.release.tables and other != name else {}
            theirs = {c for c, found in known.items() if found.role == "dimension"}
            own = {c for c, found in table.columns.items() if found.role == "dimension"}
            if entry.nearly and not (own <= theirs and measure in known and known[measure].role == "measure"
                                     and "period" in known.keys() & table.columns.keys()):
                yield (f"release.toml: tables.{name}.columns.{column}.nearly must be a measure of another table that "
                       "has the dimensions of this one, and both have the flag period")


def _view_faults(policy: Policy) -> Iterator[str]:
    for name, view in policy.release.views.items():
        found = policy.release.tables.get(view.table)
        dimensions = {c for c, entry in found.columns.items() if entry.role == "dimension"} if found else set()
        if name in policy.release.tables or not set(view.per) <= dimensions or not dimensions:
            yield (f"release.toml: views.{name} needs a name that no table has, a table with dimensions, and of these "
                   "those it is per")


def _rule_faults(policy: Policy) -> Iterator[str]:
    for name, rules in (("page_group", policy.release.rules.page_group),
                        ("device_class", policy.release.rules.device_class)):
        for pattern in (pattern for rule in rules for pattern in rule.patterns):
            try:
                re.compile(pattern)
            except re.error:
                yield f"release.toml: rules.{name}: {pattern} is not a valid pattern"
        if policy.release.values.all in {policy.release.rules.other, *(rule.value for rule in rules)}:
            yield f"release.toml: rules.{name}: {policy.release.values.all} is the total and no value of a rule"


def _source_faults(policy: Policy) -> Iterator[str]:
    """Columns that are absent without some columns of the warehouse: measures, of columns that there may be."""
    known = {f"{source}.{column}" for source, entry in policy.sources.tables.items() for column in entry.columns}
    for name, table in policy.release.tables.items():
        for column, made in table.columns.items():
            for source in sorted(set(made.sources) - known):
                yield f"release.toml: tables.{name}.columns.{column}.sources names the unknown column {source}"
            if made.sources and made.role not in ("measure", "sensitive"):
                yield f"release.toml: tables.{name}.columns.{column}: only measures and sensitive columns may be absent"


def _microdata_faults(policy: Policy) -> Iterator[str]:
    """The models of microdata name these columns and values: a policy that lacks one would stop them half-way."""
    microdata, values, other = policy.release.microdata, policy.release.values, policy.release.rules.other
    if "postal_region" in microdata.quasi_identifiers:
        yield ("release.toml: microdata.quasi_identifiers.postal_region: its values are those of regions.toml; leave "
               "it out")
    if policy.regions.home not in policy.regions.countries:
        return
    leaves = {name: {leaf.path[0] for leaf in listed} for name, listed in policy.quasi_identifiers.items()}
    enum = set(policy.sources.tables["customers"].columns["customer_type"].values or ())
    needed = {"customer_type": enum, "age_band": {values.unknown}, "gender": {other, values.unknown},
              "industry": {other, values.unknown}, "tenure_band": {values.unknown}}
    for name, wanted in needed.items():
        if missing := wanted - leaves.get(name, set()):
            yield f"release.toml: microdata.quasi_identifiers.{name} lacks {', '.join(sorted(missing))}"
    for name in ("age_band", "tenure_band"):
        if not any(leaf.at_least is not None for leaf in microdata.quasi_identifiers.get(name, ())):
            yield f"release.toml: microdata.quasi_identifiers.{name} has no bands"
    for name in ("gender", "industry"):
        if not any(leaf.spellings for leaf in microdata.quasi_identifiers.get(name, ())):
            yield f"release.toml: microdata.quasi_identifiers.{name} has no spellings"
    recency = microdata.sensitive.get("last_order_band")
    if recency is None or all(band.at_least is not None for band in recency.bands):
        yield "release.toml: microdata.sensitive.last_order_band needs a band without at_least: without an order"
    table = policy.release.tables.get(microdata.table)
    if table is None:
        yield f"release.toml: microdata.table names {microdata.table}, which is not a published table"
    else:
        roles = {column: entry.role for column, entry in table.columns.items()}
        expected = dict.fromkeys(leaves, "quasi_identifier") | dict.fromkeys(microdata.sensitive, "sensitive")
        if roles != expected:
            yield f"release.toml: tables.{microdata.table} must have the columns of [microdata], with their roles"


def utility_faults(utility: Utility, k: int, every: str, tables: dict[str, PublishedTable]) -> Iterator[str]:
    """Yields what does not fit: bands that reach below k, queries of what is not published or may not be added up."""
    if utility.contributor_bands[0] <= k:
        yield f"release.toml: utility.contributor_bands begin below k = {k}: the first band would tell of fewer"
    for name, query in utility.golden.items():
        where = f"release.toml: utility.golden.{name}"
        table = tables.get(query.table)
        if table is None or not table.months:
            yield f"{where}: {query.table} is not a published table of cells"
            continue
        roles = {column: entry.role for column, entry in table.columns.items()}
        dimensions = [column for column, role in roles.items() if role == "dimension"]
        if roles.get(query.measure) != "measure" or not {*query.per, *query.over} <= set(dimensions):
            yield f"{where}: {query.table} has no such measure or dimension"
        elif set(query.over) - set(table.columns[query.measure].additive_over):
            yield f"{where}: {query.measure} may not be added up over {', '.join(query.over)}"
        elif dimensions[0] not in query.per:
            yield f"{where}: {dimensions[0]} has no {every}, so it must be in per"
