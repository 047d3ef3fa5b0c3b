"""G12, row-order independence: the same facts in another order give the same cells.

Belongs here: computing every table of the layer published a second time, from the facts of the layer anonymous in an
order that has nothing to do with the first, and comparing cell by cell, hidden counts included. Models that read
nothing but anonymous facts are computed again too. The newest `months_computed_again` of the computed months are taken,
and a longer period as a whole: each is made by the same text, so a later release checks all it computes and the first
one a few of many.

What comes after the cells (suppressing, recoding, writing) reads them in an order of its own and nothing else, and what
comes before (staging, decisions, tokens) is held by tests that publish a whole month from a shuffled source: doing all
of that twice in each run would double its time and find nothing that they do not.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from ajprivacy_pipeline.calendar import as_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release.periods import fitted_populations
from ajprivacy_pipeline.release.plan import ReleasePlan, model_values
from ajprivacy_pipeline.storage.catalogue import Model, layer_models, load_catalogue, run_model
from ajprivacy_pipeline.storage.zones import Connection, differing, engine_errors, literal, quote

_SHADOW = "shadow"  # a database in memory, spilled encrypted; never a file of its own


def check_order(con: Connection, sql: Path, policy: Policy, plan: ReleasePlan) -> Verdict:
    """Checks G12 over the cells as they stand.

    Args:
        con: holds the layers anonymous and published.
        sql: the models they were made by.
        policy: how many months, and what the models bind.
        plan: the computed months.
    """
    months = plan.computed[-policy.release.thresholds.months_computed_again:]
    fitted = [plan.periods(population) for population in fitted_populations(policy)]
    begin = min([months[0], *(periods[-1].first for periods in fitted if periods)])
    first, last = date.fromisoformat(f"{begin}-01"), as_of(months[-1])
    values = {**model_values(policy, plan), "first_month": first}
    catalogue = load_catalogue(sql, vocabulary_of(policy))
    models = layer_models(catalogue, ("published",))
    wanted = {model.name: _needed(catalogue, model) for model in models}
    left = Counter(name for needed in wanted.values() for name in needed)
    violations, cells = [], 0
    with engine_errors("the cells in another order"), _shadow_database(con, first, last) as zone:
        made: set[str] = set()
        for model in models:
            for name in wanted[model.name]:
                if name not in made:
                    _make(con, zone, catalogue[name], values)
                    made.add(name)
            run_model(con, model, values)
            count, changed = _compare(con, zone, model)
            cells += count
            if changed:
                violations.append(f"{model.table}: {changed:,} rows change with the order of the facts")
            con.execute(f"DROP TABLE {_named(_SHADOW, model)}")
            left.subtract(wanted[model.name])
            for name in [name for name in made if not left[name]]:
                con.execute(f"DROP TABLE {_named(_SHADOW, catalogue[name])}")
                made.remove(name)
    figure = (f"{len(models):,} tables computed again for {begin} to {months[-1]} from their facts in another "
              "order: every cell is the same")
    return verdict("G12", figure, violations, {"cells_compared": cells})


@contextmanager
def _shadow_database(con: Connection, first: date, last: date) -> Iterator[str]:
    """Attaches an empty database as the default one and yields the zone's name; puts everything back at the end.

    The variables shadow_first and shadow_last bound the rows: from the first on, before the last.
    """
    zone = str(con.execute("SELECT current_database()").fetchall()[0][0])
    kept = con.execute("SELECT current_setting('preserve_insertion_order')").fetchall()[0][0]
    con.execute(f"ATTACH ':memory:' AS {_SHADOW}")
    try:
        con.execute(f"CREATE SCHEMA {_SHADOW}.anonymous")
        for name, day in (("shadow_first", first), ("shadow_last", last)):
            con.execute(f"SET VARIABLE {name} = DATE {literal(day.isoformat())}")
        con.execute("SET preserve_insertion_order = true")  # else the engine might undo the new order
        con.execute(f"USE {_SHADOW}")
        yield zone
    finally:
        con.execute(f"USE {quote(zone)}")
        con.execute(f"SET preserve_insertion_order = {'true' if kept else 'false'}")
        con.execute(f"DETACH {_SHADOW}")


def _needed(catalogue: Mapping[str, Model], model: Model) -> list[str]:
    """The anonymous models that a model reads, and those that these read, each after what it reads."""
    found: list[str] = []
    for read in model.reads:
        if read in catalogue:
            inner = _needed(catalogue, catalogue[read]) if _is_derived(catalogue[read]) else []
            found += [name for name in (*inner, read) if name not in found]
    return found


def _is_derived(model: Model) -> bool:
    """Whether a model reads anonymous facts alone, so that it can be computed again from them."""
    return bool(model.reads) and all(read.startswith("anonymous.") and read != "anonymous.tokens"
                                     for read in model.reads)


def _make(con: Connection, zone: str, model: Model, values: Mapping[str, object]) -> None:
    """An anonymous table beside the zone: computed again where that can be done, else its rows in another order."""
    if _is_derived(model):
        run_model(con, model, values)
    else:
        con.execute(f"CREATE TABLE {_named(_SHADOW, model)} AS "
                    f"SELECT * FROM {_named(zone, model)} AS r WHERE {_taken(con, zone, model)} ORDER BY hash(r)")


def _compare(con: Connection, zone: str, model: Model) -> tuple[int, int]:
    """How many rows the table has, and how many stand in one of the two makings alone."""
    first = f"FROM {_named(zone, model)} WHERE {_taken(con, zone, model)}"
    count = int(con.execute(f"SELECT count(*) {first}").fetchall()[0][0])
    return count, differing(con, first, f"FROM {_named(_SHADOW, model)}")


def _taken(con: Connection, zone: str, model: Model) -> str:
    """The condition that a row is of the months that are computed again; a table without months is taken whole."""
    columns = {row[0] for row in con.execute(f"DESCRIBE {_named(zone, model)}").fetchall()}
    times = [f"{quote(name)} >= getvariable('shadow_first') AND {quote(name)} < getvariable('shadow_last')"
             for name in ("month", "day") if name in columns]
    return times[0] if times else "true"


def _named(database: str, model: Model) -> str:
    return f"{quote(database)}.{quote(model.layer)}.{quote(model.table)}"
