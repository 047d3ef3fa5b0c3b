"""The mapping file: which source tables and columns feed the source contract.

    source_timezone = "UTC"               # of all times that are written without a zone; left out: the policy's
    [tables.customers]
    source_timezone = "Europe/Oslo"       # and of those of one table, or of one column
    table = "crm.kunder"                  # or: query = "SELECT ..."; or: absent = "reason"
    triggers_reviewed = "reason"          # somebody has looked at what its triggers do with an old value
    history_days = 90                     # after which old values leave its history, or whoever reads its changes
    version = "endring"                   # a number that the shop raises at every change, and we do as well
    [tables.customers.columns]
    customer_id = "kunde_id"              # a source column
    customer_type = { constant = "consumer" }
    name = { sql = "fornavn || ' ' || etternavn", writes = ["fornavn", "etternavn"] }  # what changes when it is due
    gender = { absent = "never asked for" }
    [tables.contacts]
    query = "SELECT k.*, f.navn AS firma FROM kontakt k JOIN firma f ON f.nr = k.firma"
    writes = "kontakt"                    # the table whose own rows the query shows, and which may be changed
    [tables.orders.columns]
    customer_id = { column = "kunde", empty = ["0"] }            # what the source writes for "nobody"
    cancelled_at = { column = "Cancelled", empty = ["1753-01-01"] }  # and for "no date", locally or as it is written
    delivered_at = { column = "levert", source_timezone = "UTC" }
    paid_at = { column = "betalt", empty_before_beginning = true }   # left over from before the order began anew
    [tables.invoices.columns]
    billing_name = { column = "navn", lives_in = "customers" }  # a link, no copy: bookkeeping keeps the customer's own
    billing_city = { column = "by", lives_in = "invoices" }     # a copy, whatever else shows that column
    [[tables.newsletter_subscriptions.union]]  # several tables; the prefix of an id tells in which one its row is
    table = "kunde"
    where = "nyhetsbrev = 1"
    prefix = "k"
    source_timezone = "UTC"               # of this arm, or of a column of it
    ends = { nyhetsbrev = 0 }             # instead of deleting the row, which is somebody's
    columns = { subscription_id = "id", email = "epost" }
    increments = { full_months = 6 }      # unchanged rows are taken over, all are read every so many months
    [rates]
    EUR = "11.50"                         # NOK for one unit of the currency
    [tombstones]                          # what stands for somebody who is gone, where ids are numbers or uuids
    consumer = -1
    business = -2
    sole_proprietor = -3
    contact = -4                          # without it, a contact's is that of business
    [[copies]]                            # where the shop keeps people's data beside the contract, found by a key
    table = "search.kunder"
    by = { column = "kunde_id", entity = "customers" }
    erase = ["navn", "epost"]             # these columns end as those of the part do
    with = ["customers.name", "customers.email"]  # a row goes when something of them is due and nothing of them stays
    [[copies]]                            # or found by an e-mail address: goes when everybody who has it is due
    table = "mail_queue"
    by = { column = "recipient", email = true }
    delete = true                         # the rows as a whole
    where = "kind = 'mail'"               # of these rows alone, in the source's dialect
    with = ["customers.email", "newsletter_subscriptions.email"]
    [[known_copies]]                      # where a sweep need not look for what was erased
    table = "audit.old_values"
    column = "payload"
    reason = "emptied by its own job within a week"
    [[elsewhere]]                         # what no SQL reaches: certificates say that it stays
    where = "files below wp-content"
    what = "logs, invoices as PDF"

What the file leaves out is looked for under its own name. Belongs here: the file's shape, the faults that it has by
itself. Does not belong here: the warehouse (mapping.py).
"""

import tomllib
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ajprivacy_pipeline import policy
from ajprivacy_pipeline.errors import MappingError
from ajprivacy_pipeline.warehouse.declared import Copy, copy_faults
from ajprivacy_pipeline.warehouse.mapping_parts import (
    Address,
    Arm,
    Guests,
    Increments,
    Name,
    Pivot,
    SoftDelete,
    Source,
    Text,
    Texts,
    Zone,
)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ColumnEntry(Source):
    """What feeds one canonical column: a source column, a constant, an expression, or a reason why nothing does.

    `writes` are the columns of the table's own row that are changed where an expression feeds it.
    """

    constant: bool | int | Decimal | str | None = None
    absent: Text | None = None
    empty_before_beginning: bool = False
    lives_in: Literal["customers", "contacts", "invoices"] | None = None
    writes: Texts = ()

    @model_validator(mode="after")
    def _at_most_one(self) -> "ColumnEntry":
        feeds = self.model_fields_set & {"column", "constant", "sql", "absent"}
        if len(feeds) > 1 or not self.model_fields_set:
            raise ValueError('write "source_column", { constant = ... }, { sql = "..." } or { absent = "reason" }')
        if self.writes and not feeds & {"column", "sql"}:
            raise ValueError("names columns in `writes`, and nothing feeds it that they could change; leave them out")
        return self


class TableEntry(_Frozen):
    """What feeds one canonical table; none of the three means a source table of the same name.

    `writes` is the table whose own rows a query or a view shows.
    """

    table: Text | None = None
    query: Text | None = None
    absent: Text | None = None
    triggers_reviewed: Text | None = None
    history_days: Annotated[int, Field(ge=0)] | None = None
    version: Text | None = None
    writes: Text | None = None
    source_timezone: Zone | None = None
    pivot: dict[Name, Pivot] = {}
    address: dict[Name, Address] = {}
    union: tuple[Arm, ...] = ()
    guests: Guests | None = None
    soft_delete: SoftDelete | None = None
    merged_into: Text | None = None
    columns: dict[str, ColumnEntry] = {}

    @model_validator(mode="after")
    def _parts_fit(self) -> "TableEntry":
        if (self.pivot or self.address) and self.table is None:
            raise ValueError("has a pivot or an address beside no table; name the table")
        if both := sorted(set(self.pivot) & set(self.address)):
            raise ValueError(f"calls a pivot and an address {both[0]}; give them two names")
        if (self.union or self.guests) and self.writes is not None:
            raise ValueError("names in `writes` one table, and its rows come from several; leave it out")
        if self.union and any(entry.absent is None for entry in self.columns.values()):
            raise ValueError("is a union, so its columns stand with its arms; leave out all that are not absent")
        return self

    @model_validator(mode="after")
    def _at_most_one(self) -> "TableEntry":
        given = {name for name in ("table", "query", "absent", "union") if getattr(self, name)}
        if len(given) > 1:
            raise ValueError(f"has {' and '.join(sorted(given))}; keep one of them")
        if self.version is not None and self.writes is None and (self.query or self.absent):
            raise ValueError("has a version and no table of its own; name the table")
        if self.writes is not None and self.query is None and self.table is None:
            raise ValueError("names in `writes` the table behind a query or a view, and has neither; leave it out")
        if self.absent is not None and self.columns:
            raise ValueError("is absent and has columns; keep one of them")
        return self


class KnownCopy(_Frozen):
    """A source column in which a sweep does not look, and why erased values may stand there."""

    table: Text
    column: Text
    reason: Text


class Elsewhere(_Frozen):
    """A place outside the database where people stand, and what of them: nothing there is carried out by us."""

    where: Text
    what: Text


class Mapping(_Frozen):
    """A mapping file. Empty = identity: the warehouse has the contract's own names."""

    source_timezone: Zone | None = None
    tables: dict[str, TableEntry] = {}
    tombstones: dict[Literal["consumer", "business", "sole_proprietor", "contact"], Text | int] = {}
    known_copies: tuple[KnownCopy, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()
    rates: dict[Annotated[str, Field(pattern="^[A-Z]{3}$")], Annotated[Decimal, Field(gt=0, allow_inf_nan=False)]] = {}
    copies: tuple[Copy, ...] = ()
    for_each: Annotated[dict[Name, dict[Text, Text]], Field(max_length=1)] = {}
    increments: Increments | None = None

    @property
    def nobody(self) -> frozenset[str]:
        """The ids of whoever is gone, as texts; none where one of a customer type is left to the policy."""
        named = {"consumer", "business", "sole_proprietor"} <= self.tombstones.keys()
        return frozenset(map(str, self.tombstones.values())) if named else frozenset()

    def zone_of(self, table: str, column: str) -> str | None:
        """Returns the zone of a column's times that have none: the column's, else the table's, else the file's."""
        entry = self.tables.get(table)
        own = entry.columns.get(column) if entry is not None else None
        return (own and own.source_timezone) or (entry and entry.source_timezone) or self.source_timezone

    def zones_of_arms(self, table: str, column: str) -> list[str | None]:
        """Returns the zone of a column's times in each arm of a union that feeds it."""
        arms = self.tables[table].union if table in self.tables else ()
        return [arm.columns[column].source_timezone or arm.source_timezone for arm in arms if column in arm.columns]


_CLOSED = {"customers": "profile_closed_at", "contacts": "deactivated_at"}


def _with_closings(mapping: Mapping) -> Mapping:
    """Returns a mapping in which a soft delete is what closes a profile, unless something else is said to."""
    tables = dict(mapping.tables)
    for name, closed in _CLOSED.items():
        gone = tables[name].soft_delete if name in tables else None
        if gone is not None and closed not in tables[name].columns:
            says = ColumnEntry(column=gone.at, only_if={gone.column: gone.is_})
            tables[name] = tables[name].model_copy(update={"columns": {**tables[name].columns, closed: says}})
    return mapping.model_copy(update={"tables": tables})


def load_mapping(path: Path | None, sources: policy.Sources) -> Mapping:
    """Read a mapping file; None is the identity.

    Raises:
        MappingError: with every fault of the file at once.
    """
    if path is None:
        return Mapping()
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError):
        raise MappingError(f"the mapping {path.name} cannot be read; fix AJPRIVACY_MAPPING") from None
    except tomllib.TOMLDecodeError as error:
        raise MappingError(f"the mapping {path.name} is not valid TOML: {error}") from None
    mapping, faults = _read(written)
    if faults := [*faults, *_unknown_names(mapping, sources)]:
        raise mapping_faults(faults)
    return _with_closings(mapping)


def _read(written: dict[str, Any]) -> tuple[Mapping, list[str]]:
    """The mapping without the parts that are at fault by themselves, and these faults, so that all are told at once."""
    faults: list[str] = []
    while True:
        try:
            return Mapping.model_validate(written), faults
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False)
            faults += [f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].removeprefix('Value error, ')}"
                       for fault in found]
            left_out = [_leave_out(written, fault["loc"]) for fault in found]
            if not any(left_out):
                raise mapping_faults(faults) from None


def _leave_out(written: Any, place: Sequence[int | str]) -> bool:
    """Take out what is at fault: a column, a pivot, all arms of a union, a table where it is as a whole."""
    size = 1 if place[0] != "tables" else 4 if place[2:3] and place[2] in ("columns", "pivot", "address") else 3
    *above, last = place[:size]
    for name in above:
        written = written.get(name, {})
    return bool(isinstance(written, dict) and written.pop(last, True) is not True)


_P = TypeVar("_P", bound=policy.DecisionPolicy)


def policy_for(known: _P, mapping: Mapping) -> _P:
    """Returns a policy with the tombstones that a mapping names; its version stays, the mapping is hashed by itself."""
    if not mapping.tombstones:
        return known
    named = {kind: str(value) for kind, value in mapping.tombstones.items()}
    retention = known.retention.model_copy(update={"tombstones": {**known.retention.tombstones, **named}})
    return known.model_copy(update={"retention": retention})


def mapping_faults(faults: list[str]) -> MappingError:
    """Returns the error that lists every fault, one a line."""
    listed = "\n  - ".join(faults)
    return MappingError(f"the mapping has {len(faults)} fault(s):\n  - {listed}")


MOMENTS = ("timestamp", "date")
_NO_TIMES = "holds no times, so source_timezone says nothing; take it out"
_OF_THE_COLUMN = "guests have the zone of the table's column; say it there, and take it out here"


def _faults_of_parts(name: str, entry: TableEntry, table: policy.SourceTable, mapping: Mapping) -> Iterator[str]:
    """What unions, guests, soft deletes and prefixes say that cannot be."""
    if entry.guests is not None and name != "customers":
        yield f"tables.{name}.guests: guests are customers; say it there"
    if entry.soft_delete is not None and (name not in _CLOSED or entry.union):
        yield (f"tables.{name}.soft_delete: only profiles of customers and contacts are closed, of one table; rows "
               "that the shop hides elsewhere are read like others")
    if entry.merged_into is not None and (name != "customers" or entry.query or entry.union or entry.guests or any(
            f"{{{each}}}" in (entry.table or "") for each in mapping.for_each)):
        yield f"tables.{name}.merged_into: only customers of one table, and without guests, are merged; leave it out"
    fed = [(f"union.{number}", arm.columns) for number, arm in enumerate(entry.union)]
    for place, columns in (*fed, ("guests", entry.guests.columns if entry.guests else {})):
        for column, feed in columns.items():
            where = f"tables.{name}.{place}.columns.{column}"
            if column not in table.columns:
                yield f"{where}: the contract has no such column in {name}"
            elif feed.source_timezone is not None and (place == "guests" or table.columns[column].type not in MOMENTS):
                yield f"{where}: {_NO_TIMES if place != 'guests' else _OF_THE_COLUMN}"
            elif feed.empty and column in table.key:
                yield f"{where}: is the key of {name}, so none of its ids may be empty; leave such rows out by `where`"
    for number, (arm, key) in enumerate((arm, key) for arm in entry.union for key in table.key):
        if key not in arm.columns:
            yield f"tables.{name}.union.{number // len(table.key)}: does not feed {key}, the key; name it"
    if entry.union and any(f"{{{each}}}" in arm.model_dump_json() for each in mapping.for_each for arm in entry.union):
        yield f"tables.{name}.union: is not done for each; write an arm for each, with its prefix"


def _unknown_names(mapping: Mapping, sources: policy.Sources) -> Iterator[str]:
    yield from copy_faults(mapping.copies, sources)
    for name, entry in mapping.tables.items():
        if name not in sources.tables:
            yield f"tables.{name}: the contract has no such table; it has {', '.join(sources.tables)}"
            continue
        table = sources.tables[name]
        yield from _faults_of_parts(name, entry, table, mapping)
        if entry.absent is not None and table.required:
            yield f"tables.{name}: is required and cannot be absent; say which source table feeds it"
        for column, fed in entry.columns.items():
            if fault := _fault_of_column(name, column, fed, table):
                yield f"tables.{name}.columns.{column}: {fault}"


def _fault_of_column(name: str, column: str, fed: ColumnEntry, table: policy.SourceTable) -> str | None:
    """The first thing that the entry of a column says and that cannot be."""
    spec = table.columns.get(column)
    if spec is None:
        return f"the contract has no such column in {name}"
    if fed.lives_in is not None and (name != "invoices" or not column.startswith("billing_")):
        return "only the billing of invoices may say with whom it lives; take lives_in out"
    if fed.source_timezone is not None and spec.type not in MOMENTS:
        return _NO_TIMES
    if fed.absent is not None and (fed.empty or fed.empty_before_beginning):
        return "is absent, so nothing of it is empty; keep one of them"
    if fed.empty and column in table.key:
        return f"is the key of {name}, so none of its ids may be empty; leave such rows out with tables.{name}.query"
    if fed.empty_before_beginning and spec.not_before is None:
        return "is the end of nothing, so empty_before_beginning says nothing; take it out"
    if fed.absent is not None and (spec.required or spec.must_map):
        return 'is required and cannot be absent; name a source column, or write { sql = "..." }'
    return None
