"""What every record of the policy is made of."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """Typed, immutable, and strict about unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)
