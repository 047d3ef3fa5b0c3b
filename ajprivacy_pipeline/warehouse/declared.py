"""`[[copies]]` of the mapping: places beside the contract where the shop keeps people's data too.

Belongs here: the shape of an entry, and the faults that it has by itself. Does not belong here: the warehouse, whose
rows an entry's rows are (`enforcement.copies`).
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ajprivacy_pipeline import policy

Text = Annotated[str, Field(pattern=r"\S")]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Finder(_Frozen):
    """How a copy's rows are found: by a column with the key of a table of the contract, or with an e-mail address.

    With `and_records` the key is a customer's, and parts of the customer's orders, invoices, ... may be named in
    `with`, too: account and documents share the rows, which go with the last of them.
    """

    column: Text
    entity: Text | tuple[Text, ...] | None = None  # several where one column holds keys of all of them
    email: bool = False
    and_records: bool = False

    @property
    def entities(self) -> tuple[str, ...]:
        """The tables of the contract whose keys the column holds."""
        return (self.entity,) if isinstance(self.entity, str) else self.entity or ()

    @model_validator(mode="after")
    def _one_of_them(self) -> "Finder":
        if bool(self.entities) == self.email:
            raise ValueError('write entity = "customers" (or another table of the contract) or email = true, and not '
                             "both: what does the column hold?")
        if self.and_records and self.entities != ("customers",):
            raise ValueError('says and_records of another key than a customer\'s; write entity = "customers"')
        return self


class Copy(_Frozen):
    """One place of copies: columns that are erased or rows that are deleted, and the parts that they go with.

    `shared` says of which rows others than the customer may have need: these stay, and what is made of them waits.
    """

    table: Text
    by: Finder
    parts: tuple[Annotated[str, Field(pattern=r"^\w+\.\w+$")], ...] = Field(alias="with", min_length=1)
    erase: tuple[Text, ...] = ()
    delete: bool = False
    where: Text | None = None
    shared: Text | None = None
    triggers_reviewed: Text | None = None
    history_days: Annotated[int, Field(ge=0)] | None = None

    @field_validator("parts", mode="before")
    @classmethod
    def _one_alone(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _one_action(self) -> "Copy":
        if bool(self.erase) == self.delete:
            raise ValueError('write erase = ["column", ...] or delete = true, and not both')
        if self.by.and_records != (self.shared is not None):
            raise ValueError("write and_records = true and shared together, or neither: who else may need a row that "
                             "account and documents share?")
        for part in self.parts:
            if not (self.by.email or self.by.and_records) and part.split(".")[0] not in self.by.entities:
                known = " or ".join(self.by.entities)
                raise ValueError(f"is found by the key of {known} and goes with {part}; name a part of {known}")
        return self

    @property
    def path(self) -> tuple[str, ...]:
        """(schema, table), or (table,)."""
        return tuple(self.table.split("."))

    @property
    def covered(self) -> tuple[tuple[str, str], ...]:
        """The parts that it goes with, as (table of the contract, part)."""
        return tuple((part.split(".")[0], part.split(".")[1]) for part in self.parts)

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables of the contract whose rows it belongs to."""
        return tuple(dict.fromkeys((*self.by.entities, *(entity for entity, _ in self.covered))))


def copy_faults(copies: Sequence[Copy], sources: policy.Sources) -> Iterator[str]:
    """Yields what is wrong with entries of a mapping beside their shape, one sentence each."""
    for number, copy in enumerate(copies):
        place = f"copies.{number} ({copy.table})"
        for name in dict.fromkeys((*copy.by.entities, *(entity for entity, _ in copy.covered))):
            if name not in sources.tables:
                yield f"{place}: the contract has no table {name}; it has {', '.join(sources.tables)}"
            elif name in copy.by.entities and len(sources.tables[name].key) > 1:
                yield f"{place}.by: a row of {name} has a key of several columns; find it by another table's key"
        for name in copy.tables if copy.by.and_records else ():
            if name in sources.tables and "customer_id" not in sources.tables[name].columns:
                yield f"{place}.with: {name} has no customer_id, so whose its rows are cannot be told"
        for other in copies[:number]:
            if other.table == copy.table and not (copy.where and other.where) and (
                    copy.delete or other.delete or set(copy.erase) & set(other.erase)):
                yield (f"{place}: an earlier entry covers the same cells; say with `where` which rows each of them "
                       "means, or keep one of them")
