"""What the source would refuse, or would do too well: told from its catalogue before a plan is approved.

    shapes.py      what is known of a table, what a plan would write, what is refused
    lexer.py       SQL of a catalogue, cut into words
    sqlite.py, postgres.py, mariadb.py  the three catalogues, read
    catalogue.py   one way to ask any of them
    trial.py       CHECK constraints and unique keys, tried in SELECTs
    references.py  foreign keys, followed to their end
    rules.py       what is refused, and what a person does about it

Belongs here: reading. Does not belong here: any write to the warehouse. Messages name tables, columns, constraints and
counts, never a value.
"""

import dataclasses
import hashlib
import json
from collections.abc import Container, Iterable, Sequence

from ajprivacy_pipeline.warehouse.constraints.catalogue import Catalogue
from ajprivacy_pipeline.warehouse.constraints.rules import judge
from ajprivacy_pipeline.warehouse.constraints.shapes import (
    Check,
    ColumnFacts,
    ForeignKey,
    Key,
    Refusal,
    Table,
    TableFacts,
    Trigger,
    Write,
    WriteKind,
)

__all__ = ["Catalogue", "Check", "ColumnFacts", "ForeignKey", "Key", "Refusal", "Table", "TableFacts", "Trigger",
           "Write", "WriteKind", "catalogue_hash", "refusals"]


def refusals(catalogue: Catalogue, writes: Sequence[Write], reviewed_triggers: Container[Table] = (),
             ended_histories: Container[Table] = ()) -> list[Refusal]:
    """Returns what stands against these writes; no rows are changed, and rows are only counted.

    Args:
        catalogue: that of the open warehouse.
        writes: what a plan may do, whoever it concerns.
        reviewed_triggers: tables whose triggers and rules a person looked at.
        ended_histories: tables of which a person said when old values leave their history, or who reads their changes.

    Raises:
        SourceError: a table or column is not there, or the database is none that can be written to.
    """
    return judge(catalogue, writes, reviewed_triggers, ended_histories)


def catalogue_hash(catalogue: Catalogue, tables: Iterable[Table]) -> str:
    """Returns a hash of everything that `refusals` looks at around these tables, but rights and counts.

    Rights and counts are judged anew before a plan is applied; the rest must be what was approved.

    Raises:
        SourceError: a table is not there, or the catalogue cannot be read.
    """
    known = [dataclasses.asdict(facts) for facts in catalogue.around(sorted(set(tables)))]
    return hashlib.sha256(json.dumps(known, sort_keys=True, default=str).encode()).hexdigest()
