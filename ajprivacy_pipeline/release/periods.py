"""The period fits the shop: by month, quarter or year, the finest at which enough of a table is visible.

Belongs here: which populations of facts have a period to choose, choosing it from what suppression leaves visible, and
changing it later. Does not belong here: which periods a release computes (plan), or arithmetic on them (calendar).

Tables of one population show the same facts and have one period: months and quarters of the same facts, side by side,
would tell what each keeps back. A choice is made at the first release and stands in the control store and the manifest
with the shares that decided; it changes by an explicit command alone, for periods of which nothing is published yet.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import floor
from typing import Any

from ajprivacy_pipeline.calendar import MONTHS, Length, Stretch, begins, shift, whole_periods
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.visible import exact_shares
from ajprivacy_pipeline.storage.zones import Connection

Lengths = Mapping[str, tuple[Stretch, ...]]  # by population of facts; one that is not named goes by months
Tried = dict[str, dict[Length, int]]  # the visible share of each population by length, in whole percent
BY_MONTH = (Stretch("0001-01", "month"),)


def fitted_populations(policy: Policy) -> dict[str, list[str]]:
    """Returns the tables whose period is fitted to the shop, by the population whose facts they show."""
    found: dict[str, list[str]] = {}
    for name, table in policy.release.tables.items():
        if table.period == "fitted":
            found.setdefault(table.population or name, []).append(name)
    return found


def read_lengths(texts: Sequence[str]) -> tuple[tuple[str, Length], ...]:
    """Returns the populations and lengths that `FACTS=LENGTH` texts name.

    Raises:
        ReleaseError: a text is no such pair, or names no length.
    """
    found: list[tuple[str, Length]] = []
    for text in texts:
        population, _, word = text.partition("=")
        length = next((known for known in MONTHS if known == word), None)
        if length is None:
            raise ReleaseError(f"'{text}' names no period: write it as orders=quarter, with {', '.join(MONTHS)}")
        found.append((population, length))
    return tuple(found)


def choose(policy: Policy, tried: Tried, first: str, last: str) -> Lengths:
    """Returns the period of each population for a first release, by what was tried so far.

    It is the finest length at which enough is visible. Until one is found, the next longer one of which the history has
    a whole period is to be tried; when all were tried in vain, it is the one at which most is visible, and the longest,
    which may show a total, where that is nothing.

    Args:
        policy: the lengths, and how much is enough.
        tried: the visible shares.
        first: the history's first month.
        last: its last.
    """
    lengths, enough = policy.release.periods.lengths, policy.release.periods.visible_percent
    possible = [length for length in lengths if whole_periods((Stretch(first, length),), first, last)] or [lengths[0]]
    chosen = {}
    for population in fitted_populations(policy):
        seen = tried.get(population, {})
        visible = [length for length in possible if seen.get(length, -1) >= enough]
        untried = [length for length in possible if length not in seen]
        best = max(possible, key=lambda length: (seen.get(length, -1), -possible.index(length)))
        best = best if seen.get(best) else possible[-1]
        chosen[population] = (Stretch(first, (visible or untried or [best])[0]),)
    return chosen


def changed(stretches: tuple[Stretch, ...], history_from: str, newest: str, length: Length) -> tuple[Stretch, ...]:
    """Returns the stretches with another length from the first of its periods on of which nothing is published.

    Until that one begins, time goes on in the periods it had: no month falls between two lengths.
    """
    published = whole_periods(stretches, history_from, newest)
    month = shift(published[-1].last, 1) if published else history_from
    while not begins(month, length):
        month = shift(month, 1)
    return (*(s for s in stretches if s.since < month), Stretch(month, length))


def said(policy: Policy, lengths: Lengths, tried: Tried, earlier: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the manifest says of each population's periods: their lengths, and which of them showed enough.

    `tried` are the shares of a first release; a later one repeats what the manifest before it says. The shares
    themselves stand in the run's own metadata alone: from a share and the shown sum follows what is suppressed.
    """
    before, enough = earlier.get("periods", {}), policy.release.periods.visible_percent
    return {population: {
        "lengths": {stretch.since: stretch.length for stretch in stretches},
        "visible": {length: f"{enough} % or more" if share >= enough else f"less than {enough} %"
                    for length, share in tried[population].items()}
        if population in tried else before.get(population, {}).get("visible", {})}
            for population, stretches in sorted(lengths.items())}


def period_rows(chosen: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yields each population of facts, its lengths, and what decided, from what the manifest says of periods."""
    for population, entry in chosen.items():
        lengths = ", ".join(f"by {length} from {since} on" for since, length in entry["lengths"].items())
        visible = ", ".join(f"by {length} {share}" for length, share in entry["visible"].items())
        yield population, lengths, f"visible with one dimension named: {visible}" if visible else "chosen by name"


def figures(policy: Policy, tried: Tried) -> dict[str, int]:
    """Returns whether enough was visible, 1 or 0, for the run's own metadata: no more than the manifest says."""
    enough = policy.release.periods.visible_percent
    return {f"enough_visible_{population}_by_{length}": int(share >= enough)
            for population, shares in tried.items() for length, share in shares.items()}


def rows(lengths: Lengths, manifest_sha256: str) -> list[dict[str, str]]:
    """Returns the control store's rows of a release's periods."""
    return [{"manifest_sha256": manifest_sha256, "population": population, "since": stretch.since,
             "length": stretch.length} for population, stretches in sorted(lengths.items()) for stretch in stretches]


def shares(con: Connection, policy: Policy, public: Mapping[str, str]) -> dict[str, int]:
    """Returns how much of each fitted population is visible with one dimension named, in whole percent rounded down.

    The least of its tables counts, by the table's leading count. Where nothing happened, everything is visible.

    Args:
        con: holds the public tables and the cells.
        policy: roles.
        public: the quoted relation of each public table.
    """
    found = {}
    for population, tables in fitted_populations(policy).items():
        seen = [exact_shares(con, policy, table, public[table]).get((shape_of(policy, table).measures[0], 1), 1.0)
                for table in tables if table in public]
        if seen:
            found[population] = floor(100 * min(seen))
    return found
