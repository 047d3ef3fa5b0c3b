"""How the house's tables look in Dagster: their groups in the order of the journey, tags, columns with their meaning.

Belongs here: words and tags made from the contract of the source and the release's dictionary. Does not belong here:
what is run (`build`, `steps`), what a column is made of (`lineage`).
"""

import tomllib
import warnings
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import dagster as dg

from ajprivacy_pipeline.policy import SourceColumn, Sources, SourceTable
from ajprivacy_pipeline.policy.release import PublishedTable

_JOURNEY = ("month", "warehouse", "raw", "staged", "retention", "review", "pseudonyms", "pseudonymised", "anonymous",
            "published", "release", "control", "enforcement", "rights")
_NAMED = {"published": "cells_before_the_gates", "anonymous": "facts_without_identifiers", "month": "start_here"}
_CONTENT = {
    "warehouse": "identifying", "raw": "identifying", "staged": "identifying", "retention": "identifying",
    "pseudonyms": "identifying", "pseudonymised": "pseudonymous", "anonymous": "contributor-tokens",
    "published": "cells-before-the-gates", "release": "anonymous",
}
# Class of a column of the source -> what a table that has one is tagged with.
_TAGS = {"direct_identifier": "direct_identifier", "contact": "direct_identifier", "online_identifier":
         "direct_identifier", "free_text": "direct_identifier", "reference": "direct_identifier",
         "quasi_identifier": "quasi_identifier", "sensitive": "quasi_identifier"}
_LAYER_TAGS = {
    "retention": ("direct_identifier",), "pseudonyms": ("direct_identifier", "pseudonym"),
    "pseudonymised": ("pseudonym", "quasi_identifier"), "anonymous": ("pseudonym", "measure"),
    "published": ("measure",),
}
_CLASSES = {
    "direct_identifier": "names a person", "contact": "reaches a person", "quasi_identifier":
    "narrows a person down", "sensitive": "sensitive", "free_text": "free text, which may name anybody",
    "online_identifier": "names a person online", "reference": "stands for a person or a record",
    "business_fact": "a fact of business", "company_data": "of a company",
}


def group(layer: str) -> str:
    """Returns the group of a layer's assets; its number, by which Dagster sorts, is the station of the journey."""
    return f"{_JOURNEY.index(layer):02}_{_NAMED.get(layer, layer)}"


def tags(layer: str, table: SourceTable | None = None) -> dict[str, str]:
    """Returns what a table says about people; of one of the source by the classes of its columns."""
    marks = {_TAGS[column.class_] for column in table.columns.values() if column.class_ in _TAGS} if table else (
        _LAYER_TAGS.get(layer, ()))
    return {"content": _CONTENT.get(layer, "counts"), **dict.fromkeys(sorted(marks), "yes")}


def published_tags(table: PublishedTable) -> dict[str, str]:
    """Returns the same of a table that analysts read."""
    roles = {column.role for column in table.columns.values()}
    return {"content": "anonymous", **({"measure": "yes"} if "measure" in roles else {}),
            **({"quasi_identifier": "yes"} if "quasi_identifier" in roles else {})}


def code(path: Path) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Returns where the text is that makes a table, on the machine that serves the pages."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[
            dg.LocalFileCodeReference(file_path=str(path), line_number=1, label=path.name)])}


def source_schema(table: SourceTable) -> dict[str, dg.TableSchema]:
    """Returns the columns that the contract asks of a table of the warehouse."""
    return {"dagster/column_schema": dg.TableSchema([
        dg.TableColumn(name, column.type, _contract(column), dg.TableColumnConstraints(
            nullable=not column.required or column.nullable, unique=table.key == (name,)), {"privacy": column.class_})
        for name, column in table.columns.items()])}


def columns_of(sources: Sources, name: str, described: Iterable[tuple[str, str]]) -> list[dg.TableColumn]:
    """Returns the columns of a table as it stands, with the words and the class of the contract or of columns.toml."""
    layer, _, table = name.partition(".")
    contract: Mapping[str, SourceColumn] = sources.tables[table].columns if (
        layer in ("raw", "staged") and table in sources.tables) else {}
    return [_column(layer, column, kind, contract.get(column)) for column, kind in described]


def _column(layer: str, name: str, kind: str, known: SourceColumn | None) -> dg.TableColumn:
    if known is not None:
        return dg.TableColumn(name, kind, _contract(known), tags={"privacy": known.class_})
    found = _meaning(layer, name)
    return dg.TableColumn(name, kind) if found is None else dg.TableColumn(
        name, kind, found[1], tags={"privacy": found[0]})


def _meaning(layer: str, name: str) -> tuple[str, str] | None:
    """Class and words of a column that no contract names: by its name in the layer, in any, then by a pattern."""
    own, shared = _meanings().get(layer, {}), _meanings()["any"]
    found = own.get(name) or shared.get(name)
    return found or next((said for pattern, said in own.items() if "*" in pattern and fnmatchcase(name, pattern)), None)


@cache
def _meanings() -> dict[str, dict[str, tuple[str, str]]]:
    read = tomllib.loads(Path(__file__).with_name("columns.toml").read_text(encoding="utf-8"))
    return {layer: {name: (said[0], said[1]) for name, said in columns.items()} for layer, columns in read.items()}


def published_schema(table: PublishedTable, absent: Mapping[str, str]) -> dict[str, dg.TableSchema]:
    """Returns the columns of a published table with the words of the dictionary; `absent` says why one is not there."""
    made = []
    for name, column in table.columns.items():
        unit = f" Unit: {column.unit}." if column.unit else ""
        adds = f" Adds up over {', '.join(column.additive_over)}." if column.additive_over else ""
        why = f" Absent: {absent[name]}." if name in absent else ""
        made.append(dg.TableColumn(name, column.type, f"{column.meaning}{unit}{adds}{why}",
                                   dg.TableColumnConstraints(other=[column.role]), {"role": column.role}))
    return {"dagster/column_schema": dg.TableSchema(made)}


def _contract(column: SourceColumn) -> str:
    says: list[Any] = [_CLASSES[column.class_], *(["required"] if column.required else []),
                       *(["evidence for keeping"] if column.evidence else []),
                       *([f"one of {', '.join(column.values)}"] if column.values else [])]
    return "; ".join(says)
