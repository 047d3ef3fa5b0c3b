"""What every record of the policy is made of."""

from collections.abc import Iterator
from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator


class Frozen(BaseModel):
    """Typed, immutable, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sound(Frozen):
    """A record whose parts must fit together: `_faults` names all that do not, and all are told at once."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        if faults := list(self._faults()):
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> Iterator[str]:
        raise NotImplementedError
