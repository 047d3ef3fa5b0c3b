"""G6 across releases: what was published once may not be computed again with another outcome.

Belongs here: the release ledger, a restricted file with a key of its own. It holds a keyed hash of every cell and of
what it showed, for ever, by the manifest of its release; no value and no contributor stands in it.

Closed months are copied and never computed. A month that is computed although the ledger knows it (the control store
was lost, a release is issued again) must show the same in every cell: two cuts of one period differ by those few whose
facts changed in between. Not having the ledger that a known release must have is a failure like a difference.
"""

from pathlib import Path
from typing import Any

from ajprivacy_pipeline.anonymise.thresholds import shape_of
from ajprivacy_pipeline.anonymise.verdict import Verdict, verdict
from ajprivacy_pipeline.keystore import KeyStore, pads
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.zones import Connection, literal, open_zone, quote

_FILE = "ledger.duckdb"
_TABLE = ("CREATE TABLE IF NOT EXISTS cells (manifest_sha256 VARCHAR NOT NULL, place VARCHAR NOT NULL, "
          "cell VARCHAR NOT NULL, shown VARCHAR NOT NULL)")
Cells = dict[str, list[str]]  # place (table and month), cell, shown: lists of one length


def hash_cells(con: Connection, settings: Settings, policy: Policy, public: dict[str, str]) -> Cells:
    """Keyed hashes of every public cell and of what it shows, under a key that is the ledger's alone."""
    pad = pads(KeyStore(settings.keys, settings.root_key).derive("ledger", "cells"))
    found: list[tuple[Any, ...]] = []
    for table, relation in sorted(public.items()):
        shape = shape_of(policy, table)
        named = ", ".join(f"{literal(c)} || '=' || coalesce(CAST({quote(c)} AS VARCHAR), '-')" for c in shape.dimensions
                          if c != "product_name")
        shown = ", ".join(f"coalesce(CAST({quote(m)} AS VARCHAR), '-')" for m in shape.measures)
        hashed = "sha256($outer || unhex(sha256($inner || encode(to_json([{}])::VARCHAR))))"
        found += con.execute(
            f"SELECT {literal(table)} || ' ' || strftime({quote(shape.time)}, '%Y-%m'), {hashed.format(named)}, "
            f"{hashed.format(f'{literal(table)}, {named}, {shown}')} FROM {relation} ORDER BY ALL",
            {"outer": pad.outer, "inner": pad.inner}).fetchall()
    columns = list(zip(*found, strict=True)) or [(), (), ()]
    return {name: list(column) for name, column in zip(("place", "cell", "shown"), columns, strict=True)}


def check_ledger(settings: Settings, cells: Cells, manifests: list[str]) -> Verdict:
    """G6 across releases for computed cells.

    Args:
        settings: where the ledger and its key are.
        cells: what is about to be published, of the computed months.
        manifests: the hashes of the releases that count, from the control store.
    """
    if not manifests:
        return verdict("G6", "there is no earlier release", [], {"cells_of_earlier_releases": 0})
    path = _path(settings)
    if not path.exists():
        return verdict("G6", "the release ledger is missing", [
            "the release ledger is missing though a release is known: nothing tells what was published before"])
    with open_zone(settings, KeyStore(settings.keys, settings.root_key), path) as ledger:
        ledger.execute(_TABLE)
        ledger.execute("CREATE TEMP TABLE now AS SELECT unnest($place::VARCHAR[]) AS place, "
                       "unnest($cell::VARCHAR[]) AS cell, unnest($shown::VARCHAR[]) AS shown", cells)
        known = "SELECT DISTINCT place, cell, shown FROM cells WHERE list_contains($manifests, manifest_sha256)"
        lacking = ledger.execute("SELECT count(*) FROM (SELECT unnest($manifests) EXCEPT "
                                 "SELECT manifest_sha256 FROM cells)", {"manifests": manifests}).fetchall()[0][0]
        again = ledger.execute(
            f"WITH known AS ({known}) SELECT split_part(coalesce(k.place, n.place), ' ', 1), count(*) "
            "FROM (SELECT * FROM known WHERE place IN (SELECT place FROM now)) AS k "
            "FULL JOIN (SELECT * FROM now WHERE place IN (SELECT place FROM known)) AS n USING (cell) "
            "WHERE k.shown IS DISTINCT FROM n.shown GROUP BY ALL ORDER BY ALL", {"manifests": manifests}).fetchall()
        count = ledger.execute(f"SELECT count(*) FROM ({known})", {"manifests": manifests}).fetchall()[0][0]
    violations = [f"{table}: {cells_again:,} cells of a published month would be published again with other figures"
                  for table, cells_again in again]
    violations += [f"the release ledger does not know {lacking:,} of the published releases"] if lacking else []
    return verdict("G6", f"no cell of {len(manifests):,} earlier releases is computed again with other figures",
                   violations, {"cells_of_earlier_releases": count})


def remember(settings: Settings, manifest_sha256: str, cells: Cells) -> None:
    """Write the hashes of a release down before it is committed; a release that is not counts for nothing."""
    with open_zone(settings, KeyStore(settings.keys, settings.root_key), _path(settings)) as ledger:
        ledger.execute(_TABLE)
        ledger.execute("DELETE FROM cells WHERE manifest_sha256 = $sha256", {"sha256": manifest_sha256})
        ledger.execute("INSERT INTO cells SELECT $sha256, unnest($place::VARCHAR[]), unnest($cell::VARCHAR[]), "
                       "unnest($shown::VARCHAR[])", {"sha256": manifest_sha256, **cells})


def _path(settings: Settings) -> Path:
    return settings.restricted / _FILE
