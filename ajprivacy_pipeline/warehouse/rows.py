"""Which rows of a table a condition can mean at most: those whose column holds one of some words.

A key-value table holds a person's phone and her role in one column, an address table where an order and where its bill
went. What reads `meta_key = 'billing_phone'` is not made of the rows `meta_key IN ('first_name', 'last_name')`.

Belongs here: `column = 'word'` and `column IN ('word', ...)` among what is joined by AND, and nothing cleverer; whether
a JOIN leaves rows out. Does not belong here: what follows from it. A word is ASCII letters, digits, `_` and `-`,
compared without case: a collation of the source may find more alike than its bytes, and never two such words that
differ beyond case.
"""

import re
from collections.abc import Iterator

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

Told = frozenset[tuple[str, frozenset[str]]]  # (folded column, folded words); empty: any row

_DIALECTS = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql", "mariadb": "mysql"}
_TOLD = "\0"  # in what is told of a column beside its words, which sets no two rows apart
_ONLY: Told = frozenset({(f"{_TOLD}only", frozenset({"only"}))})
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
    own = _ONLY if table.args.get("only") else frozenset[tuple[str, frozenset[str]]]()
    return own.union(*(_told(condition, table.alias_or_name) for condition in _conditions(query, table)))


def is_only(told: Told) -> bool:
    """Whether rows of heirs and partitions are left out (FROM ONLY)."""
    return told >= _ONLY


def equals_of(query: exp.Expr, table: exp.Table) -> Iterator[tuple[exp.Column, exp.Column]]:
    """Yields the columns of one of its tables that a SELECT finds equal to another column, in every row it reads."""
    for condition in _conditions(query, table):
        for part in _conjuncts(condition):
            sides = (part.this, part.expression) if isinstance(part, exp.EQ) else ()
            if sides and all(isinstance(side, exp.Column) for side in sides):
                yield from (pair for pair in (sides, sides[::-1]) if pair[0].table == table.alias_or_name)


def leaves_none_out(join: exp.Join) -> bool:
    """Whether something is joined by a condition that leaves no row of what stands before it out.

    Where rows are counted or summed up, here or around it, how many are found tells something, too.
    """
    if join.args.get("side") != "LEFT" or join.args.get("on") is None or join.find_ancestor(exp.CTE):
        return False
    query = join.find_ancestor(exp.Select)
    while query is not None:
        if sums_up(query):
            return False
        query = query.find_ancestor(exp.Select)
    return True


def sums_up(query: exp.Select) -> bool:
    """Whether a SELECT makes one row of several; what queries inside it do is their own."""
    if query.args.get("group") or query.args.get("distinct") or query.args.get("having"):
        return True
    return any(isinstance(part, (exp.AggFunc, exp.Window)) for made in query.expressions
               for part in made.walk(prune=lambda node: isinstance(node, exp.Select)))


def covers(where: str | None, only: Told, dialect: str) -> bool:
    """Whether a condition of the mapping means all rows that may be read: nothing in it but words, and all of theirs.

    Where a condition says anything else it may leave some of them out.
    """
    if where is None:
        return True
    said = told_by(where, dialect)
    if not said or len(said) != _number_of_conjuncts(where, dialect):
        return False
    return all(any(column == name and theirs <= words for name, theirs in only) for column, words in said)


def _number_of_conjuncts(where: str, dialect: str) -> int:
    condition = sqlglot.parse_one(f"SELECT 1 FROM told WHERE {where}", dialect=_DIALECTS[dialect]).args["where"]
    return sum(1 for _ in _conjuncts(condition.this))


def _conditions(query: exp.Expr, table: exp.Table) -> Iterator[exp.Expr]:
    """What holds of every row of one of its tables that a SELECT makes anything of."""
    if not isinstance(query, exp.Select):
        return
    joins: list[exp.Join] = query.args.get("joins") or []
    if any(join.args.get("side") not in (None, "", "LEFT") or join.args.get("kind") not in (None, "", "INNER", "OUTER",
                                                                                         "CROSS") for join in joins):
        return
    own = next((join for join in joins if join.this is table), None)
    condition = query.args.get("where")
    yield from filter(None, (condition.this if condition else None, own.args.get("on") if own else None))


def unlike(column: str) -> str:
    """Returns under which name, of no column, it is told that a condition leaves out what another column holds."""
    return f"{column.casefold()}{_TOLD}not"


def apart(one: Told, other: Told) -> bool:
    """Whether no row can be meant by both."""
    return any(column == name and not words & others and _TOLD not in column for column, words in one
               for name, others in other)


def _told(condition: exp.Expr | None, table: str | None) -> Told:
    return frozenset(_pairs(condition, table)) if condition is not None else frozenset()


def _pairs(condition: exp.Expr, table: str | None) -> Iterator[tuple[str, frozenset[str]]]:
    for plain in _conjuncts(condition):
        if isinstance(plain, exp.EQ):
            for column, value in ((plain.this, plain.expression), (plain.expression, plain.this)):
                yield from _pair(column, [value], table)
        elif isinstance(plain, exp.Column) and (table is None or plain.table == table):
            yield f"{plain.name.casefold()}{_TOLD}true", frozenset({"true"})
        elif (isinstance(plain, exp.NEQ) and isinstance(plain.this, exp.Column) and table in (None, plain.this.table)
              and plain.expression.find(exp.Column)):
            yield unlike(plain.this.name), frozenset({plain.expression.sql()})
        elif isinstance(plain, exp.In) and plain.expressions:
            yield from _pair(plain.this, plain.expressions, table)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    for part in condition.flatten() if isinstance(condition, exp.And) else [condition]:
        plain = part.unnest() if isinstance(part, exp.Paren) else part
        if isinstance(plain, exp.And):
            yield from _conjuncts(plain)
        else:
            yield plain


def _pair(column: exp.Expr, values: list[exp.Expr], table: str | None) -> Iterator[tuple[str, frozenset[str]]]:
    if not isinstance(column, exp.Column) or (table is not None and column.table != table):
        return
    if all(isinstance(value, exp.Literal) and value.is_int for value in values):
        yield f"{column.name.casefold()}{_TOLD}number", frozenset(value.name for value in values)
    elif all(isinstance(value, exp.Literal) and value.is_string and _WORD.fullmatch(value.name) for value in values):
        yield column.name.casefold(), frozenset(value.name.casefold() for value in values)
