"""Which rows of a table a condition can mean at most: those whose column holds one of some words.

A key-value table holds a person's phone and her role in one column, an address table where an order and where its bill
went. What reads `meta_key = 'billing_phone'` is not made of the rows `meta_key IN ('first_name', 'last_name')`.

Belongs here: `column = 'word'` and `column IN ('word', ...)` among what is joined by AND, and nothing cleverer. Does
not belong here: what follows from it. A word is ASCII letters, digits, `_` and `-`, compared without case: a collation
of the source may find more alike than its bytes, and never two such words that differ beyond case.
"""

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Told = frozenset[tuple[str, frozenset[str]]]  # (folded column, folded words); empty: any row

_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_WORD = re.compile(r"[A-Za-z0-9_-]+")


def told_by(where: str | None, dialect: str) -> Told:
    """Returns what a condition of the mapping says of the rows that it means."""
    if where is None or dialect not in _DIALECTS or (dialect in ("mysql", "mariadb") and '"' in where):
        return frozenset()  # "x" is a text or a name there, as the session has it
    try:
        tree = sqlglot.parse_one(f"SELECT 1 FROM told WHERE {where}", dialect=_DIALECTS[dialect])
    except (SqlglotError, RecursionError):
        return frozenset()
    condition = tree.args.get("where")
    return _told(condition.this if condition else None, None)


def told_of(query: exp.Expr, table: exp.Table) -> Told:
    """Returns what a SELECT says of the rows of one of its tables that it reads."""
    if not isinstance(query, exp.Select):
        return frozenset()
    joins: list[exp.Join] = query.args.get("joins") or []
    if any(join.args.get("side") not in (None, "", "LEFT") or join.args.get("kind") not in (None, "", "INNER", "OUTER",
                                                                                         "CROSS") for join in joins):
        return frozenset()
    own = next((join for join in joins if join.this is table), None)
    condition = query.args.get("where")
    told = _told(condition.this if condition else None, table.alias_or_name)
    return told | (_told(own.args.get("on"), table.alias_or_name) if own else frozenset())


def apart(one: Told, other: Told) -> bool:
    """Whether no row can be meant by both."""
    return any(column == name and not words & others for column, words in one for name, others in other)


def _told(condition: exp.Expr | None, table: str | None) -> Told:
    return frozenset(_pairs(condition, table)) if condition is not None else frozenset()


def _pairs(condition: exp.Expr, table: str | None) -> Iterator[tuple[str, frozenset[str]]]:
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    for part in parts:
        plain = part.unnest() if isinstance(part, exp.Paren) else part
        if isinstance(plain, exp.And):
            yield from _pairs(plain, table)
        elif isinstance(plain, exp.EQ):
            for column, value in ((plain.this, plain.expression), (plain.expression, plain.this)):
                yield from _pair(column, [value], table)
        elif isinstance(plain, exp.In) and plain.expressions:
            yield from _pair(plain.this, plain.expressions, table)


def _pair(column: exp.Expr, values: list[exp.Expr], table: str | None) -> Iterator[tuple[str, frozenset[str]]]:
    if not isinstance(column, exp.Column) or (table is not None and column.table != table):
        return
    if all(isinstance(value, exp.Literal) and value.is_string and _WORD.fullmatch(value.name) for value in values):
        yield column.name.casefold(), frozenset(value.name.casefold() for value in values)
