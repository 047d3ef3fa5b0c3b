"""G10: no published text names anybody.

Belongs here: comparing texts with every identifying column of the warehouse, and with the detectors. Does not belong
here: collecting the texts of a release (release/texts.py) or suppressing a name.

How texts are compared. Both sides are made canonical: NFC, lower case, every run of characters that are neither letter
nor digit is one blank; a value of digits alone loses its blanks. A value of the warehouse hits when it is the whole
text or a run of whole words in it, and has at least `leak_minimum_characters` characters.

What does not count, and why:
- the policy's own dimension values ((all), unknown, abroad, values of rules and enums, decisions), where they are the
  whole text: they come from the policy, not from the warehouse. They are listed in `own_values`;
- a single word of letters in a text the policy wrote (comment, dictionary, file name, manifest), when the shipped
  policy or this product uses that word: somebody's user name 'region' does not make a comment personal. Two words in a
  row count;
- free text (preferences, summaries, notes, messages, pages) of fewer than three words: it is made of ordinary words,
  and "lockers" as somebody's preference does not make the category personal. Names, addresses and user names stand in
  columns of their own, which are compared whatever their length.
- numbers of fewer than eight digits in a text the policy wrote (months, counts) and as a product number: key spaces
  overlap by chance, and nobody's phone, organisation or identity number is that short.
- in a log, a single word of letters, and what looks like a card, an account, a phone or an address of a machine: logs
  are made of single words, times and versions. Names, e-mail addresses and numbers are more than that; names in parts
  (`persons`) are not looked for there.
Texts of the source's business facts (service, level, product category, product number, product name) get no
other exemption: there is no way to tell a surname from a category but a person's look. The remedy is the mapping: an
expression that renames the category, or puts a letter before the product number.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.disclosure.texts import persons
from ajprivacy_pipeline.disclosure.texts.detectors import detect
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage.zones import Connection, quote

LONGEST_RUN = 12  # words: longer than any name or address; the whole text is compared at any length
FREE_TEXT_WORDS = 3
SHORTEST_NUMBER = 8  # digits, of what could be somebody's
_IN_LOGS = frozenset({"e-mail", "national identity number"})
_OWN_WORDS = frozenset({
    "against", "all", "anonymous", "before", "cells", "checked", "columns", "comment", "compared", "counted",
    "declared", "dictionary", "enforced", "enough", "failed", "figure", "figures", "file", "files", "format",
    "from", "guarantee", "guarantees", "happened", "hidden", "history", "house", "identifying", "leave", "ledger",
    "levels", "manifest", "marked", "must", "names", "new", "none", "not", "one", "organisation", "outside",
    "parquet", "passed", "policy", "proven", "published", "publishes", "quarter", "release", "releases", "rename",
    "replaced", "rows", "sha256", "shared", "shares", "suppressed", "swapped", "tables", "texts", "verdict",
    "verdicts", "verified", "version", "whole",
})


@dataclass(frozen=True)
class Text:
    """A text and where it stands; `own` when the policy or this product wrote it; `logged` when a run wrote it down."""

    place: str
    value: str
    own: bool = False
    logged: bool = False


@dataclass(frozen=True)
class Hit:
    """A text that must not leave. `value` is for suppressing it; it is never shown."""

    place: str
    value: str
    reason: str

    def __repr__(self) -> str:
        """The hit without the value."""
        return f"Hit({self.place!r}, {self.reason!r})"


@dataclass(frozen=True)
class _Alike:
    """What decides how a text is compared: many places hold the same one, and it is looked at once."""

    text: str
    own: bool
    numbered: bool
    logged: bool


def canonical(expression: str, source: str, *beside: str) -> str:
    """Returns a SELECT of the canonical form `run` of a text expression over a source, and of columns beside it."""
    kept = "".join(f", {quote(name)}" for name in beside)
    words = f"trim(regexp_replace(lower(nfc_normalize({expression})), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g'))"
    return (f"SELECT CASE WHEN regexp_full_match(w, '[0-9 ]+') THEN replace(w, ' ', '') ELSE w END AS run"
            f"{kept} FROM (SELECT {words} AS w{kept} FROM {source})")


def own_values(policy: Policy) -> tuple[str, ...]:
    """Returns the policy's own dimension values, sorted: exempt where they are the whole text."""
    values = policy.release.values
    found = {values.all, values.unknown, values.abroad, "contact", "due", "hold", "retain", "absent"}
    rules = policy.release.rules
    found |= {rules.other, *(rule.value for rule in (*rules.page_group, *rules.device_class))}
    microdata = policy.release.microdata
    found |= {text for leaves in policy.quasi_identifiers.values() for leaf in leaves for text in leaf.path}
    found |= {value for column in microdata.sensitive.values() for value in column.order}
    for source in policy.sources.tables.values():
        for column in source.columns.values():
            found.update(column.values)
    return tuple(sorted(found))


@cache
def own_words() -> frozenset[str]:
    """Single words of letters that the shipped policy and this product use in their texts."""
    promises = " ".join(f"{one.title} {one.meaning}" for one in GUARANTEES.values())
    text = (NOTICE / "release.toml").read_text(encoding="utf-8") + promises
    return _OWN_WORDS | frozenset(re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).lower()))


def scan(con: Connection, policy: Policy, texts: Iterable[Text]) -> tuple[list[Hit], list[str]]:
    """Returns every hit among the texts, and every identifying column that could not be read.

    Args:
        con: holds `staged`; each identifying column is scanned once.
        policy: names the identifying columns.
        texts: what is published.
    """
    exempt = set(own_values(policy))
    looked_at = sorted({t for t in texts if t.value not in exempt}, key=lambda t: (t.place, t.value))
    kinds = {value: sorted(detect(value)) for value in {t.value for t in looked_at}}
    hits = [Hit(t.place, t.value, f"detector {kind}") for t in looked_at for kind in kinds[t.value]
            if not t.logged or kind in _IN_LOGS]
    alike: dict[_Alike, list[Text]] = {}
    for text in looked_at:
        key = _Alike(_visible(text.value), text.own, text.own or _is_number(text), text.logged)
        alike.setdefault(key, []).append(text)
    laid_out = list(alike)
    longest = _lay_out_runs(con, laid_out, policy.release.thresholds.leak_minimum_characters)
    staged = {(r[0], r[1]) for r in con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE schema_name = 'staged'").fetchall()}
    columns: dict[str, list[str]] = {}
    unread = []
    for table, column in policy.sources.identifying_columns():
        if (table, column) in staged:
            columns.setdefault(table, []).append(column)
        else:
            unread.append(f"{table}.{column}")
    for table, names in columns.items():
        hits += [Hit(text.place, text.value, f"a value of {table}.{column}")
                 for column, at in _matches(con, policy, table, names, longest) for text in alike[laid_out[at]]]
    con.execute("DROP TABLE IF EXISTS temp.leak_runs")
    return [*hits, *_persons(con, policy, looked_at, {(h.place, h.value) for h in hits}, staged)], unread


def _persons(con: Connection, policy: Policy, texts: Sequence[Text], hit: set[tuple[str, str]],
             staged: set[tuple[str, str]]) -> list[Hit]:
    """What names a person in other words, or holds a birth date, among the texts that are no hit yet; no log's."""
    left = [t for t in texts if not t.logged and (t.place, t.value) not in hit]
    names = persons.named(con, policy, [_visible(t.value) for t in left], [t.own for t in left], own_words(), staged)
    dated = [t for t in left if not t.own]
    births = persons.born(con, policy, [_visible(t.value) for t in dated], [_is_number(t) for t in dated], staged)
    return [*(Hit(left[i].place, left[i].value, "a person's name in parts, joined or with initials") for i in names),
            *(Hit(dated[i].place, dated[i].value, "a person's birth date") for i in births)]


def _is_number(text: Text) -> bool:
    """Whether the text is a product's number: key spaces overlap by chance with anybody's."""
    return text.place.endswith(".product_id")


def _lay_out_runs(con: Connection, texts: Sequence[_Alike], minimum: int) -> int:
    """Write every run of words of every text into temp.leak_runs; return the length of the longest run."""
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE leak_runs AS
        WITH texts AS (SELECT unnest($positions) AS position, unnest($texts) AS text, unnest($own) AS own,
                              unnest($numbered) AS numbered, unnest($logged) AS logged),
        words AS (SELECT position, own, numbered, logged, string_split(
            trim(regexp_replace(lower(nfc_normalize(text)), '[^\\p{{L}}\\p{{N}}]+', ' ', 'g')), ' ') AS words
            FROM texts),
        starts AS (SELECT *, unnest(range(1, len(words) + 1)) AS first FROM words),
        runs AS (SELECT *, unnest(range(first, least(first + {LONGEST_RUN}, len(words) + 1))) AS last FROM starts
                 UNION ALL SELECT *, 1, len(words) FROM words),
        joined AS (SELECT position, own, numbered, logged, last - first + 1 AS word_count,
                          array_to_string(words[first:last], ' ') AS run FROM runs),
        compact AS (SELECT * REPLACE (
            CASE WHEN regexp_full_match(run, '[0-9 ]+') THEN replace(run, ' ', '') ELSE run END AS run) FROM joined)
        SELECT DISTINCT position, word_count, run
        FROM compact
        ANTI JOIN (SELECT true AS own, 1 AS word_count, unnest($own_words) AS run) USING (own, word_count, run)
        WHERE length(run) >= {minimum:d}
          AND NOT (logged AND word_count = 1 AND regexp_full_match(run, '\\p{{L}}+'))
          AND NOT (numbered AND regexp_full_match(run, '[0-9]+') AND length(run) < {SHORTEST_NUMBER:d})""", {
        "positions": list(range(len(texts))), "texts": [t.text for t in texts], "own": [t.own for t in texts],
        "numbered": [t.numbered for t in texts], "logged": [t.logged for t in texts], "own_words": sorted(own_words())})
    return int(con.execute("SELECT coalesce(max(length(run)), 0) FROM temp.leak_runs").fetchall()[0][0])


def _visible(text: str) -> str:
    """The text without characters that are not seen, which could part a name."""
    if text.isascii():  # there are none
        return text
    return "".join(c for c in text if unicodedata.category(c) != "Cf")


def _matches(con: Connection, policy: Policy, table: str, columns: Sequence[str],
             longest: int) -> list[tuple[str, int]]:
    """Each column of a table with the positions of the texts in which a value of it stands."""
    if longest == 0:
        return []
    most = 4 * longest + 64
    values = " UNION ALL ".join(
        f"SELECT DISTINCT {at:d} AS named, {quote(name)} AS value FROM staged.{quote(table)} "
        f"WHERE length({quote(name)}) BETWEEN 1 AND {most:d}" for at, name in enumerate(columns))
    free = [at for at, name in enumerate(columns) if policy.sources.tables[table].columns[name].class_ == "free_text"]
    found = con.execute(f"""
        WITH hits AS (SELECT DISTINCT named, run FROM ({canonical("value", f"({values})", "named")})
                      WHERE run IN (SELECT run FROM temp.leak_runs))
        SELECT DISTINCT h.named, r.position FROM temp.leak_runs AS r JOIN hits AS h ON h.run = r.run
        WHERE r.word_count >= {FREE_TEXT_WORDS:d} OR NOT list_contains($free::INTEGER[], h.named) ORDER BY ALL""",
        {"free": free})
    return [(columns[at], position) for at, position in found.fetchall()]


def texts_of_json(place: str, document: str) -> Iterator[Text]:
    """Yields every text value of a JSON document, and every key."""
    return (Text(place, value, own=True) for value in json_values(json.loads(document), names=True))


def json_values(value: object, *, names: bool) -> Iterator[str]:
    """Yields every text value of parsed JSON, and with `names` every key."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if names:
                yield str(key)
            yield from json_values(inner, names=names)
    elif isinstance(value, list):
        for inner in value:
            yield from json_values(inner, names=names)
    elif isinstance(value, str):
        yield value


def describe(hits: Iterable[Hit]) -> list[str]:
    """Hits as violations: place, reason and count of texts, never the text."""
    counts: dict[tuple[str, str], set[str]] = {}
    for hit in hits:
        counts.setdefault((hit.place, hit.reason), set()).add(hit.value)
    return [f"{place}: {len(values):,} text(s) hold {reason}" for (place, reason), values in sorted(counts.items())]
