"""The state table of requests: which step may follow in which state, as data (`states.toml`).

Belongs here: reading the table, and the one function that moves a request. Does not belong here: writing the step down
(`steps`), deadlines (`requests`).
"""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.errors import RightsError
from ajprivacy_pipeline.policy.base import Frozen


class State(Frozen):
    """A state; an open one waits for somebody."""

    open: bool
    meaning: str


class Step(Frozen):
    """A step: who may take it, what it needs, and where it leads from each state in which it may be taken."""

    who: Literal["handlers"]
    moves: dict[str, str]
    follows: str
    once: bool = False
    within_answer_months: bool = False
    identity: bool = False
    detail: Literal["extensions", "clauses", "outcomes"] | None = None


class StateTable(Frozen):
    """`states.toml`."""

    states: dict[str, State]
    begins: dict[str, str]
    steps: dict[str, Step] = Field(min_length=1)


@cache
def table() -> StateTable:
    """Returns the state table."""
    text = files("ajprivacy_pipeline.rights").joinpath("states.toml").read_text(encoding="utf-8")
    return StateTable.model_validate(tomllib.loads(text))


def moved(state: str, step: str) -> str:
    """Returns the state to which a step leads.

    Raises:
        RightsError: the step may not be taken in this state.
    """
    known = table()
    if (after := known.steps[step].moves.get(state)) is not None:
        return after
    if not known.states[state].open:
        raise RightsError(f"it is {state} already, and no step follows: record a new request with "
                          "`ajprivacy request add`")
    if known.steps[step].identity and state == known.begins["needing_identity"]:
        raise RightsError("nothing is handed out before the person is identified (RGT-8): "
                          "`ajprivacy request verify-identity` comes first")
    raise RightsError(f"{step.replace('_', '-')} may not be taken while it is {state}")
