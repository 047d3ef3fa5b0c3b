"""A first mapping, drafted from a warehouse's names, types and foreign keys; somebody then reads and completes it.

Belongs here: guessing, and saying what could not be guessed. Does not belong here: words (names.py), checking
(mapping.py). No row is read.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.conversions import unfit
from ajprivacy_pipeline.warehouse.names import candidates, normal
from ajprivacy_pipeline.warehouse.source import ColumnType, Source, require_tables

_PREFIXES = ("tbl", "t", "dim", "fact", "dbo", "v", "crm", "erp", "shop")
_ZONES_SHOWN = 6
_HEAD = """\
# A first mapping, drafted from the names in the warehouse. Complete every line marked `??`, then run
# `ajprivacy mapping check`. A column may be "source_column", { constant = "..." }, { sql = "..." } or
# { absent = "reason" }; a table may have table = "...", query = "SELECT ..." or absent = "reason".
"""


def draft(source: Source, sources: policy.Sources) -> str:
    """Returns the text of a mapping file for this warehouse.

    What has no match stands as a comment marked `??`; what nothing uses is listed in comments.

    Raises:
        SourceError: the warehouse has no tables or cannot be read.
    """
    require_tables(source)
    tables = source.connected()
    matched = match_tables(tables, sources)
    blocks = [_HEAD, *_zone(matched, tables, sources, source.dialect)]
    for name, table in sources.tables.items():
        found = matched.get(name)
        lines = _no_table(name, table) if not found else _table(
            name, table, found, tables[found], source.dialect, links_of(source, name, matched, tables, sources))
        blocks.append("\n".join(lines) + "\n")
    if unused := [name for name in tables if name not in matched.values()]:
        blocks.append("# source tables that nothing uses: " + ", ".join(map(_shown, unused)) + "\n")
    blocks.append('# what one unit of a foreign currency is worth in NOK\n# [rates]\n# EUR = "11.50"\n')
    return "\n".join(blocks)


def _zone(matched: dict[str, str], tables: dict[str, dict[str, ColumnType]], sources: policy.Sources,
          dialect: str) -> Iterator[str]:
    """Asks in which zone times without one are: read in a wrong one, what happened late in the evening is a day off."""
    naked = [f"{found}.{column}" for name, found in matched.items()
             for canonical, column in match_columns(name, sources.tables[name], tables[found], dialect).items()
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
    for exact in (True, False):  # no synonym takes what another table has as its own name
        for name in sources.tables:
            if name not in matched and (found := _first(candidates(name)[:1] if exact else candidates(name),
                                                        [t for t in tables if t not in matched.values()], shared)):
                matched[name] = found
    return matched


def match_columns(table_name: str, table: policy.SourceTable, columns: dict[str, ColumnType],
                  dialect: str, source_table: str = "", links: Mapping[str, str] | None = None) -> dict[str, str]:
    """Canonical column → source column that could hold it, each source column at most once.

    The key of a source table may be called after it: `payment_id` of `payment`. Where no name tells, `links` do.
    """
    matched: dict[str, str] = {}
    shared = _shared(list(columns))
    for exact in (True, False):
        for column, spec in table.columns.items():
            free = [name for name, type_ in columns.items()
                    if name not in matched.values() and not unfit(spec.type, type_, dialect)]
            wanted = candidates(table_name, column)
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

    Two such columns, of who ordered and of who pays, say nothing.

    Raises:
        SourceError: the warehouse cannot be read.
    """
    schema, _, bare = matched[name].rpartition(".")
    with driver_errors(source.address):
        declared = sa.inspect(source.connection).get_foreign_keys(bare, schema or None)
    found: dict[str, set[str]] = {}
    for other, table in sources.tables.items():
        column, there = table.key[0], matched.get(other)
        if len(table.key) > 1 or other == name or there is None or column not in sources.tables[name].columns:
            continue
        own = match_columns(other, table, tables[there], source.dialect, there).get(column)
        found[column] = {key["constrained_columns"][0] for key in declared if key["referred_columns"] == [own]
                         and ".".join(filter(None, (key["referred_schema"], key["referred_table"]))) == there}
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
    """A name without its schema, and without company and app where it is `COMPANY$Customer$app`."""
    parts = name.split("$")
    return parts[1] if len(parts) == 3 and all(parts) else name.rpartition(".")[2]


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
           dialect: str, links: Mapping[str, str]) -> Iterator[str]:
    matched = match_columns(name, table, columns, dialect, found, links)
    yield f"[tables.{name}]  # {table.description}"
    yield f"table = {_toml(found)}"
    yield f"[tables.{name}.columns]"
    for column, spec in table.columns.items():
        if column in matched:
            yield f"{column} = {_toml(matched[column])}"
            continue
        kind = f"{spec.type}: {' | '.join(spec.values)}" if spec.values else spec.type
        need = ("required" if spec.required or spec.must_map else
                'evidence for keeping, name it or write { absent = "reason" }' if spec.evidence else "optional")
        yield f'# ?? {column} = "..."  # {kind}; {need}'
    if unused := [f"{_shown(column)} ({type_.name})" for column, type_ in columns.items()
                  if column not in matched.values()]:
        yield "# source columns that nothing uses: " + ", ".join(unused)


def _toml(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _shown(name: str) -> str:
    return name if name.isprintable() else _toml(name)
