"""A first mapping, drafted from a warehouse's names, types and foreign keys; somebody then reads and completes it.

Belongs here: guessing, and saying what could not be guessed. Does not belong here: words (names.py), what values look
like (sampled.py), checking (mapping.py). No row is read unless it is asked for, and no value is written.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date

import sqlalchemy as sa

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.conversions import unfit
from ajprivacy_pipeline.warehouse.names import candidates, normal, of_people, parts_of_name
from ajprivacy_pipeline.warehouse.sampled import has_values_of, refutes, shape_of, wanted_shape
from ajprivacy_pipeline.warehouse.source import ColumnType, Source, require_tables

_PREFIXES = ("tbl", "t", "dim", "fact", "dbo", "v", "crm", "erp", "shop")
_ZONES_SHOWN = 6
_ROWS = 500  # of a table, of which values are looked at
_TEXTS, _MOMENTS = ("text", "email"), ("date", "timestamp", "timestamptz")  # a column `login` may hold when
_NO_NAMES = ("id", "no", "nr", "nummer", "number", "entityid", "key", "code")  # of a key alone: that of any table
_LOOKED_AT = ("text", "date", "timestamp", "timestamptz", "other")
_HEAD = """\
# A first mapping, drafted from the names in the warehouse. Complete every line marked `??`, then run
# `ajprivacy mapping check`. A column may be "source_column", { constant = "..." }, { sql = "..." } or
# { absent = "reason" }; a table may have table = "...", query = "SELECT ..." or absent = "reason".
"""


@dataclass(frozen=True)
class Fields:
    """What the columns of one table of the contract are fed by, and what values had to do with it."""

    matched: dict[str, str]
    by_values: frozenset[str] = frozenset()  # of those, the ones that no name told
    refuted: dict[str, str] = field(default_factory=dict)  # by name alone they would have been these
    doubtful: dict[str, list[str]] = field(default_factory=dict)  # several columns look so
    is_refused: bool = False  # the source does not let its values be read


def draft(source: Source, sources: policy.Sources, *, today: date | None = None) -> str:
    """Returns the text of a mapping file for this warehouse.

    What has no match stands as a comment marked `??`; what nothing uses is listed in comments.

    Args:
        source: the warehouse.
        sources: the contract.
        today: given, values of the first rows are looked at, too; what looks like a day of birth depends on the day.

    Raises:
        SourceError: the warehouse has no tables or cannot be read.
    """
    require_tables(source)
    tables = source.connected()
    matched = match_tables(tables, sources)
    fields = {name: _fields(source, name, matched, tables, sources, today) for name in matched}
    blocks = [_HEAD, *_zone(matched, fields, tables, sources)]
    for name, table in sources.tables.items():
        found = matched.get(name)
        lines = list(_no_table(name, table) if not found else _table(name, table, found, tables[found], fields[name]))
        if found and (alike := [other for other in tables if other != found and _bare(other) == _bare(found)]):
            lines.insert(1, f"# ?? or {', '.join(map(_shown, alike))}, by the same name")
        blocks.append("\n".join(lines) + "\n")
    if unused := [name for name in tables if name not in matched.values()]:
        blocks.append("# source tables that nothing uses: " + ", ".join(map(_shown, unused)) + "\n")
        if today and (emails := _emails(source, {name: tables[name] for name in unused}, today)):
            blocks.append("# ?? e-mail addresses stand in " + ", ".join(map(_shown, emails)) + "\n")
    blocks.append('# what one unit of a foreign currency is worth in NOK\n# [rates]\n# EUR = "11.50"\n')
    return "\n".join(blocks)


def _fields(source: Source, name: str, matched: Mapping[str, str], tables: dict[str, dict[str, ColumnType]],
            sources: policy.Sources, today: date | None) -> Fields:
    """By names and links; then by values, where that is allowed."""
    table, columns = sources.tables[name], tables[matched[name]]
    links = links_of(source, name, matched, tables, sources)
    kept = match_columns(name, table, columns, source.dialect, matched[name], links)
    values = _sample(source, matched[name], columns) if today else {}
    if not today or not values:
        return Fields(kept, is_refused=values is None)
    no: set[tuple[str, str]] = set()
    while wrong := {(column, held) for column, held in kept.items()
                    if refutes(values.get(held, ()), column, table.columns[column], today)}:
        no |= wrong
        kept = match_columns(name, table, columns, source.dialect, matched[name], links, no)
    told, doubtful = _by_values(table, columns, kept, no, values, today, source.dialect)
    return Fields(kept | told, frozenset(told), dict(sorted(no)), doubtful)


def _by_values(table: policy.SourceTable, columns: dict[str, ColumnType], kept: Mapping[str, str],
               no: Collection[tuple[str, str]], values: Mapping[str, list[str]], today: date, dialect: str,
               ) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What fields that are open are fed by where one column alone looks so, and the columns where several do."""
    shapes = {held: shape_of(values[held], today) for held in values if held not in kept.values()}
    told: dict[str, str] = {}
    doubtful: dict[str, list[str]] = {}
    for column, spec in table.columns.items():
        wanted = wanted_shape(column, spec)
        fits = [held for held, shape in shapes.items()
                if held not in told.values() and (column, held) not in no
                and not unfit(spec.type, columns[held], dialect)
                and (has_values_of(values[held], spec) or (wanted is not None and wanted == shape != "moment"))]
        if column not in kept and len(fits) == 1:
            told[column] = fits[0]
        elif column not in kept and fits:
            doubtful[column] = fits
    return told, doubtful


def _sample(source: Source, table: str, columns: dict[str, ColumnType]) -> dict[str, list[str]] | None:
    looked_at = [name for name, type_ in columns.items() if type_.kind in _LOOKED_AT]
    return source.sample(source.path_of(table), looked_at, _ROWS) if looked_at else {}


def _emails(source: Source, tables: dict[str, dict[str, ColumnType]], today: date) -> list[str]:
    """Columns of e-mail addresses in tables that nothing uses."""
    paths = {table: source.path_of(table) for table in tables}
    return [f"{table}.{column}" for table, columns in tables.items()
            if paths[table][-1] not in source.views(paths[table][-2] if len(paths[table]) > 1 else None)
            for column, values in (_sample(source, table, columns) or {}).items() if shape_of(values, today) == "email"]


def _zone(matched: dict[str, str], fields: dict[str, Fields], tables: dict[str, dict[str, ColumnType]],
          sources: policy.Sources) -> Iterator[str]:
    """Asks in which zone times without one are: read in a wrong one, what happened late in the evening is a day off."""
    naked = [f"{found}.{column}" for name, found in matched.items()
             for canonical, column in fields[name].matched.items()
             if sources.tables[name].columns[canonical].type == "timestamp"
             and tables[found][column].kind not in ("date", "timestamptz")]
    if naked:
        shown = ", ".join(map(_shown, naked[:_ZONES_SHOWN])) + (", ..." if len(naked) > _ZONES_SHOWN else "")
        yield ("# ?? In which zone does the shop write times that name none? Many write UTC; unsaid, it is Oslo's.\n"
               "# `ajprivacy mapping check --rows` shows their hours. A table and a column may say their own.\n"
               f'# source_timezone = "UTC"  # of {shown}\n')


def match_tables(tables: dict[str, dict[str, ColumnType]], sources: policy.Sources) -> dict[str, str]:
    """Canonical table → source table, each source table at most once; likelier names win."""
    matched: dict[str, str] = {}
    shared = _shared(list(tables))
    tables = dict(sorted(tables.items(), key=lambda item: ("." in item[0], -len(item[1]))))  # of one name, the fullest
    for exact in (True, False):  # no synonym takes what another table has as its own name
        for name in sources.tables:
            if name not in matched and (found := _first(candidates(name)[:1] if exact else candidates(name),
                                                        [t for t in tables if t not in matched.values()], shared)):
                matched[name] = found
    return matched


def match_columns(table_name: str, table: policy.SourceTable, columns: dict[str, ColumnType],
                  dialect: str, source_table: str = "", links: Mapping[str, str] | None = None,
                  no: Collection[tuple[str, str]] = ()) -> dict[str, str]:
    """Canonical column → source column that could hold it, each source column at most once, and no pair of `no`.

    The key of a source table may be called after it: `payment_id` of `payment`. Where no name tells, `links` do.
    """
    matched: dict[str, str] = {}
    shared = _shared(list(columns))
    for exact in (True, False):
        for column, spec in table.columns.items():
            free = [name for name, type_ in columns.items()
                    if name not in matched.values() and (column, name) not in no
                    and not unfit(spec.type, type_, dialect) and not (spec.type in _TEXTS and type_.kind in _MOMENTS)]
            wanted = candidates(table_name, column)
            if column == "name" and parts_of_name(columns):
                wanted = of_people(wanted)
            if column == table.key[-1] and source_table:
                wanted[1:1] = _keys_of(source_table)
            if column not in matched and (found := _first(wanted[:1] if exact else wanted, free, shared)):
                matched[column] = found
    for column, found in (links or {}).items():
        if column not in matched and found not in matched.values() and not unfit(
                table.columns[column].type, columns[found], dialect):
            matched[column] = found
    return matched


def links_of(source: Source, name: str, matched: Mapping[str, str], tables: Mapping[str, dict[str, ColumnType]],
             sources: policy.Sources) -> dict[str, str]:
    """Returns by canonical column the column with a foreign key to the key of the table that it leads to.

    Two such columns, of who ordered and of who pays, say nothing. Without one, a column that is called as the key is.

    Raises:
        SourceError: the warehouse cannot be read.
    """
    path = source.path_of(matched[name])
    with driver_errors(source.address):
        declared = sa.inspect(source.connection).get_foreign_keys(path[-1], path[-2] if len(path) > 1 else None)
    found: dict[str, set[str]] = {}
    for other, table in sources.tables.items():
        column, there = table.key[0], matched.get(other)
        if len(table.key) > 1 or other == name or there is None or column not in sources.tables[name].columns:
            continue
        own = match_columns(other, table, tables[there], source.dialect, there).get(column)
        found[column] = {key["constrained_columns"][0] for key in declared if key["referred_columns"] == [own]
                         and ".".join(filter(None, (key["referred_schema"], key["referred_table"]))) == there}
        if own is not None and not found[column] and own in tables[matched[name]] and normal(own) not in _NO_NAMES:
            found[column] = {own}
    return {column: links.pop() for column, links in found.items() if len(links) == 1}


def _first(wanted: list[str], names: list[str], shared: list[str]) -> str | None:
    spelt: dict[str, str] = {}
    for name in names:
        bare = _bare(name)
        plain = normal(bare)
        spelt.setdefault(plain, name)
        for prefix in (*_PREFIXES, *shared):
            # `tbl_kunder`, `t_kunder` and, where many begin so, `ps_kunder` are `kunder`; `telefon` is no `elefon`.
            if bare.casefold().startswith(f"{prefix}_"):
                spelt.setdefault(plain.removeprefix(normal(prefix)), name)
    return next((spelt[word] for word in wanted if word in spelt), None)


def _bare(name: str) -> str:
    """A name without its schema, and without company and app where it is `COMPANY$Customer$app` or older."""
    parts = name.split("$")
    return parts[1] if len(parts) in (2, 3) and all(parts) else name.rpartition(".")[2] or name


def _keys_of(table: str) -> list[str]:
    """What the key of a source table may be called, its last word and all of its words."""
    words = [normal(word) for word in re.split(r"[^0-9A-Za-z]+", _bare(table)) if word]
    stems = dict.fromkeys(stem.removesuffix("s") for at in range(len(words)) if (stem := "".join(words[at:])))
    forms = [form for stem in stems for form in (f"{stem}id", f"id{stem}", f"{stem}no", f"{stem}nr")]
    return [*forms, "entityid", "id"]


def _shared(names: list[str]) -> list[str]:
    """The first words that at least half of the names share, and three of them: a shop's prefix."""
    firsts = Counter(_bare(name).casefold().partition("_")[0] for name in names if "_" in name)
    return [word for word, number in firsts.items() if word and number >= max(3, len(names) / 2)]


def _no_table(name: str, table: policy.SourceTable) -> Iterator[str]:
    yield f"# [tables.{name}]  # {table.description}"
    if table.required:
        yield '# ?? required: table = "..." or query = "SELECT ..."'
    elif table.evidence:
        yield '# ?? evidence for keeping, without it nothing will be due: table = "..." or absent = "reason"'
    else:
        yield '# ?? optional, counts as empty: table = "..."'


def _table(name: str, table: policy.SourceTable, found: str, columns: dict[str, ColumnType],
           fields: Fields) -> Iterator[str]:
    yield f"[tables.{name}]  # {table.description}"
    yield f"table = {_toml(found)}"
    if fields.is_refused:
        yield "# the source did not let its values be looked at"
    yield f"[tables.{name}.columns]"
    for column, spec in table.columns.items():
        if column in fields.matched:
            by = "  # by what its values look like" if column in fields.by_values else ""
            yield f"{column} = {_toml(fields.matched[column])}{by}"
            continue
        kind = f"{spec.type}: {' | '.join(spec.values)}" if spec.values else spec.type
        need = ("required" if spec.required or spec.must_map else
                'evidence for keeping, name it or write { absent = "reason" }' if spec.evidence else "optional")
        yield f'# ?? {column} = "..."  # {kind}; {need}{_said_by_values(column, fields)}'
        if column == "name" and (parts := parts_of_name(columns)):
            yield "# ?? or of " + " and ".join(map(_shown, parts)) + (
                f': name = {{ sql = "...", writes = {json.dumps(parts, ensure_ascii=False)} }}')
    if unused := [f"{_shown(column)} ({type_.name})" for column, type_ in columns.items()
                  if column not in fields.matched.values()]:
        yield "# source columns that nothing uses: " + ", ".join(unused)


def _said_by_values(column: str, fields: Fields) -> str:
    refuted = fields.refuted.get(column)
    no = f"; not {_shown(refuted)}, whose values look otherwise" if refuted else ""
    several = fields.doubtful.get(column)
    return no + (f"; values of {', '.join(map(_shown, several))} look so" if several else "")


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _shown(name: str) -> str:
    return name if name.isprintable() else _toml(name)
