"""Lookups that are read in one pass show what they showed one by one, on MariaDB; what is not understood stays."""

import random
from collections.abc import Iterator
from itertools import pairwise

import pytest

from ajprivacy_pipeline.warehouse.one_pass import in_one_pass
from ajprivacy_pipeline.warehouse.source import Source, open_source
from tests import mariadb

TABLES = """
CREATE TABLE u (id bigint unsigned PRIMARY KEY, boss int, name varchar(20));
CREATE TABLE m (n int AUTO_INCREMENT PRIMARY KEY, of bigint unsigned, oft varchar(20), k varchar(20), v longtext,
    KEY (of));
CREATE TABLE p (n int AUTO_INCREMENT PRIMARY KEY, of bigint, v int, KEY (v, of));
CREATE TABLE a (id int PRIMARY KEY, code varchar(20));
"""
KEYS = ("phone", "PHONE", "phone ", "æ😀", "city", "land", "role", "else")


@pytest.fixture(scope="module")
def source(mariadb_url: str) -> Iterator[Source]:
    """Random people with rows of keys: none, one, several, of NULL, of other letters, of nobody."""
    url, draw = mariadb.fresh_database(mariadb_url, "one_pass"), random.Random(5)
    with mariadb.connect(url) as connection, connection.cursor() as cursor:
        for statement in filter(None, map(str.strip, TABLES.split(";\n"))):
            cursor.execute(statement.removesuffix(";"))
        cursor.executemany("INSERT INTO u VALUES (%s, %s, %s)", [
            (who, draw.choice((None, 1, 2)), draw.choice((None, "å", "b"))) for who in range(1, 40)])
        cursor.executemany("INSERT INTO m (of, oft, k, v) VALUES (%s, %s, %s, %s)", [
            (who, f"{'0' * draw.randint(0, 1)}{who}", draw.choice(KEYS), draw.choice((None, "", "10", "9", "Å", "z😀")))
            for who in (draw.choice((None, *range(1, 45))) for _ in range(400))])
        cursor.execute("INSERT INTO p (of, v) SELECT of, n FROM m WHERE n % 3 = 0")
        cursor.executemany("INSERT INTO a VALUES (%s, %s)", [(1, "phone"), (2, "city")])
        connection.commit()
    with open_source(url) as opened:
        yield opened


def look(key: str, more: str = "", shown: str = "MAX(m.v)", tables: str = "m", link: str = "m.of = u.id") -> str:
    """A lookup of a key."""
    return f"(SELECT {shown} FROM {tables} WHERE {link} AND m.k = '{key}'{more})"


FOUR = ", ".join(f"{look(key)} AS c{number}" for number, key in enumerate(("phone", "æ😀", "city", "land")))
ROLE = "(SELECT 1 FROM m WHERE m.of = u.id AND m.k = 'role' AND m.v LIKE '%1%')"
ONE_PASS = {
    "four keys": f"SELECT u.id, {FOUR} FROM u",
    "in what is made of them": f"SELECT u.id, CONCAT('æ', {look('phone')}, COALESCE({look('city')}, 'x')) AS a, "
                               f"CASE WHEN u.boss = 1 THEN {look('land')} END AS b, {look('role')} AS d FROM u",
    "and whether any does": f"SELECT u.id, {FOUR} FROM u WHERE EXISTS {ROLE} OR u.boss = 2",
    "and whether none does": f"SELECT u.id, {FOUR} FROM u WHERE u.id > 3 AND NOT EXISTS {ROLE} -- of 'them'\n",
    "beside other tables": f"SELECT u.id, b.name, {FOUR} FROM u LEFT JOIN u b ON b.id = u.boss WHERE u.id < 30",
    "of another row": f"SELECT u.id, {FOUR.replace('u.id', 'b.id')} FROM u LEFT JOIN u AS b ON b.id = u.boss",
    "the other way round": f"SELECT u.ID, {FOUR.replace('m.of = u.id', 'u.ID = m.OF')} FROM u",
    "inside another query": f"SELECT w.id, w.c0, w.c3 FROM (SELECT u.id, {FOUR} FROM u) w WHERE w.id > 2 ORDER BY 1",
    "in both arms": f"SELECT u.id, {FOUR} FROM u UNION ALL SELECT u.id + 100, {FOUR} FROM u WHERE u.boss = 1",
    "of keys with names elsewhere": "SELECT u.id, " + ", ".join(
        f"(SELECT MAX(CAST(m.v AS CHAR)) FROM m JOIN a ON a.code = m.k WHERE a.id = {number} AND m.of = u.id "
        f"AND m.n > {at}) AS c{number}{at}" for number in (1, 2) for at in (0, 200)) + " FROM u",
    "of a table without an index": "SELECT u.id, (SELECT MAX(p.v) FROM p WHERE p.of = u.id) AS x FROM u",
    "without a condition, too": f"SELECT u.id, {FOUR}, (SELECT MAX(m.n) FROM m WHERE m.of = u.id) AS n FROM u"}
AS_IT_IS = {
    "three": f"SELECT u.id, {FOUR.rpartition(', ')[0]} FROM u",
    "of texts, which are equal and two": f"SELECT u.id, {FOUR.replace('m.of', 'm.oft')} FROM u",
    "by two links": f"SELECT u.id, {FOUR.replace('m.of = u.id', 'm.of = u.id AND m.n <> u.boss')} FROM u",
    "of the least": f"SELECT u.id, {FOUR.replace('MAX', 'MIN')} FROM u",
    "of each once": f"SELECT u.id, {FOUR.replace('MAX(', 'MAX(DISTINCT ')} FROM u",
    "and more made of it": f"SELECT u.id, {FOUR.replace('MAX(m.v)', 'MAX(m.v) + 0')} FROM u",
    "of either": f"SELECT u.id, {FOUR.replace(chr(39) + ')', chr(39) + ' OR m.n = 1)')} FROM u",
    "of what the mapping does not name": f"SELECT u.id, {FOUR.replace('m.k', 'k')} FROM u",
    "of every column": f"SELECT *, {FOUR} FROM u",
    "beside tables with a comma": f"SELECT u.id, {FOUR} FROM u, a",
    "summed up": f"SELECT u.id, {FOUR} FROM u GROUP BY u.id",
    "by a limit": f"SELECT u.id, {FOUR} FROM u ORDER BY u.id LIMIT 3",
    "in a join's condition": f"SELECT u.id FROM u JOIN a ON a.code IN ({', '.join(map(look, KEYS[:5]))})",
    "of a row that a query shows": f"SELECT w.id, {FOUR.replace('u.id', 'w.id')} FROM (SELECT id FROM u) w"}


@pytest.mark.parametrize("which", [*ONE_PASS, *AS_IT_IS])
def test_the_same_is_shown(which: str, source: Source) -> None:
    query = {**ONE_PASS, **AS_IT_IS}[which]
    relation = f"(\n{query}\n) AS mapped"
    written = in_one_pass(source, relation)
    assert ("one_pass_1" in written) == (which in ONE_PASS)
    if which in AS_IT_IS:
        assert written == relation
        return
    shown = [sorted(map(repr, source.connection.exec_driver_sql(
        f"SELECT * FROM {one}", execution_options={"no_parameters": True}))) for one in (relation, written)]
    assert shown[0] == shown[1]
    assert len(shown[0]) > 10


def test_what_the_source_refuses_stays(source: Source) -> None:
    """A column of the same name as ours would be meant by both."""
    relation = f"(SELECT entity_, {FOUR.replace('u.id', 'w.id')} FROM w) AS mapped"
    source.connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS w (id int, entity_ int)")
    source._tables.clear()
    assert in_one_pass(source, relation) == relation


def test_pieces_are_copied_as_they_stand(source: Source) -> None:
    written = in_one_pass(source, f"(SELECT u.id, {FOUR} /* 'æ */ FROM u) AS mapped")
    assert all(f"WHEN m.k = '{key}' THEN m.v END" in written for key in ("phone", "æ😀", "city", "land"))
    assert all(written.index(f"one_pass_1.c{at}") < written.index(f"one_pass_1.c{to}") for at, to in pairwise(range(4)))
