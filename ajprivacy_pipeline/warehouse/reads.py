"""Which columns of the source a query or an expression of the mapping is made of, and of which row.

Belongs here: tracing a SELECT in the source's dialect to the tables that it reads. Does not belong here: what follows
from it (`written`, `enforcement.targets`), our own models (`lineage`).
What is not understood is said so (None): whoever asks then counts any column whose name stands in the text as read.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import ClassVar

import sqlalchemy as sa
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, ScopeType, build_scope

from ajprivacy_pipeline.warehouse.arms import arms_of
from ajprivacy_pipeline.warehouse.resolved import Cell, Columns, Made, Reads, Spot
from ajprivacy_pipeline.warehouse.rows import equals_of, leaves_none_out, told_of
from ajprivacy_pipeline.warehouse.source import Source


class _MySQL(MySQL):
    """MySQL as our sessions speak it (`sessions`): "x" is a name."""

    class Tokenizer(MySQL.Tokenizer):
        QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'"]
        IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`", '"']


DIALECTS: dict[str, str | type[Dialect]] = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": _MySQL,
                                            "mariadb": _MySQL}
_VALUES = (ScopeType.ROOT, ScopeType.DERIVED_TABLE, ScopeType.CTE, ScopeType.SET_OPERATION)  # whose columns go on


def reads_of(source: Source, select: str) -> Reads | None:
    """Returns what a SELECT reads; None where it is not understood, down to the tables of the source and no view."""
    try:
        tree = sqlglot.parse_one(select, dialect=DIALECTS[source.dialect])
        walk = _Walk(_Names(source))
        return walk.reads(walk.names.qualified(tree, DIALECTS[source.dialect]))
    except (SqlglotError, KeyError, _NotUnderstoodError, RecursionError):
        return None


def aliases_of(source: Source, query: str) -> frozenset[str]:
    """Returns the names that a query gives its own columns with AS, in small letters; none where it is not understood.

    A column that goes by the name that it has in its table is named by nobody, nor is one of `*`.
    """
    try:
        tree = sqlglot.parse_one(query, dialect=DIALECTS[source.dialect])
    except (SqlglotError, KeyError, RecursionError):
        return frozenset()
    while isinstance(tree, exp.SetOperation):
        tree = tree.this
    return frozenset(made.alias.casefold() for made in getattr(tree, "expressions", ()) if isinstance(made, exp.Alias))


def definitions_of(source: Source, query: str, column: str) -> list[str] | None:
    """Returns the expressions that a column of a query is made of, of inner queries and all arms of a union too.

    None where the query is not understood, or names the column nowhere. An inner column counts under its own name
    wherever it is given.
    """
    try:
        tree = sqlglot.parse_one(query, dialect=DIALECTS[source.dialect])
    except (SqlglotError, KeyError, RecursionError):
        return None
    given: dict[str, list[exp.Expr]] = {}
    for select in tree.find_all(exp.Select):
        for at, made in enumerate(select.expressions):
            names = {made.alias_or_name, *(() if isinstance(made, exp.Star) else _first_names(select, at))}
            for name in filter(None, names):
                given.setdefault(name.casefold(), []).append(made.this if isinstance(made, exp.Alias) else made)
    waiting, seen, found = [column.casefold()], set[str](), list[str]()
    while waiting:
        if (name := waiting.pop()) in seen:
            continue
        seen.add(name)
        for made in given.get(name, []):
            found.append(made.sql(dialect=DIALECTS[source.dialect]))
            waiting += [inner.name.casefold() for inner in made.find_all(exp.Column)]
    return found or None


def _first_names(select: exp.Select, at: int) -> Iterator[str]:
    """What the first arm of a union calls the column at a place of another arm."""
    top = select.parent
    while isinstance(top, exp.SetOperation):
        first: exp.Expr = top
        while isinstance(first, exp.SetOperation):
            first = first.this
        if isinstance(first, exp.Select) and at < len(first.expressions):
            yield first.expressions[at].alias_or_name
        top = top.parent


def _shown(made: exp.Expr) -> Iterator[exp.Column]:
    """The columns that an expression shows something of: of a query inside it, what that selects."""
    if isinstance(made, exp.Column):
        yield made
        return
    for part in made.expressions if isinstance(made, exp.Select) else made.iter_expressions():
        yield from _shown(part)


class _NotUnderstoodError(Exception):
    """Never leaves this module."""


class _Names:
    """Tables and columns of a source, under names without case: one that two of them share is not understood."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}  # folded table -> path, folded columns
        self.opens_views = False

    def qualified(self, tree: exp.Expr, dialect: str | type[Dialect]) -> exp.Expr:
        self._fold(tree)
        schema: dict[str, object] = {name: dict.fromkeys(columns, "text") for name, (_, columns) in self.found.items()}
        return qualify(tree, schema=schema, dialect=dialect, identify=False, quote_identifiers=False)

    def _fold(self, tree: exp.Expr) -> None:
        made = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
        for identifier in tree.find_all(exp.Identifier):
            identifier.set("this", identifier.name.casefold())
            identifier.set("quoted", True)
        for table in list(tree.find_all(exp.Table)):
            if table.db or table.name not in made:
                self._look_up(table)

    def _look_up(self, table: exp.Table) -> None:
        if table.catalog or not table.name:
            raise _NotUnderstoodError
        path = (table.db, table.name) if table.db else (table.name,)
        known = self.source.tables(next((name for name in self._schemas() if name.casefold() == table.db), table.db)
                                   if table.db else None)
        alike = [name for name in known if name.casefold() == table.name]
        if len(alike) != 1:
            raise _NotUnderstoodError
        if alike[0] in self.source.views(path[0] if table.db else None):
            self._open(table, alike[0])
            return
        columns = {name.casefold(): name for name in known[alike[0]]}
        if len(columns) < len(known[alike[0]]):
            raise _NotUnderstoodError
        folded = ".".join(path)
        self.found[folded] = (*path[:-1], alike[0]), columns
        if table.db:
            if not table.alias:
                table.set("alias", exp.TableAlias(this=exp.to_identifier(path[-1], quoted=True)))
            table.set("db", None)
            table.set("this", exp.to_identifier(folded, quoted=True))

    def _open(self, table: exp.Table, view: str) -> None:
        """Put what a view selects in its place."""
        self.opens_views = True
        schema = table.db or None
        text = sa.inspect(self.source.connection).get_view_definition(view, schema=schema)
        tree = sqlglot.parse_one(text, dialect=DIALECTS[self.source.dialect])
        inside = tree.expression if isinstance(tree, exp.Create) else tree
        self._fold(inside)
        table.replace(exp.Subquery(this=inside, alias=exp.TableAlias(
            this=exp.to_identifier(table.alias or view.casefold(), quoted=True))))

    def _schemas(self) -> list[str]:
        return list(sa.inspect(self.source.connection).get_schema_names())


@dataclass
class _Walk:
    """One walk over one qualified query."""

    names: _Names
    done: dict[int, dict[str, Made]] = field(default_factory=dict)
    owners: dict[int, Scope] = field(default_factory=dict)
    mentions: dict[int, int] = field(default_factory=dict)
    joined: dict[tuple[int, str], frozenset[Cell]] = field(default_factory=dict)

    def reads(self, tree: exp.Expr) -> Reads:
        root = build_scope(tree)
        if root is None:
            raise _NotUnderstoodError
        shown: set[int] = set()
        whole: set[Cell] = set()
        for scope in root.traverse():
            for column in scope.columns:
                self.owners.setdefault(id(column), scope)
        for scope in root.traverse():
            if scope.scope_type in _VALUES and isinstance(scope.expression, exp.Select):
                shown |= {id(column) for made in scope.expression.expressions for column in made.find_all(exp.Column)}
            if scope.expression.args.get("distinct"):
                whole |= {cell for made in self.outputs(scope).values() for cell in made.cells | made.beside}
        for join in filter(leaves_none_out, tree.find_all(exp.Join)):
            shown |= {id(column) for column in join.args["on"].find_all(exp.Column)}
        for column in tree.find_all(exp.Column):
            if id(column) not in shown:
                whole |= self.made_of(column).cells | self.made_of(column).beside
        equal = frozenset(pair for scope in root.traverse() for pair in self._equal(scope))
        return Reads(self.outputs(root), frozenset(whole), equal, tuple(self._arms(root)))

    def _arms(self, root: Scope) -> list[Columns]:
        """What each arm shows; where a view or a query with a name of its own is read, two may read one row."""
        if self.names.opens_views or root.expression.find(exp.CTE):
            return []
        return arms_of(root, lambda column: next(iter(self.made_of(column).cells)), self.names.source.dialect)

    def _equal(self, scope: Scope) -> Iterator[tuple[Spot, Spot]]:
        for table in scope.sources.values():
            if isinstance(table, exp.Table) and table.find_ancestor(exp.Select) is scope.expression:
                for pair in equals_of(scope.expression, table):
                    own, other = map(self._spot, pair)
                    if own is not None and other is not None:
                        yield own, other

    def _spot(self, column: exp.Column) -> Spot | None:
        """Where a column of a table itself stands; None for one that another query shows."""
        scope = self.owners.get(id(column))
        while scope is not None:
            source = scope.sources.get(column.table)
            if source is not None:
                cells = () if isinstance(source, Scope) else self.made_of(column).cells
                return next(((cell.mention, cell.column) for cell in cells), None)
            scope = scope.parent
        return None

    def outputs(self, scope: Scope) -> dict[str, Made]:
        """The columns of a query, in order."""
        if id(scope) not in self.done:
            self.done[id(scope)] = dict(self._outputs(scope))
        return self.done[id(scope)]

    def _outputs(self, scope: Scope) -> Iterator[tuple[str, Made]]:
        node = scope.expression
        if isinstance(node, exp.SetOperation):
            arms = [list(self._outputs(arm)) for arm in scope.set_operation_scopes]  # two may have one name there
            for parts in zip(*arms, strict=True):
                yield parts[0][0], Made(frozenset().union(*(made.cells for _, made in parts)),
                                        all(made.plain for _, made in parts),
                                        frozenset().union(*(made.values for _, made in parts)),
                                        frozenset().union(*(made.beside for _, made in parts)))
            return
        if not isinstance(node, exp.Select):
            raise _NotUnderstoodError
        for made in node.expressions:
            inside = made.this if isinstance(made, exp.Alias) else made
            found = [self.made_of(column) for column in inside.find_all(exp.Column)]
            shown = [self.made_of(column) for column in _shown(inside)]
            yield made.alias_or_name, Made(frozenset().union(*(part.cells for part in found)),
                                           isinstance(inside, exp.Column) and found[0].plain,
                                           frozenset().union(*(part.values for part in shown)),
                                           frozenset().union(*(part.beside for part in found)))

    def made_of(self, column: exp.Column) -> Made:
        """What a column in the middle of a query is made of."""
        scope = self.owners.get(id(column))
        while scope is not None:
            source = scope.sources.get(column.table)
            if isinstance(source, Scope):
                made = self.outputs(source)[column.name]
                return replace(made, beside=made.beside | self._beside(scope.expression, column.table))
            if isinstance(source, exp.Table):
                path, columns = self.names.found[source.name]
                mention = self.mentions.setdefault(id(source), len(self.mentions))
                cell = Cell(path, columns[column.name], mention, told_of(scope.expression, source))
                return Made(frozenset({cell}), plain=True, values=frozenset({cell}),
                            beside=self._beside(scope.expression, column.table))
            scope = scope.parent
        raise _NotUnderstoodError

    def _beside(self, query: exp.Expr, name: str) -> frozenset[Cell]:
        """By what a SELECT finds the row of what it joins with LEFT JOIN under some name."""
        if (id(query), name) not in self.joined:
            self.joined[id(query), name] = frozenset()  # of its own columns in that condition
            joins: list[exp.Join] = query.args.get("joins") or []
            found = [self.made_of(column) for join in joins if leaves_none_out(join) and join.alias_or_name == name
                     for column in join.args["on"].find_all(exp.Column)]
            self.joined[id(query), name] = frozenset().union(*(made.cells | made.beside for made in found))
        return self.joined[id(query), name]
