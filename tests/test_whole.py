"""What must hold of a table beside those it is made of: it does, and every question notices what breaks it."""

from collections.abc import Iterator

import pytest

from ajprivacy_pipeline.errors import ModelError
from ajprivacy_pipeline.run.month import MonthRun, open_month
from ajprivacy_pipeline.run.steps import run_decisions, run_layers
from ajprivacy_pipeline.run.whole import Question, questions, wrong
from ajprivacy_pipeline.sample import generate
from ajprivacy_pipeline.settings import load_settings, prepare_home
from ajprivacy_pipeline.storage.catalogue import LAYERS
from tests.decided import MONTH, UNTIL

LOST = ("retention.subjects", "retention.attribute_rulings", "retention.attribute_decisions", "retention.order_facts",
        "retention.record_decisions", "pseudonymised.customers", "pseudonymised.contacts", "pseudonymised.orders",
        "pseudonymised.customer_segments", "anonymous.subjects", "anonymous.sales", "anonymous.demand",
        "anonymous.microdata")
STRANGERS = ("pseudonymised.order_lines", "pseudonymised.cases", "pseudonymised.communications",
             "pseudonymised.web_events")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MonthRun]:
    """A month of a small shop with every layer built, and nothing released."""
    settings = load_settings({"AJPRIVACY_HOME": str(tmp_path_factory.mktemp("whole")), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    (settings.home / "sample").mkdir()
    generate(settings.warehouse_url, 60, 1, UNTIL, lambda _: None)
    with open_month(settings, MONTH, "r1") as opened:
        run_decisions(opened)
        run_layers(opened, [layer for layer in LAYERS if layer not in ("staged", "retention")])
        yield opened


@pytest.fixture
def asked(run: MonthRun) -> Iterator[MonthRun]:
    """The same, in which nothing that is broken stays so."""
    run.con.execute("BEGIN")
    yield run
    run.con.execute("ROLLBACK")


def _replace(run: MonthRun, table: str, select: str) -> None:
    """Put other rows in a table's place; one that is a view becomes a table."""
    run.con.execute(f"CREATE TEMP TABLE other AS {select}")
    kind = "VIEW" if run.catalogue[table].is_view else "TABLE"
    run.con.execute(f"DROP {kind} {table}")
    run.con.execute(f"CREATE TABLE {table} AS SELECT * FROM other")


def test_a_month_of_the_sample_is_whole(run: MonthRun) -> None:
    assert {table: wrong(run.con, table, question) for table, question in questions(run.policy).items()} == (
        dict.fromkeys(questions(run.policy), 0))


def test_rows_that_multiply_are_noticed_in_every_table(run: MonthRun) -> None:
    """A join that finds two where there is one."""
    missed = []
    for table, question in questions(run.policy).items():
        assert run.rows(table), table
        run.con.execute("BEGIN")
        _replace(run, table, f"SELECT t.* FROM {table} AS t, range(50)")
        if wrong(run.con, table, question) <= 0:
            missed.append(table)
        run.con.execute("ROLLBACK")
    assert missed == []


@pytest.mark.parametrize("table", LOST)
def test_who_is_lost_on_the_way_is_noticed(asked: MonthRun, table: str) -> None:
    _replace(asked, table, f"SELECT * FROM {table} LIMIT 1")

    assert wrong(asked.con, table, questions(asked.policy)[table]) > 0


@pytest.mark.parametrize("table", STRANGERS)
def test_a_stranger_in_the_zone_is_noticed(asked: MonthRun, table: str) -> None:
    """One row more, under a token that nobody has."""
    token = "order_token" if table.endswith("lines") else "customer_token"
    _replace(asked, table, f"SELECT * REPLACE ('nobody' AS {token}) FROM {table} LIMIT 1")

    assert wrong(asked.con, table, questions(asked.policy)[table]) > 0


@pytest.mark.parametrize("those", ["retention.kept_out", "retention.attribute_decisions"])
def test_a_token_of_somebody_who_may_not_have_one_is_noticed(asked: MonthRun, those: str) -> None:
    somebody = "SELECT subject_id FROM retention.subjects JOIN pseudonyms.people USING (subject_no) LIMIT 1"
    one = "SELECT * FROM retention.kept_out LIMIT 1" if those.endswith("out") else f"SELECT * FROM {those}"
    found = asked.con.execute(somebody).fetchall()[0][0]
    if those.endswith("out"):
        _replace(asked, those, f"SELECT * REPLACE ('{found}' AS subject_id) FROM ({one})")
    else:
        _replace(asked, those, f"SELECT * REPLACE (CASE WHEN subject_id = '{found}' THEN 'due' ELSE decision END "
                               f"AS decision) FROM ({one})")

    assert wrong(asked.con, "pseudonyms.people", questions(asked.policy)["pseudonyms.people"]) > 0


def test_a_table_that_is_not_there_is_named(run: MonthRun) -> None:
    with pytest.raises(ModelError, match=r"look at retention\.nothing"):
        wrong(run.con, "retention.nothing", Question("It is there.", "SELECT count(*) FROM retention.nothing"))


def test_every_table_that_is_asked_is_a_model(run: MonthRun) -> None:
    """One that is renamed would be asked no more."""
    assert set(questions(run.policy)) <= set(run.catalogue)
