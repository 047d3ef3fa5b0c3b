"""G10: people's names in other words than the warehouse's, and birth dates.

Belongs here: a person's name taken apart (two parts in any order, joined, initial and surname), a birth date in the
usual spellings. Does not belong here: whole values of the warehouse (`leakscan`), the lists and lengths
(`release.toml`, [persons]).

How they are compared. Both sides are folded: lower case, without accents, with the policy's `folds`. A text's words are
also read where capitals or digits begin ("KariNordmann"), with spaced letters as one word ("K a r i"), and without a
genitive's ending ("Nordmanns"). The keys that a text holds are laid out once, those of the warehouse are made from its
distinct names, and the two sets are joined:
- two words at most `words_between` apart, which are two parts of one name, in either order, one of them at least
  `part_letters` long;
- a word that is two parts joined, or an initial and a surname joined (`joined_letters`);
- a surname of at least `part_letters` beside an initial of its bearer, or beside such an initial's neighbours.
One part of a name alone is no hit, nor is a company's name in parts: words like "Kontor" and "Skap" name nobody.

A birth date is what some format of the policy reads as a day on which somebody in the warehouse was born. A number of
digits alone is none where it is a product's number, and no date is one in a text the policy wrote: days of birth and
of business overlap.
"""

from collections.abc import Collection, Sequence
from functools import reduce

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, literal, quote

_NO_WORD = "[^\\p{L}\\p{N}]+"
_LONGEST_TEXT = 400  # characters of a name in the warehouse: more is no name


def named(con: Connection, policy: Policy, texts: Sequence[str], own: Sequence[bool], own_words: Collection[str],
          staged: set[tuple[str, str]]) -> list[int]:
    """The positions of texts that name a person of the warehouse in parts, joined or with initials.

    Args:
        con: holds `staged`.
        policy: names the columns and the lengths.
        texts: what is compared.
        own: whether the policy wrote a text.
        own_words: words that do not count in such a text, because the policy uses them.
        staged: tables and columns that are there.
    """
    columns = [(t, c) for t, c in (name.split(".") for name in policy.release.persons.columns) if (t, c) in staged]
    if not texts or not columns:
        return []
    _lay_out_words(con, policy, texts, own, own_words)
    con.execute(f"CREATE OR REPLACE TEMP TABLE name_keys AS {_keys_of_texts(policy)}",
                {"particles": list(policy.release.persons.particles)})
    found = con.execute(
        f"WITH hits AS (SELECT DISTINCT key FROM ({_keys_of_names(policy, columns)}) "
        "WHERE key IN (SELECT key FROM temp.name_keys)) "
        "SELECT DISTINCT position FROM temp.name_keys JOIN hits USING (key) ORDER BY 1",
        {"forms": list(policy.release.persons.company_forms),
         "particles": list(policy.release.persons.particles)}).fetchall() if _has_keys(con) else []
    con.execute("DROP TABLE temp.name_keys")
    con.execute("DROP TABLE temp.name_words")
    return [row[0] for row in found]


def _has_keys(con: Connection) -> bool:
    return bool(con.execute("SELECT EXISTS (FROM temp.name_keys)").fetchall()[0][0])


def born(con: Connection, policy: Policy, texts: Sequence[str], numbered: Sequence[bool],
         staged: set[tuple[str, str]]) -> list[int]:
    """The positions of texts that hold the birth date of somebody in the warehouse.

    Args:
        con: holds `staged`.
        policy: the formats and the words for months.
        texts: what is compared.
        numbered: whether a text is a number of something, whose digits alone are no date.
        staged: tables and columns that are there.
    """
    columns = [(table, name) for table, source in policy.sources.tables.items()
               for name, column in source.columns.items() if column.birth and (table, name) in staged]
    if not texts or not columns:
        return []
    births = " UNION ".join(f"SELECT try_cast({quote(c)} AS DATE) AS day FROM staged.{quote(t)}" for t, c in columns)
    days = " UNION ".join(f"SELECT position, try_strptime(run, {literal(form)})::DATE AS day FROM runs "
                          "WHERE regexp_full_match(run, '[0-9 ]+')" for form in policy.release.persons.birth_formats)
    months = {word: str(i + 1) for i, words in enumerate(policy.release.persons.months) for word in words}
    found = con.execute(f"""
        WITH texts AS (SELECT unnest($positions) AS position, unnest($texts) AS text, unnest($numbered) AS numbered),
        words AS (SELECT position, numbered, list_transform(string_split({_words(policy, _taken_apart('text'))}, ' '),
                         w -> coalesce(map_extract($months::MAP(VARCHAR, VARCHAR), w)[1], w)) AS words FROM texts),
        starts AS (SELECT *, unnest(range(1, len(words) + 1)) AS first FROM words),
        runs AS (SELECT position, words[first] AS run FROM starts
                 WHERE NOT numbered AND regexp_full_match(words[first], '[0-9]{{6}}|[0-9]{{8}}')
                 UNION SELECT position, array_to_string(words[first:first + 2], ' ') FROM starts
                 WHERE len(words) >= first + 2),
        days AS ({days})
        SELECT DISTINCT position FROM (SELECT position, day FROM days UNION SELECT position, day - INTERVAL 100 YEAR
                                       FROM days) SEMI JOIN ({births}) USING (day) ORDER BY 1""", {
        "positions": list(range(len(texts))), "texts": list(texts), "numbered": list(numbered),
        "months": months}).fetchall()
    return [row[0] for row in found]


def _words(policy: Policy, expression: str) -> str:
    """The folded words of a text expression, with a blank between them."""
    lower = f"strip_accents(lower(nfc_normalize({expression})))"
    folded = reduce(lambda text, fold: f"replace({text}, {literal(fold[0])}, {literal(fold[1])})",
                    policy.release.persons.folds, lower)
    return f"trim(regexp_replace({folded}, '{_NO_WORD}', ' ', 'g'))"


def _taken_apart(expression: str) -> str:
    """A text expression with a blank where capitals or digits begin or end."""
    for before, after in (("\\p{Ll}", "\\p{Lu}"), ("\\p{L}", "\\p{N}"), ("\\p{N}", "\\p{L}")):
        expression = f"regexp_replace({expression}, '({before})({after})', '\\1 \\2', 'g')"
    return expression


def _spaced_joined(words: str) -> str:
    """A list of words in which letters that stand alone beside each other are one word ("K a r i")."""
    return (f"string_split(trim(array_to_string(list_transform({words}, (w, i) -> w || CASE WHEN length(w) = 1 AND "
            f"coalesce(length({words}[i + 1]), 0) = 1 THEN '' ELSE ' ' END), '')), ' ')")


def _lay_out_words(con: Connection, policy: Policy, texts: Sequence[str], own: Sequence[bool],
                   own_words: Collection[str]) -> None:
    """Write the words of every text, in each reading, into temp.name_words; `rank` counts the words of two letters."""
    apart = _taken_apart("text")
    ending = literal(policy.release.persons.genitive)
    con.execute(f"""
        CREATE OR REPLACE TEMP TABLE name_words AS
        WITH texts AS (SELECT unnest($positions) AS position, unnest($texts) AS text, unnest($own) AS own),
        readings AS (SELECT position, own, 0 AS reading, string_split({_words(policy, 'text')}, ' ') AS words FROM texts
                     UNION ALL SELECT position, own, 1, string_split({_words(policy, apart)}, ' ') FROM texts),
        every AS (FROM readings UNION ALL SELECT position, own, 2, {_spaced_joined('words')} FROM readings
                  WHERE reading = 0 AND regexp_matches(array_to_string(words, ' '), '(^| )\\p{{L}} \\p{{L}}( |$)')),
        placed AS (SELECT position, own, reading, unnest(words) AS word, unnest(range(len(words))) AS place
                   FROM every),
        ranked AS (SELECT *, count(*) FILTER (length(word) > 1) OVER (PARTITION BY position, reading ORDER BY place)
                          AS rank FROM placed),
        counting AS MATERIALIZED (
            SELECT position, reading, place, rank, word FROM ranked ANTI JOIN (SELECT unnest($particles) AS word)
            USING (word) ANTI JOIN (SELECT true AS own, unnest($own_words) AS word) USING (own, word))
        SELECT DISTINCT position, reading, place, rank, word FROM counting
        UNION SELECT position, reading, place, rank, left(word, length(word) - length({ending})) FROM counting
        WHERE {ending} <> '' AND suffix(word, {ending})
          AND length(word) > {policy.release.persons.part_letters:d}""", {
        "positions": list(range(len(texts))), "texts": list(texts), "own": list(own),
        "own_words": sorted(own_words), "particles": list(policy.release.persons.particles)})


def _keys_of_texts(policy: Policy) -> str:
    """A SELECT of the keys (position, key) that the texts in temp.name_words hold."""
    rules = policy.release.persons
    split = (f"SELECT position, word[:cut] AS front, word[cut + 1:] AS back FROM (SELECT position, word, "
             f"unnest(range(1, length(word))) AS cut FROM temp.name_words "
             f"WHERE length(word) >= {policy.release.thresholds.leak_minimum_characters:d})"
             f" WHERE NOT list_contains($particles, word[:cut]) AND NOT list_contains($particles, word[cut + 1:])")
    return f"""
        SELECT DISTINCT a.position, least(a.word, b.word) || ' ' || greatest(a.word, b.word) AS key
        FROM temp.name_words AS a JOIN temp.name_words AS b USING (position, reading)
        WHERE b.place - a.place BETWEEN 1 AND {rules.words_between + 1:d} AND length(a.word) > 1 AND length(b.word) > 1
          AND greatest(length(a.word), length(b.word)) >= {rules.part_letters:d}
        UNION SELECT position, least(front, back) || ' ' || greatest(front, back) FROM ({split})
        WHERE length(front) > 1 AND length(back) > 1
        UNION SELECT position, CASE WHEN length(front) = 1 THEN front || '. ' || back ELSE back || '. ' || front END
        FROM ({split})
        WHERE least(length(front), length(back)) = 1 AND length(front || back) >= {rules.joined_letters:d}
        UNION SELECT i.position, i.word || '. ' || s.word
        FROM temp.name_words AS i JOIN temp.name_words AS s USING (position, reading)
        WHERE length(i.word) = 1 AND regexp_full_match(i.word, '\\p{{L}}') AND s.rank - i.rank BETWEEN 0 AND 1
          AND length(s.word) >= {rules.part_letters:d} AND NOT (s.rank > i.rank AND s.place < i.place)"""


def _keys_of_names(policy: Policy, columns: Sequence[tuple[str, str]]) -> str:
    """A SELECT of the keys (key) by which the people of the warehouse may be named."""
    rules = policy.release.persons
    listed = " UNION ".join(f"SELECT {quote(c)} AS name FROM staged.{quote(t)} "
                            f"WHERE length({quote(c)}) BETWEEN 1 AND {_LONGEST_TEXT:d}" for t, c in columns)
    turned = "regexp_replace(name, '^([^,]+),([^,]+)$', '\\2 \\1')"  # Nordmann, Kari
    return f"""
        WITH people AS MATERIALIZED (SELECT string_split({_words(policy, turned)}, ' ') AS parts FROM ({listed})),
        -- not as a filter: it would be pushed below, where the words are made once more
        firsts AS (SELECT parts, unnest(range(1, CASE WHEN list_has_any(parts, $forms) THEN 0 ELSE len(parts) END)) AS i
                   FROM people),
        pairs AS (SELECT parts, i, unnest(range(i + 1, len(parts) + 1)) AS j FROM firsts),
        two AS (SELECT parts[i] AS one, parts[j] AS other, i = 1 OR j = len(parts) AS begins FROM pairs)
        SELECT unnest([
            CASE WHEN length(one) > 1 AND length(other) > 1 AND one <> other
                 THEN least(one, other) || ' ' || greatest(one, other) END,
            CASE WHEN begins AND length(other) >= {rules.part_letters:d} AND NOT list_contains($particles, one)
                 THEN one[1] || '. ' || other END]) AS key
        FROM two"""
