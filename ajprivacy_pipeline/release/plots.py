"""What the plots of a release's page show, as data: bars with a name, a length and a figure.

Belongs here: from the figures of a manifest to bars. Does not belong here: drawing (release.html.j2), measuring. Every
figure comes from the manifest, so that the page says no more than it does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ajprivacy_pipeline.policy import Policy


@dataclass(frozen=True)
class Bar:
    """A bar: its name, its length in percent of the plot, what is written beside it, and where a limit stands."""

    name: str
    length: float
    figure: str
    limit: float | None = None


@dataclass(frozen=True)
class Plot:
    """Some bars under a title, and what they mean."""

    title: str
    meaning: str
    bars: tuple[Bar, ...]


def plots_of(policy: Policy, head: Mapping[str, Any]) -> list[Plot]:
    """Returns every plot that the figures of a manifest allow, in the page's order."""
    bands = policy.release.utility
    sizes = list(bands.contributors(policy.release.thresholds.k))
    utility, people = head.get("utility") or {}, head.get("microdata") or {}
    found = []
    if "golden" in utility:
        found.append(_golden(utility["golden"], bands.error_names))
    if "contributors" in utility:
        found.append(_histogram("Contributors behind the shown cells",
                                "Cells of the new months by how many people or companies stand behind them.",
                                utility["contributors"], sizes))
    if "classes" in people:
        found.append(_histogram("People in a class of the microdata", "Classes by how many people share them.",
                                people["classes"], sizes))
    if risks := [*_sums(policy, utility), *_risks(policy, people.get("risks") or {})]:
        found.append(Plot("Risk by attack", "Attacks with full knowledge; the line is what the policy allows.",
                          tuple(risks)))
    if utility.get("trend"):
        found.append(_trend(utility["trend"]))
    return found


def _golden(answers: Mapping[str, Mapping[str, int]], names: Sequence[str]) -> Plot:
    """How many answers of each golden query are given at all, and the worst error among them."""
    bars = []
    for query, counts in sorted(answers.items()):
        asked, given = sum(counts.values()), [name for name in names[:-1] if counts.get(name)]
        share = _part(asked - counts.get(names[-1], 0), asked)
        bars.append(Bar(query, share, f"{share:.1f} %, {given[-1]}" if given else "none"))
    return Plot("Golden queries", "The share of answers that the published tables give, and how far off the worst of "
                "them is.", tuple(bars))


def _histogram(title: str, meaning: str, counts: Mapping[str, int], order: Sequence[str]) -> Plot:
    """Bars of counts; the fullest band is the longest."""
    most = max([1, *counts.values()])
    return Plot(title, meaning, tuple(Bar(name, _part(counts.get(name, 0), most), f"{counts.get(name, 0):,}")
                                      for name in order))


def _sums(policy: Policy, utility: Mapping[str, Any]) -> list[Bar]:
    """How many suppressed sums subtraction and programs tell within a narrower interval than the policy allows."""
    sums, at = utility.get("suppressed_sums"), policy.release.thresholds
    if not sums:
        return []
    told = sums["exactly_recoverable"] + sums["too_narrow"]
    bars = [Bar(f"G5 a suppressed sum told within {at.k} contributors or {at.interval_percent} %",
                _part(told, sums["suppressed_in_systems"]), f"{told:,} of {sums['suppressed_in_systems']:,}", 0.0)]
    for name, what, unit, least in (("narrowest_count", "count", "wide", at.k),
                                    ("narrowest_percent", "amount", "% on both sides", at.interval_percent)):
        if (found := sums.get(name)) is not None:  # as long as the limit where it is just wide enough
            share = min(100.0, _part(least, max(found, 1)))
            bars.append(Bar(f"G5 the narrowest interval of a suppressed {what}", share,
                            f"at least {found:,} {unit}, {least:,} are asked for", 100.0))
    return bars


def _risks(policy: Policy, risks: Mapping[str, int]) -> list[Bar]:
    """What each attack on the microdata reaches, each with its limit; the plot is as long as certainty."""
    microdata, k = policy.release.microdata, policy.release.thresholds.k
    bars = [_risk("G7 finding a person's row, at most", risks.get("linkage_risk_max_ppm"), 100 / k),
            _risk("G7 finding a person's row, on average", risks.get("linkage_risk_mean_ppm"), 100 / k)]
    if least := risks.get("linkability_least"):
        bars.append(_risk("G8 following a person into the next table, at most", round(1e6 / least), 100 / k))
    for name, column in microdata.sensitive.items():
        bars.append(_risk(f"G9 guessing {name}, gain at most", risks.get(f"gain_{name}_ppm"), 100 * column.gain_t))
        bars.append(_risk(f"G9 guessing {name}, advantage of being in it", risks.get(f"advantage_{name}_ppm"),
                          microdata.advantage_percent))
    return [bar for bar in bars if bar is not None]


def _risk(name: str, ppm: int | None, limit: float) -> Bar | None:
    if ppm is None:
        return None
    return Bar(name, _part(max(0, ppm), 1_000_000), f"{max(0, ppm) / 10_000:.1f} % of {limit:.0f} %", round(limit, 1))


def _trend(releases: Sequence[Mapping[str, Any]]) -> Plot:
    """The share suppressed of the cells each release added."""
    return Plot("Suppressed, release by release", "The share of the cells that each release added.", tuple(
        Bar(str(entry["month"]), _part(entry["suppressed"], entry["rows"]),
            f"{_part(entry['suppressed'], entry['rows']):.1f} %") for entry in releases))


def _part(count: int, whole: int) -> float:
    """A share in percent, to a tenth."""
    return round(100 * count / whole, 1) if whole else 0.0
