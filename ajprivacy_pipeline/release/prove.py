"""The gates of a release: every guarantee that is checked so far, over what is about to be published.

Belongs here: calling the checks on the right things, and stopping. Does not belong here: the checks themselves
(`disclosure`).
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ajprivacy_pipeline.disclosure.cells.primary import columns_of, mark_faults
from ajprivacy_pipeline.disclosure.cells.rounded_check import rounded_faults
from ajprivacy_pipeline.disclosure.columns import check_columns
from ajprivacy_pipeline.disclosure.guarantees import GUARANTEES
from ajprivacy_pipeline.disclosure.texts.leakscan import Hit, Text, describe, scan
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.lineage import lineage_figure
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release import logs
from ajprivacy_pipeline.release.manifest import Release, verify_release
from ajprivacy_pipeline.release.tables import name_columns
from ajprivacy_pipeline.release.texts import texts_of_release
from ajprivacy_pipeline.release.views import with_views
from ajprivacy_pipeline.storage.zones import Connection, differing, engine_errors, literal, memory, quote

_SHOWN = 8


class GuaranteeError(ReleaseError):
    """A guarantee does not hold; `verdicts` has what was found. Nothing was published."""

    def __init__(self, verdicts: Sequence[Verdict]) -> None:
        """Show the first violations of each failed guarantee."""
        self.verdicts = tuple(verdicts)
        failed = [v for v in verdicts if not v.passed]
        listed = [f"{v.guarantee}: {text}" for v in failed for text in v.violations[:_SHOWN]]
        more = sum(max(0, len(v.violations) - _SHOWN) for v in failed)
        tail = [f"and {more} more"] if more else []
        remedies = list(dict.fromkeys(GUARANTEES[v.guarantee].remedy for v in failed))
        head = "the release is not published, the previous one stays:"
        super().__init__("\n  - ".join([head, *listed, *tail, *remedies]))


def columns_figure(policy: Policy) -> str:
    """Returns G1 as the release says it."""
    declared = policy.release.tables.values()
    return f"{sum(len(t.columns) for t in declared):,} columns of {len(declared):,} tables are declared"


def leaks_figure(policy: Policy) -> str:
    """Returns G10 as the release says it."""
    return f"no text names anybody; {len(list(policy.sources.identifying_columns()))} identifying columns compared"


def swap_figure(files: int) -> str:
    """Returns G14 as the release says it."""
    return f"{files:,} files verified against the manifest before one rename publishes them"


def together(cells: Verdict, classes: Verdict | None) -> Verdict:
    """Returns G2 of the cells and of the classes of microdata, where there are some, as one verdict."""
    if classes is None:
        return cells
    return verdict("G2", f"{cells.figure}; {classes.figure}",
                   [*cells.violations, *classes.violations], {**cells.figures, **classes.figures})


def claims(policy: Policy, found: Sequence[Verdict], files: int, *, is_logged: bool) -> list[Verdict]:
    """Returns the verdicts a release of so many files carries, if it is published at all: every gate holds it to them.

    Args:
        policy: what is declared.
        found: verdicts that are known already.
        files: how many there will be.
        is_logged: whether somebody hands in what the run has written down; without that G13 is not checked.
    """
    columns = {"columns": sum(len(table.columns) for table in policy.release.tables.values())}
    compared = {"identifying_columns": len(list(policy.sources.identifying_columns()))}
    named = {"functions": len(policy.release.declassifiers)}
    logged = [verdict("G13", logs.FIGURE, [], compared)] if is_logged else []
    later = [verdict("G1", columns_figure(policy), [], columns), verdict("G10", leaks_figure(policy), [], compared),
             verdict("G11", lineage_figure(policy), [], named),
             verdict("G14", swap_figure(files), [], {"files": files}), *logged]
    return sorted([*found, *later], key=lambda v: GUARANTEES[v.guarantee].number)


def require(verdicts: Sequence[Verdict]) -> None:
    """Stop unless all verdicts passed.

    Raises:
        GuaranteeError: with every violation.
    """
    if not all(v.passed for v in verdicts):
        raise GuaranteeError(verdicts)


def name_places(policy: Policy) -> set[str]:
    """Returns where names of something stand, as table.column: they are suppressed where they could name somebody."""
    return {f"{table}.{column}" for table, column in name_columns(policy)}


def check_leaks(con: Connection, policy: Policy, new: set[Text], closed: set[Text],
                logged: set[Text]) -> tuple[Verdict, set[str], list[str]]:
    """Checks G10 over new texts, closed months and the policy's own texts, and G13 over the log's.

    Returns the verdict of G10, the product names to suppress, and what violates G13. A product name of a closed month
    is reported, not refused: its file was scanned when it was published and is pinned by its hash; only a re-issue can
    change it. The log is scanned along: the warehouse is read once for both.
    """
    found, unread = scan(con, policy, new | closed | logged)
    hits, places = [hit for hit in found if hit.place != logs.LOG], name_places(policy)
    names = {hit.value for hit in hits if hit.place in places}
    new_names = names & {t.value for t in new if t.place in places}
    violations = describe(hit for hit in hits if hit.place not in places)
    violations += [f"staged.{column} is missing: it cannot be compared" for column in unread]
    figures = {"texts": len(new | closed), "names_suppressed": len(new_names),
               "names_in_closed_months": len(names - new_names)}
    return (verdict("G10", leaks_figure(policy), violations, figures), new_names,
            describe(hit for hit in found if hit.place == logs.LOG))


def check_staged(policy: Policy, folder: Path, paths: Sequence[str]) -> Verdict:
    """Checks G1 on every staged Parquet file, and the marks of every month, copied ones too.

    The table release_info is yet to come.
    """
    violations: list[str] = []
    by_table: dict[str, list[str]] = {}
    for path in paths:
        by_table.setdefault(path.partition("/")[0], []).append(path)
    con = memory()
    try:
        for table, listed in by_table.items():
            only = _only(policy, table)
            with engine_errors(table):
                shapes = list(_shapes(con, folder, listed))
            for path, shape in shapes:
                violations += check_columns(only, {table: shape}, path).violations
        if not violations:
            for table, listed in by_table.items():
                faults = rounded_faults if policy.release.tables[table].rounded else mark_faults
                if policy.release.tables[table].months:
                    violations += faults(con, policy, table, _parquet(folder, listed))
    finally:
        con.close()
    return verdict("G1", columns_figure(policy), violations, {"files": len(paths)})


def _parquet(folder: Path, paths: Sequence[str]) -> str:
    return f"read_parquet([{', '.join(literal(str(folder / path)) for path in paths)}])"


def _shapes(con: Connection, folder: Path, paths: Sequence[str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Each file with its columns and types; files that say the same of themselves are asked once."""
    listed = ", ".join(literal(str(folder / path)) for path in paths)
    said = dict(con.execute(f"SELECT file_name, CAST(list(s ORDER BY column_id) AS VARCHAR) FROM (SELECT file_name, "
                            f"column_id, struct_pack(*COLUMNS(* EXCLUDE file_name)) AS s "
                            f"FROM parquet_schema([{listed}])) GROUP BY file_name").fetchall())
    known: dict[str, dict[str, str]] = {}
    for path in paths:
        text = said[str(folder / path)]
        if text not in known:
            known[text] = columns_of(con, _parquet(folder, [path]))
        yield path, known[text]


def _only(policy: Policy, table: str) -> Policy:
    """The policy with one published table, to hold a file to its own."""
    kept = {name: entry for name, entry in policy.release.tables.items() if name == table}
    return policy.model_copy(update={"release": policy.release.model_copy(update={"tables": kept})})


def check_built(policy: Policy, release: Release, analytics: Path) -> list[Verdict]:
    """Checks G1 and G14 on the staged result.

    Files are what the manifest says; analytics.duckdb has equal rows and shapes.
    """
    violations: list[str] = []
    con = memory()
    try:
        with engine_errors(analytics.name):
            con.execute(f"ATTACH {literal(str(analytics))} AS analytics (READ_ONLY)")
            rows = con.execute("SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = "
                               "'analytics' ORDER BY table_name, column_index").fetchall()
            shapes: dict[str, dict[str, str]] = {}
            for table, column, column_type in rows:
                shapes.setdefault(table, {})[column] = column_type
            for table in release.tables:
                files = f"FROM read_parquet([{', '.join(literal(str(file)) for file in release.files(table))}])"
                if count := differing(con, files, f"FROM analytics.published.{quote(table)}"):
                    violations.append(f"{table}: {count:,} rows differ between analytics.duckdb and the Parquet files")
    finally:
        con.close()
    try:
        verify_release(release.folder, release.manifest_sha256)
    except ReleaseError as error:
        violations.append(str(error))
    return [check_columns(with_views(policy), shapes, analytics.name),
            verdict("G14", swap_figure(len(release.manifest["files"])), violations)]


def check_remaining_texts(con: Connection, policy: Policy, release: Release, analytics: Path,
                          cleared: set[Text]) -> Verdict:
    """Checks G10 once more, on the staged result: texts that the first scan did not see are scanned now.

    Product names that were suppressed must be gone; one that is still there counts like any other text.
    """
    built = {text for text in texts_of_release(release, policy, analytics) if text.value}
    rest = built - cleared
    hits: list[Hit] = []
    unread: list[str] = []
    if rest:
        hits, unread = scan(con, policy, rest)
    return verdict("G10", f"{len(built):,} texts", describe(hits) + [f"staged.{c} is missing" for c in unread],
                   {"texts": len(built), "scanned_late": len(rest)})
