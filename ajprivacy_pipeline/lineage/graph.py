"""The column lineage of all models together, and G11: what a published column may be made of.

Belongs here: the graph over the catalogue, labels, the guarantee. Does not belong here: reading a statement (`flow`),
drawing (`page`). Everything is computed from the SQL and the policy alone; no row is read.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.lineage.flow import Flow, Step, model_flows
from ajprivacy_pipeline.lineage.syntax import LineageError, Macro, parse_macros
from ajprivacy_pipeline.lineage.tables import DIRECT, KEY, QUASI, TOKEN, Columns, given_tables, label_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage.catalogue import Model, load_catalogue
from ajprivacy_pipeline.storage.catalogue import macros as rendered_macros

PUBLISHED = "published"
WRITTEN_BY_CODE = frozenset({"data_dictionary", "release_info"})  # from the policy alone, no row of anybody
_NARROWING_ROLES = ("quasi_identifier", "sensitive")  # what G2, G3 and G7 to G9 make safe
_MEANINGS = {DIRECT: "a value that names a person", QUASI: "a value that narrows a person down",
             TOKEN: "a token of a person", KEY: "a key"}

Column = tuple[str, str]  # (layer.table, column)
Mark = tuple[str, str]  # (label, the column it comes from, dotted)


@dataclass(frozen=True)
class Graph:
    """Which columns each column is made of. `faults` says by model what could not be understood."""

    columns: Columns
    flows: dict[str, dict[str, Flow]]
    faults: dict[str, str] = field(default_factory=dict)

    def sources(self, table: str, column: str) -> list[Step]:
        """Returns the steps directly before a column, sorted; none for one that no model makes."""
        return sorted(self.flows.get(table, {}).get(column, Flow()).steps)

    def depends(self, table: str) -> dict[str, list[Column]]:
        """For each column of a model the columns of other tables it is made of."""
        return {column: sorted({(step.table, step.column) for step in flow.steps if step.table in self.columns})
                for column, flow in self.flows.get(table, {}).items()}


def build_graph(policy: Policy, models: Sequence[Model], macros: str) -> Graph:
    """Returns the graph over models in running order.

    What is not understood becomes a fault, and its table has no columns.

    Args:
        policy: what the warehouse's columns are.
        models: each after those it reads.
        macros: the text of macros.sql, rendered.

    Raises:
        LineageError: macros.sql is not understood.
    """
    _macros(macros)
    known = given_tables(policy)
    return _build(tuple(sorted(known.items())), tuple((model.name, model.sql) for model in models), macros)


@lru_cache(maxsize=8)
def _build(known: tuple[tuple[str, tuple[str, ...]], ...], models: tuple[tuple[str, str], ...], macros: str) -> Graph:
    columns: Columns = dict(known)
    flows: dict[str, dict[str, Flow]] = {}
    faults: dict[str, str] = {}
    for name, sql in models:
        try:
            read = tuple((table, listed) for table, listed in columns.items() if table in sql)
            flows[name] = _flows(name, sql, read, macros)
        except LineageError as error:
            faults[name] = str(error)
            continue
        columns[name] = tuple(flows[name])
    return Graph(columns, flows, faults)


@lru_cache(maxsize=512)
def _flows(name: str, sql: str, read: tuple[tuple[str, tuple[str, ...]], ...], macros: str) -> dict[str, Flow]:
    """One model's flows; a catalogue that differs by a model is soon done."""
    return model_flows(name, sql, dict(read), _macros(macros))


@lru_cache(maxsize=4)
def _macros(text: str) -> Mapping[str, Macro]:
    return parse_macros(text)


def product_graph(policy: Policy, sql: Path | None = None, *, whole: bool = True) -> Graph:
    """Returns the graph of the product's own models; unless `whole`, of those alone that a published one is made of.

    Those of `sql` take the place of the layers anonymous and published.

    Raises:
        LineageError: macros.sql is not understood.
    """
    words = vocabulary_of(policy)
    own, given = load_catalogue(sql_folder(), words), load_catalogue(sql, words) if sql else {}
    over = ("anonymous", PUBLISHED)
    models = [model for model in own.values() if not given or model.layer not in over]
    models += [model for model in given.values() if model.layer in over]
    return build_graph(policy, models if whole else _behind_published(models), rendered_macros(sql_folder(), words))


def _behind_published(models: Sequence[Model]) -> list[Model]:
    """The models, in their order, that the published ones are made of, by what stands in their statements.

    A name that stands in a statement for any other reason takes a model too many along, which does no harm.
    """
    wanted: list[Model] = []
    for model in reversed(models):
        if model.layer == PUBLISHED or any(model.name in later.sql for later in wanted):
            wanted.append(model)
    return wanted[::-1]


def labels(policy: Policy, graph: Graph) -> dict[Column, frozenset[Mark]]:
    """Returns what each column says about people: the union over everything it is made of, as the passages leave it."""
    found: dict[Column, frozenset[Mark]] = {}

    def of(table: str, column: str) -> frozenset[Mark]:
        if (table, column) not in found:
            label = label_of(policy.sources, table, column)
            found[table, column] = frozenset({(label, _dotted(table, column))}) if label else frozenset()
        return found[table, column]

    for table in graph.columns:
        if table not in graph.flows:
            for column in graph.columns[table]:
                of(table, column)
    for table, flows in graph.flows.items():
        for column, flow in flows.items():
            found[table, column] = frozenset(left for step in flow.steps for mark in of(step.table, step.column)
                                             if (left := after(policy, mark, step.passed)))
    return found


def after(policy: Policy, mark: Mark, passed: Sequence[str]) -> Mark | None:
    """Returns a mark after passages, None when it is cleared.

    A passage that the policy does not name as a declassifier changes nothing.
    """
    label, origin = mark
    for passage in passed:
        function, _, argument = passage.partition(":")
        for rule in policy.release.declassifiers.values():
            if (rule.function == function and label in rule.takes and origin in (rule.columns or (origin,))
                    and argument in (rule.arguments or (argument,))):
                if rule.becomes is None:
                    return None
                label = rule.becomes
                break
    return label, origin


def _dotted(table: str, column: str) -> str:
    return f"{table}.{column}".lstrip(".")


def check_lineage(policy: Policy, sql: Path | None = None) -> Verdict:
    """Checks G11 over every published column, from the SQL alone.

    Args:
        policy: what identifies, what may leave, which functions take the person out of a value and why.
        sql: a folder whose layers anonymous and published take the place of the product's own.
    """
    try:
        graph = product_graph(policy, sql, whole=False)
    except LineageError as error:
        return verdict("G11", lineage_figure(policy), [str(error)])
    violations = [*graph.faults.values(), *_missing_models(policy, graph), *_leaks(policy, graph)]
    figures = {"lineage_models": len(graph.flows),
               "lineage_edges": sum(len(flow.steps) for flows in graph.flows.values() for flow in flows.values())}
    return verdict("G11", lineage_figure(policy), violations, figures)


def lineage_figure(policy: Policy) -> str:
    """Returns G11 as the release says it: nothing in it follows the warehouse."""
    columns = sum(len(table.columns) for name, table in policy.release.tables.items() if name not in WRITTEN_BY_CODE)
    named = len(policy.release.declassifiers)
    return f"{columns:,} columns traced through the SQL; {named:,} named functions may take a person out of a value"


def _missing_models(policy: Policy, graph: Graph) -> Iterator[str]:
    for table in policy.release.tables:
        name = f"{PUBLISHED}.{table}"
        if table not in WRITTEN_BY_CODE and name not in graph.flows and name not in graph.faults:
            yield f"{name}: no model makes it, so nothing says what it is made of"


def _leaks(policy: Policy, graph: Graph) -> Iterator[str]:
    found = labels(policy, graph)
    for table, flows in graph.flows.items():
        layer, _, name = table.partition(".")
        if layer != PUBLISHED:
            continue
        declared = policy.release.tables[name].columns if name in policy.release.tables else {}
        for column, flow in flows.items():
            narrowing = column in declared and declared[column].role in _NARROWING_ROLES
            allowed = {QUASI} if narrowing else set()
            if not flow.grounded:
                yield f"{table}.{column}: is made of no column, constant or count that can be seen"
            first: dict[str, str] = {}  # one way for each label says enough
            for label, origin in sorted(found[table, column]):
                first.setdefault(label, origin)
            for label, origin in first.items():
                if label not in allowed:
                    path = trace(policy, graph, (table, column), (label, origin))
                    yield f"{table}.{column}: {_MEANINGS[label]} reaches it: {' -> '.join(path)}"


def trace(policy: Policy, graph: Graph, target: Column, mark: Mark) -> list[str]:
    """Returns a shortest way by which a mark reaches a column: names of columns, the source first."""
    found = labels(policy, graph)
    ways: deque[tuple[Column, Mark, tuple[Column, ...]]] = deque([(target, mark, (target,))])
    seen = {(target, mark)}
    while ways:
        (table, column), wanted, way = ways.popleft()
        steps = graph.sources(table, column)
        if not steps and _dotted(table, column) == mark[1]:
            return [_dotted(name, part) for name, part in reversed(way)]
        for step in steps:
            for before in sorted(found.get((step.table, step.column), frozenset())):
                state = ((step.table, step.column), before)
                if after(policy, before, step.passed) == wanted and state not in seen:
                    seen.add(state)
                    ways.append((*state, (*way, state[0])))
    return [".".join(target)]
