"""Lookups of a query, made one for each of its rows, as one pass over the table in which they look.

A shop keeps a customer's facts as rows of keys and values. A recipe looks each one up, `(SELECT MAX(m.value) FROM meta
m WHERE m.owner = u.id AND m.key = 'phone')`: that says what is read, and finds a few people quickly (`facts`). Reading
everybody, the source goes through the rows of each person once for every key; joined to what is summed up by owner,
once.

Belongs here: writing the same query so, for MySQL and MariaDB. Does not belong here: what a query means (`reads`),
which sees it as the mapping has it. Every piece is copied as it is written: nothing is put into words anew. What is not
of that shape stays as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import sqlglot
from sqlglot import exp
from sqlglot.dialects.dialect import Dialect
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from ajprivacy_pipeline.warehouse.reads import DIALECTS
from ajprivacy_pipeline.warehouse.rows import sums_up
from ajprivacy_pipeline.warehouse.source import Source, find

_LEAST = 4  # lookups of one table: three, of few rows each, took MariaDB 0.5 s by themselves, and 0.9 in one pass
_ENDS = (TokenType.UNION, TokenType.EXCEPT, TokenType.INTERSECT)
_AFTER_FROM = (TokenType.WHERE, TokenType.GROUP_BY, TokenType.HAVING, TokenType.ORDER_BY, TokenType.LIMIT,
               TokenType.OFFSET, TokenType.WINDOW, TokenType.LOCK)
_NO_CONJUNCTS = (TokenType.OR, TokenType.XOR, TokenType.BETWEEN, TokenType.CASE)


@dataclass(frozen=True)
class _Select:
    """A SELECT by its tokens, from the word itself up to what is no part of it any more, at one depth of brackets."""

    first: int
    end: int
    depth: int


@dataclass(frozen=True)
class _Lookup:
    """The greatest value of what stands under the key of a row of the query `around`, or whether anything does."""

    tokens: tuple[int, int]  # all that it is, with its brackets
    around: _Select
    value: str
    relation: str
    entity: str
    of: str
    conditions: tuple[str, ...]
    exists: bool
    is_indexed: bool  # else each of them goes through all of its table


def in_one_pass(source: Source, relation: str) -> str:
    """Returns what shows the same rows as something behind FROM; itself where it has no lookups, or is not understood.

    Raises:
        SourceError: the warehouse cannot be read.
    """
    try:
        rewritten = _Rewriting(source, relation).text()
    except (SqlglotError, RecursionError):
        return relation
    if rewritten == relation or source.probe(f"SELECT * FROM {rewritten} WHERE 1 = 0") is None:
        return relation
    return rewritten


class _Rewriting:
    """One relation, taken to pieces at its tokens."""

    def __init__(self, source: Source, text: str) -> None:
        self.source, self.sql = source, text
        self.dialect = DIALECTS[source.dialect]
        self.tokens: list[Token] = list(Dialect.get_or_raise(self.dialect).tokenize(text))
        self.closing: dict[int, int] = {}
        self.depths: list[int] = []
        opened: list[int] = []
        for at, token in enumerate(self.tokens):
            if token.token_type == TokenType.R_PAREN and opened:
                self.closing[opened.pop()] = at
            self.depths.append(len(opened))
            if token.token_type == TokenType.L_PAREN:
                opened.append(at)
        self.selects = [self._select(at) for at, token in enumerate(self.tokens)
                        if token.token_type == TokenType.SELECT]

    def text(self) -> str:
        """The relation with its lookups joined, group by group."""
        groups: dict[tuple[_Select, str, str, str], list[_Lookup]] = {}
        for one in self._lookups():
            groups.setdefault((one.around, one.relation, one.entity, one.of), []).append(one)
        edits: list[tuple[int, int, str]] = []
        many = [(around, lookups) for (around, *_), lookups in groups.items()
                if len(lookups) >= _LEAST or not lookups[0].is_indexed]
        for number, (around, lookups) in enumerate(many, start=1):
            name = f"one_pass_{number}"
            for at, one in enumerate(lookups):
                shown = f"({name}.c{at} IS NOT NULL)" if one.exists else f"{name}.c{at}"
                edits.append((self.tokens[one.tokens[0]].start, self.tokens[one.tokens[1]].end + 1, shown))
            last = self.tokens[self._from(around)[1] - 1].end + 1
            edits.append((last, last, _joined(name, lookups)))
        made = self.sql
        for start, end, put in sorted(edits, key=lambda edit: edit[:2], reverse=True):
            made = made[:start] + put + made[end:]
        return made

    def _select(self, first: int) -> _Select:
        depth = self.depths[first]
        end = next((at for at in range(first + 1, len(self.tokens)) if self.depths[at] < depth or (
            self.depths[at] == depth and self.tokens[at].token_type in _ENDS)), len(self.tokens))
        return _Select(first, end, depth)

    def _own(self, select: _Select, *types: TokenType) -> list[int]:
        """Where a SELECT itself has tokens of some types."""
        return [at for at in range(select.first, select.end)
                if self.depths[at] == select.depth and self.tokens[at].token_type in types]

    def _from(self, select: _Select) -> tuple[int, int]:
        """Its FROM, and what comes after the tables."""
        begins = self._own(select, TokenType.FROM)
        after = [at for at in self._own(select, *_AFTER_FROM) if begins and at > begins[0]]
        return (begins[0] if begins else select.end), (after[0] if after else select.end)

    def _written(self, first: int, end: int) -> str:
        return self.sql[self.tokens[first].start:self.tokens[end - 1].end + 1] if first < end else ""

    def _parsed(self, select: _Select) -> exp.Select | None:
        found = sqlglot.parse_one(self._written(select.first, select.end), dialect=self.dialect)
        return found if isinstance(found, exp.Select) else None

    def _lookups(self) -> Iterator[_Lookup]:
        around = {select: self._parsed(select) for select in self.selects}
        open_to = {select for select, tree in around.items() if tree is not None and self._takes_a_join(select, tree)}
        for select in self.selects:
            outer = max((other for other in self.selects if other.first < select.first and other.end >= select.end
                         and other.depth < select.depth), key=lambda other: other.first, default=None)
            tree, over = around[select], around.get(outer) if outer is not None else None
            if tree is None or over is None or outer not in open_to or not self._stands_apart(select, outer):
                continue
            if (found := self._lookup(select, tree, outer, over)) is not None:
                yield found

    def _takes_a_join(self, select: _Select, tree: exp.Select) -> bool:
        """Whether one more table can be joined to a SELECT: it shows each row once, and names what it shows."""
        begins, after = self._from(select)
        commas = [at for at in self._own(select, TokenType.COMMA) if begins < at < after]
        return (begins < after and not commas and not sums_up(tree) and not self._own(select, *_AFTER_FROM[1:])
                and not any(isinstance(made, exp.Star) for made in tree.expressions)
                and not self._own(select, TokenType.INTO))

    def _stands_apart(self, select: _Select, outer: _Select) -> bool:
        """Whether brackets are around a SELECT alone, and it is in what is shown or in the conditions."""
        before = self.tokens[select.first - 1].token_type if select.first else None
        begins, after = self._from(outer)
        return (before == TokenType.L_PAREN and self.closing.get(select.first - 1) == select.end
                and not begins < select.first < after)

    def _lookup(self, select: _Select, tree: exp.Select, outer: _Select, over: exp.Select) -> _Lookup | None:
        """A SELECT as a lookup; None where it is anything else."""
        exists = select.first > 1 and self.tokens[select.first - 2].token_type == TokenType.EXISTS
        after, value = self._from(select)[1], "1" if exists else self._greatest(select, tree)
        if value is None or after == select.end or self.tokens[after].token_type != TokenType.WHERE or self._own(
                select, *_AFTER_FROM[1:], *_NO_CONJUNCTS, TokenType.COMMA):
            return None
        if len(list(tree.find_all(exp.Select))) > 1 or sums_up(tree) != (not exists):
            return None
        inner, links, rest = _tables(tree), list[tuple[exp.Column, exp.Column]](), list[str]()
        for condition, written in self._conjuncts(after + 1, select):
            if pair := _link(condition, inner, _tables(over)):
                links.append(pair)
            elif _is_of(condition, inner):
                rest.append(written)
            else:
                return None
        if len(links) != 1 or not self._whole_numbers(links[0], inner, over) or not all(
                _is_of(part, inner) for part in (*(tree.args.get("joins") or ()), *tree.expressions)):
            return None
        entity, of = (self.source.quote(side.table, side.name) for side in links[0])
        relation = self._written(self._from(select)[0] + 1, after)
        tokens = (select.first - (2 if exists else 1), select.end)
        return _Lookup(tokens, outer, value, relation, entity, of, tuple(rest), exists,
                       self._is_indexed(inner[links[0][0].table.casefold()], links[0][0].name))

    def _greatest(self, select: _Select, tree: exp.Select) -> str | None:
        """What a SELECT shows the greatest value of; None where it shows anything else."""
        made = tree.expressions[0] if len(tree.expressions) == 1 else None
        closed = self.closing.get(select.first + 2)
        if not isinstance(made, exp.Max) or made.expressions or isinstance(made.this, exp.Distinct) or (
                closed != self._from(select)[0] - 1):
            return None
        return self._written(select.first + 3, closed)

    def _conjuncts(self, first: int, select: _Select) -> Iterator[tuple[exp.Expr, str]]:
        """What is joined by AND, understood and as it is written."""
        begins = first
        for at in range(first, select.end + 1):
            ends = at == select.end or (self.depths[at] == select.depth and self.tokens[at].token_type == TokenType.AND)
            if ends and begins < at:
                written = self._written(begins, at)
                yield sqlglot.parse_one(written, dialect=self.dialect), written
            begins = at + 1 if ends else begins

    def _whole_numbers(self, link: tuple[exp.Column, exp.Column], inner: dict[str, exp.Table],
                       over: exp.Select) -> bool:
        """Whether both sides of a link are whole numbers: texts that are equal may make several groups."""
        return all(self._is_whole(tables.get(column.table.casefold()), column.name)
                   for tables, column in zip((inner, _tables(over)), link, strict=True))

    def _is_indexed(self, table: exp.Table, column: str) -> bool:
        """Whether rows of a table are found by a column."""
        known, found = self.source.tables(table.db or None), sa.inspect(self.source.connection)
        name, schema = find(table.name, known) or table.name, table.db or None
        first = [*found.get_pk_constraint(name, schema)["constrained_columns"][:1],
                 *(index["column_names"][0] for index in found.get_indexes(name, schema))]
        return column.casefold() in {one.casefold() for one in first if one is not None}

    def _is_whole(self, table: exp.Table | None, column: str) -> bool:
        if table is None or table.catalog:
            return False
        known = self.source.tables(table.db or None)
        found = known.get(find(table.name, known) or "", {})
        name = find(column, found)
        return name is not None and found[name].kind == "integer"


def _joined(name: str, lookups: Sequence[_Lookup]) -> str:
    """The join that takes the place of lookups which differ in their conditions and in what they show alone."""
    one = lookups[0]
    common = [condition for condition in one.conditions if all(condition in other.conditions for other in lookups)]
    own = [" AND ".join(condition for condition in other.conditions if condition not in common) for other in lookups]
    shown = [f"MAX(CASE WHEN {condition} THEN {other.value} END)" if condition else f"MAX({other.value})"
             for other, condition in zip(lookups, own, strict=True)]
    if all(own):
        common = [*common, "(" + " OR ".join(f"({condition})" for condition in dict.fromkeys(own)) + ")"]
    where = f" WHERE {' AND '.join(common)}" if common else ""
    columns = ", ".join(f"{made} AS c{at}" for at, made in enumerate(shown))
    return (f" LEFT JOIN (SELECT {one.entity} AS entity_, {columns} FROM {one.relation}{where} GROUP BY {one.entity}) "
            f"AS {name} ON {name}.entity_ = {one.of}")


def _tables(tree: exp.Select) -> dict[str, exp.Table]:
    """The tables of a SELECT itself, by the names that it gives them, in small letters."""
    begins, joins = tree.args.get("from_"), tree.args.get("joins") or []
    found = [begins.this if begins is not None else None, *(join.this for join in joins)]
    return {table.alias_or_name.casefold(): table for table in found if isinstance(table, exp.Table)}


def _is_of(part: exp.Expr, tables: dict[str, exp.Table]) -> bool:
    """Whether every column in something is named as one of some tables."""
    return all(column.table.casefold() in tables for column in part.find_all(exp.Column))


def _link(condition: exp.Expr, inner: dict[str, exp.Table], outer: dict[str, exp.Table],
          ) -> tuple[exp.Column, exp.Column] | None:
    """The columns of `inner = outer`; None where a condition says anything else."""
    sides = (condition.this, condition.expression) if isinstance(condition, exp.EQ) else ()
    if not sides or not all(isinstance(side, exp.Column) for side in sides):
        return None
    return next(((own, other) for own, other in (sides, sides[::-1]) if own.table.casefold() in inner
                 and other.table.casefold() in outer and other.table.casefold() not in inner), None)
