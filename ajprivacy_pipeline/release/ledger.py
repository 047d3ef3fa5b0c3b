"""G6 across releases: what was published once may be computed again only with a difference that hides in a crowd.

Belongs here: the release ledger, an encrypted file of the restricted zone with a key of its own, and the comparison
with it. Does not belong here: hashes and tokens of a run (ledger_cells).

    releases      number, manifest_sha256, month, is_committed: of proven releases
    cells         release, place, cell, shown, withheld: hashes, for ever
    contributors  release, month, cell, person, own: tokens, of the newest thirteen months
    carried       entity, record, person, region, month: who stood behind facts of open periods (`carried_facts`); for
                  as long as contributors

Closed months are copied and never computed. A month is computed although the ledger knows it when the control store was
lost or a release is issued again. Then a cell that shows something else than before must differ by nobody or by at
least k people in each measure, counted by person, and so must what is left of a total beside its shown parts
(`ledger_remainders`). What is suppressed must be the same in both: two patterns of suppressed cells over one month give
each other away. Where the contributors are unknown, no cell may change at all.

`withheld` holds a bit for each measure, set where it is suppressed. The column keeps the name of the file's first
version, so that earlier ledgers stay readable.

Rows are never deleted in place, because the old pages would keep them: the file is rewritten and swapped.
"""

import fcntl
import hmac
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from ajprivacy_pipeline.calendar import MONTHS
from ajprivacy_pipeline.disclosure.cells.contributor_sources import contributor_source
from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.ledger_cells import NAME, contributor_key, digits, keeps_people, key_store
from ajprivacy_pipeline.release.ledger_remainders import changed_remainders
from ajprivacy_pipeline.release.plan import oldest_kept
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import Connection, attached, engine_errors, literal, memory

KINDS = ("customer", "log", "visitor", "newsletter", "subject")  # of anonymous.tokens, but for unknown people
_CARRIED = "entity VARCHAR, record UBIGINT, person UBIGINT, region VARCHAR, month DATE"
_MISSING = (
    "restricted/ledger.duckdb is missing, or is not a ledger of this version, though a release is known: nothing tells "
    "what was published before. Restore it with keys/ledger.sealed from a backup. Where there never was one (the "
    "release is older than the ledger), withdraw that release, and publish as a first release from a new "
    "AJPRIVACY_HOME, placing the legal holds there again")


def check_ledger(con: Connection, settings: Settings, policy: Policy, public: dict[str, str],
                 manifests: list[str]) -> Verdict:
    """Checks G6 across releases for the computed cells.

    Args:
        con: holds the tables of `ledger_cells`.
        settings: where the ledger and its key are.
        policy: measures and k.
        public: the quoted relation of each public table.
        manifests: the hashes of the releases that the control store knows. What the ledger knows as published counts
            as well: a control store that was lost, or is an older one, opens no month.
    """
    path = _path(settings)
    if not path.exists():
        return verdict("G6", "there is no earlier release", [_MISSING] if manifests else [],
                       {"cells_of_earlier_releases": 0})
    with attached(con, key_store(settings), path, NAME):
        if not _is_ledger(con):
            return verdict("G6", "there is no earlier release", [_MISSING], {"cells_of_earlier_releases": 0})
        con.execute("CREATE OR REPLACE TEMP TABLE ledger_known AS SELECT number AS release FROM ledger.releases "
                    "WHERE list_contains($manifests::VARCHAR[], manifest_sha256) "
                    "OR is_committed", {"manifests": manifests})
        known, cells, listed = con.execute(
            "SELECT (SELECT count(*) FROM temp.ledger_known), (SELECT count(DISTINCT cell) FROM ledger.cells "
            "JOIN temp.ledger_known USING (release)), (SELECT count(*) FROM ledger.releases "
            "WHERE list_contains($manifests::VARCHAR[], manifest_sha256))", {"manifests": manifests}).fetchall()[0]
        violations = [*_of_another_length(con), *_differences(con, policy, public)]
    lacking = len(set(manifests)) - listed
    violations += [f"the release ledger does not know {lacking:,} of the published releases"] if lacking else []
    con.execute("DROP TABLE temp.ledger_known")
    figure = (f"cells of {known:,} earlier releases that are computed again differ by nobody or by at least "
              f"{policy.release.thresholds.k} contributors")
    return verdict("G6", figure if known else "there is no earlier release", violations,
                   {"cells_of_earlier_releases": cells})


def _of_another_length(con: Connection) -> list[str]:
    """Periods about to be published whose facts are published already, cut into periods of another length."""
    longer = " ".join(f"WHEN {literal(length)} THEN {count:d}" for length, count in MONTHS.items())
    months = f"CASE split_part(place, ' ', 3) {longer} ELSE 1 END"
    spans = ("SELECT DISTINCT place, split_part(place, ' ', 1) AS of, "
             "CAST(split_part(place, ' ', 2) || '-01' AS DATE) AS since, "
             f"CAST(since + to_months({months}) AS DATE) AS until FROM ")
    found = con.execute(
        f"WITH known AS ({spans} ledger.cells JOIN temp.ledger_known USING (release)), "
        f"now AS ({spans} temp.ledger_cells) SELECT n.of, count(DISTINCT n.place) FROM now AS n JOIN known AS k "
        "ON k.of = n.of AND k.since < n.until AND n.since < k.until AND k.place <> n.place GROUP BY n.of ORDER BY n.of")
    return [f"{table}: the facts of {count:,} periods are published already, in periods of another length"
            for table, count in found.fetchall()]


def _differences(con: Connection, policy: Policy, public: dict[str, str]) -> list[str]:
    """What the computed cells of known months show otherwise than the ledger's, for too few people."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE ledger_changed AS "
        "WITH known AS (SELECT c.* FROM ledger.cells AS c JOIN temp.ledger_known USING (release)), "
        "again AS (SELECT DISTINCT k.release, k.place FROM known AS k JOIN temp.ledger_cells USING (place)), "
        "now AS (SELECT a.release, n.* FROM temp.ledger_cells AS n JOIN again AS a USING (place)) "
        "SELECT release, place, split_part(place, ' ', 1) AS table_name, cell, "
        "CAST(split_part(place, ' ', 2) || '-01' AS DATE) AS month, coalesce(n.suppressed, 0) AS suppressed, "
        "coalesce(n.suppressed, 0) <> coalesce(k.withheld, 0) AS is_marked_otherwise "
        "FROM (SELECT k.* FROM known AS k JOIN again USING (release, place)) AS k "
        "FULL JOIN now AS n USING (release, place, cell) WHERE k.shown IS DISTINCT FROM n.shown")
    tables = [row[0] for row in con.execute("SELECT DISTINCT table_name FROM temp.ledger_changed "
                                            "ORDER BY ALL").fetchall()]
    violations = []
    for table in tables:
        found = con.execute(_judged(policy, table), {"table": table}).fetchall()[0]
        texts = ("that are suppressed in one of the two alone", "whose contributors are not known any more",
                 f"with other figures for fewer than {policy.release.thresholds.k} contributors")
        violations += [f"{table}: {count:,} cells of a published month would be published again {text}"
                       for count, text in zip(found, texts, strict=True) if count]
    violations += changed_remainders(con, policy, public)
    con.execute("DROP TABLE temp.ledger_changed")
    return violations


def _judged(policy: Policy, table: str) -> str:
    """The SELECT that counts a table's changed cells by what is wrong with them."""
    shape, k = shape_of(policy, table), policy.release.thresholds.k
    width, last = 4 * digits(shape), len(shape.measures) - 1
    counts, few = [], []
    for i in range(last + 1):
        moved = f"(xor(was, now) >> {width * (last - i)}) & {2 ** width - 1}"
        counts.append(f"count(*) FILTER ({moved} <> 0) AS people_{i}")
        few.append(f"(suppressed >> {i}) & 1 = 0 AND people_{i} BETWEEN 1 AND {k - 1:d}")
    # A cell that shows something else though nobody in it differs is a contradiction; lines that name nobody may.
    nobody = "" if contributor_source(policy, table).may_name_nobody else (
        " OR coalesce(" + " + ".join(f"people_{i}" for i in range(last + 1)) + ", 0) = 0")
    # Of a ledger from before they were left out, too: people who are kept on one side alone would all seem to differ.
    unknown = "k.month IS NULL OR f.month IS NULL" if keeps_people(shape) else "true"
    return (
        "WITH changed AS (SELECT * FROM temp.ledger_changed WHERE table_name = $table), "
        "kept AS (SELECT DISTINCT release, month FROM ledger.contributors), "
        "fresh AS (SELECT DISTINCT month FROM temp.ledger_contributors), "
        "old AS (SELECT release, cell, person, own FROM ledger.contributors "
        "JOIN (SELECT release, cell FROM changed) USING (release, cell)), "
        "new AS (SELECT release, cell, person, own FROM temp.ledger_contributors "
        "JOIN (SELECT release, cell FROM changed) USING (cell)), "
        "pairs AS (SELECT release, cell, coalesce(o.own, 0)::UBIGINT AS was, coalesce(n.own, 0)::UBIGINT AS now "
        "FROM old AS o FULL JOIN new AS n USING (release, cell, person)), "
        f"people AS (SELECT release, cell, {', '.join(counts)} FROM pairs GROUP BY ALL), "
        f"judged AS (SELECT is_marked_otherwise, {unknown} AS is_unknown, "
        f"coalesce({' OR '.join(few)}, false){nobody} AS is_few FROM changed AS c "
        "LEFT JOIN people AS p USING (release, cell) LEFT JOIN kept AS k USING (release, month) "
        "LEFT JOIN fresh AS f USING (month)) "
        "SELECT count(*) FILTER (is_marked_otherwise), count(*) FILTER (NOT is_marked_otherwise AND is_unknown), "
        "count(*) FILTER (NOT is_marked_otherwise AND NOT is_unknown AND is_few) FROM judged")


def remember(con: Connection, settings: Settings, manifest_sha256: str, month: str, manifests: list[str]) -> None:
    """Write a release down before it is committed; until it is confirmed it counts for nothing.

    Contributors of months that are too old go, and releases that were never committed.

    Args:
        con: holds the tables of `ledger_cells`.
        settings: where the ledger and its key are.
        manifest_sha256: the release's manifest.
        month: the release's month, YYYY-MM.
        manifests: the hashes of the releases that the control store knows.
    """
    new = ("(SELECT $sha256 AS manifest_sha256, $month AS month, false AS is_committed)")
    with _rewritten(con, settings) as known:
        old = ("(SELECT number, manifest_sha256, month, is_committed OR list_contains($manifests::VARCHAR[], "
               "manifest_sha256) AS is_committed FROM ledger.releases WHERE manifest_sha256 <> $sha256)")
        kept = f"SELECT * FROM {old} WHERE is_committed UNION ALL " if known else ""
        number = "(SELECT coalesce(max(number), 0) + 1 FROM ledger.releases)" if known else "1"
        bound = {"sha256": manifest_sha256, "month": month}
        con.execute(f"CREATE TABLE building.releases AS {kept}SELECT {number} AS number, * FROM {new} ORDER BY number",
                    {**bound, **({"manifests": manifests} if known else {})})
        newest, last = con.execute("SELECT max(number), max(month) FROM building.releases").fetchall()[0]
        since = date.fromisoformat(f"{oldest_kept(last)}-01")
        _keep_carried(con, since)
        for table, columns, rows, condition in (
                ("cells", "place, cell, shown, withheld",
                 "(SELECT place, cell, shown, suppressed AS withheld FROM temp.ledger_cells)", ""),
                ("contributors", "month, cell, person, own", "temp.ledger_contributors", " WHERE month >= $since")):
            oldest = {"since": since} if condition else {}
            con.execute(f"CREATE TABLE building.{table} AS SELECT {newest:d} AS release, {columns} FROM {rows}"
                        f"{condition} ORDER BY ALL", oldest)
            if known:  # in order already: only what is new is sorted
                con.execute(f"INSERT INTO building.{table} SELECT release, {columns} FROM (SELECT * FROM "
                            f"ledger.{table} SEMI JOIN building.releases ON number = release){condition}", oldest)


def exists(settings: Settings) -> bool:
    """Returns whether there is a ledger."""
    return _path(settings).exists()


def has_carried(con: Connection) -> bool:
    """Returns whether the attached ledger knows of facts of open periods; an earlier version's does not."""
    return _has(con, "carried")


def add_carried(con: Connection, settings: Settings) -> int:
    """Add the facts of temp.carried_new that the ledger does not know; returns how many.

    Raises:
        ZoneError: the file cannot be read or written.
    """
    with attached(con, key_store(settings), _path(settings), NAME):
        if not _is_ledger(con):
            return 0
        if has_carried(con):
            con.execute("DELETE FROM temp.carried_new AS n USING ledger.carried AS k "
                        "WHERE n.entity = k.entity AND n.record = k.record")
    new: int = con.execute("SELECT count(*) FROM temp.carried_new").fetchall()[0][0]
    if new:
        with _rewritten(con, settings):
            for table in ("releases", "cells", "contributors"):
                con.execute(f"CREATE TABLE building.{table} AS SELECT * FROM ledger.{table} ORDER BY ALL")
            _keep_carried(con)
            con.execute("INSERT INTO building.carried FROM temp.carried_new")
    return new


def _keep_carried(con: Connection, since: date = date.min) -> None:
    con.execute(f"CREATE TABLE building.carried ({_CARRIED})")
    if has_carried(con):
        con.execute("INSERT INTO building.carried FROM ledger.carried WHERE month >= $since", {"since": since})


def confirm(con: Connection, settings: Settings, manifest_sha256: str) -> None:
    """Note that a release was committed."""
    with _locked(settings), attached(con, key_store(settings), _path(settings), NAME, write=True):
        con.execute("UPDATE ledger.releases SET is_committed = true WHERE manifest_sha256 = $sha256",
                    {"sha256": manifest_sha256})


def forget(settings: Settings, contributors: Iterable[tuple[str, str]]) -> int:
    """Take people out of the ledger for good; returns how many rows that were. Nothing happens without a ledger.

    Args:
        settings: where the ledger and its key are.
        contributors: kind and value of everything a person contributes under, in the spelling of anonymous.tokens:
            ("customer", customer_id), ("subject", "customer:..." or "contact:..."), ("newsletter", e-mail),
            ("log", user name, else IP address), ("visitor", visitor_id). Case does not matter for e-mails and user
            names.

    Raises:
        ValueError: a kind is unknown.
        ZoneError: the file cannot be read or written.
    """
    pairs = sorted({(kind, value) for kind, value in contributors if value})
    if unknown := sorted({kind for kind, _ in pairs} - set(KINDS)):
        raise ValueError(f"not a kind of contributor: {', '.join(unknown)}")
    if not pairs or not _path(settings).exists():
        return 0
    key = contributor_key(settings)
    tokens = sorted({int.from_bytes(hmac.digest(key, f"{kind}:{text}".encode(), "sha256")[:8], "big")
                     for kind, value in pairs for text in {value, _spelled(kind, value)}})
    con = memory(settings, ("httpfs",))
    try:
        con.execute("CREATE TEMP TABLE gone AS SELECT unnest($tokens::UBIGINT[]) AS person", {"tokens": tokens})
        with attached(con, key_store(settings), _path(settings), NAME):
            found = con.execute("SELECT count(*) FROM ledger.contributors SEMI JOIN temp.gone USING (person)"
                                ).fetchall()[0][0] if _is_ledger(con) else 0
        if found:
            with _rewritten(con, settings):
                for table in ("releases", "cells"):
                    con.execute(f"CREATE TABLE building.{table} AS SELECT * FROM ledger.{table} ORDER BY ALL")
                _keep_carried(con)
                con.execute("CREATE TABLE building.contributors AS SELECT * FROM ledger.contributors "
                            "ANTI JOIN temp.gone USING (person) ORDER BY ALL")
    finally:
        con.close()
    return int(found)


def _spelled(kind: str, value: str) -> str:
    return value.lower() if kind in ("newsletter", "log") else value


def _is_ledger(con: Connection) -> bool:
    return _has(con, "contributors")


def _has(con: Connection, table: str) -> bool:
    return bool(con.execute("SELECT count(*) FROM duckdb_tables() WHERE database_name = $name AND table_name = $table",
                            {"name": NAME, "table": table}).fetchall()[0][0])


@contextmanager
def _rewritten(con: Connection, settings: Settings) -> Iterator[bool]:
    """A new file `building` beside the old one, `ledger`; it takes its place at the end. Gives whether there is one."""
    path, keys = _path(settings), key_store(settings)
    building = path.parent / f".{NAME}" / path.name
    with _locked(settings), engine_errors(f"{path.parent.name}/{path.name}"):
        shutil.rmtree(building.parent, ignore_errors=True)
        building.parent.mkdir(mode=0o700)
        try:
            with attached(con, keys, building, "building", create=True):
                if path.exists():
                    with attached(con, keys, path, NAME):
                        yield _is_ledger(con)
                else:
                    yield False
            with building.open("rb") as file:
                os.fsync(file.fileno())
            path.with_name(f"{path.name}.wal").unlink(missing_ok=True)  # read already; it must not meet the new file
            building.replace(path)
        finally:
            shutil.rmtree(building.parent, ignore_errors=True)


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """One writer at a time: two that rewrite the file would lose what one of them wrote."""
    with engine_errors("restricted/ledger.lock"):
        lock = (settings.restricted / f"{NAME}.lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        lock.close()


def _path(settings: Settings) -> Path:
    return settings.restricted / f"{NAME}.duckdb"
