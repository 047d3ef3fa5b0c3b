"""No model says what the engines answer differently without a word: `banned.toml` is the list, with its reasons."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import NOTICE, sql_folder
from ajprivacy_pipeline.storage.catalogue import load_models, macros
from ajprivacy_pipeline.storage.spark.dialect import MACROS, read_macros

CONSTRUCTS: list[dict[str, Any]] = tomllib.loads(
    Path(__file__).with_name("banned.toml").read_text(encoding="utf-8"))["construct"]
WORDS = vocabulary_of(load_policy(NOTICE))
_WHOLE = {exp.DType.INT, exp.DType.BIGINT, exp.DType.SMALLINT, exp.DType.TINYINT, exp.DType.INT128}
_ROUNDED = (exp.Round, exp.Floor, exp.Ceil)
_TEXTS = (exp.Left, exp.Right, exp.Substring, exp.DPipe, exp.Concat, exp.Trim, exp.RegexpExtract, exp.SplitPart)
_NUMBERS = (exp.RowNumber, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue, exp.Ntile)


def _is_day(node: exp.Expr) -> bool:
    node = node.unnest()
    if isinstance(node, exp.Cast):
        return node.is_type(exp.DType.DATE)
    is_name = isinstance(node, exp.Column | exp.Placeholder)
    return is_name and (node.name.endswith(("_on", "_day")) or node.name == "as_of")


def _to_whole(node: exp.Expr) -> exp.Expr | None:
    """What is cast to a whole number, where something is and is not rounded first."""
    if not isinstance(node, exp.Cast) or node.to.this not in _WHOLE:
        return None
    inner = node.this.unnest()
    return None if isinstance(inner, _ROUNDED) else inner


def _is_fraction(node: exp.Expr) -> bool:
    inner = _to_whole(node)
    return inner is not None and any(
        (isinstance(part, exp.Div | exp.Avg | exp.Median | exp.PercentileCont) and not part.find_ancestor(*_ROUNDED))
        or (isinstance(part, exp.Literal) and not part.is_string and "." in part.name) for part in inner.walk())


def _is_whole_of_text(node: exp.Expr) -> bool:
    inner = _to_whole(node)
    return inner is not None and (isinstance(inner, _TEXTS) or isinstance(node, exp.TryCast) or inner.is_string)


def _has_lists_beside_columns(node: exp.Expr) -> bool:
    lists = [item for item in node.expressions if isinstance(item.unalias(), exp.Explode | exp.Unnest)]
    return isinstance(node, exp.Select) and 1 < len(lists) < len(node.expressions)


RULES: dict[str, Callable[[exp.Expr], bool]] = {
    "difference of dates": lambda n: isinstance(n, exp.Sub) and _is_day(n.this) and _is_day(n.expression),
    "number without an order": lambda n: isinstance(n, exp.Window) and isinstance(n.this, _NUMBERS) and not n.args.get(
        "order"),
    "infinity": lambda n: n.name.lower() == "isfinite" if isinstance(n, exp.Anonymous) else (
        isinstance(n, exp.Literal) and n.is_string and n.name.lower().lstrip("+-") in ("infinity", "inf")),
    "whole number of a fraction": _is_fraction,
    "whole number of a text": _is_whole_of_text,
    "time zone of a naive moment": lambda n: isinstance(n, exp.AtTimeZone),
    "place in a text": lambda n: isinstance(n, exp.Bracket) and any(isinstance(i, exp.Neg | exp.Slice)
                                                                    for i in n.expressions),
    "name of a type": lambda n: isinstance(n, exp.Typeof),
    "moment as a number": lambda n: isinstance(n, exp.UnixToTime) or (
        isinstance(n, exp.Anonymous) and n.name.lower() in ("epoch", "epoch_us", "epoch_ms", "make_timestamp")),
    "row's place in its file": lambda n: isinstance(n, exp.Column) and n.name.lower() == "rowid",
    "first match replaced": lambda n: isinstance(n, exp.RegexpReplace) and "g" not in n.text("modifiers")
    and not n.expression.name.startswith("^") and not n.expression.name.endswith("$"),
    "series of numbers": lambda n: isinstance(n, exp.GenerateSeries) and n.args.get("step") is None,
    "hash": lambda n: type(n).__name__ == "Hash" or (isinstance(n, exp.Anonymous) and n.name.lower() == "hash"),
    "order of an enumeration": lambda n: isinstance(n, exp.DataType) and n.this == exp.DType.ENUM,
    "some rows": lambda n: isinstance(n, exp.Rand) or (
        isinstance(n, exp.Query) and n.args.get("limit") is not None and n.args.get("order") is None),
    "day of the week": lambda n: isinstance(n, exp.DayOfWeek) or (
        isinstance(n, exp.Extract) and n.name.lower() in ("dow", "weekday")),
    "several lists beside columns": _has_lists_beside_columns,
    "character by its number": lambda n: isinstance(n, exp.Chr) and any(
        not item.is_int or int(item.name) > 127 for item in n.expressions),
}


def found_in(sql: str) -> set[str]:
    """The rules that a statement breaks."""
    return found_below(sqlglot.parse_one(sql, dialect="duckdb"))


def found_below(tree: exp.Expr) -> set[str]:
    return {rule for node in tree.walk() for rule, breaks in RULES.items() if breaks(node)}


def _broken() -> Iterator[tuple[str, str]]:
    """Each rule that a model or a macro for both engines breaks, and where."""
    for name, model in load_models(sql_folder(), WORDS).items():
        yield from ((rule, name) for rule in found_in(model.sql))
    own = read_macros((sql_folder() / MACROS).read_text(encoding="utf-8"), "spark")
    for name, macro in read_macros(macros(sql_folder(), WORDS), "duckdb").items():
        if name not in own:
            yield from ((rule, name) for rule in found_below(macro.body))


def test_no_model_says_what_the_engines_answer_differently() -> None:
    """An exception stands in the list with its reason, and goes from it when it is no longer needed."""
    allowed = {(construct["rule"], model) for construct in CONSTRUCTS for model in construct.get("models", {})}
    assert set(_broken()) == allowed


def test_each_rule_has_its_reason_and_each_reason_its_rule() -> None:
    assert [construct["rule"] for construct in CONSTRUCTS] == list(RULES)
    for construct in CONSTRUCTS:
        assert construct.keys() <= {"rule", "reason", "example", "fine", "models"}
        assert all(text.strip() for text in (construct["reason"], *construct.get("models", {}).values()))


@pytest.mark.parametrize("construct", CONSTRUCTS, ids=[construct["rule"] for construct in CONSTRUCTS])
def test_a_model_that_says_it_is_found(construct: dict[str, Any]) -> None:
    """Planted in a model that breaks no rule, beside what it may say instead."""
    whole = load_models(sql_folder(), WORDS)["staged.cases"].sql
    assert found_in(whole) == set()
    assert found_in(f"WITH planted AS ({construct['example']}) SELECT * FROM ({whole})") == {construct["rule"]}
    assert construct["rule"] not in found_in(f"WITH planted AS ({construct['fine']}) SELECT * FROM ({whole})")
