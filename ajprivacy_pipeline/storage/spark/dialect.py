"""The models' SQL said in Spark's dialect: bound values, macros, and each construct that means something else there.

Belongs here: rewriting a statement's tree where sqlglot's own translation would run and give other rows, or not run.
Does not belong here: a session. What is not rewritten and differs silently is banned from the models
(`tests/sql/engines/banned.toml`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.errors import ModelError

DUCKDB, SPARK = "duckdb", "spark"
MACROS = "macros_spark.sql"  # Spark's own definitions, beside macros.sql
_TYPES = {exp.DType.ENUM: "STRING", exp.DType.INT128: "DECIMAL(38, 0)", exp.DType.UBIGINT: "DECIMAL(20, 0)",
          exp.DType.UINT: "BIGINT", exp.DType.USMALLINT: "INT", exp.DType.UTINYINT: "SMALLINT"}


@dataclass(frozen=True)
class Macro:
    """A macro: its parameters, and its body as Spark is to say it."""

    parameters: tuple[str, ...]
    body: exp.Expr


@cache
def macros_of(shared: str, own: str) -> Mapping[str, Macro]:
    """Returns the macros by name: Spark's own definition where there is one, else the shared one, translated.

    Args:
        shared: the text of macros.sql, in DuckDB's dialect.
        own: the text of macros_spark.sql, in Spark's.

    Raises:
        ModelError: one cannot be read, or both say one name with other parameters.
    """
    found = {name: Macro(macro.parameters, _rewritten(macro.body))
             for name, macro in read_macros(shared, DUCKDB).items()}
    for name, macro in read_macros(own, SPARK).items():
        if name in found and found[name].parameters != macro.parameters:
            raise ModelError(f"macros_spark.sql: {name} takes {', '.join(found[name].parameters)} in macros.sql")
        found[name] = macro
    return found


def read_macros(text: str, dialect: str) -> dict[str, Macro]:
    """Returns the macros of a text as it says them. Spark has none: a file is split by hand, and each body is read."""
    found = {}
    bare = re.sub(r"^--[^\n]*$", "", text, flags=re.MULTILINE)
    for head, body in re.findall(r"CREATE [A-Z ]+ MACRO ([^)]*\)) AS\s(.*?);\s*$", bare, re.DOTALL | re.MULTILINE):
        name, _, parameters = head.rstrip(")").partition("(")
        try:
            tree = sqlglot.parse_one(body, dialect=dialect)
        except sqlglot.errors.ParseError:
            raise ModelError(f"the macro {name} cannot be read in the dialect of {dialect}") from None
        found[name] = Macro(tuple(re.findall(r"\w+", parameters)), tree)
    return found


def to_spark(sql: str, values: Mapping[str, object], macros: Mapping[str, Macro]) -> str:
    """Returns a model's statement for Spark.

    Args:
        sql: one SELECT in DuckDB's dialect; tables are `layer.table`, in Spark views named `layer__table`.
        values: what its parameters are bound to, which stands in the text as literals.
        macros: of `macros_of`.

    Raises:
        ModelError: it cannot be parsed, or says what has no meaning in Spark.
    """
    try:
        tree = _rewritten(sqlglot.parse_one(sql, dialect=DUCKDB))
        tree = _expanded(_bound(tree, values), macros)
        for table in tree.find_all(exp.Table):
            if table.db:
                table.replace(exp.to_table(view_of(f"{table.db}.{table.name}"), alias=table.alias or table.name))
        return tree.sql(dialect=SPARK, unsupported_level=sqlglot.ErrorLevel.RAISE)
    except sqlglot.errors.SqlglotError as error:
        raise ModelError(f"the statement cannot be said in Spark's SQL: {str(error).splitlines()[0]}") from None


def view_of(table: str) -> str:
    """Returns the name of the view that a model's table is in Spark."""
    return table.replace(".", "__")


def _bound(tree: exp.Expr, values: Mapping[str, object]) -> exp.Expr:
    return tree.transform(lambda node: _literal(values[node.name]) if isinstance(node, exp.Placeholder) else node)


def _literal(value: object) -> exp.Expr:
    """A bound value as a literal."""
    if isinstance(value, bytes):
        return exp.HexString(this=value.hex())
    if isinstance(value, list | tuple):
        return exp.Array(expressions=[_literal(item) for item in value])
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), exp.DType.DATE)
    return exp.convert(value)


def _expanded(tree: exp.Expr, macros: Mapping[str, Macro]) -> exp.Expr:
    """The tree with each call of a macro as its body, arguments first."""
    def expand(node: exp.Expr) -> exp.Expr:
        macro = macros.get(node.name.lower()) if isinstance(node, exp.Anonymous) else None
        if macro is None:
            return node
        if len(node.expressions) != len(macro.parameters):
            raise ModelError(f"{node.name}() takes {len(macro.parameters)} arguments")
        arguments = dict(zip(macro.parameters, (_expanded(item, macros) for item in node.expressions), strict=True))
        body = _expanded(macro.body.copy(), macros)
        return exp.paren(_with_arguments(body, arguments), copy=False)
    return tree.transform(expand)


def _with_arguments(body: exp.Expr, arguments: Mapping[str, exp.Expr]) -> exp.Expr:
    """A body of which each bare parameter is its argument; a lambda's own variable stays."""
    def replace(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and not node.table and node.name.lower() in arguments:
            return exp.paren(arguments[node.name.lower()].copy(), copy=False)
        return node
    return body.transform(replace)


def _rewritten(tree: exp.Expr) -> exp.Expr:
    """The tree, in which each node that means something else in Spark is said anew."""
    def rewrite(node: exp.Expr) -> exp.Expr:
        rule = _RULES.get(type(node))
        return rule(node) if rule else node
    return _bottom_up(tree, rewrite)


def _bottom_up(node: exp.Expr, rewrite: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Each node rewritten after those below it, so that what a rule makes is not looked at again."""
    for key, value in list(node.args.items()):
        if isinstance(value, exp.Expr):
            node.set(key, _bottom_up(value, rewrite))
        elif isinstance(value, list):
            node.set(key, [_bottom_up(item, rewrite) if isinstance(item, exp.Expr) else item for item in value])
    return rewrite(node)


def _said(text: str, **parts: exp.Expr | None) -> exp.Expr:
    """Spark's SQL with parts in the place of `:name`."""
    tree = sqlglot.parse_one(text, dialect=SPARK)
    return tree.transform(lambda node: parts[node.name].copy()  # type: ignore[union-attr]
                          if isinstance(node, exp.Placeholder) else node)


def _list(node: exp.Expr) -> exp.Expr:
    """list(): keeps NULL, knows an order, and is NULL of nothing; Spark's collect_list does none of it."""
    value, parts, made = node.this, {}, "collect_list(named_struct('v', :v))"
    if isinstance(value, exp.Distinct):
        (value,), made = value.expressions, "collect_set(named_struct('v', :v))"
    elif isinstance(value, exp.Order):
        if any(item.args.get("desc") for item in value.expressions):
            raise ModelError("list() in descending order has no counterpart in Spark")
        parts = {f"k{n}": item.this for n, item in enumerate(value.expressions)}
        # in a struct NULL comes first
        keys = ", ".join(f"'no_{key}', :{key} IS NULL, '{key}', :{key}" for key in parts)
        value, made = value.this, f"array_sort(collect_list(named_struct({keys}, 'v', :v)))"
    return _said(f"nullif(transform({made}, s -> s.v), array())", v=value, **parts)


def _filter(node: exp.Expr) -> exp.Expr:
    """A filtered list(): the filter goes inside what list() became."""
    made = node.this.find(exp.ArrayAgg, exp.ArrayUniqueAgg) if isinstance(node.this, exp.Nullif) else None
    if made is None:
        return node
    made.replace(exp.Filter(this=made.copy(), expression=node.expression.copy()))
    return node.args["this"]  # type: ignore[no-any-return]  # what sqlglot keeps there


def _largest(node: exp.Expr) -> exp.Expr:
    if (count := node.args.get("count")) is None:
        return node
    return _said("slice(sort_array(collect_list(:x), false), 1, :n)", x=node.this, n=count)


def _element(node: exp.Expr) -> exp.Expr:
    """An element of a list by its number, NULL where there is none; sqlglot counts it from 0 by now."""
    (index,) = node.expressions
    return _said("get(:list, CAST(:i AS INT))", list=node.this, i=index)


def _cast(node: exp.Expr) -> exp.Expr:
    kind = node.args["to"].this
    if kind in _TYPES:
        node.set("to", exp.DataType.build(_TYPES[kind], dialect=SPARK))
    return node


def _select(node: exp.Expr) -> exp.Expr:
    """* REPLACE (x AS y) as * EXCEPT (y), x AS y."""
    added: list[exp.Expr] = []
    for item in node.expressions:
        star = item if isinstance(item, exp.Star) else item.this if isinstance(item, exp.Column) else None
        if isinstance(star, exp.Star) and (replaced := star.args.pop("replace", None)):
            star.set("except_", [*(star.args.get("except_") or []), *(exp.to_identifier(r.alias) for r in replaced)])
            added += replaced
    if added:
        node.set("expressions", [*node.expressions, *added])
    return _side_by_side(node)


def _side_by_side(node: exp.Expr) -> exp.Expr:
    """Several lists unnested beside each other, of which Spark allows one in a SELECT: zipped first."""
    lists = [item for item in node.expressions if isinstance(item.unalias(), exp.Explode)]
    if len(lists) > 1:
        if len(lists) < len(node.expressions):
            raise ModelError("lists are unnested beside columns")
        zipped = exp.Anonymous(this="arrays_zip", expressions=[item.unalias().this for item in lists])
        node.set("expressions", [exp.Aliases(this=exp.Anonymous(this="inline", expressions=[zipped]),
                                             expressions=[exp.to_identifier(item.alias) for item in lists])])
    return node


def _materialised(node: exp.Expr) -> exp.Expr:
    node.set("materialized", None)
    return node


def _day_difference(node: exp.Expr) -> exp.Expr:
    if node.text("unit").upper() != "DAY":
        raise ModelError("date_diff is translated for days alone")
    return _said("CAST(datediff(:later, :earlier) AS BIGINT)", later=node.this, earlier=node.expression)


def _replacement(node: exp.Expr) -> exp.Expr:
    """A group of the match is `$1` in Spark, a backslash and its number in DuckDB."""
    text = node.args.get("replacement")
    if isinstance(text, exp.Literal):
        text.set("this", re.sub(r"\\(\d)", r"$\1", text.name))
    return node


def _format(node: exp.Expr) -> exp.Expr:
    """format('{:,} of {}', …) as format_string('%,d of %s', …)."""
    pattern, values = node.this, list(node.expressions)
    if not isinstance(pattern, exp.Literal):
        raise ModelError("format() is translated for a literal text alone")
    holes = iter(range(len(values)))

    def hole(match: re.Match[str]) -> str:
        number = next(holes)
        if match[1] == ":,":
            values[number] = exp.cast(values[number], exp.DType.BIGINT)
            return "%,d"
        if match[1]:
            values[number] = exp.cast(values[number], exp.DType.DOUBLE)
        return f"%{match[1][1:]}" if match[1] else "%s"
    said = re.sub(r"\{(:,|:\.\d+f|)\}", hole, pattern.name.replace("%", "%%"))
    arguments = [exp.Literal.string(said), *values]
    # format() of NULL is NULL in DuckDB, the text null in Spark
    given = exp.and_(*(exp.not_(exp.Is(this=value.copy(), expression=exp.Null())) for value in values))
    return exp.Case().when(given, exp.Anonymous(this="format_string", expressions=arguments))


def _unknown(node: exp.Expr) -> exp.Expr:
    """Functions that sqlglot has no class for."""
    said = _FUNCTIONS.get(node.name.lower())
    if said is None:
        return node
    return _said(said, **dict(zip("xyz", node.expressions, strict=False)))


_FUNCTIONS = {
    "list_extract": "get(:x, CAST(:y AS INT) - 1)",
    "list_position": "CAST(nullif(array_position(:x, :y), 0) AS INT)",
    "error": "CAST(raise_error(:x) AS BOOLEAN)",
}
_RULES: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.ArrayAgg: _list, exp.Filter: _filter, exp.Max: _largest, exp.Bracket: _element, exp.Cast: _cast,
    exp.TryCast: _cast, exp.Select: _select, exp.CTE: _materialised, exp.DateDiff: _day_difference,
    exp.RegexpReplace: _replacement, exp.Format: _format, exp.Anonymous: _unknown,
    exp.RegexpFullMatch: lambda node: _said("(:x RLIKE concat('\\\\A(?:', :y, ')\\\\z'))",
                                            x=node.this, y=node.expression),
    exp.Length: lambda node: _said("size(:x)", x=node.this),
    exp.PercentileCont: lambda node: _said("percentile(:x, :y)", x=node.this, y=node.expression),
}
