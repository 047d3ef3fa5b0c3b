"""What a run would find in the warehouse's rows: reads, stages and judges them, decides nothing and keeps nothing.

Belongs here: the first steps of a month without a month, in memory and, where it spills, encrypted. Does not belong
here: what the mapping alone tells (`warehouse/mapping`), the faults of values (`retention/quality`).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from ajprivacy_pipeline.policy import DecisionPolicy
from ajprivacy_pipeline.retention.bind import catalogue_of, policy_parameters, prepare
from ajprivacy_pipeline.retention.quality import ReadingFaults, judge_values, reading_faults
from ajprivacy_pipeline.run.rows_look import look_at_rows
from ajprivacy_pipeline.settings import Settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.boundary import boundary
from ajprivacy_pipeline.storage.catalogue import layer_models, run_model
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.warehouse.extract import extract
from ajprivacy_pipeline.warehouse.findings import Finding, note
from ajprivacy_pipeline.warehouse.mapping import Mapping, resolve
from ajprivacy_pipeline.warehouse.mapping_file import policy_for
from ajprivacy_pipeline.warehouse.passed_over import left_out, marked_in_vain
from ajprivacy_pipeline.warehouse.settle import settle_values
from ajprivacy_pipeline.warehouse.source import open_source

_ENCRYPTS = ("httpfs",)  # what spills; who reads a warehouse loads what it needs for that itself


def check_rows(settings: Settings, policy: DecisionPolicy, mapping: Mapping) -> list[Finding]:
    """Read every mapped row once, and say which columns a run would not be able to read.

    A column that does not fit its type as a whole is a `fault`, evidence without any value an `evidence`, a column with
    some faults of reading a dangerous `note`. Counts alone, never a value.

    Args:
        settings: the warehouse, and the home for what spills.
        policy: the contract and what is read.
        mapping: what feeds the contract; it has no fault (`warehouse.mapping.check`).

    Raises:
        MappingError: mapping and warehouse do not fit.
        SourceError: unreachable, empty, or with NULL or duplicate ids: what stops a run before any value is judged.
    """
    policy = policy_for(policy, mapping)
    with boundary("mapping check"), _nowhere(settings) as con:
        read = extract(con, settings.warehouse_url, mapping, policy.sources, progress=lambda _table, _rows: None)
        emptied = settle_values(con, policy, mapping)
        blank = [(found.table, column) for found in read if found.present
                 for column in (*found.blank, *emptied.get(found.table, ()))]
        month = policy.retention.first_month  # no staged model asks for one
        prepare(con, policy, ControlStore("sqlite://"), month)
        values = policy_parameters(policy, month)
        for model in layer_models(catalogue_of(policy), ["staged"]):
            run_model(con, model, values)
        judge_values(con, policy)
        with open_source(settings.warehouse_url) as source:
            passed = [*marked_in_vain(source, mapping), *left_out(source, resolve(source, mapping, policy.sources), {
                found.table: found.rows for found in read})]
        return [*passed, *(_without_a_value(*place) for place in blank), *map(_unread, reading_faults(con, policy)),
                *look_at_rows(con, policy, mapping)]


@contextmanager
def _nowhere(settings: Settings) -> Iterator[zones.Connection]:
    """A database in memory, with a folder of its own to spill into."""
    prepare_home(settings)
    spill = settings.restricted / "spill" / f"check-{os.getpid()}"
    con = zones.memory(settings, _ENCRYPTS)
    try:
        con.execute(f"SET temp_directory = {zones.literal(str(spill))}")
        yield con
    finally:
        con.close()
        shutil.rmtree(spill, ignore_errors=True)


def _without_a_value(table: str, column: str) -> Finding:
    return Finding("evidence", table, column, f"{table}.{column}: the mapping leaves no value in any row, and it is "
                   f"evidence for keeping: nothing will be due; fix tables.{table}.columns.{column}, or write "
                   '{ absent = "reason" }')


def _unread(found: ReadingFaults) -> Finding:
    if found.is_unfit:
        return Finding("fault", found.table, found.column, found.sentence)
    return note("dangerous", found.table, found.column, found.sentence)
