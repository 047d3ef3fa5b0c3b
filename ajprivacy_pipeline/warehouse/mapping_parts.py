"""Parts of an entry of the mapping for shops whose facts stand in rows, kinds or several tables.

Belongs here: the shapes of `pivot`, `address`, `union`, `guests`, `soft_delete` and `increments`, and their own faults.
Does not belong here: the file as a whole (`mapping_file`), the SQL that they become (`composed`).
"""

from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Text = Annotated[str, Field(pattern=r"\S")]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError('is no time zone; write it like "UTC" or "Europe/Oslo"') from None
    return name


Zone = Annotated[Text, AfterValidator(_known_zone)]


def one_alone(value: Any) -> Any:
    """Returns a text as a list of one."""
    return (value,) if isinstance(value, str) else value


Texts = Annotated[tuple[Text, ...], BeforeValidator(one_alone)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class Part(BaseModel):
    """Refuses what it does not know, and never changes."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Keys(Part):
    """Where keys of a pivot have their names, if the rows hold numbers: an attribute table."""

    table: Text
    id: Text
    name: Text
    where: Text | None = None


class Pivot(Part):
    """Rows of key and value beside a table, of which some keys become columns `<name>.<column>`."""

    table: Text
    entity: Text
    key: Text
    value: Text
    of: Text
    wanted: dict[Name, Text] = Field(min_length=1)
    keys: Keys | None = None
    where: Text | None = None


class Address(Part):
    """Rows of addresses beside a table, of which those of one kind become columns `<name>.<column>`."""

    table: Text
    by: Text
    of: Text
    kind: Text | None = None
    is_: Texts = Field((), alias="is")
    where: Text | None = None
    newest: Text | None = None

    @model_validator(mode="after")
    def _kind_and_value(self) -> "Address":
        if (self.kind is None) == bool(self.is_):
            raise ValueError('write kind = "column" and is = "value" together, or neither of them')
        return self


class Increments(Part):
    """That unchanged rows are taken over from the month before, and everything is read every so many months."""

    full_months: Annotated[int, Field(ge=2, le=36)]


class SoftDelete(Part):
    """How a shop marks a profile as gone and keeps everything; from `at` on it is closed."""

    column: Text
    is_: Texts = Field(alias="is", min_length=1)
    at: Text


class Source(Part):
    """What feeds a column: a source column, perhaps recoded, or an expression; a text alone names a column.

    `codes` say what its values are called here; `only_if` columns have to hold one of some values, else it is empty;
    `prefix` comes before an id, and `guest` is the column with the e-mail address that is an id's instead.
    """

    column: Text | None = None
    sql: Text | None = None
    codes: dict[Text, Text] = {}
    only_if: dict[Text, Texts] = {}
    prefix: Text | None = None
    guest: Text | None = None
    guest_prefix: Text = "g"
    empty: Texts = ()
    source_timezone: Zone | None = None

    @model_validator(mode="before")
    @classmethod
    def _name_alone(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _of_a_column(self) -> Self:
        if self.is_recoded and self.column is None:
            raise ValueError("says codes, only_if, prefix or guest of no column; name it")
        return self

    @property
    def is_recoded(self) -> bool:
        """Whether values of its column are changed on the way."""
        return bool(self.codes or self.only_if or self.prefix is not None or self.guest is not None)


class Feed(Source):
    """What feeds a column in one arm of a union, or of guests."""

    constant: bool | int | str | None = None

    @model_validator(mode="after")
    def _one_feed(self) -> "Feed":
        if len(self.model_fields_set & {"column", "constant", "sql"}) != 1:
            raise ValueError('write "source_column", { constant = ... } or { sql = "..." }')
        return self


class Arm(Part):
    """One table or query of several that feed a table of the contract; `prefix` comes before its ids.

    `ends` are what columns of a row are given where the record would be deleted with it, and the row is somebody's: it
    is shown no more.
    """

    table: Text | None = None
    query: Text | None = None
    where: Text | None = None
    prefix: Text | None = None
    source_timezone: Zone | None = None
    ends: dict[Text, bool | int | str] = {}
    columns: dict[str, Feed] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_of_them(self) -> "Arm":
        if (self.table is None) == (self.query is None):
            raise ValueError("write table or query, one of them")
        if self.ends and (self.table is None or self.where is None or self.prefix is None):
            raise ValueError("says in `ends` how a row is shown no more: name its table, its prefix and, in `where`, "
                             "which rows are shown")
        return self


class Guests(Part):
    """Guests of a shop, who are customers by the e-mail address of their orders alone: one row an address.

    Of each column the greatest value of a guest's rows is taken.
    """

    table: Text
    email: Text
    where: Text | None = None
    prefix: Text = "g"
    customer_type: Literal["consumer", "business", "sole_proprietor"] = "consumer"
    columns: dict[str, Feed] = {}
