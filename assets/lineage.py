"""Column lineage as Dagster takes it, kept in its home: reading every statement takes as long as deciding a month.

Belongs here: keeping what `lineage` finds until a model, a macro or a given table changes. Does not belong here:
finding it, drawing it (`ajprivacy lineage`: Dagster's own pages draw tables alone).
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg

from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.settings import sql_folder
from ajprivacy_pipeline.storage.catalogue import LAYERS, load_catalogue, macros
from ajprivacy_pipeline.storage.kept import kept

MadeOf = Mapping[str, Mapping[str, Sequence[Sequence[str]]]]  # model -> column -> (table, column) it is made of
_SHOWN = {"raw", *LAYERS}  # schemas whose tables are assets


def kept_lineage(policy: Policy, folder: Path) -> MadeOf:
    """Returns which columns each column of each model is made of; reads the statements where they are other ones.

    `folder` is where it is kept.
    """

    def read() -> MadeOf:
        from ajprivacy_pipeline.lineage import product_graph  # late: it reads with a parser of its own
        graph = product_graph(policy)
        return {name: graph.depends(name) for name in graph.flows}

    return kept(folder / "lineage.json", _state(policy), read)


def _state(policy: Policy) -> str:
    """A hash over everything that lineage is read from."""
    from ajprivacy_pipeline.lineage.tables import given_tables
    words = vocabulary_of(policy)
    models = [(model.name, model.sql) for model in load_catalogue(sql_folder(), words).values()]
    read = json.dumps([models, macros(sql_folder(), words), given_tables(policy)])
    return hashlib.sha256(read.encode()).hexdigest()


def shown(made_of: MadeOf, name: str) -> dict[str, dg.TableColumnLineage]:
    """Returns the metadata of one model, of columns of other assets alone; none for a table that no model makes."""
    if name not in made_of:
        return {}
    return {"dagster/column_lineage": dg.TableColumnLineage({
        column: [dg.TableColumnDep(dg.AssetKey(table.split(".")), source) for table, source in sources
                 if table.partition(".")[0] in _SHOWN]
        for column, sources in made_of[name].items()})}
