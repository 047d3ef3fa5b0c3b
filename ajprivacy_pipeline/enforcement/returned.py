"""What stands again in part of what a plan took away: some cells of a row hold what they held, the others are as left.

Belongs here: a short hash of each cell, kept in the plan's file where a part has several columns, and comparing them.
Does not belong here: a part that stands again as a whole, which its fingerprint tells (`marks`).
"""

from collections.abc import Iterable, Mapping

from ajprivacy_pipeline.enforcement.ground import Ground, changes
from ajprivacy_pipeline.enforcement.marks import cells_of
from ajprivacy_pipeline.enforcement.stages import Part, Stage
from ajprivacy_pipeline.enforcement.work import Item, behind, columns_of, items
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection

_COLUMNS = "entity VARCHAR, record_id VARCHAR, part VARCHAR, cells UBIGINT[]"


def keep_cells(con: Connection, policy: Policy, stages: Mapping[Part, Stage], entities: Iterable[str], key: bytes,
               relation: str, to: str) -> None:
    """Write the cells behind due parts to a new table `to`, under a plan's own key."""
    con.execute(f"CREATE OR REPLACE TABLE {to} ({_COLUMNS})")
    for entity in entities:
        cells = cells_of(stages, entity)
        if cells is not None:
            sql, bound = behind(policy, entity, relation, f"$entity, d.record_id, d.part, {cells} AS cells")
            con.execute(f"INSERT INTO {to} FROM ({sql}) WHERE cells IS NOT NULL", {**bound, "salt": key.hex()})


def find(con: Connection, policy: Policy, stages: Mapping[Part, Stage], ground: Ground, file: str) -> None:
    """Write to `scratch.returned` what an attached plan carried out, is due now and stands again in part.

    `scratch.marks_now` tells what is due. A cell that its action would leave as it is was left by us.
    """
    con.execute("CREATE OR REPLACE TABLE scratch.returned (entity VARCHAR, record_id VARCHAR, part VARCHAR)")
    if not con.execute("SELECT 1 FROM duckdb_tables() WHERE database_name = $file AND table_name = 'cells'",
                       {"file": file}).fetchall():
        return  # a plan of before there were any
    con.execute(_MAYBE.format(file=file))
    entities = [row[0] for row in con.execute("SELECT DISTINCT entity FROM scratch.maybe ORDER BY 1").fetchall()]
    key = bytes.fromhex(con.execute(f"SELECT key FROM {file}.secret").fetchall()[0][0])
    keep_cells(con, policy, stages, entities, key, "scratch.maybe", "scratch.cells")
    for entity in entities:
        alike = {(record_id, part): dict(zip(stages[entity, part].columns, same, strict=True))
                 for record_id, part, same in con.execute(_ALIKE.format(file=file), {"entity": entity}).fetchall()}
        found = [(entity, item.record_id, part) for item in items(con, policy, stages, entity, "scratch.maybe")
                 for part in item.parts
                 if _stands(policy, ground, stages[entity, part], item, alike.get((item.record_id, part), {}))]
        if found:
            con.executemany("INSERT INTO scratch.returned VALUES (?, ?, ?)", found)


def _stands(policy: Policy, ground: Ground, stage: Stage, item: Item, alike: Mapping[str, bool]) -> bool:
    """Whether every cell of a part that would change holds what it held."""
    place = ground.places[item.entity].of(item.record_id)
    there = [name for name in columns_of(stage, item) if item.values[name] is not None and (
        name not in place.columns or changes(policy, place, ground.facts, stage, item, name))]
    return bool(there) and all(alike.get(name, False) for name in there)


_MAYBE = """
    CREATE OR REPLACE TABLE scratch.maybe AS SELECT r.entity, r.record_id, r.part, r.subject_id, r.due_on
    FROM {file}.rows AS r JOIN scratch.marks_now AS m USING (entity, record_id, part)
    WHERE r.state = 'applied' AND r.fingerprint <> m.fingerprint
"""
_ALIKE = """
    SELECT record_id, part, list_transform(list_zip(n.cells, c.cells), lambda z: z[1] = z[2])
    FROM scratch.cells AS n JOIN {file}.cells AS c USING (entity, record_id, part) WHERE entity = $entity
"""
