"""Where a column of the warehouse goes: as data, as lines, as one drawn page that needs nothing else.

Belongs here: following a column forward and showing the way. Does not belong here: what may be published (`graph`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.lineage.graph import Graph, after, labels
from ajprivacy_pipeline.lineage.tables import label_of
from ajprivacy_pipeline.policy import Policy

CLEARED = "cleared"
WORDS = {"direct": "the value, or part of it", "quasi": "a value that narrows a person down", "token": "a token of it",
         CLEARED: "nothing of the person is left", "": "a value that names nobody"}
_TEMPLATE = Path(__file__).with_name("page.html.j2")
_ROW, _TOP, _LEFT = 26, 14, 96  # of the drawing, in its own units; 390 of them are a phone's width


@dataclass(frozen=True)
class Stop:
    """A column on the way: what is left there, and the named functions that left no more of it."""

    name: str
    left: str
    by: tuple[str, ...]
    comes_from: tuple[str, ...]


def follow(policy: Policy, graph: Graph, name: str) -> list[Stop]:
    """Returns every column that is made of a column of the warehouse, in running order; cleared ones end the way.

    Args:
        policy: names the declassifiers.
        graph: the column lineage.
        name: `table.column` of the source contract.

    Raises:
        PrivacyError: there is no such column.
    """
    table, _, column = name.partition(".")
    if column not in getattr(policy.sources.tables.get(table), "columns", {}):
        raise PrivacyError(f"'{name}' is not a column of the source contract: write it as customers.email")
    origin = f"raw.{name}"
    first = label_of(policy.sources, f"raw.{table}", column) or ""
    left: dict[str, set[str]] = {origin: {first}}
    stops = [Stop(origin, first, (), ())]
    for target, flows in graph.flows.items():
        for made, flow in flows.items():
            found, by, comes_from = set(), set(), set()
            for step in flow.steps:
                before = f"{step.table}.{step.column}"
                for label in sorted(left.get(before, set()) - {CLEARED}):
                    mark = after(policy, (label, origin), step.passed) if label else ("", origin)
                    found.add(mark[0] if mark else CLEARED)
                    by |= set(_rules(policy, label, origin, step.passed))
                    comes_from.add(before)
            if found:
                worst = next(word for word in ("direct", "quasi", "token", "", CLEARED) if word in found)
                left[f"{target}.{made}"] = found
                stops.append(Stop(f"{target}.{made}", worst, tuple(sorted(by)), tuple(sorted(comes_from))))
    return stops


def _rules(policy: Policy, label: str, origin: str, passed: tuple[str, ...]) -> Iterator[str]:
    """The declassifiers that change a label on its way, by name."""
    now: tuple[str, str] | None = (label, origin)
    for passage in passed:
        if now is None:
            return
        then = after(policy, now, (passage,))
        if then != now:
            for name, rule in policy.release.declassifiers.items():
                fits = rule.function == passage.partition(":")[0] and now[0] in rule.takes
                if fits and origin in (rule.columns or (origin,)):
                    yield name
                    break
        now = then


def identifying(policy: Policy) -> list[str]:
    """Returns every column of the warehouse that names a person or stands for one, as `table.column`."""
    return [f"{table}.{column}" for table, entry in policy.sources.tables.items() for column in entry.columns
            if label_of(policy.sources, f"raw.{table}", column) == "direct"]


def lines(stops: list[Stop]) -> Iterator[str]:
    """Yields the way as lines for a terminal."""
    width = max(len(stop.name) for stop in stops) + 2
    for stop in stops:
        by = f" ({', '.join(stop.by)})" if stop.by else ""
        yield f"{stop.name:{width}}{WORDS[stop.left]}{by}"
    leaving = [stop for stop in stops if stop.name.startswith("published.") and stop.left not in ("", CLEARED)]
    yield f"{len(stops) - 1:,} column(s) are made of it; {len(leaving):,} published column(s) still say something of it"


def render(policy: Policy, graph: Graph, names: list[str]) -> str:
    """Returns the ways of some columns as one page: for a screen, a phone, paper."""
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    ways = [{"name": name, "stops": stops, "drawing": _drawing(stops)}
            for name in names for stops in [follow(policy, graph, name)]]
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(
        ways=ways, words=WORDS, rules=policy.release.declassifiers, version=policy.version,
        total=len(labels(policy, graph)))


def _drawing(stops: list[Stop]) -> dict[str, object]:
    """Places of an arc diagram: a row a column, an arc on the left from what it is made of."""
    place = {stop.name: _TOP + index * _ROW for index, stop in enumerate(stops)}
    arcs = []
    for stop in stops:
        for before in stop.comes_from:
            start, end = place[before], place[stop.name]
            reach = max(6, _LEFT - 8 - int((end - start) / (_ROW * len(stops)) * (_LEFT - 12)) - 10)
            arcs.append({"left": stop.left,
                         "path": f"M {_LEFT} {start} C {reach} {start}, {reach} {end}, {_LEFT} {end}"})
    return {"height": _TOP * 2 + _ROW * (len(stops) - 1), "left": _LEFT, "place": place, "arcs": arcs}
