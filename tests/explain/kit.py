"""Small shops, a name each, decided and explained all together: a run costs a second, a shop next to nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

from ajprivacy_pipeline.explain import Explanation, explain_each
from tests.clauses.kit import merged
from tests.oracle import casekit as kit
from tests.oracle import sql
from tests.oracle.batch import named_options
from tests.oracle.model import Options, Shop

Case = tuple[Shop, Options] | Shop
T = TypeVar("T")


def together(drawn: Mapping[str, tuple[Shop, Options]]) -> tuple[Shop, Options, dict[str, str]]:
    """One shop, the options of all (choices and holds on whole tables those of the first), and each one's prefix."""
    shop, prefixes = merged({name: shop for name, (shop, _) in drawn.items()})
    first = next(iter(drawn.values()))[1]
    named = [named_options(options, prefixes[name]) for name, (_, options) in drawn.items()]
    tables = [hold for hold in first.legal_holds if "entity" in hold]
    return shop, replace(first, legal_holds=tables + [hold for one in named for hold in one.legal_holds],
                         review_releases=[row for one in named for row in one.review_releases],
                         message_reviews=[row for one in named for row in one.message_reviews]), prefixes


class Explained:
    """Everybody of some shops, explained, by the names that the shops gave them."""

    def __init__(self, cases: Mapping[str, Case], month: str = kit.MONTH) -> None:
        """Decide all shops in one run and explain all their people in another."""
        drawn = {name: case if isinstance(case, tuple) else (case, Options()) for name, case in cases.items()}
        shop, options, self._prefixes = together(drawn)
        sql.decide(shop, month, options)
        con = sql._parts()[0]
        subjects = [row[0] for row in con.execute("SELECT subject_id FROM retention.subjects").fetchall()]
        found = explain_each(con, sql._policy(options), subjects, month)
        self._explained = {explanation.subject_id: explanation for explanation in found}

    def __call__(self, name: str, subject: str = kit.C) -> Explanation:
        """One person of one shop, with the ids as that shop has them."""
        prefix = self._prefixes[name]
        kind, _, identifier = subject.partition(":")
        return unnamed(self._explained[f"{kind}:{prefix}{identifier}"], prefix)


def unnamed(value: T, prefix: str) -> T:
    """The same value, with a prefix taken away wherever it stands in a text."""
    found: Any = value
    if isinstance(value, str):
        found = value.replace(prefix, "")
    elif isinstance(value, dict):
        found = {key: unnamed(inner, prefix) for key, inner in value.items()}
    elif isinstance(value, list | tuple):
        found = type(value)(unnamed(inner, prefix) for inner in value)
    elif is_dataclass(value) and not isinstance(value, type):
        found = replace(value, **{field.name: unnamed(getattr(value, field.name), prefix) for field in fields(value)})
    return found  # type: ignore[no-any-return]

