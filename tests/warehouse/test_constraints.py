"""What a source would refuse or do too well, each kind on the real servers that have it, and the same without it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.warehouse.constraints import Write
from tests.warehouse.constraintkit import DATABASES, delete, erase, generalise, said, shop_on, unlink

PLAIN = (
    "CREATE TABLE customers (id integer NOT NULL PRIMARY KEY, name varchar(40), email varchar(80), born date)",
    "CREATE TABLE orders (id integer NOT NULL PRIMARY KEY, customer_id integer, note varchar(200), number integer)",
)
ALL, NEWER = DATABASES, ("postgresql",)
INDEXED = ("sqlite", "postgresql")  # partial indexes and expressions in them


@dataclass(frozen=True)
class Case:
    """Statements after the plain shop, writes, and what is refused: column and constraint, or () nothing."""

    name: str
    statements: tuple[str, ...]
    writes: tuple[Write, ...]
    refused: tuple[tuple[str | None, str], ...] = ()
    on: tuple[str, ...] = ALL
    fix: str = ""
    reviewed: tuple[str, ...] = field(default=())
    ended: tuple[str, ...] = field(default=())


def table(body: str, *more: str) -> tuple[str, ...]:
    """A table `t` with a key, and more statements."""
    return (f"CREATE TABLE t (id integer NOT NULL PRIMARY KEY, {body})", *more)


KEEPS = "CREATE FUNCTION keeps() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
FIRES = "CREATE {} TRIGGER keeps AFTER UPDATE ON t {} FOR EACH ROW EXECUTE FUNCTION keeps()"
EMAIL, MADE = erase("t", "email"), erase("t", "email", "anonymised-1@example.invalid")
OWNER = unlink("t", "owner", "tombstone")
CASES = (
    # ---- NOT NULL
    Case("a nullable column of any type", table("born date, email varchar(9)"), (erase("t", "born"), EMAIL)),
    Case("text that may not be NULL becomes empty", table("email varchar(9) NOT NULL"), (EMAIL,)),
    Case("a date that may not be NULL", table("born date NOT NULL"), (erase("t", "born"),), (("born", "NOT NULL"),),
         fix="give it a neutral value"),
    Case("a number with a neutral value", table("age integer NOT NULL"), (erase("t", "age", "0"),)),
    Case("a date is generalised, never erased", table("born date NOT NULL"), (generalise("t", "born", "1980-01-01"),)),
    Case("a numeric postal code may have to be erased", table("code integer NOT NULL"), (generalise("t", "code", "1"),),
         (("code", "NOT NULL"),)),
    # ---- length and type
    Case("a neutral value that fits exactly", table("name varchar(10) NOT NULL"), (erase("t", "name", "Anonymised"),)),
    Case("a neutral value too long by one", table("name varchar(9) NOT NULL"), (erase("t", "name", "Anonymised"),),
         (("name", "length 9"),), on=("postgresql", "mariadb"), fix="10 characters"),
    Case("a tombstone in words for a number", table("owner integer"), (OWNER,), (("owner", "type integer"),),
         on=("postgresql",)),
    Case("a tombstone in words for a number, there", table("owner integer"), (OWNER,), (("owner", "type int(11)"),),
         on=("mariadb",)),
    Case("a tombstone of its type", table("owner integer"), (unlink("t", "owner", "-1"),)),
    Case("a uuid", table("owner uuid"), (OWNER,), (("owner", "type uuid"),), on=("postgresql", "mariadb")),
    Case("a tombstone out of range", table("owner smallint"), (unlink("t", "owner", "70000"),),
         (("owner", "type smallint"),), on=NEWER),
    Case("a tombstone out of range, there", table("owner integer unsigned"), (unlink("t", "owner", "-1"),),
         (("owner", "type int(10) unsigned"),), on=("mariadb",)),
    Case("a value that is none of the list", table("kind enum('a', 'b') NOT NULL"), (erase("t", "kind", "c"),),
         (("kind", "type enum('a','b')"),), on=("mariadb",)),
    Case("a value of the list", ("CREATE TYPE kind AS ENUM ('a', 'b')", *table("kind kind NOT NULL")),
         (erase("t", "kind", "b"),), on=NEWER),
    # ---- UNIQUE
    Case("a unique column that may be NULL", table("email varchar(80) UNIQUE"), (EMAIL,)),
    Case("a unique text that may not, each row its own", table("email varchar(80) NOT NULL UNIQUE"), (MADE,)),
    Case("no key of its own for a unique tombstone", (*table("owner varchar(20)"), "ALTER TABLE t ADD UNIQUE (owner)",
         "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (OWNER,), (("owner", "owner"),), on=("mariadb",),
         fix="1 of its values would stand in more than one row"),
    Case("a unique tombstone in one row", table("owner varchar(20) UNIQUE", "INSERT INTO t VALUES (1, 'a'), (2, NULL)"),
         (OWNER,)),
    Case("a unique tombstone in two rows", table("owner varchar(20), CONSTRAINT u UNIQUE (owner)",
         "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (OWNER,), (("owner", "u"),), on=("postgresql", "mariadb")),
    Case("a unique tombstone in two rows, unnamed", table("owner varchar(20) UNIQUE",
         "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (OWNER,), (("owner", "UNIQUE (owner)"),), on=("sqlite",)),
    Case("a unique tombstone, told at the end", (*table("owner varchar(20), CONSTRAINT u UNIQUE (owner) "
         "DEFERRABLE INITIALLY DEFERRED"), "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (OWNER,), (("owner", "u"),),
         on=NEWER),
    Case("a unique tombstone in an heir", (*table("owner varchar(9)"),
         "CREATE TABLE t_1 (CONSTRAINT u UNIQUE (owner)) INHERITS (t)", "INSERT INTO t_1 VALUES (1, 'a'), (2, 'b')"),
         (OWNER,), (("owner", "u"),), on=NEWER),
    Case("a pair that stays apart", (*table("owner varchar(20), n integer"), "CREATE UNIQUE INDEX u ON t (owner, n)",
         "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 2)"), (OWNER,)),
    Case("a pair that collides", (*table("owner varchar(20), n integer"), "CREATE UNIQUE INDEX u ON t (owner, n)",
         "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 2), (4, 'd', 2), (5, 'e', 3)"), (OWNER,),
         (("owner", "u"),), fix="2 of its values"),
    Case("NULLs are not distinct", (*table("email varchar(80)"),
         "CREATE UNIQUE INDEX u ON t (email) NULLS NOT DISTINCT", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (EMAIL,),
         (("email", "u"),), on=NEWER),
    Case("a partial index that erased rows leave", (*table("email varchar(80), n integer"),
         "CREATE UNIQUE INDEX u ON t (n) WHERE email IS NOT NULL", "INSERT INTO t VALUES (1, 'a', 1)"), (EMAIL,),
         on=INDEXED),
    Case("a partial index that erased rows enter", (*table("email varchar(80), n integer"),
         "CREATE UNIQUE INDEX u ON t (n) WHERE email IS NULL", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1)"),
         (EMAIL,), (("email", "u"),), on=INDEXED, fix="cannot be told"),
    Case("a partial index of the text itself", (*table("email varchar(80) NOT NULL, n integer"),
         "CREATE UNIQUE INDEX u ON t (email) WHERE n > 0", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1)"), (MADE,),
         on=INDEXED),
    Case("a pair with a neutral value", (*table("email varchar(80) NOT NULL, n integer"),
         "CREATE UNIQUE INDEX u ON t (email, n)", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 2)"),
         (erase("t", "email", "Anonymised"),), (("email", "u"),), fix="1 of its values"),
    Case("a partial index whose rows do not collide", (*table("owner varchar(9), n integer"),
         "CREATE UNIQUE INDEX u ON t (owner) WHERE n > 0", "INSERT INTO t VALUES (1, 'a', 1), (2, 'b', 0)"), (OWNER,),
         on=INDEXED),
    Case("lower case alone", (*table("email varchar(80)"), "CREATE UNIQUE INDEX u ON t (lower(email))",
         "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (EMAIL,), on=INDEXED),
    Case("lower case of what each row has of its own", (*table("email varchar(80) NOT NULL"),
         "CREATE UNIQUE INDEX u ON t (lower(email))", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (MADE,), on=INDEXED),
    Case("an expression that NULL passes through as something", (*table("email varchar(80)"),
         "CREATE UNIQUE INDEX u ON t (coalesce(email, 'none'))", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (EMAIL,),
         (("email", "u"),), on=INDEXED, fix="1 of its values"),
    Case("the beginning of a text", (*table("email varchar(80) NOT NULL"),
         "CREATE UNIQUE INDEX u ON t (substr(email, 1, 5))", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (MADE,),
         (("email", "u"),), on=INDEXED),
    Case("the beginning of a text, there", (*table("email varchar(80) NOT NULL"),
         "CREATE UNIQUE INDEX u ON t (email(5))", "INSERT INTO t VALUES (1, 'a'), (2, 'b')"), (MADE,),
         (("email", "u"),), on=("mariadb",)),
    Case("the key itself",
         ("CREATE TABLE t (id integer NOT NULL, email varchar(80) NOT NULL, PRIMARY KEY (id, email))",), (MADE,),
         (("email", "PRIMARY KEY (id, email)"),), on=("sqlite",)),
    Case("the key itself, there",
         ("CREATE TABLE t (id integer, email varchar(80), CONSTRAINT k PRIMARY KEY (id, email))",), (MADE,),
         (("email", "k"),), on=("postgresql",)),
    # ---- CHECK
    Case("a comparison that NULL satisfies", table("email varchar(80), CONSTRAINT c CHECK (email LIKE '%@%')"),
         (EMAIL,)),
    Case("a CHECK that asks for a value", table("email varchar(80), CONSTRAINT c CHECK (email IS NOT NULL)"), (EMAIL,),
         (("email", "c"),), fix="let this CHECK allow"),
    Case("a CHECK that the neutral value satisfies", table("email varchar(80) NOT NULL, CONSTRAINT c "
         "CHECK (email LIKE '%@%')"), (MADE,)),
    Case("a CHECK that the empty text does not", table("email varchar(80) NOT NULL, CONSTRAINT c "
         "CHECK (email LIKE '%@%')"), (EMAIL,), (("email", "c"),)),
    Case("a CHECK of one of two columns", table("email varchar(80), n integer, CONSTRAINT c "
         "CHECK (email IS NOT NULL OR n > 0)", "INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0), (3, 'c', 7)"), (EMAIL,),
         (("email", "c"),), fix="2 rows would not pass"),
    Case("a CHECK of two columns that all rows pass", table("email varchar(80), n integer, CONSTRAINT c "
         "CHECK (email IS NOT NULL OR n > 0)", "INSERT INTO t VALUES (3, 'c', 7)"), (EMAIL,)),
    Case("two columns of which one must stay", table("email varchar(80), phone varchar(9), CONSTRAINT c "
         "CHECK (email IS NOT NULL OR phone IS NOT NULL)", "INSERT INTO t VALUES (3, 'c', '7')"),
         (EMAIL, erase("t", "phone")), (("email", "c"),), fix="1 rows"),
    Case("a CHECK of columns that stay", table("email varchar(80), n integer, CONSTRAINT c CHECK (n > 0)"), (EMAIL,)),
    Case("a CHECK of the length of a generalised code", table("code varchar(4), CONSTRAINT c CHECK (length(code) = 4)"),
         (generalise("t", "code", "1", "9"),), (("code", "c"),)),
    Case("a CHECK that decades pass", table("born date, CONSTRAINT c CHECK (born > '1899-12-31')"),
         (generalise("t", "born", "1900-01-01", "1980-01-01"),)),
    Case("a CHECK against decades nobody named", table("born date, CONSTRAINT c CHECK (born > '1899-12-31')"),
         (generalise("t", "born"),), (("born", "c"),), fix="cannot be told"),
    Case("a CHECK that earlier rows need not pass", (*table("email text"),
         "ALTER TABLE t ADD CONSTRAINT c CHECK (email IS NOT NULL) NOT VALID"), (EMAIL,), (("email", "c"),), on=NEWER),
    Case("a domain", ("CREATE DOMAIN address AS varchar(80) CHECK (VALUE LIKE '%@%')",
         *table("email address NOT NULL")), (EMAIL,), (("email", "address_check"),), on=NEWER),
    Case("a domain that is satisfied", ("CREATE DOMAIN address AS varchar(80) CHECK (VALUE LIKE '%@%')",
         *table("email address")), (EMAIL,), on=NEWER),
    # ---- exclusion
    Case("exclusion, of NULLs", table("email varchar(80), CONSTRAINT x EXCLUDE USING btree (email WITH =)"), (EMAIL,),
         on=NEWER),
    Case("exclusion", table("owner varchar(80), CONSTRAINT x EXCLUDE USING btree (owner WITH =)"), (OWNER,),
         (("owner", "x"),), on=NEWER),
    # ---- foreign keys from written columns
    Case("a foreign key that becomes NULL", table("owner integer REFERENCES customers (id)"), (erase("t", "owner"),),
         on=INDEXED),
    Case("a foreign key to the tombstone", table("owner integer, CONSTRAINT f FOREIGN KEY (owner) "
         "REFERENCES customers (id)"), (unlink("t", "owner", "-1"),)),
    Case("a foreign key to a neutral value", table("owner integer NOT NULL, CONSTRAINT f FOREIGN KEY (owner) "
         "REFERENCES customers (id)"), (erase("t", "owner", "0"),), (("owner", "f"),), on=("postgresql", "mariadb"),
         fix="nobody's key in customers"),
    Case("a foreign key of two columns", ("CREATE TABLE s (a integer, b integer, UNIQUE (a, b))",
         *table("owner integer, b integer, CONSTRAINT f FOREIGN KEY (owner, b) REFERENCES s (a, b)")),
         (unlink("t", "owner", "-1"),), (("owner", "f"),), on=("postgresql", "mariadb")),
    Case("half of it NULL", ("CREATE TABLE s (a integer, b integer, UNIQUE (a, b))", *table("owner integer, b integer, "
         "CONSTRAINT f FOREIGN KEY (owner, b) REFERENCES s (a, b) MATCH FULL")), (erase("t", "owner"),),
         (("owner", "f"),), on=NEWER),
    Case("a tombstone whose key cannot be given",
         ("CREATE TABLE s (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY)",
         *table("owner integer, CONSTRAINT f FOREIGN KEY (owner) REFERENCES s (id)")), (unlink("t", "owner", "-1"),),
         (("owner", "f"),), on=NEWER, fix="GENERATED BY DEFAULT"),
    Case("a tombstone that would have to point elsewhere", ("CREATE TABLE country (id integer NOT NULL PRIMARY KEY)",
         "CREATE TABLE s (id integer PRIMARY KEY, c integer NOT NULL, FOREIGN KEY (c) REFERENCES country (id))",
         *table("owner integer, CONSTRAINT f FOREIGN KEY (owner) REFERENCES s (id)")), (unlink("t", "owner", "-1"),),
         (("owner", "f"),), on=("postgresql", "mariadb"), fix="s.c "),
    Case("a reference to no table", table("owner integer, FOREIGN KEY (owner) REFERENCES nowhere (id)"),
         (unlink("t", "owner", "-1"),), (("owner", "FOREIGN KEY (owner)"),), on=("sqlite",)),
    # ---- foreign keys to changed rows
    *(Case(f"deleting goes on: {action}", table("owner integer", "CREATE TABLE u (id integer NOT NULL PRIMARY KEY, "
           f"t_id integer, CONSTRAINT f FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE {action})"), (delete("t"),),
           ((None, "f"),), on=on, fix=f"ON DELETE {action}")
      for action, on in (("CASCADE", ("postgresql", "mariadb")), ("SET NULL", ("postgresql", "mariadb")),
                         ("SET DEFAULT", NEWER))),
    Case("deleting goes on to the end", table("owner integer", "CREATE TABLE u (id integer NOT NULL PRIMARY KEY "
         "REFERENCES t (id) ON DELETE CASCADE)", "CREATE TABLE v (u_id integer REFERENCES u (id) ON DELETE CASCADE, "
         "w integer UNIQUE)", "CREATE TABLE w (w integer REFERENCES v (w) ON DELETE SET NULL)"), (delete("t"),),
         ((None, "FOREIGN KEY (id)"),), on=("sqlite",), fix="rows of u and, through it, of v, w"),
    Case("updating does not delete", table("email varchar(9)", "CREATE TABLE u (t_id integer, "
         "FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE CASCADE ON UPDATE CASCADE)"), (EMAIL,)),
    Case("nobody points here", table("owner integer", "CREATE TABLE u (t_id integer, CONSTRAINT f FOREIGN KEY (t_id) "
         "REFERENCES t (id))", "INSERT INTO t VALUES (1, 1)", "INSERT INTO u VALUES (NULL)"), (delete("t"),)),
    *(Case(f"somebody points here: {action}", table("owner integer", "CREATE TABLE u (t_id integer, CONSTRAINT f "
           f"FOREIGN KEY (t_id) REFERENCES t (id) ON DELETE {action})", "INSERT INTO t VALUES (1, 1), (2, 2)",
           "INSERT INTO u VALUES (1), (1), (2), (NULL)"), (delete("t"),), ((None, "f"),), on=("postgresql", "mariadb"),
           fix="3 of its rows") for action in ("RESTRICT", "NO ACTION")),
    Case("somebody points here, told at the end", table("owner integer", "CREATE TABLE u (t_id integer, CONSTRAINT f "
         "FOREIGN KEY (t_id) REFERENCES t (id) DEFERRABLE INITIALLY DEFERRED)", "INSERT INTO t VALUES (1, 1)",
         "INSERT INTO u VALUES (1)"), (delete("t"),), ((None, "f"),), on=NEWER),
    Case("a written column that others point to", table("email varchar(80) UNIQUE", "CREATE TABLE u (e varchar(80), "
         "CONSTRAINT f FOREIGN KEY (e) REFERENCES t (email) ON UPDATE CASCADE)"), (EMAIL,), (("email", "f"),),
         on=("postgresql", "mariadb"), fix="ON UPDATE CASCADE"),
    Case("whatever the spelling", table("email varchar(80) UNIQUE", "CREATE TABLE u (e varchar(80), "
         "CONSTRAINT f FOREIGN KEY (E) REFERENCES t (EMAIL) ON UPDATE CASCADE)"), (erase("t", "Email"),),
         (("email", "f"),), on=("mariadb",)),
    Case("whatever the spelling, there", table("email varchar(80) UNIQUE", "CREATE TABLE u (e varchar(80), "
         "FOREIGN KEY (E) REFERENCES T (EMAIL) ON UPDATE CASCADE)"), (erase("T", "Email"),),
         (("email", "FOREIGN KEY (e)"),), on=("sqlite",)),
    # ---- columns that cannot be written
    Case("a generated column", table("email varchar(9), e varchar(9) GENERATED ALWAYS AS (lower(email)) STORED"),
         (erase("t", "e"),), (("e", "generated column"),)),
    Case("what a generated column is made of", table("email varchar(9), e varchar(9) GENERATED ALWAYS AS "
         "(lower(email)) STORED"), (EMAIL,)),
    Case("what a unique generated column is made of", (*table("email varchar(9), e varchar(9) GENERATED ALWAYS AS "
         "(lower(email)) STORED"), "CREATE UNIQUE INDEX u ON t (e)"), (EMAIL,), (("e", "u"),)),
    Case("what a generated column of a generated column is made of", (*table("email varchar(9), e varchar(9) "
         "GENERATED ALWAYS AS (lower(email)) STORED, f varchar(9) GENERATED ALWAYS AS (upper(e)) STORED"),
         "CREATE UNIQUE INDEX u ON t (f)"), (EMAIL,), (("f", "u"),), on=("sqlite", "mariadb")),
    Case("an identity column", ("CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY, email text)",),
         (erase("t", "id", "0"),), (("id", "generated column"),), on=NEWER),
    Case("a partition key", ("CREATE TABLE t (id integer, email varchar(9)) PARTITION BY LIST (email)",), (EMAIL,),
         (("email", "partition key"),), on=NEWER),
    Case("a partition key, there", ("CREATE TABLE t (id integer NOT NULL, n integer NOT NULL) PARTITION BY HASH (n)",),
         (erase("t", "n", "0"),), (("n", "partition key"),), on=("mariadb",)),
    Case("a partition with more constraints", ("CREATE TABLE t (id integer, email varchar(9)) PARTITION BY LIST (id)",
         "CREATE TABLE t_1 PARTITION OF t (CONSTRAINT c CHECK (email IS NOT NULL)) FOR VALUES IN (1)"), (EMAIL,),
         (("email", "c"),), on=NEWER),
    # ---- triggers and rules
    *(Case(f"a trigger {when} {event}", table("email varchar(9)", "CREATE TABLE log (x varchar(9))",
           f"CREATE TRIGGER keeps {when} {event} ON t FOR EACH ROW BEGIN INSERT INTO log VALUES (OLD.email); END"),
           (write,), ((None, "keeps"),), on=("sqlite", "mariadb"), fix="triggers_reviewed")
      for when in ("BEFORE", "AFTER") for event, write in (("UPDATE", EMAIL), ("DELETE", delete("t")))),
    Case("a trigger of what does not happen", table("email varchar(9)", "CREATE TABLE log (x varchar(9))",
         "CREATE TRIGGER keeps AFTER INSERT ON t FOR EACH ROW BEGIN INSERT INTO log VALUES (NEW.email); END",
         "CREATE TRIGGER goes AFTER DELETE ON t FOR EACH ROW BEGIN INSERT INTO log VALUES (OLD.email); END"), (EMAIL,),
         on=("sqlite", "mariadb")),
    Case("a reviewed trigger", table("email varchar(9)", "CREATE TABLE log (x varchar(9))",
         "CREATE TRIGGER keeps AFTER UPDATE ON t FOR EACH ROW BEGIN INSERT INTO log VALUES (OLD.email); END"), (EMAIL,),
         on=("sqlite", "mariadb"), reviewed=("t",)),
    Case("a trigger of another column", table("email varchar(9), n integer", "CREATE TABLE log (x varchar(9))",
         "CREATE TRIGGER keeps AFTER UPDATE OF n ON t BEGIN INSERT INTO log VALUES (OLD.email); END"), (EMAIL,),
         on=("sqlite",)),
    Case("a trigger of this column", table("email varchar(9), n integer", "CREATE TABLE log (x varchar(9))",
         "CREATE TRIGGER keeps AFTER UPDATE OF n, email ON t BEGIN INSERT INTO log VALUES (OLD.email); END"), (EMAIL,),
         ((None, "keeps"),), on=("sqlite",)),
    Case("a rule", table("email varchar(9)", "CREATE RULE keeps AS ON UPDATE TO t DO INSTEAD NOTHING"), (EMAIL,),
         ((None, "keeps"),), on=NEWER, fix="rule"),
    Case("a rule of what does not happen", table("email varchar(9)",
         "CREATE RULE keeps AS ON INSERT TO t DO INSTEAD NOTHING"), (EMAIL,), on=NEWER),
    *(Case(f"a trigger of PostgreSQL: {when}", (*table("email varchar(9), n integer"), KEEPS,
           f"CREATE TRIGGER keeps {when} ON t {each} EXECUTE FUNCTION keeps()"), (write,),
           ((None, "keeps"),) if refused else (), on=NEWER)
      for when, each, write, refused in (
          ("BEFORE UPDATE", "FOR EACH ROW", EMAIL, True), ("AFTER UPDATE", "FOR EACH STATEMENT", EMAIL, True),
          ("AFTER UPDATE OF email", "FOR EACH ROW", EMAIL, True), ("AFTER UPDATE OF n", "FOR EACH ROW", EMAIL, False),
          ("AFTER INSERT OR DELETE", "FOR EACH ROW", EMAIL, False),
          ("AFTER UPDATE OF n OR DELETE", "FOR EACH ROW", delete("t"), True),
          ("AFTER INSERT OR UPDATE", "FOR EACH ROW", delete("t"), False))),
    Case("a deferred trigger", (*table("email varchar(9)"), KEEPS, FIRES.format("CONSTRAINT", "DEFERRABLE")), (EMAIL,),
         ((None, "keeps"),), on=NEWER),
    Case("a trigger that is off", (*table("email varchar(9)"), KEEPS, FIRES.format("", ""),
         "ALTER TABLE t DISABLE TRIGGER keeps"), (EMAIL,), on=NEWER),
    Case("a trigger of an heir", (*table("email varchar(9)"), KEEPS, "CREATE TABLE t_1 () INHERITS (t)",
         FIRES.format("", "").replace("ON t", "ON t_1")), (EMAIL,), ((None, "keeps"),), on=NEWER),
    Case("a trigger of one partition", ("CREATE TABLE t (id integer, email varchar(9)) PARTITION BY LIST (id)", KEEPS,
         "CREATE TABLE t_1 PARTITION OF t FOR VALUES IN (1)", FIRES.format("", "").replace("ON t", "ON t_1")),
         (EMAIL,), ((None, "keeps"),), on=NEWER),
    # ---- what is declared and not enforced
    Case("constraints that are not enforced", table("email varchar(9), owner integer, CONSTRAINT c CHECK "
         "(email IS NOT NULL) NOT ENFORCED, CONSTRAINT f FOREIGN KEY (owner) REFERENCES customers (id) NOT ENFORCED"),
         (EMAIL, erase("t", "owner", "0")), on=NEWER),
    # ---- what the table is
    Case("a view", (*table("email varchar(9)"), "CREATE VIEW v AS SELECT * FROM t"), (erase("v", "email"),),
         ((None, "it is a view"),), fix="writes"),
    Case("a materialised view", (*table("email varchar(9)"), "CREATE MATERIALIZED VIEW v AS SELECT * FROM t"),
         (erase("v", "email"),), ((None, "it is a materialised view"),), on=NEWER),
    Case("a virtual table", ("CREATE VIRTUAL TABLE t USING fts5 (email)",), (EMAIL,),
         ((None, "it is a virtual table"),), on=("sqlite",)),
    Case("a conflict that ends silently", table("email varchar(9) NOT NULL ON CONFLICT REPLACE DEFAULT 'x'"), (EMAIL,),
         ((None, "ON CONFLICT REPLACE"),), on=("sqlite",)),
    Case("history", table("email varchar(9)", "ALTER TABLE t ADD SYSTEM VERSIONING"), (EMAIL,),
         ((None, "system versioning"),), on=("mariadb",), fix="history_days"),
    Case("a history that ends", table("email varchar(9)", "ALTER TABLE t ADD SYSTEM VERSIONING"), (EMAIL,),
         on=("mariadb",), ended=("t",)),
    *(Case(f"an engine without transactions: {engine}", table("email varchar(9)", f"ALTER TABLE t ENGINE = {engine}"),
           (EMAIL,), ((None, f"engine {engine}"),), on=("mariadb",), fix="ENGINE = InnoDB")
      for engine in ("MyISAM", "Aria", "MEMORY")),
    Case("published without identity", ("CREATE TABLE t (id integer, email text)", "CREATE PUBLICATION p FOR TABLE t"),
         (EMAIL,), ((None, "publication"),), on=NEWER),
    Case("published with a key", (*table("email text"), "CREATE PUBLICATION p FOR TABLE t"), (EMAIL,),
         ((None, "publication"),), on=NEWER, fix="history_days"),
    Case("published to readers that forget", (*table("email text"), "CREATE PUBLICATION p FOR TABLE t"), (EMAIL,),
         on=NEWER, ended=("t",)),
)


@pytest.mark.parametrize(("case", "dialect"), [
    pytest.param(case, dialect, id=f"{case.name}-{dialect}", marks=() if dialect == case.on[0] else pytest.mark.soak)
    for case in CASES for dialect in case.on])
def test_what_the_source_would_refuse(case: Case, dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Exactly what the case says is refused, with a sentence that tells what to do; the rest the server takes."""
    shop = shop_on(dialect, request, tmp_path)
    shop.do(*PLAIN, *case.statements)
    found = shop.refusals(*case.writes, reviewed={(name,) for name in case.reviewed},
                          ended={(name,) for name in case.ended})
    written = case.writes[0].table[-1].lower()

    assert said(found) == {(written, column, constraint) for column, constraint in case.refused}
    assert all(case.fix in refusal.fix for refusal in found)
    if not case.refused:
        shop.carry_out(*case.writes)


@pytest.mark.parametrize("dialect", DATABASES)
def test_a_plain_shop_is_refused_nothing(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    shop = shop_on(dialect, request, tmp_path)
    shop.do(*PLAIN)

    assert shop.refusals(erase("customers", "name"), erase("customers", "email"), erase("customers", "born"),
                         unlink("orders", "customer_id", "-1"), erase("orders", "note"), delete("orders")) == []


@pytest.mark.parametrize("dialect", DATABASES)
def test_what_is_not_there_is_said(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    shop = shop_on(dialect, request, tmp_path)
    shop.do(*PLAIN)

    with pytest.raises(SourceError, match="there is no table nothing; fix the mapping"):
        shop.refusals(erase("nothing", "email"))
    with pytest.raises(SourceError, match="table orders has no column nothing; fix the mapping"):
        shop.refusals(erase("orders", "nothing"))
