"""What the schema cannot tell: which answers count, of those that were given and those that stand by themselves.

Belongs here: choosing and refusing answers. Does not belong here: asking on a terminal (`cli`), which is handed in.
"""

from collections.abc import Callable, Mapping, Sequence

from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.recipes.recipe import Question
from ajprivacy_pipeline.recipes.recognise import Shop, Tables

Ask = Callable[[Question, str], str]  # a question and its default → an answer


def parse_answers(texts: Sequence[str]) -> dict[str, str]:
    """Returns `name=value` texts as a mapping.

    Raises:
        MappingError: one has no `=`.
    """
    if wrong := [text for text in texts if "=" not in text]:
        raise MappingError(f"--answer {wrong[0]}: write it as name=value")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


def default_of(question: Question, shop: Shop, tables: Tables) -> str:
    """Returns what a question is answered with where nobody answers it."""
    found = [answer for table, answer in question.found.items() if table.format(**shop.names) in tables]
    return found[0] if found else question.default


def answers_for(shop: Shop, tables: Tables, given: Mapping[str, str], ask: Ask | None) -> dict[str, str]:
    """Returns an answer to every question of a shop's recipe.

    Args:
        shop: with its recipe.
        tables: of the connected database.
        given: answers by name; further names are those of the shop itself.
        ask: asks somebody; None where nobody is there to ask.

    Raises:
        MappingError: an answer to no question, or one that is none; all of them at once.
    """
    questions = {question.name: question for question in shop.recipe.questions}
    faults = [f"{name}: {shop.recipe.name} asks nothing of that name; it asks "
              f"{', '.join([*questions, *shop.names])}" for name in given if name not in {*questions, *shop.names}]
    answers = {}
    for name, question in questions.items():
        default = default_of(question, shop, tables)
        answers[name] = given[name] if name in given else ask(question, default) if ask else default
        if not question.fits(answers[name]):
            allowed = ", ".join(question.options) if question.options else f"what fits {question.pattern}"
            faults.append(f"{name}: {answers[name]!r} is no answer; write {allowed}")
    if faults:
        raise MappingError("--answer " + "; --answer ".join(faults))
    return answers
