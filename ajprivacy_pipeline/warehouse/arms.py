"""From which table each row of a query comes, told by how its id begins: the arms of a union, and ids with a prefix.

Belongs here: what a column of each arm shows, looked at through casts to text and prefixes; whether the arm of a row is
certain. Does not belong here: what a query is made of otherwise (`reads`), changing rows (`enforcement.targets`).

An id tells its arm for certain where every arm's ids begin with a text of its own, and none of these texts with another
one. What is not understood down to one column of one table is an arm whose rows are found by nobody.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from sqlglot import exp
from sqlglot.optimizer.scope import Scope

from ajprivacy_pipeline.warehouse.constraints import Catalogue
from ajprivacy_pipeline.warehouse.resolved import Arm, Cell, Columns, Path, ResolvedTable, Shown, Value
from ajprivacy_pipeline.warehouse.rows import Told, sums_up
from ajprivacy_pipeline.warehouse.source import Source, find

_PREFIX = re.compile(r"([!-\[\]-~][ -\[\]-~]*)?")  # printable ASCII that begins with no blank, and no backslash
_TEXTS = (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR)
CellOf = Callable[[exp.Column], Cell | None]


def arms_of(scope: Scope, cell_of: CellOf, dialect: str) -> list[Columns]:
    """Returns what the columns of each arm of a query show.

    None where some of its rows come from what is neither a SELECT nor a UNION: their ids may begin with anything.

    Args:
        scope: of the qualified query.
        cell_of: a column of a table as a cell of it; None for what another query shows.
        dialect: the source's.
    """
    try:
        return [dict(arm) for arm in _arms(scope, _Looking(cell_of, dialect))]
    except _UnclearError:
        return []


class _UnclearError(Exception):
    """Rows come from what is not looked into."""


@dataclass(frozen=True)
class _Looking:
    cell_of: CellOf
    dialect: str

    def shown(self, made: exp.Expr, scope: Scope, inner: str, columns: Columns) -> Shown:
        """What an expression shows; `columns` are those of the arm of the query called `inner`."""
        inside = made.unnest() if isinstance(made, exp.Paren) else made
        if isinstance(inside, exp.Alias):
            return self.shown(inside.this, scope, inner, columns)
        if isinstance(inside, exp.Column):
            if inside.table == inner and inside.name in columns:
                return columns[inside.name]
            is_table = isinstance(scope.sources.get(inside.table), exp.Table)
            return Shown("", self.cell_of(inside) if is_table else None)
        if isinstance(inside, exp.Cast) and not isinstance(inside, exp.TryCast) and self._is_text(inside.args["to"]):
            return self.shown(inside.this, scope, inner, columns)
        if isinstance(inside, exp.Case):
            return self._either(inside, scope, inner, columns)
        if isinstance(inside, (exp.Concat, exp.DPipe)) and not isinstance(inside, exp.ConcatWs):
            parts = inside.expressions if isinstance(inside, exp.Concat) else [inside.this, inside.expression]
            return self._joined([self._part(part, scope, inner, columns) for part in parts])
        return Shown("", None, is_null=isinstance(inside, exp.Null))

    def _either(self, made: exp.Case, scope: Scope, inner: str, columns: Columns) -> Shown:
        """What shows some values of a cell as nothing, or without the prefix that all others have."""
        ifs, otherwise = made.args["ifs"], made.args.get("default")
        told = ifs[0].this if len(ifs) == 1 and made.this is None else None
        if otherwise is None or not isinstance(told, exp.In) or not told.expressions or not all(
                isinstance(value, exp.Literal) and value.is_string for value in told.expressions):
            return Shown("", None)
        parts = told.this, ifs[0].args["true"], otherwise
        whose, then, other = (self.shown(part, scope, inner, columns) for part in parts)
        values = frozenset(str(value.name) for value in told.expressions)
        if whose.cell is None or whose.prefix or whose.cell != other.cell:
            return Shown("", None)
        if then.is_null:
            return replace(other, bare=other.bare - values)
        return replace(other, bare=other.bare | values) if then == whose else Shown("", None)

    def _part(self, part: exp.Expr, scope: Scope, inner: str, columns: Columns) -> Shown | str:
        literal = part.unnest() if isinstance(part, exp.Paren) else part
        if isinstance(literal, exp.Literal) and literal.is_string:
            return str(literal.name)
        return self.shown(part, scope, inner, columns)

    @staticmethod
    def _joined(parts: Sequence[Shown | str]) -> Shown:
        """What a text, and what stands behind it, show together."""
        begins = ""
        for at, part in enumerate(parts):
            if not isinstance(part, str):
                alone = at == len(parts) - 1
                return Shown(begins + part.prefix, part.cell if alone and not part.bare else None)
            begins += part
        return Shown(begins, None)

    def _is_text(self, type_: exp.DataType) -> bool:
        """Whether a cast leaves a text as it is: one to a length may cut it off, and CHAR is one letter in some."""
        texts = _TEXTS if self.dialect == "postgresql" else (*_TEXTS, exp.DataType.Type.CHAR)
        return type_.this in texts and not type_.expressions


def _arms(scope: Scope, looking: _Looking) -> Iterator[list[tuple[str, Shown]]]:
    """The columns of each arm in their order, named as those of the first, which alone has no name twice."""
    node = scope.expression
    if isinstance(node, exp.Union):
        names: list[str] = []
        for side in scope.set_operation_scopes:
            for arm in _arms(side, looking):
                names = names or [name for name, _ in arm]
                yield list(zip(names, (shown for _, shown in arm), strict=True))
    elif isinstance(node, exp.Select):
        begins = node.args.get("from_")
        name = str(begins.this.alias_or_name) if begins is not None else ""
        beneath = scope.sources.get(name)
        for columns in map(dict, _arms(beneath, looking)) if isinstance(beneath, Scope) else [{}]:
            shown = [(made.alias_or_name, looking.shown(made, scope, name, columns)) for made in node.expressions]
            yield [(column, Shown(one.prefix, None, one.is_null)) for column, one in shown] if sums_up(node) else shown
    else:
        raise _UnclearError


def found_arms(source: Source, keys: Sequence[str], table: ResolvedTable, ends: Mapping[str, Mapping[str, Value]],
               nobody: frozenset[str]) -> tuple[Arm, ...]:
    """Returns the arms of what feeds a table of the contract; none where an id does not tell for certain which it is.

    None either where its rows are found by their key in one table, or an arm of which `ends` says something is not one.

    Args:
        source: the open warehouse.
        keys: the columns of the contract's key.
        table: held against the warehouse.
        ends: by prefix, what columns are given instead of deleting a row.
        nobody: the ids of whoever is gone; none where the mapping does not say them all.
    """
    key, fed = keys[0], table.columns[keys[0]]
    if len(keys) > 1 or table.reads is None or fed is None or (
            table.written_table is not None and fed.source_column and len(fed.written) == 1):
        return ()
    arms = _certain(source, key, table.reads.arms, nobody)
    if not set(ends) <= {arm.prefix for arm in arms if arm.table}:
        return ()
    return tuple(replace(arm, ends=_spelt(source, arm, ends.get(arm.prefix, {}))) for arm in arms)


def _spelt(source: Source, arm: Arm, ends: Mapping[str, Value]) -> dict[str, Value]:
    known = source.columns_of(arm.table) if arm.table else {}
    return {find(column, known) or column: value for column, value in ends.items()}


def _certain(source: Source, key: str, arms: Sequence[Columns], nobody: frozenset[str]) -> tuple[Arm, ...]:
    ids = [arm[key] for arm in arms if key in arm]
    if not arms or len(ids) < len(arms) or not _tell_apart(ids):
        return ()
    mentions = [{one.cell.mention for one in arm.values() if one.cell is not None} for arm in arms]
    found = tuple(_found(source, key, arm, nobody, alone=not any(
        mentions[at] & other for to, other in enumerate(mentions) if at != to)) for at, arm in enumerate(arms))
    return found if any(arm.table for arm in found) else ()


def _tell_apart(ids: Sequence[Shown]) -> bool:
    """Whether how an id begins tells its arm, and the id of nobody begins like none: it would be somebody's."""
    if not all(_PREFIX.fullmatch(one.prefix) for one in ids):
        return False
    begins = [one.prefix.casefold() for one in ids]  # as a collation of the source may see them
    others = [*((one, other) for one, other in permutations(begins, 2)),
              *((value.casefold(), other) for one in ids for value in one.bare for other in begins)]
    return not any(one.startswith(other) for one, other in others)


def _found(source: Source, key: str, arm: Columns, nobody: frozenset[str], *, alone: bool) -> Arm:
    """One arm; its rows are found where its key is unique in its table, and no other arm reads the same mention.

    An id with a prefix can become nobody's where nobody's has none.
    """
    prefix, cell = arm[key].prefix, arm[key].cell
    plain = frozenset(name for name, one in arm.items() if one.is_null or (
        one.cell is not None and not one.prefix and _kind(source, one.cell) == "text"))
    if cell is None or not alone or _kind(source, cell) not in ("integer", "text") or not is_unique(
            source, cell.table, {cell.column}):
        return Arm(prefix, plain)
    own = {name: one.cell.column for name, one in arm.items() if one.cell is not None and name != key
           and one.cell.mention == cell.mention and (not one.prefix or (nobody and nobody <= one.bare))}
    return Arm(prefix, plain, cell.table, cell.column, own, cell.mention, _of_texts(source, cell),
               behind=frozenset(name for name in own if arm[name].prefix))


def _of_texts(source: Source, cell: Cell) -> Told:
    """Of which rows a cell is, as far as texts tell: as numbers, '1' and '01' mean the same rows."""
    known = source.columns_of(cell.table)
    texts = {name.casefold() for name, column in known.items() if column.kind == "text"}
    return frozenset(pair for pair in cell.only if pair[0] in texts)


def _kind(source: Source, cell: Cell) -> str:
    known = source.columns_of(cell.table)
    return known[cell.column].kind if cell.column in known else ""


def is_unique(source: Source, table: Path, columns: set[str]) -> bool:
    """Whether no two rows of a table agree in these columns; an index over some of the rows says nothing."""
    return any(key.plain and key.whole and not key.exclusion and columns.issuperset(key.columns)
               for key in Catalogue(source).facts(table).keys)
