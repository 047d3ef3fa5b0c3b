"""What of a run's cells goes into the release ledger: hashes, and contributors under the ledger's own tokens.

Belongs here: the temporary tables of one run, and the ledger's keys. Does not belong here: the ledger's file and what
is compared with it (ledger).

All keys are derived from the file's own data key: whoever destroys that key makes hashes and tokens unlinkable too,
wherever a copy of them lies. A run's tokens are linked to the ledger's while `anonymous.tokens` still stands; from then
on neither that table nor any identifier is needed.

    temp.ledger_people        token (of the run), person (of the ledger), salt
    temp.ledger_cells         place (table and month, and the length of a longer period), month, cell, shown,
                              suppressed (a bit a measure), names (the keys, of this run alone)
    temp.ledger_contributors  month, cell, person, own: of cells that show something, of the months that are kept

Of a table of nothing but stocks no contributors are kept: every subject stands in it, every month anew, and its rounded
figures are subtracted from nothing. Computed again, its cells may not change at all.

`own` holds a fingerprint of a person's own value for each measure, a few bits each, 0 when there is none. It tells
whether something changed, not what it was: it is made with a salt of the person's.
"""

from datetime import date

from ajprivacy_pipeline.disclosure.cells.contributor_sources import by_contributor, contributor_source, contributors_of
from ajprivacy_pipeline.disclosure.cells.primary import PERIOD, Shape, columns_of, shape_of
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.plan import oldest_kept
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore, pads
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

NAME = "ledger"
_TABLES = ("ledger_people", "ledger_cells", "ledger_contributors", "ledger_keys")
_DIGITS = 16  # of the hexadecimal number that `own` is
_MOST_DIGITS = 4


def key_store(settings: Settings) -> KeyStore:
    """Returns the keys of the home."""
    return KeyStore(settings.keys, settings.root_key)


def contributor_key(settings: Settings) -> bytes:
    """Returns the key of the ledger's tokens."""
    return _derived(settings, "contributors")


def derived_keys(keys: KeyStore) -> dict[str, bytes]:
    """Returns every key that is derived from the ledger's own, by name, for the search for keys in logs."""
    return {f"{NAME}/{domain}": keys.derive_under(NAME, NAME, domain, create=False)
            for domain in ("cells", "contributors") if keys.has(NAME)}


def _derived(settings: Settings, domain: str) -> bytes:
    fresh = not (settings.restricted / f"{NAME}.duckdb").exists()
    return key_store(settings).derive_under(NAME, NAME, domain, create=fresh)


def digits(shape: Shape) -> int:
    """Returns how many hexadecimal digits of `own` each measure of a table has; the first measure has the highest."""
    return min(_MOST_DIGITS, _DIGITS // len(shape.measures))


def keeps_people(shape: Shape) -> bool:
    """Returns whether the ledger keeps who stands behind a table's cells.

    It does not where all measures are stocks.
    """
    return shape.stocks != shape.measures


def link_people(con: Connection, settings: Settings) -> None:
    """Make the ledger's token of everybody who adds to sums of this run; nobody, when those are gone already."""
    pad = pads(contributor_key(settings))
    there = con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = current_database() "
                        "AND schema_name = 'anonymous' AND table_name = 'tokens'").fetchall()[0][0]
    con.execute("CREATE OR REPLACE TEMP TABLE ledger_people (token UBIGINT, person UBIGINT, salt VARCHAR)")
    if there:
        con.execute("INSERT INTO temp.ledger_people SELECT token, CAST('0x' || substr(hashed, 1, 16) AS UBIGINT), "
                    "substr(hashed, 17, 16) FROM (SELECT token, sha256($outer || unhex(sha256($inner || "
                    "encode(kind || ':' || value)))) AS hashed FROM anonymous.tokens WHERE kind <> 'subject')",
                    {"outer": pad.outer, "inner": pad.inner})


def hash_cells(con: Connection, settings: Settings, policy: Policy, public: dict[str, str], month: str) -> None:
    """Make the tables of cells and contributors for the public tables of a release for `month`."""
    pad = pads(_derived(settings, "cells"))
    con.execute("CREATE OR REPLACE TEMP TABLE ledger_cells (place VARCHAR, month DATE, cell UBIGINT, shown UBIGINT, "
                "suppressed UINTEGER, names VARCHAR[])")
    con.execute("CREATE OR REPLACE TEMP TABLE ledger_contributors (month DATE, cell UBIGINT, person UBIGINT, "
                "own UBIGINT)")
    since = date.fromisoformat(f"{oldest_kept(month)}-01")
    for table, relation in sorted(public.items()):
        shape = shape_of(policy, table)
        con.execute(f"CREATE OR REPLACE TEMP TABLE ledger_keys AS {_keyed(shape, relation)}",
                    {"outer": pad.outer, "inner": pad.inner})
        con.execute("INSERT INTO temp.ledger_cells SELECT place, ledger_month, cell, shown, suppressed, names "
                    "FROM temp.ledger_keys ORDER BY place, cell")
        if contributors_of(policy, table) and keeps_people(shape):
            con.execute(_contributors(con, policy, shape, since))
    con.execute("DROP TABLE IF EXISTS temp.ledger_keys")


def drop(con: Connection) -> None:
    """Remove the temporary tables."""
    for name in _TABLES:
        con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _keyed(shape: Shape, relation: str) -> str:
    """The SELECT of a public table's dimensions with place, month, cell, shown, suppressed and names."""
    dimensions = list(shape.keys)
    named = ", ".join(f"{literal(d)} || '=' || coalesce(CAST({quote(d)} AS VARCHAR), '-')" for d in dimensions)
    shown = ", ".join(f"coalesce(CAST({quote(m)} AS VARCHAR), '-')" for m in shape.measures)
    hashed = ("CAST('0x' || substr(sha256($outer || unhex(sha256($inner || encode(to_json([{}])::VARCHAR)))), 1, 16) "
              "AS UBIGINT)")
    suppressed = " + ".join(f"CASE WHEN {quote(m)} IS NULL THEN {2 ** i} ELSE 0 END"
                          for i, m in enumerate(shape.measures))
    table, when = literal(shape.table), quote(shape.time)
    place = f"{table} || ' ' || strftime({when}, '%Y-%m')"
    if PERIOD in shape.columns:
        place += f" || CASE WHEN {quote(PERIOD)} <> 'month' THEN ' ' || {quote(PERIOD)} ELSE '' END"
    return (f"SELECT {', '.join(map(quote, dimensions))}, {place} AS place, "
            f"CAST(date_trunc('month', {when}) AS DATE) AS ledger_month, {hashed.format(f'{table}, {named}')} AS cell, "
            f"{hashed.format(f'{table}, {named}, {shown}')} AS shown, CAST({suppressed} AS UINTEGER) AS suppressed, "
            f"[{', '.join(f'CAST({quote(d)} AS VARCHAR)' for d in dimensions)}] AS names FROM {relation}")


def _contributors(con: Connection, policy: Policy, shape: Shape, since: date) -> str:
    """The INSERT of who stands behind the cells of temp.ledger_keys that show something, since a first of a month."""
    width, values = digits(shape), _own_values(con, policy, shape)
    keys, rows = by_contributor(con, policy, shape.table, {f"own_{m}": value for m, value in values.items()},
                                (since, date.max.replace(day=1)))
    none, least = literal("0" * width), literal("0" * (width - 1) + "1")
    made = {m: quote(f"made_{m}") for m in shape.measures if m in values}
    hashed = "".join(f", substr(sha256(salt || {literal('|' + m + '|')} || {quote(f'own_{m}')}), 1, {width}) AS {name}"
                     for m, name in made.items())  # apart, so that each is made once
    pieces = [f"CASE WHEN {made[m]} = {none} THEN {least} ELSE coalesce({made[m]}, {none}) END" if m in made else none
              for m in shape.measures]
    listed = ", ".join(map(quote, keys))
    return (f"INSERT INTO temp.ledger_contributors SELECT ledger_month, cell, person, "
            f"CAST('0x' || {' || '.join(pieces)} AS UBIGINT) FROM (SELECT k.ledger_month, k.cell, p.person{hashed} "
            f"FROM (SELECT * FROM temp.ledger_keys WHERE ledger_month >= DATE {literal(since.isoformat())} "
            f"AND suppressed <> {2 ** len(shape.measures) - 1}) AS k "
            f"JOIN ({rows}) AS r USING ({listed}) JOIN temp.ledger_people AS p ON p.token = r.token)")


def _own_values(con: Connection, policy: Policy, shape: Shape) -> dict[str, str]:
    """A contributor's own of each measure as a text that equal facts make equal; NULL when there is none."""
    source = contributor_source(policy, shape.table)
    found = columns_of(con, source.relation)
    values = {m: f"CAST(nullif(CAST(sum({quote(m)}) AS DECIMAL(38, 5)), 0) AS VARCHAR)"
              for m in shape.measures if m in found}
    values |= {m: f"CAST(list_sort(list(CAST({quote(column)} AS BIGINT)) FILTER ({quote(column)} IS NOT NULL)) "
                  "AS VARCHAR)" for m, column in source.counted.items()}
    return values | {m: f"CASE WHEN sum({quote(column)}) <> 0 THEN '1' END" if column else "'1'"
                     for m, column in source.persons.items()}
