"""Data flow inside one model: which columns of the tables it reads each of its columns is made of, and how.

Belongs here: walking a qualified statement. Does not belong here: what may be written (`syntax`), what columns mean
(`tables`), which flow is allowed (`graph`).

What counts as flow: everything an expression is computed from, the conditions of its CASE and FILTER and the order of
its window included. What does not: WHERE, JOIN ... ON, GROUP BY, HAVING, DISTINCT. They decide which rows there are;
how many people stand behind a cell is what G2 to G9 are about.

On its way a value may pass a function that changes what it says about people; such a passage is noted by name:

    count               how many
    is_null             whether there is a value
    hmac                SHA-256 nested under two bound keys
    rule                a comparison with what the policy binds: yes or no, or which of a bound list's values it is
    test                a comparison with constants of the SQL: yes or no
    starts_with:TEXT    whether it begins with a constant
    leading_character   the first character
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope

from ajprivacy_pipeline.lineage.syntax import DIALECT, LineageError, Macro, check_functions, check_node, parse_model
from ajprivacy_pipeline.lineage.tables import KEYS, ROW, Columns, as_schema, is_key

_TESTS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.Like,
          exp.ILike, exp.In, exp.ArrayContains, exp.RegexpFullMatch, exp.RegexpLike)
_CONSTANTS = (exp.Literal, exp.Null, exp.Boolean, exp.Star)
_WORDS = (exp.DataType, exp.Var, exp.Interval, exp.JSONPath)
_ROW_NUMBERS = (exp.RowNumber, exp.Rank, exp.DenseRank)


@dataclass(frozen=True, order=True)
class Step:
    """A column that a value comes from, and the passages it has gone through since, the first one first."""

    table: str
    column: str
    passed: tuple[str, ...] = ()

    def through(self, passage: str) -> "Step":
        """Returns the same, having gone through one passage more; a repeated one counts once."""
        return self if self.passed[-1:] == (passage,) else Step(self.table, self.column, (*self.passed, passage))


@dataclass(frozen=True)
class Flow:
    """What an expression is made of.

    `grounded` says that it rests on a column, a constant or a count at all, `bound` that a bound value is among them.
    """

    steps: frozenset[Step] = frozenset()
    grounded: bool = False
    bound: bool = False

    def through(self, passage: str) -> "Flow":
        """Returns everything in it, having gone through a passage."""
        return Flow(frozenset(step.through(passage) for step in self.steps), self.grounded, self.bound)


CONSTANT = Flow(grounded=True)
BOUND = Flow(grounded=True, bound=True)
Outputs = list[tuple[str, Flow]]
Names = Mapping[str, Flow]  # what a bare name stands for: a macro's parameter, a lambda's variable


def union(flows: Iterable[Flow]) -> Flow:
    """Returns what an expression of several parts is made of."""
    parts = list(flows)
    return Flow(frozenset().union(*(part.steps for part in parts)), any(part.grounded for part in parts),
                any(part.bound for part in parts))


def model_flows(name: str, sql: str, known: Columns, macros: Mapping[str, Macro]) -> dict[str, Flow]:
    """Returns the flow of each column of a model, in order.

    Args:
        name: the model, for messages.
        sql: its statement.
        known: columns of every table it may read.
        macros: the macros it may call.

    Raises:
        LineageError: something in it is not understood.
    """
    tree = parse_model(name, sql)
    check_functions(name, tree, macros)
    for column in list(tree.find_all(exp.Column)):
        if column.name.lower() == ROW:
            column.replace(exp.RowNumber())
    try:
        qualified = qualify(tree, schema=as_schema(known), dialect=DIALECT, identify=False, quote_identifiers=False)
        scope = build_scope(qualified)
    except SqlglotError:
        raise LineageError(f"{name}: a column or a star cannot be traced to the tables that are read") from None
    if scope is None:
        raise LineageError(f"{name}: no query whose data flow is understood")
    for node in qualified.walk():
        check_node(name, node)
    return _Walk(name, known, macros).model(scope)


@dataclass
class _Walk:
    """One walk over one model."""

    name: str
    known: Columns
    macros: Mapping[str, Macro]
    done: dict[int, Outputs] = field(default_factory=dict)

    def refuse(self, what: str) -> LineageError:
        return LineageError(f"{self.name}: {what}")

    def outputs(self, scope: Scope) -> Outputs:
        """The columns of a query, a sub-query or an unnested list, in order."""
        if id(scope) not in self.done:
            self.done[id(scope)] = self._outputs(scope)
        return self.done[id(scope)]

    def _outputs(self, scope: Scope) -> Outputs:
        node = scope.expression
        if isinstance(node, exp.SetOperation):
            left, right = (self.outputs(arm) for arm in scope.set_operation_scopes)
            if len(left) != len(right):
                raise self.refuse("the arms of a UNION have different numbers of columns")
            return [(column, union((mine, theirs))) for (column, mine), (_, theirs) in zip(left, right, strict=True)]
        if isinstance(node, exp.Unnest):
            made = union(self.flow(part, scope) for part in node.expressions)
            return [(column.name.lower(), made) for column in node.args["alias"].args.get("columns") or ()]
        if not isinstance(node, exp.Select):
            raise self.refuse(f"{type(node).__name__.upper()} as a source is not understood")
        if any(not isinstance(star.parent, exp.Count) for made in node.expressions for star in made.find_all(exp.Star)):
            raise self.refuse("a star cannot be traced to the columns of a table")
        return [(made.alias_or_name.lower(), self.flow(made, scope)) for made in node.expressions]

    def model(self, scope: Scope) -> dict[str, Flow]:
        """The columns of the whole model by name."""
        made = self.outputs(scope)
        found = dict(made)
        if len(found) != len(made) or not all(found):
            raise self.refuse("a column has no name, or one that stands twice")
        return found

    def flow(self, node: exp.Expr, scope: Scope | None, names: Names | None = None) -> Flow:
        """What an expression is made of."""
        if isinstance(node, _CONSTANTS):
            return CONSTANT
        if isinstance(node, _WORDS):
            return Flow()
        if isinstance(node, exp.Identifier):  # a lambda's variable; any other name is looked up where it stands
            return (names or {}).get(node.name.lower(), Flow())
        if isinstance(node, exp.Placeholder):
            parameter = node.name
            return Flow(frozenset({Step(KEYS, parameter)}), grounded=True) if is_key(parameter) else BOUND
        if isinstance(node, exp.Column):
            return self._column(node, scope, names or {})
        if isinstance(node, exp.Anonymous) and (macro := self.macros.get(node.name.lower())):
            return self._macro(node, macro, scope, names)
        if isinstance(node, exp.Query):
            return self._query(node, scope)
        if isinstance(node, _ROW_NUMBERS):
            return Flow(frozenset({Step("", ROW)}), grounded=True)
        return self._composite(node, scope, names)

    def _composite(self, node: exp.Expr, scope: Scope | None, names: Names | None) -> Flow:
        children = list(node.iter_expressions())
        parts = [self.flow(part, scope, names) for part in children if not isinstance(part, exp.Lambda)]
        for part in children:
            if isinstance(part, exp.Lambda):  # its variables are values of what stands beside it
                values = dict.fromkeys((variable.name.lower() for variable in part.expressions), union(parts))
                parts.append(self.flow(part.this, scope, {**(names or {}), **values}))
        made = union(parts)
        if isinstance(node, exp.Count):
            return Flow(made.through("count").steps, grounded=True)
        if isinstance(node, exp.Filter) and isinstance(node.this, exp.Count):
            return made.through("count")
        passage = _passage(node, sum(bool(part.steps) for part in parts) <= 1,
                           any(part.bound and not part.steps for part in parts))
        if isinstance(node, exp.Anonymous) and node.name.lower() == "list_position":  # which of a bound list's it is
            passage = "rule" if parts[0].bound and not parts[0].steps else None
        return made.through(passage) if passage else made

    def _column(self, node: exp.Column, scope: Scope | None, names: Names) -> Flow:
        alias, column = node.table.lower(), node.name.lower()
        if not alias and column in names:
            return names[column]
        while scope is not None and alias:
            source = scope.sources.get(alias)
            if isinstance(source, exp.Table):
                return self._table(source, column)
            if isinstance(source, Scope):
                found = [flow for known, flow in self.outputs(source) if known == column]
                if len(found) == 1:
                    return found[0]
                break
            scope = scope.parent
        raise self.refuse(f"{node.sql(dialect=DIALECT)} cannot be traced to a column")

    def _table(self, source: exp.Table, column: str) -> Flow:
        table = f"{source.db.lower()}.{source.name.lower()}"
        if column not in self.known.get(table, ()):
            raise self.refuse(f"{table}.{column} is not a known column")
        return Flow(frozenset({Step(table, column)}), grounded=True)

    def _macro(self, node: exp.Anonymous, macro: Macro, scope: Scope | None, names: Names | None) -> Flow:
        arguments = [self.flow(argument, scope, names) for argument in node.expressions]
        if len(arguments) != len(macro.parameters):
            raise self.refuse(f"{node.name}() takes {len(macro.parameters)} arguments")
        return self.flow(macro.body, None, dict(zip(macro.parameters, arguments, strict=True)))

    def _query(self, node: exp.Query, scope: Scope | None) -> Flow:
        inner = node.unnest()
        for child in scope.subquery_scopes if scope else ():
            if child.expression is inner:
                return union(flow for _, flow in self.outputs(child))
        raise self.refuse("a sub-query stands where it cannot be traced")


def _passage(node: exp.Expr, of_one_part: bool, by_bound: bool) -> str | None:
    """The name of the passage that an expression is.

    Args:
        node: the expression.
        of_one_part: all its parts but one rest on no column.
        by_bound: one of those rests on a bound value.
    """
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        return "is_null"
    if isinstance(node, exp.SHA2):
        return "hmac" if _is_hmac(node) else None
    if isinstance(node, exp.StartsWith) and isinstance(node.expression, exp.Literal):
        return f"starts_with:{node.expression.name}"
    if isinstance(node, exp.Left):  # not a bracket: of a list that is the whole first value
        return "leading_character" if node.expression == exp.Literal.number(1) else None
    if isinstance(node, _TESTS) and of_one_part:
        return "rule" if by_bound else "test"
    return None


def _is_hmac(node: exp.SHA2) -> bool:
    """sha256(outer key || unhex(sha256(inner key || ...))): keyed twice, with bound keys."""
    outer = node.this
    if not (isinstance(outer, exp.DPipe) and _is_key(outer.this) and isinstance(outer.expression, exp.Unhex)):
        return False
    inner = outer.expression.this
    first = inner.this if isinstance(inner, exp.SHA2) else None
    while isinstance(first, exp.DPipe):
        first = first.this
    return first is not None and _is_key(first)


def _is_key(node: exp.Expr) -> bool:
    return isinstance(node, exp.Placeholder) and is_key(node.name)
