"""The SQL catalogue: reads the headers of `sql/<layer>/<model>.sql`, orders the models, runs them with bound values.

Belongs here: finding, ordering, running models. Does not belong here: what they say. A model is one SELECT under a
header of comment lines:

    -- model: staged.orders          layer.model, equal to its path
    -- grain: one row per order
    -- params: first_year, last_year names that policy_parameters or the caller binds; omitted when none
    -- reads: raw.orders             every table it reads, checked against the statement's own text
    -- materialised: view            a table when omitted
    -- decides: orders.link          entity.part of the records it decides; omitted when none; each is a literal of it
    -- doc: what it is for, in one or more lines

Its text may loop over the policy's words, header included: `{% for purpose in purposes %} … {% endfor %}`, and names
bits as `{{ freeze.orphan.bit }}` and `{{ reason.unpaid.bit }}`. The header is held against what comes of it.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import jinja2
from jinja2 import nodes

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.policy.vocabulary import Term, Vocabulary, number
from ajprivacy_pipeline.storage.zones import Connection, EngineError, explain, quote

LAYERS = ("staged", "retention", "pseudonyms", "pseudonymised", "anonymous", "published")
ASKED = "terms"  # models about a few subjects, run when somebody asks and never with a month
_HEADER = re.compile(r"^-- ?(?:(model|grain|params|reads|materialised|decides|doc):)? *(.*)$")
_NAME = re.compile(rf"\b((?:raw|control|policy|{'|'.join((*LAYERS, ASKED))})\.[a-z_0-9]+)\b")
_PARAMETER = re.compile(r"\$([a-z_]+)")
_SQL = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False, trim_blocks=True,  # noqa: S701 - SQL
                          lstrip_blocks=True, keep_trailing_newline=True)
_MARKUP = re.compile(r"\{[{%#]")  # most texts have none, and a template takes its time


@dataclass(frozen=True)
class Model:
    """One SELECT and what its header says."""

    name: str
    grain: str
    doc: str
    params: tuple[str, ...]
    reads: tuple[str, ...]
    sql: str
    is_view: bool = False
    decides: tuple[str, ...] = ()

    @property
    def layer(self) -> str:
        """The schema it is written to, and its asset group."""
        return self.name.partition(".")[0]

    @property
    def table(self) -> str:
        """Its table in the layer's schema."""
        return self.name.partition(".")[2]


@cache
def load_catalogue(folder: Path, vocabulary: Vocabulary) -> dict[str, Model]:
    """Returns the models of a month below `folder`, each after those it reads, rendered with the policy's words.

    Raises:
        ModelError: as `load_models`.
    """
    return {name: model for name, model in load_models(folder, vocabulary).items() if model.layer in LAYERS}


@cache
def load_models(folder: Path, vocabulary: Vocabulary) -> dict[str, Model]:
    """Returns every model below `folder`, those of the layer `terms` too, in running order.

    Raises:
        ModelError: a text names what the policy has not, a header is missing, does not fit its path or its statement,
            or models read each other in a circle.
    """
    models = {}
    for path in sorted(folder.glob("*/*.sql")):
        model = _read(path, _render(path, vocabulary, record_reasons(folder)))
        models[model.name] = model
    for model in models.values():
        for read in model.reads:
            if read.partition(".")[0] == ASKED != model.layer:
                raise ModelError(f"{model.name} reads {read}, which runs only when somebody asks")
            if read.partition(".")[0] in (*LAYERS, ASKED) and read not in models and read not in GENERATED:
                raise ModelError(f"{model.name} reads {read}, which no model makes")
    order = TopologicalSorter({m.name: [r for r in m.reads if r in models] for m in models.values()})
    try:
        return {name: models[name] for name in order.static_order()}
    except CycleError as error:
        raise ModelError(f"models read each other in a circle: {' -> '.join(error.args[1])}") from None


GENERATED = frozenset({"staged.quality"})  # made by steps in Python, read by models


@cache
def macros(folder: Path, vocabulary: Vocabulary) -> str:
    """Returns the text of macros.sql, rendered with the policy's words.

    Raises:
        ModelError: it names what the policy has not.
    """
    return _render(folder / "macros.sql", vocabulary, {})


@cache
def record_reasons(folder: Path) -> dict[str, int]:
    """Returns why a record may be kept: every `reason` that a model below `folder` names, with its bit."""
    return number(sorted({name for path in folder.glob("*/*.sql") for name in named(path, "reason")}), "reasons")


def named(path: Path, group: str) -> frozenset[str]:
    """Returns the names that a text takes from a group of words: `orphan` where it says `freeze.orphan`.

    Raises:
        ModelError: the text is no template.
    """
    return _named(_name_of(path), path.read_text(encoding="utf-8"), group)


@cache
def _named(name: str, text: str, group: str) -> frozenset[str]:
    if not _MARKUP.search(text):
        return frozenset()
    try:
        tree = _SQL.parse(text)
    except jinja2.TemplateSyntaxError as error:
        raise ModelError(f"{name}: line {error.lineno}: {error.message}") from None
    return frozenset(node.attr for node in tree.find_all(nodes.Getattr)
                     if isinstance(node.node, nodes.Name) and node.node.name == group)


def _name_of(path: Path) -> str:
    return path.name if path.name == "macros.sql" else f"{path.parent.name}.{path.stem}"


def _render(path: Path, vocabulary: Vocabulary, reasons: Mapping[str, int]) -> str:
    text = path.read_text(encoding="utf-8")
    if not _MARKUP.search(text):
        return text
    words = {"purposes": vocabulary.purposes, "attributes": vocabulary.attributes,
             "measured": vocabulary.measured, "dated": vocabulary.dated,
             "freeze": {term.name: term for term in vocabulary.freezes},
             "reason": {name: Term(name, bit) for name, bit in reasons.items()}}
    try:
        return _SQL.from_string(text).render(words)
    except jinja2.TemplateError as error:
        raise ModelError(f"{_name_of(path)}: the text cannot be rendered from the policy: {error}") from None


def _read(path: Path, text: str) -> Model:
    expected = f"{path.parent.name}.{path.stem}"
    header: dict[str, str] = {}
    key = ""
    lines = text.splitlines()
    body_from = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:body_from]:
        match = _HEADER.match(line)
        if match and match[1]:
            key = match[1]
            header[key] = match[2].strip()
        elif match and key:
            header[key] += " " + match[2].strip()
    if missing := {"model", "grain", "reads", "doc"} - set(header):
        raise ModelError(f"{expected}: the header lacks {', '.join(sorted(missing))}")
    if header["model"] != expected or path.parent.name not in (*LAYERS, ASKED):
        raise ModelError(f"{expected}: the header says {header['model']}; name and path must be the same, "
                         "in a known layer")
    sql = "\n".join(lines[body_from:]).strip().rstrip(";")
    bare = re.sub(r"--[^\n]*", "", sql)
    params, reads = _list(header.get("params", "")), _list(header["reads"])
    if set(params) != set(_PARAMETER.findall(bare)):
        raise ModelError(f"{expected}: params in the header and in the statement differ: "
                         f"{sorted(set(params) ^ set(_PARAMETER.findall(bare)))}")
    if set(reads) != set(_NAME.findall(bare)) - {expected}:
        raise ModelError(f"{expected}: reads in the header and in the statement differ: "
                         f"{sorted(set(reads) ^ set(_NAME.findall(bare)))}")
    kind = header.get("materialised", "table")
    if kind not in ("table", "view") or (kind == "view" and params):
        raise ModelError(f"{expected}: materialised is table or view, and a view takes no params")
    decides = _list(header.get("decides", ""))
    if lacking := {word for record in decides for word in record.split(".") if f"'{word}'" not in bare}:
        raise ModelError(f"{expected}: decides names {', '.join(sorted(lacking))}, which the statement never says")
    return Model(expected, header["grain"], header["doc"], params, reads, sql, kind == "view", decides)


def needed(catalogue: Mapping[str, Model], names: Iterable[str]) -> frozenset[str]:
    """Returns some models with all that they are made of, by what each of them reads."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name in catalogue and name not in found:
            found.add(name)
            ahead += catalogue[name].reads
    return frozenset(found)


def moved_by(catalogue: Mapping[str, Model], parameter: str, layer: str, written: tuple[str, ...]) -> frozenset[str]:
    """Returns the models of a layer whose rows may differ with a bound value, or with tables that are written anew.

    Args:
        catalogue: in running order.
        parameter: its name.
        layer: what is read of other layers stays as it is.
        written: what the names of the tables begin with that are written anew.
    """
    found: set[str] = set()
    for model in catalogue.values():
        if model.layer == layer and (parameter in model.params or any(
                read in found or read.startswith(written) for read in model.reads)):
            found.add(model.name)
    return frozenset(found)


def _list(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def run_model(con: Connection, model: Model, values: Mapping[str, object]) -> int:
    """Rebuild one model's table from bound values and return its row count.

    Raises:
        ModelError: as `make_relation`.
    """
    made = make_relation(con, model, values)
    if made is not None:
        return made
    try:
        return int(con.execute(f"SELECT count(*) FROM {quote(model.layer)}.{quote(model.table)}").fetchall()[0][0])
    except EngineError as error:
        raise ModelError(f"{model.name}: {explain(error)}") from None


def make_relation(con: Connection, model: Model, values: Mapping[str, object]) -> int | None:
    """Rebuild one model's table or view from bound values.

    Returns:
        The rows of a table; None of a view, whose rows are not looked at.

    Raises:
        ModelError: a parameter is not bound, or the engine refused the statement; never with a value of a row.
    """
    if missing := set(model.params) - set(values):
        raise ModelError(f"{model.name}: nothing binds {', '.join(sorted(missing))}")
    target = f"{quote(model.layer)}.{quote(model.table)}"
    try:
        con.execute(f"CREATE SCHEMA IF NOT EXISTS {quote(model.layer)}")
        told = con.execute(f"CREATE OR REPLACE {'VIEW' if model.is_view else 'TABLE'} {target} AS\n{model.sql}",
                           {p: values[p] for p in model.params}).fetchall()
        return None if model.is_view else int(told[0][0])
    except EngineError as error:
        raise ModelError(f"{model.name}: {explain(error)}") from None


def layer_models(catalogue: Mapping[str, Model], layers: Iterable[str]) -> list[Model]:
    """Returns the models of some layers, in running order."""
    wanted = set(layers)
    return [model for model in catalogue.values() if model.layer in wanted]
