"""The shape of an answer as JSON: what `package.json` has, and what the product reads back.

`package.schema.json` is made of it, and a test holds both together.
Belongs here: shapes, reading a package back. Does not belong here: filling them (`package`).
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ajprivacy_pipeline.errors import RightsError

VERSION = "1"
LetterKind = Literal["answer", "extension", "identity", "lifting"]
SCHEMA = Path(__file__).with_name("package.schema.json")


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FieldTold(_Shape):
    """A field: its name and type in the contract, what it is called, and what it is held for."""

    name: str
    label: str
    type: str = Field(default="text", description="Of the contract's types: text, id, date, timestamp, amount, ...")
    purposes: tuple[str, ...] = Field(description="Names of entries of `purposes`.")
    clauses: tuple[str, ...] = Field(description="The promises of the privacy notice that it is held by.")


class Kept(_Shape):
    """Until when some fields of a row are kept, and why."""

    fields: tuple[str, ...]
    decision: Literal["retain", "hold", "due", "absent", "undecided", "period"]
    until: str | None = Field(description="A day (ISO 8601), where there is one.")
    text: str


class HeldRow(_Shape):
    """A row: values as the source shows them, null where there is none."""

    values: dict[str, str | None]
    since: str | None = Field(default=None, description="The day (ISO 8601) from which the row is, where it says so.")
    kept: tuple[Kept, ...]


class HeldTable(_Shape):
    """The rows of one source table. `elsewhere`: other people's rows, of which only what names the person is here."""

    table: str
    title: str
    kind: Literal["own", "facts", "elsewhere", "copy"]
    origin: str
    since: str = Field(default="", description="From when the rows are, in words.")
    fields: tuple[FieldTold, ...]
    rows: tuple[HeldRow, ...]


class PartTold(_Shape):
    """What came of one part of one table: gone (carried out, read back), waits (due, not carried out), or stays."""

    state: Literal["gone", "waits", "stays"]
    table: str
    part: str
    title: str
    rows: int
    clauses: tuple[str, ...] = Field(description="The promises of the privacy notice that it goes, or stays, by.")
    until: str | None = Field(description="A day (ISO 8601), where there is one; the last of several rows.")
    first_until: str | None = Field(default=None, description="The day for the first of several rows, if another.")
    text: str


class PurposeTold(_Shape):
    """What data is held for."""

    name: str
    title: str
    legal_basis: str
    clauses: tuple[str, ...]


class PromiseTold(_Shape):
    """A promise of the privacy notice that something above is held, or goes, by."""

    clause: str
    meaning: str


class RecipientTold(_Shape):
    """Who receives data, and where."""

    title: str
    role: str
    purposes: tuple[str, ...]
    categories: tuple[str, ...]
    countries: tuple[str, ...]
    safeguards: str | None


class DisclosureTold(_Shape):
    """What an authority was given about the person alone."""

    authority: str
    basis: str
    categories: tuple[str, ...]
    disclosed_on: str


class RequestTold(_Shape):
    """A request of the person."""

    id: str
    kind: str
    title: str
    received_on: str | None
    identity_verified_on: str | None
    answer_by: str | None
    closed_on: str | None
    outcome: str | None


class ControllerTold(_Shape):
    """Who answers for the processing."""

    name: str
    organisation_number: str
    place: str
    email: str


class Complaint(_Shape):
    """Where to complain."""

    authority: str
    url: str


class Package(_Shape):
    """An answer to a request: for access and portability with everything that is held."""

    schema_version: Literal["1"]
    kind: str
    language: Literal["nb", "en"]
    made_on: str
    controller: ControllerTold
    request: RequestTold
    refused: bool
    letter: LetterKind = "answer"
    answer: tuple[str, ...]
    parts: tuple[PartTold, ...] = Field(default=(), description="Of an erasure or an objection: what came of it.")
    held: tuple[HeldTable, ...]
    purposes: tuple[PurposeTold, ...]
    promises: tuple[PromiseTold, ...] = Field(default=(), description="What each clause that is named means.")
    recipients: tuple[RecipientTold, ...]
    disclosures: tuple[DisclosureTold, ...] = Field(
        default=(), description="Those that name the person and may be told; others go by `recipients`.")
    transfers: str
    profiling: tuple[str, ...]
    earlier_requests: tuple[RequestTold, ...]
    rights: tuple[str, ...]
    complaint: Complaint


def schema() -> dict[str, object]:
    """Returns the JSON schema of a package."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Package.model_json_schema()}


def read_package(path: Path) -> dict[str, list[dict[str, str | None]]]:
    """Returns the rows of a package by table, values as they were when it was made.

    Raises:
        RightsError: the file cannot be read, or is no package of this version.
    """
    try:
        found = Package.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError:
        raise RightsError(f"{path.name} cannot be read") from None
    except (ValidationError, UnicodeDecodeError):
        raise RightsError(f"{path.name} is no package of version {VERSION}: see package.schema.json") from None
    rows: dict[str, list[dict[str, str | None]]] = {}
    for table in found.held:
        rows.setdefault(table.table, []).extend(row.values for row in table.rows)
    return rows
