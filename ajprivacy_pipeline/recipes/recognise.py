"""Which shop a warehouse is, and of which version: told by its tables and columns alone.

Belongs here: holding recipes against the tables of the connected database. Does not belong here: rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.recipes.recipe import Recipe, Version
from ajprivacy_pipeline.warehouse.source import ColumnType

Tables = Mapping[str, Mapping[str, ColumnType]]


@dataclass(frozen=True)
class Shop:
    """A recipe that fits, with the names that its templates need (`prefix`, `company`, ...)."""

    recipe: Recipe
    version: str
    names: Mapping[str, str]

    @property
    def shown(self) -> str:
        """How messages call it."""
        under = ", ".join(f"{name} `{value}`" for name, value in self.names.items() if value)
        return f"{self.recipe.title} {self.version}" + (f", {under}" if under else "")


def recognise(tables: Tables, dialect: str, known: Mapping[str, Recipe], wanted: str,
              names: Mapping[str, str]) -> Shop:
    """Returns the shop of which these tables are.

    Args:
        tables: of the connected database.
        dialect: of the connection.
        known: the recipes by name.
        wanted: the name of one of them, or `auto`.
        names: answers that choose one of several shops in one database, as `prefix` or `company`.

    Raises:
        MappingError: none fits, the version is not known, or several fit; in one sentence each.
    """
    if wanted != "auto" and wanted not in known:
        raise MappingError(f"there is no recipe {wanted}: write --recipe auto or one of {', '.join(known)}")
    tried = list(known.values()) if wanted == "auto" else [known[wanted]]
    found = [shop for recipe in tried if dialect in recipe.dialects for shop in _shops(tables, recipe)]
    chosen = [shop for shop in found if all(shop.names.get(name, value) == value for name, value in names.items())]
    if len(chosen) == 1:
        return chosen[0]
    if found:
        listed = "; ".join(f"{shop.recipe.name} " + " ".join(
            f'--answer "{name}={value}"' for name, value in shop.names.items()) for shop in found)
        raise MappingError(f"the database holds {len(found)} shops, say which one is meant: --recipe {listed}")
    raise MappingError("; ".join(_strangers(tables, dialect, tried)) or (
        f"the tables are those of no shop that a recipe knows ({', '.join(recipe.title for recipe in tried)}): "
        "`ajprivacy mapping init` without --recipe drafts a mapping from their names"))


def _shops(tables: Tables, recipe: Recipe) -> Iterator[Shop]:
    """Every shop in a database that one recipe fits."""
    for names in _anchors(tables, recipe):
        version = next((version for version in recipe.versions if not _unfit(tables, version, names)), None)
        if version is not None:
            yield Shop(recipe, version.name, names)


def _anchors(tables: Tables, recipe: Recipe) -> list[dict[str, str]]:
    return [found.groupdict() for name in tables if (found := re.fullmatch(recipe.anchor, name))]


def _unfit(tables: Tables, version: Version, names: Mapping[str, str]) -> list[str]:
    """What a version has and the database lacks, and what only a later version has."""
    lacking = []
    for template, columns in version.tables.items():
        table = template.format(**names)
        if table not in tables:
            lacking.append(f"the table {table} is missing")
            continue
        for wanted in columns:
            column, _, kind = wanted.partition(":")
            if column not in tables[table] or (kind and tables[table][column].kind != kind):
                lacking.append(f"the column {table}.{column}" + (f" as {kind}" if kind else "") + " is missing")
    return lacking + [f"the column {table}.{column} is that of a later one"
                      for template, columns in version.without.items()
                      if (table := template.format(**names)) in tables
                      for column in columns if column in tables[table]]


def _strangers(tables: Tables, dialect: str, tried: list[Recipe]) -> Iterator[str]:
    """Says of shops that look like a recipe's and are none of its versions what they lack."""
    for recipe in tried:
        if not any(re.fullmatch(recipe.hint, name) for name in tables):
            continue
        versions = ", ".join(version.name for version in recipe.versions)
        if dialect not in recipe.dialects:
            yield (f"the tables are those of {recipe.title} on {dialect}, and its recipe is for "
                   f"{', '.join(recipe.dialects)}")
            continue
        anchors = _anchors(tables, recipe)
        lacking = min((_unfit(tables, version, names) for names in anchors for version in recipe.versions),
                      key=len, default=[f"a table of the form {recipe.anchor} is missing"])
        yield (f"the tables are those of {recipe.title} in a version that its recipe does not know (it knows "
               f"{versions}): {lacking[0]}"
               + (f", and {len(lacking) - 1} more" if len(lacking) > 1 else ""))
