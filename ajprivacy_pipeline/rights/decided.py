"""What the newest decided month says about somebody: until when each part is kept, and which records are theirs.

Belongs here: reading the month's file. Does not belong here: the warehouse as it is now (`held`), words (`wording`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, TypeVar

from ajprivacy_pipeline.enforcement.judged import FREEZES, MATTERS, OF_ADDRESS, OF_ANOTHER, TELLS_OF_SOMEBODY
from ajprivacy_pipeline.rights.person import Person
from ajprivacy_pipeline.settings import Settings, sql_folder
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.month_files import has_month, read_month
from ajprivacy_pipeline.storage.zones import Connection, EngineError, without_pandas

_CHUNK = 500  # ids of one statement
_Key = TypeVar("_Key", bound=tuple[str, ...])


@dataclass(frozen=True)
class Decision:
    """What is decided about a part; lists by name."""

    decision: str
    due_on: date | None
    retained_by: tuple[str, ...]
    held_by: tuple[str, ...]


class Segment(NamedTuple):
    """A group of customers: fifths, of which 1 bought last, most often and for most; and the industry."""

    recency: int
    frequency: int
    monetary: int
    industry: str | None


@dataclass(frozen=True)
class Month:
    """A decided month, open; `month` is None where none is there, and then nothing is known."""

    con: Connection | None = None
    month: str | None = None

    def number(self, subject_id: str | None) -> int | None:
        """Returns the number that a subject has in this month, by which its decisions lie; None where it has none."""
        found = self._all("SELECT subject_no FROM retention.subjects WHERE subject_id = $subject", subject=subject_id)
        return int(found[0][0]) if found else None

    def attributes(self, number: int | None) -> dict[str, Decision]:
        """Returns the decisions about a subject's attributes."""
        found = {(row[0],): Decision(row[1], row[2], tuple(row[3]), tuple(row[4])) for row in self._all(
            "SELECT attribute, decision, due_on, retained_by, held_by FROM retention.attribute_decisions "
            "WHERE subject_no = $number", number=number)}
        return {attribute: one for (attribute,), one in self._without_others(found, number).items()}

    def purposes(self, number: int | None) -> dict[str, date | None]:
        """Returns the purposes that apply or applied to a subject, each with the day it lapses (None: none in sight).

        There are none where the month does not know the subject.
        """
        return dict(self._all("SELECT purpose, lapses_on FROM retention.purpose_status WHERE subject_no = $number",
                              number=number))

    def open_matters(self, number: int | None) -> frozenset[str]:
        """Returns which matters are open for a subject and leave purposes without an end, by the policy's names."""
        found = self._all(f"SELECT {', '.join(MATTERS)} FROM retention.subject_purposes WHERE subject_no = $number",
                          number=number)
        return frozenset(name for row in found for name, is_open in zip(MATTERS, row, strict=True) if is_open)

    def segment(self, number: int | None) -> Segment | None:
        """Returns the group of customers that somebody is sorted into; None where they are in none."""
        if not self._all("SELECT 1 FROM duckdb_tables() WHERE (schema_name, table_name) = "
                         "('pseudonymised', 'customer_segments')"):
            return None  # the month was decided alone, and nobody was sorted
        found = self._all(_SEGMENT, number=number)
        return Segment(*found[0]) if found else None

    def records(self, ids: Mapping[str, Sequence[str]], number: int | None) -> dict[tuple[str, str, str], Decision]:
        """Returns the decisions about records, by table, id and part.

        First those of the subject, which lie together; then, by id, those of records that are not decided for it, as a
        guest's. Each id is bound by itself: then the engine reads a quarter of what a joined list makes it read
        (measured).
        """
        wanted = {(entity, key) for entity, keys in ids.items() for key in keys}
        found = {(row[0], row[1], row[2]): Decision(row[3], row[4], tuple(row[5]), tuple(row[6])) for row in self._all(
            "SELECT entity, record_id, part, decision, due_on, retained_by, held_by FROM retention.record_decisions "
            "WHERE subject_no = $number", number=number) if (row[0], row[1]) in wanted}
        known = {(entity, key) for entity, key, _ in found}
        for entity, keys in ids.items():
            left = [key for key in keys if (entity, key) not in known]
            for start in range(0, len(left), _CHUNK):
                some = {f"k{at}": key for at, key in enumerate(left[start:start + _CHUNK])}
                for row in self._all("SELECT record_id, part, decision, due_on, retained_by, held_by FROM "
                                     "retention.record_decisions WHERE entity = $entity AND record_id IN "
                                     f"({', '.join(f'${name}' for name in some)})", entity=entity, **some):
                    found[entity, row[0], row[1]] = Decision(row[2], row[3], tuple(row[4]), tuple(row[5]))
        return self._without_others(found, number)

    def _without_others(self, found: dict[_Key, Decision], number: int | None) -> dict[_Key, Decision]:
        """Decisions in which a freeze that is not known to be the person's own is told as no more than that."""
        if number is None or not any(set(one.held_by) & set(TELLS_OF_SOMEBODY) for one in found.values()):
            return found
        freezes = dict(self._all(f'SELECT f."freeze", f.is_own FROM ({FREEZES}) AS f JOIN retention.subjects AS s '
                                 "USING (subject_id) WHERE s.subject_no = $number", number=number))
        tables = {name for (name,) in self._all("SELECT unnest(held_entities) FROM retention.evidence")}
        for key, one in found.items():
            own = {name for name, is_own in freezes.items() if is_own}
            own |= {"legal_hold"} if len(key) == 1 or key[0] in tables else set()  # what holds an attribute is its own
            held = [name if name in own or name not in TELLS_OF_SOMEBODY else
                    OF_ADDRESS if name in freezes else OF_ANOTHER for name in one.held_by]
            found[key] = replace(one, held_by=tuple(sorted(set(held))))
        return found

    def named_elsewhere(self, person: Person, national_digits: int) -> dict[str, list[str]]:
        """Returns the orders and invoices of anybody that name a person by phone and name, or by name and address.

        Args:
            person: somebody with a row of their own.
            national_digits: how many digits at the end of a phone number tell whose it is.
        """
        row = person.row
        if row is None or not row["name"]:
            return {}
        phone = "".join(filter(str.isdigit, person.phones[0])) if person.phones else ""
        street, code = row.get("street_address"), row.get("postal_code")
        values = {"name": row["name"].strip(), "digits": national_digits,
                  "phone": phone[-national_digits:] if len(phone) >= national_digits else "",
                  "street": (street or "").strip(), "code": (code or "").strip()}
        try:
            named = self._all(_NAMED.format("retention.named_on_records"), **values)
        except EngineError:  # a version that did not make the table decided the month: its rows, as the table has them
            model = (sql_folder() / "retention" / "named_on_records.sql").read_text(encoding="utf-8")
            named = self._all(_NAMED.format(f"({model})"), **values)
        found: dict[str, list[str]] = {}
        for entity, key in named:
            found.setdefault(entity, []).append(key)
        return found

    def _all(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        return self.con.execute(query, values).fetchall() if self.con is not None else []


_SEGMENT = """
    SELECT s.recency_fifth, s.frequency_fifth, s.monetary_fifth, s.industry FROM pseudonyms.people AS p
    JOIN pseudonymised.customer_segments AS s ON s.customer_token = p.segment_token WHERE p.subject_no = $number
"""
_NAMED = """
    SELECT entity, record_id FROM {} WHERE name = lower($name) AND (
        ($phone <> '' AND right(regexp_replace(phone, '[^0-9]', '', 'g'), $digits) = $phone)
        OR ($street <> '' AND $code <> '' AND street_address = lower($street) AND postal_code = $code))
"""


@contextmanager
def decided_month(settings: Settings) -> Iterator[Month]:
    """Open the month that people are answered from, if there is one.

    Raises:
        PrivacyError: its file cannot be read.
    """
    if not has_month(settings):  # none was run yet
        yield Month()
        return
    with without_pandas(), boundary("request"), read_month(settings, None) as (con, month):
        yield Month(con, month)
