"""What the catalogue says of tables and of the user, and a hash that notices when it says something else."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.sample.shop import contract, keys
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.warehouse.constraints import Write
from ajprivacy_pipeline.warehouse.constraints.mariadb import _covers
from tests.warehouse.constraintkit import DATABASES, Shop, delete, erase, said, shop_on

MARIADB = {"id": "varchar(40)", "text": "text", "email": "varchar(200)", "enum": "varchar(40)", "timestamp": "datetime",
           "date": "date", "amount": "decimal(18,2)", "number": "integer", "integer": "integer", "boolean": "boolean"}
EACH = pytest.mark.parametrize("shop", DATABASES, indirect=True)
TWO = ("CREATE TABLE a (id integer NOT NULL PRIMARY KEY, email varchar(80), code varchar(9) NOT NULL)",
       "CREATE TABLE b (a_id integer, n integer NOT NULL, CONSTRAINT f FOREIGN KEY (a_id) REFERENCES a (id))")


@pytest.fixture
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Two tables of which one points to the other."""
    made = shop_on(request.param, request, tmp_path)
    made.do(*TWO)
    return made


# ---- facts


@EACH
def test_columns_keys_and_references_are_known(shop: Shop) -> None:
    """Whatever the schema's name says of the table."""
    a, b = shop.facts("a"), shop.facts("b")

    assert (a.table, a.kind, a.is_view, a.key, b.key) == (("a",), "table", False, ("id",), ())
    assert [(name, column.is_text, column.nullable, column.unique) for name, column in a.columns.items()] == [
        ("id", False, False, True), ("email", True, True, False), ("code", True, False, False)]
    assert [(key.columns, key.to, key.to_columns, key.on_delete, key.validated) for key in b.foreign_keys] == [
        (("a_id",), ("a",), ("id",), "RESTRICT" if shop.dialect == "mariadb" else "NO ACTION", True)]
    assert a.incoming == b.foreign_keys
    schema = {"sqlite": "main", "postgresql": "public", "mariadb": "constrained"}[shop.dialect]
    assert shop.facts(schema, "a") == a


@EACH
def test_without_a_primary_key_the_narrowest_unique_key_without_nulls_finds_rows(shop: Shop) -> None:
    shop.do("CREATE UNIQUE INDEX u3 ON b (a_id)", "CREATE TABLE c (x integer NOT NULL, y integer NOT NULL, z integer)",
            "CREATE UNIQUE INDEX wide ON c (x, y)", "CREATE UNIQUE INDEX z ON c (z)")
    assert (shop.facts("b").key, shop.facts("c").key) == ((), ("x", "y"))
    shop.do("CREATE UNIQUE INDEX narrow ON c (y)")
    assert shop.facts("c").key == ("y",)


@pytest.mark.parametrize("shop", ["postgresql"], indirect=True)
def test_a_foreign_key_that_old_rows_may_break_is_not_validated(shop: Shop) -> None:
    shop.do("ALTER TABLE b DROP CONSTRAINT f",
            "ALTER TABLE b ADD CONSTRAINT f FOREIGN KEY (a_id) REFERENCES a (id) NOT VALID")
    assert [key.validated for key in shop.facts("b").foreign_keys] == [False]


@pytest.mark.parametrize("shop", ["mariadb"], indirect=True)
def test_columns_that_the_source_sets_itself_are_known(shop: Shop) -> None:
    shop.do("ALTER TABLE a ADD made timestamp DEFAULT CURRENT_TIMESTAMP, "
            "ADD changed timestamp DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP")
    assert shop.facts("a").touched == ("changed",)


@pytest.mark.parametrize("shop", ["mariadb"], indirect=True)
def test_mariadb_is_known_by_what_it_is_and_not_by_the_address(shop: Shop) -> None:
    by_its_other_name = shop.url.replace("mariadb+pymysql", "mysql+pymysql")
    assert Shop("mariadb", by_its_other_name).facts("a") == shop.facts("a")
    assert shop.refusals(erase("a", "email"), url=by_its_other_name) == []


@pytest.mark.parametrize(("pattern", "name", "covered"), [
    ("*", "shop", True), ("`shop`", "shop", True), ("`shop`", "shops", False), ("`sh%`", "shop", True),
    ("`my_shop`", "my1shop", True), (r"`my\_shop`", "my1shop", False), (r"`my\_shop`", "my_shop", True),
    ("`a.b`", "axb", False)])
def test_a_grant_on_schemas_covers_what_its_pattern_says(pattern: str, name: str, covered: bool) -> None:
    assert _covers(pattern, name, wildcards=True) == covered


@pytest.mark.parametrize("shop", ["sqlite", "mariadb"], indirect=True)
def test_a_foreign_key_names_columns_as_their_tables_do(shop: Shop) -> None:
    shop.do("CREATE TABLE c (X integer, FOREIGN KEY (x) REFERENCES a (ID))")
    assert [(key.columns, key.to, key.to_columns) for key in shop.facts("c").foreign_keys] == [
        (("X",), ("a",), ("id",))]


# ---- the hash

CHANGES = {
    "a column": ("ALTER TABLE a ADD phone varchar(9)", DATABASES),
    "NOT NULL": ("ALTER TABLE a ALTER email SET NOT NULL", ("postgresql",)),
    "a type": ("ALTER TABLE a ALTER email TYPE varchar(90)", ("postgresql",)),
    "a unique index": ("CREATE UNIQUE INDEX u ON a (email)", DATABASES),
    "a partial index": ("CREATE UNIQUE INDEX u ON a (email) WHERE code > ''", ("sqlite", "postgresql")),
    "a CHECK": ("ALTER TABLE a ADD CONSTRAINT c CHECK (email <> '')", ("postgresql", "mariadb")),
    "an exclusion": ("ALTER TABLE a ADD EXCLUDE USING btree (email WITH =)", ("postgresql",)),
    "a trigger": ("CREATE TRIGGER t AFTER UPDATE ON a FOR EACH ROW BEGIN DELETE FROM b; END", ("sqlite", "mariadb")),
    "a rule": ("CREATE RULE r AS ON DELETE TO a DO INSTEAD NOTHING", ("postgresql",)),
    "one more that points here": ("CREATE TABLE d (n integer, FOREIGN KEY (n) REFERENCES a (id))", DATABASES),
    "history": ("ALTER TABLE a ADD SYSTEM VERSIONING", ("mariadb",)),
    "one foreign key less": ("ALTER TABLE b DROP FOREIGN KEY f", ("mariadb",)),
    "row security": ("ALTER TABLE a ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", ("postgresql",)),
}


@pytest.mark.parametrize(("change", "shop"), [pytest.param(change, dialect, id=f"{name}-{dialect}")
                                              for name, (change, on) in CHANGES.items() for dialect in on],
                         indirect=["shop"])
def test_a_changed_catalogue_has_another_hash(change: str, shop: Shop) -> None:
    before = shop.hash("a", "b")
    assert shop.hash("b", "a", "a") == before
    shop.do(change)
    assert shop.hash("a", "b") != before


@EACH
def test_rows_and_other_tables_do_not_change_the_hash(shop: Shop) -> None:
    before = shop.hash("a", "b")
    shop.do("INSERT INTO a VALUES (1, 'x', 'y')", "INSERT INTO b VALUES (1, 1)", "CREATE TABLE other (n integer)",
            "CREATE INDEX slow ON a (email)")
    assert shop.hash("a", "b") == before


def test_the_text_behind_a_trigger_counts(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Whoever reviewed the trigger read its function."""
    made = shop_on("postgresql", request, tmp_path)
    text = "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql"
    made.do(*TWO, f"{text} AS 'BEGIN RETURN NEW; END'",
            "CREATE TRIGGER t AFTER UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()")
    before = made.hash("a")
    made.do(f"{text} AS 'BEGIN DELETE FROM b; RETURN NEW; END'")
    assert made.hash("a") != before


# ---- rights


@pytest.fixture
def clerk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Shop, str]]:
    """The two tables on a server with users, and the URL of one who may only read."""
    made = shop_on(request.param, request, tmp_path)
    made.do(*TWO)
    name = "clerk" if made.dialect == "postgresql" else "clerk@localhost"
    if made.dialect == "postgresql":
        made.do("DROP ROLE IF EXISTS clerk", "CREATE ROLE clerk LOGIN", "GRANT USAGE ON SCHEMA public TO clerk")
    else:
        made.do(f"CREATE OR REPLACE USER {name}")
    made.do(f"GRANT SELECT ON a TO {name}", f"GRANT SELECT ON b TO {name}")
    yield made, sa.make_url(made.url).set(username="clerk").render_as_string(hide_password=False)
    made.do(*(("DROP OWNED BY clerk", "DROP ROLE clerk") if made.dialect == "postgresql" else (f"DROP USER {name}",)))


@pytest.mark.parametrize("clerk", ["postgresql"], indirect=True)
def test_rights_on_postgresql_are_known_by_column(clerk: tuple[Shop, str]) -> None:
    shop, url = clerk
    wanted = (erase("a", "email"), erase("a", "code"), delete("b"))
    assert said(shop.refusals(*wanted, url=url)) == {
        ("a", "email", "right UPDATE"), ("a", "code", "right UPDATE"), ("b", None, "right DELETE")}
    shop.do("GRANT UPDATE (email) ON a TO clerk", "GRANT DELETE ON b TO clerk")
    (left,) = shop.refusals(*wanted, url=url)
    assert (left.column, left.fix) == ("code", "grant UPDATE of code on a to the user of AJPRIVACY_WAREHOUSE")
    shop.do("GRANT UPDATE ON a TO clerk")
    assert shop.refusals(*wanted, url=url) == []


@pytest.mark.parametrize("clerk", ["mariadb"], indirect=True)
def test_rights_on_mariadb_are_known_by_column(clerk: tuple[Shop, str]) -> None:
    """Through a role too; and without TRIGGER nobody can say that there is none."""
    shop, url = clerk
    wanted = (erase("a", "email"), erase("a", "code", "x"), delete("b"))
    unseen = {("a", None, "right TRIGGER"), ("b", None, "right TRIGGER")}
    assert said(shop.refusals(*wanted, url=url)) == unseen | {
        ("a", "email", "right UPDATE"), ("a", "code", "right UPDATE"), ("b", None, "right DELETE")}
    assert said(shop.refusals(erase("a", "email"), url=url, reviewed={("a",)})) == {("a", "email", "right UPDATE")}
    shop.do("GRANT UPDATE (email) ON a TO clerk@localhost", "GRANT DELETE ON b TO clerk@localhost")
    assert said(shop.refusals(*wanted, url=url)) == unseen | {("a", "code", "right UPDATE")}
    shop.do("CREATE OR REPLACE ROLE writers", "GRANT UPDATE, TRIGGER ON `constr%`.* TO writers",
            "GRANT writers TO clerk@localhost", "SET DEFAULT ROLE writers FOR clerk@localhost")
    assert shop.refusals(*wanted, url=url) == []
    shop.do("DROP ROLE writers")


@pytest.mark.parametrize("clerk", ["mariadb"], indirect=True)
def test_mariadb_hides_constraints_from_readers_and_they_are_found_all_the_same(clerk: tuple[Shop, str]) -> None:
    """information_schema shows them only to whom may change the table; what SHOW CREATE TABLE hides is refused."""
    shop, url = clerk
    shop.do("CREATE TABLE c (a_id integer, d varchar(9), CONSTRAINT k CHECK (d <> 'it''s (' AND d IS NOT NULL), "
            "CONSTRAINT g FOREIGN KEY (a_id) REFERENCES a (id) ON UPDATE CASCADE ON DELETE SET NULL)",
            "GRANT SELECT, UPDATE (d) ON c TO clerk@localhost", "GRANT DELETE ON a TO clerk@localhost",
            "ALTER TABLE b DROP FOREIGN KEY f", "CREATE TABLE e (x integer)",
            "GRANT SELECT (x), UPDATE (x) ON e TO clerk@localhost")
    reviewed = {("c",), ("a",), ("e",)}
    assert said(shop.refusals(erase("c", "d"), url=url, reviewed=reviewed)) == {("c", "d", "k")}
    (found,) = shop.refusals(delete("a"), url=url, reviewed=reviewed)
    assert (found.constraint, "no ON DELETE SET NULL: it would change rows of c" in found.fix) == ("g", True)
    assert said(shop.refusals(erase("e", "x"), url=url, reviewed=reviewed)) == {("e", None, "right SELECT")}


@pytest.mark.parametrize("clerk", ["postgresql", "mariadb"], indirect=True)
def test_a_tombstone_needs_the_right_to_its_row(clerk: tuple[Shop, str]) -> None:
    shop, url = clerk
    name = "clerk" if shop.dialect == "postgresql" else "clerk@localhost"
    shop.do(f"GRANT UPDATE, TRIGGER ON b TO {name}")
    link = Write(("b",), "a_id", "tombstone", values=("-1",))
    (found,) = shop.refusals(link, url=url)
    assert (found.constraint, found.fix.partition(":")[0]) == (
        "f", "grant INSERT on a to the user of AJPRIVACY_WAREHOUSE")
    shop.do(f"GRANT INSERT ON a TO {name}")
    assert shop.refusals(link, url=url) == []


@pytest.mark.parametrize("clerk", ["postgresql"], indirect=True)
def test_row_security_is_refused_for_whom_it_concerns(clerk: tuple[Shop, str]) -> None:
    shop, url = clerk
    shop.do("GRANT UPDATE ON a TO clerk", "CREATE POLICY few ON a USING (id > 5)")
    assert shop.refusals(erase("a", "email"), url=url) == []
    shop.do("ALTER TABLE a ENABLE ROW LEVEL SECURITY")
    assert said(shop.refusals(erase("a", "email"), url=url)) == {("a", None, "row security")}
    assert shop.refusals(erase("a", "email")) == []
    shop.do("ALTER ROLE clerk BYPASSRLS")
    assert shop.refusals(erase("a", "email"), url=url) == []


def test_a_server_that_takes_no_writes(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    made = shop_on("mariadb", request, tmp_path)
    made.do(*TWO, "SET GLOBAL read_only = 1")
    try:
        (found,) = made.refusals(erase("a", "email"))
        assert (found.constraint, "read_only" in found.fix) == ("read only", True)
    finally:
        made.do("SET GLOBAL read_only = 0")


@pytest.mark.parametrize(("file", "folder", "refused"), [(0o444, 0o777, True), (0o666, 0o755, True),
                                                        (0o666, 0o777, False)])
def test_a_sqlite_file_that_may_not_be_written(file: int, folder: int, refused: bool) -> None:
    """Asked for the user in effect: the tests' own where it is not root, who may write to everything."""
    with tempfile.TemporaryDirectory() as name:
        made = Shop("sqlite", f"sqlite:///{name}/shop.db")
        made.do(*TWO)
        (Path(name) / "shop.db").chmod(file)
        Path(name).chmod(folder if os.geteuid() == 0 else folder & 0o555 if folder == 0o755 else 0o700)
        own = os.geteuid()
        try:
            os.seteuid(65534 if own == 0 else own)
            found = made.refusals(erase("a", "email"))
        finally:
            os.seteuid(own)
            Path(name).chmod(0o700)
    remedy = "let this user write to the database's file and to its folder"
    assert [(refusal.constraint, refusal.fix) for refusal in found] == [("read only", remedy)] * refused


# ---- the sample


@pytest.mark.parametrize("dialect", DATABASES)
def test_nothing_of_the_sample_is_refused(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """All that the policy may ever do to it."""
    shop = shop_on(dialect, request, tmp_path)
    if dialect == "mariadb":  # which the sample is not written to
        shop.do(*(f"CREATE TABLE {name} ({', '.join(f'{column} {MARIADB[kind]}' for column, kind in columns.items())}, "
                  f"PRIMARY KEY ({', '.join(keys()[name])}))" for name, columns in contract().items()))
    else:
        generate(shop.url, 50, 1, date(2026, 10, 31))
    policy = load_policy(NOTICE)
    kinds = {"erase": "null", "generalise": "generalise", "unlink": "tombstone"}
    writes = []
    for name, columns in policy.actions.items():
        for column, action in columns.items():
            if action.action == "delete_row":
                writes.append(delete(name))
            elif action.action in kinds:
                values = (*policy.retention.tombstones.values(),) if action.action == "unlink" else ()
                writes.append(Write((name,), column, kinds[action.action], action.neutral is not None, values))
    assert len(writes) > 40
    assert shop.refusals(*writes) == []


@EACH
def test_no_refusal_shows_a_value(shop: Shop) -> None:
    """Constraints are tried on rows that hold canaries."""
    shop.do("INSERT INTO a VALUES (1, 'canary@example.invalid', 'c1')", "INSERT INTO a VALUES (2, 'canary', 'c2')",
            "INSERT INTO b VALUES (1, 77123)", "CREATE UNIQUE INDEX u ON a (code)")
    found = shop.refusals(Write(("a",), "code", "tombstone", values=("t",)), delete("a"))
    assert len(found) == 2
    assert not [word for refusal in found for word in ("canary", "77123", "c1") if word in str(refusal)]
