"""What is told by names alone: shops, versions, prefixes, answers; each refusal is one sentence."""

from pathlib import Path

import pytest

from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.recipes.answers import answers_for, parse_answers
from ajprivacy_pipeline.recipes.recipe import Question, recipes
from ajprivacy_pipeline.recipes.recognise import Shop, recognise
from ajprivacy_pipeline.recipes.written import mapping_text
from ajprivacy_pipeline.warehouse.mapping import load_mapping
from ajprivacy_pipeline.warehouse.source import ColumnType
from tests.warehouse.shopkit import SOURCES

KNOWN = recipes()
Tables = dict[str, dict[str, ColumnType]]


def tables_of(name: str, version: int = 0, **names: str) -> Tables:
    """The tables that a version of a recipe asks for."""
    return {table.format(**names): {column.partition(":")[0]: ColumnType(column.partition(":")[2] or "text", "text")  # type: ignore[arg-type]
                                    for column in columns}
            for table, columns in KNOWN[name].versions[version].tables.items()}


def test_a_version_is_told_by_its_columns() -> None:
    assert recognise(tables_of("odoo", 0), "postgresql", KNOWN, "auto", {}).version == "16"
    assert recognise(tables_of("odoo", 1), "postgresql", KNOWN, "odoo", {}).version == "17"
    text = mapping_text(*_answered(tables_of("odoo", 1), "postgresql"), "postgresql")
    assert "sum(m.quantity)" in text
    assert "quantity_done" not in text
    assert 'erase = ["complete_name"]' in text  # what 17 stores of a name; 16 stores another column
    assert 'display_name"' not in text.replace("invoice_partner_display_name", "")


def test_a_later_version_is_not_taken_for_one_that_is_known() -> None:
    """Odoo 18 has every column that 17 is known by."""
    later = tables_of("odoo", 1)
    later["account_move"]["origin_payment_id"] = ColumnType("text", "text")
    with pytest.raises(MappingError, match=r"knows 16, 17\): the column account_move.origin_payment_id is that of "
                                           "a later one$"):
        recognise(later, "postgresql", KNOWN, "auto", {})


def _answered(tables: Tables, dialect: str) -> tuple[Shop, dict[str, str]]:
    shop = recognise(tables, dialect, KNOWN, "auto", {})
    return shop, answers_for(shop, tables, {}, None)


def test_two_shops_in_one_database_are_asked_about() -> None:
    both = tables_of("woocommerce", prefix="wp_") | tables_of("woocommerce", prefix="test_")
    with pytest.raises(MappingError, match=r'holds 2 shops, say which .* --answer "prefix=wp_"; .*"prefix=test_"'):
        recognise(both, "mysql", KNOWN, "auto", {})
    assert recognise(both, "mysql", KNOWN, "auto", {"prefix": "test_"}).names == {"prefix": "test_"}


@pytest.mark.parametrize(("tables", "dialect", "wanted", "message"), [
    ({"customers": {}}, "sqlite", "auto", "the tables are those of no shop that a recipe knows"),
    ({"customers": {}}, "sqlite", "shopify", "there is no recipe shopify: write --recipe auto or one of"),
    ({"wp_woocommerce_order_items": {}}, "mysql", "auto", "a version that its recipe does not know"),
    (tables_of("woocommerce", prefix="wp_"), "postgresql", "auto", "WooCommerce on postgresql, and its recipe is for")])
def test_what_is_not_known_is_refused(tables: Tables, dialect: str, wanted: str, message: str) -> None:
    with pytest.raises(MappingError) as caught:
        recognise(tables, dialect, KNOWN, wanted, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_kind_is_another_version() -> None:
    tables = tables_of("odoo")
    tables["product_template"]["name"] = ColumnType("text", "text")
    with pytest.raises(MappingError, match=r"the column product_template\.name as json is missing"):
        recognise(tables, "postgresql", KNOWN, "auto", {})


def test_answers_are_given_asked_or_stand_by_themselves() -> None:
    tables = tables_of("woocommerce", prefix="wp_") | {"wp_mailpoet_subscribers": {}}
    shop = recognise(tables, "mysql", KNOWN, "auto", {})
    alone = answers_for(shop, tables, {}, None)
    assert alone == {"business": "company", "delivery": "completed", "warranty": "", "newsletter": "mailpoet",
                     "posts": "no", "helpdesk": "none"}
    asked: list[str] = []

    def ask(question: Question, default: str) -> str:
        asked.append(question.name)
        return "5" if question.name == "warranty" else default

    told = answers_for(shop, tables, {"posts": "yes"}, ask)
    assert told == {**alone, "warranty": "5", "posts": "yes"}
    assert "posts" not in asked
    with pytest.raises(MappingError, match=r"colour: woocommerce asks nothing of that name.*delivery: 'never' is no"):
        answers_for(shop, tables, {"colour": "red", "delivery": "never"}, None)
    with pytest.raises(MappingError, match="write it as name=value"):
        parse_answers(["warranty"])


@pytest.mark.parametrize("name", KNOWN)
@pytest.mark.parametrize("last", [False, True], ids=["first answers", "last answers"])
def test_every_answer_gives_a_mapping(name: str, *, last: bool, tmp_path: Path) -> None:
    """Whatever is answered, the file is one that the product reads."""
    names = {"prefix": "x_", "company": "NORD AS", "app": "0f1e2d3c-0000-4000-8000-00000000abcd"}
    for version in range(len(KNOWN[name].versions)):
        for dialect in KNOWN[name].dialects:
            shop = recognise(tables_of(name, version, **names), dialect, KNOWN, name, {})
            answers = {question.name: list(question.options)[-last] if question.options else
                       {"warranty": "5", "tombstones": "1,2,3", "currency": "SEK", "company": "2",
                        "organisation_number": "orgnr"}[question.name] if last else question.default
                       for question in shop.recipe.questions}
            path = tmp_path / f"{version}{dialect}.toml"
            path.write_text(mapping_text(shop, answers_for(shop, {}, answers, None), dialect), encoding="utf-8")
            assert load_mapping(path, SOURCES).tables["customers"].columns
