"""A recipe's mapping as text: its template with the shop's names and the answers, and what to do next on top.

Belongs here: filling templates. Does not belong here: what the mapping means (`warehouse`).
"""

from collections.abc import Mapping

from ajprivacy_pipeline import __version__
from ajprivacy_pipeline.recipes.recipe import Recipe
from ajprivacy_pipeline.recipes.recognise import Shop


def mapping_text(shop: Shop, answers: Mapping[str, str], dialect: str) -> str:
    """Returns the text of the mapping file."""
    from jinja2 import Environment, StrictUndefined
    environment = Environment(undefined=StrictUndefined, autoescape=False, trim_blocks=True,  # noqa: S701 - TOML
                              lstrip_blocks=True, keep_trailing_newline=True)
    environment.filters["years"] = _years
    body = environment.from_string(shop.recipe.template).render(
        **shop.names, **answers, version=shop.version, dialect=dialect)
    return "\n".join([*_head(shop, answers), body])


def _head(shop: Shop, answers: Mapping[str, str]) -> list[str]:
    lines = [f"# {shop.shown}",
             f"# written by `ajprivacy mapping init --recipe {shop.recipe.name}` of ajprivacy {__version__}"]
    for question in shop.recipe.questions:
        answer = answers[question.name]
        lines.append(f"# {question.ask} {answer or '(nothing)'}"
                     + (f": {question.options[answer]}" if question.options else ""))
    return [*lines, f"# Driver: {driver_command(shop.recipe)}",
            f"# Address: AJPRIVACY_WAREHOUSE='{shop.recipe.address}'", ""]


def _years(rule: str, column: str) -> str:
    """What feeds the years of a warranty: a number for every product, or numbers by what stands in a column."""
    if rule.isdigit():
        return f"{{ constant = {rule} }}"
    cases = " ".join(f"WHEN '{name.strip()}' THEN {years}" for name, years in (
        part.split("=") for part in rule.split(",")))
    return f"{{ sql = '''CASE {column} {cases} END''' }}"


def driver_command(recipe: Recipe) -> str:
    """Returns how the driver of a shop's database is installed."""
    return f"pip install 'ajprivacy-pipeline[{recipe.driver}]'" if recipe.driver else "none beside what is installed"
