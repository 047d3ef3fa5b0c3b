"""G15: what a release is still good for, beside what it keeps back.

Belongs here: rows and values suppressed by table, the error of the policy's golden queries, how many contributors shown
cells stand on, and how many people the microdata leave out. Does not belong here: drawing (`plots`).

What is published of it can be worked out from the published tables alone, so that it tells nobody anything new:

- an answer that is one shown cell is exact, one that is suppressed is none;
- a sum over parts is compared with its published total, and is none where that is suppressed;
- a stock may be off by half of what it is rounded to, which is taken for its error;
- contributors stand in bands that begin at k, over all tables together.

The mean error against the true answers, query by query, stands in the run's own metadata alone. That a shown answer is
the true one is checked, and blocks.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from ajprivacy_pipeline.disclosure.cells.primary import shape_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.utility import EXACT, NONE, GoldenQuery
from ajprivacy_pipeline.release.manifest import Release
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, quote

Said = dict[str, Any]  # what the manifest says, a key a figure


def check_utility(con: Connection, policy: Policy, month: str, public: dict[str, str], left_out: Verdict | None,
                  previous: Release | None) -> tuple[Verdict, Said]:
    """Checks G15 of the cells about to be published, and what the manifest says of their use.

    Args:
        con: holds the cells and the public tables.
        policy: golden queries and bands.
        month: the release's own, for the trend.
        public: the quoted relation of each public table.
        left_out: whether the microdata leave out too many people; None without microdata.
        previous: its trend goes on.
    """
    with engine_errors("utility"):
        cells = {table: _suppressed(con, relation) for table, relation in sorted(public.items())}
        answers, faults = _golden(con, policy, public)
        contributors = _contributors(con, policy, public)
    rows, suppressed = (sum(entry[name] for entry in cells.values()) for name in ("rows", "suppressed"))
    trend = _earlier_trend(previous)
    if month not in {entry["month"] for entry in trend}:  # else a part of that release is computed again
        trend.append({"month": month, "rows": rows, "suppressed": suppressed})
    total = sum((Counter(bands) for bands in answers.values()), Counter())
    of_answers = ", ".join(f"{total[band]:,} {band}" for band in policy.release.utility.error_names if total[band])
    figure = (f"{suppressed:,} of {rows:,} new cells suppressed; answers to {len(answers):,} golden queries: "
              f"{of_answers or 'none'}{f'; {left_out.figure}' if left_out else ''}")
    figures = {f"suppressed_{table}": entry["suppressed"] for table, entry in cells.items()}
    figures |= {f"rows_{table}": entry["rows"] for table, entry in cells.items()}
    said = {"new_cells": cells, "golden": answers, "contributors": contributors, "trend": trend}
    return verdict("G15", figure, [*faults, *(left_out.violations if left_out else ())], figures), said


def _earlier_trend(previous: Release | None) -> list[Said]:
    """Returns the trend of the previous release; earlier versions called suppressed cells `withheld`."""
    entries = previous.manifest.get("utility", {}).get("trend", []) if previous else []
    return [{"month": entry["month"], "rows": entry["rows"],
             "suppressed": entry["suppressed"] if "suppressed" in entry else entry["withheld"]} for entry in entries]


def suppressed_sums(gates: Iterable[Verdict]) -> Said:
    """Returns what G5 found of the suppressed cells of sums, for the page; empty where it says nothing of them."""
    found = next((gate.figures for gate in gates if gate.guarantee == "G5"), {})
    wanted = ("suppressed_in_systems", "exactly_recoverable", "too_narrow")
    also = (*wanted, "narrowest_count", "narrowest_percent")
    return {name: found[name] for name in also if name in found} if set(wanted) <= set(found) else {}


def _suppressed(con: Connection, relation: str) -> dict[str, int]:
    """Rows of a public table, those suppressed whole, values suppressed singly."""
    found = con.execute("SELECT count(*), count(*) FILTER (suppressed), coalesce(sum(len(suppressed_measures)), 0) "
                        f"FROM {relation}").fetchall()[0]
    return {"rows": int(found[0]), "suppressed": int(found[1]), "values_suppressed": int(found[2])}


def banded(con: Connection, policy: Policy, query: str, column: str) -> dict[str, int]:
    """Returns how many rows of a query fall into each band of contributors by a column; those below k into none."""
    bands = policy.release.utility.contributors(policy.release.thresholds.k)
    counts = ", ".join(f"count(*) FILTER ({quote(column)} BETWEEN {low:d} AND {most if most is not None else 2**62:d})"
                       for low, most in bands.values())
    return dict(zip(bands, map(int, con.execute(f"SELECT {counts} FROM ({query})").fetchall()[0]), strict=True))


def _contributors(con: Connection, policy: Policy, public: dict[str, str]) -> dict[str, int]:
    """How many shown cells stand on how many contributors, over all tables."""
    total: Counter[str] = Counter(dict.fromkeys(policy.release.utility.contributors(policy.release.thresholds.k), 0))
    for table, relation in public.items():
        keys = ", ".join(quote(d) for d in shape_of(policy, table).keys)
        total.update(banded(con, policy, f"SELECT c.contributors FROM published.{quote(table)} AS c "
                                         f"JOIN {relation} AS p USING ({keys}) WHERE NOT p.suppressed", "contributors"))
    return dict(total)


def _golden(con: Connection, policy: Policy,
            public: dict[str, str]) -> tuple[dict[str, dict[str, int]], list[str]]:
    """By query its answers in each band of error; shown answers that are not true."""
    answers: dict[str, dict[str, int]] = {}
    faults = []
    for name, asked in policy.release.utility.golden.items():
        if asked.table not in public:
            continue
        query = _answers(policy, asked, public[asked.table])
        found = con.execute(f"SELECT {_band(policy)} AS band, count(*) FROM ({query}) GROUP BY band").fetchall()
        answers[name] = {**dict.fromkeys(policy.release.utility.error_names, 0),
                         **{band: int(count) for band, count in found}}
        untrue, = con.execute(f"SELECT count(*) FILTER (is_shown AND whole <> truth) FROM ({query})").fetchall()[0]
        if untrue:
            faults.append(f"{asked.table}.{asked.measure}: {untrue:,} shown values are not those that were computed "
                          f"(golden query {name})")
    return answers, faults


def _answers(policy: Policy, asked: GoldenQuery, relation: str) -> str:
    """A row an answer: `whole` as published, `shown` as added up from shown parts, `truth` from the cells, `error`."""
    shape, k = shape_of(policy, asked.table), policy.release.thresholds.k
    is_stock = asked.measure in shape.stocks
    keys, value = ", ".join(map(quote, asked.per)), quote(asked.measure)

    def grouped(source: str, parts: tuple[str, ...], name: str) -> str:
        return (f"(SELECT {keys}, CAST(sum({value}) AS DOUBLE) AS {name} FROM {source} "
                f"WHERE {_where(policy, asked.table, parts)} GROUP BY ALL)")

    if is_stock:
        error = f"50.0 * {k:d} / nullif(abs(whole), 0)"
    elif asked.over:
        error = "CASE WHEN shown = whole THEN 0 ELSE 100 * abs(shown - whole) / nullif(abs(whole), 0) END"
    else:
        error = "0.0"
    return (f"SELECT *, {error} AS error, {'false' if is_stock else 'whole IS NOT NULL'} AS is_shown "
            f"FROM {grouped(f'published.{quote(asked.table)}', asked.per, 'truth')} "
            f"JOIN {grouped(relation, asked.per, 'whole')} USING ({keys}) "
            f"LEFT JOIN {grouped(relation, (*asked.per, *asked.over), 'shown')} USING ({keys})")


def _where(policy: Policy, table: str, parts: tuple[str, ...]) -> str:
    """The condition that some dimensions stand at their parts and the others at their total."""
    shape, total = shape_of(policy, table), literal(policy.release.values.all)
    return " AND ".join(f"{quote(d)} {'<>' if d in parts else '='} {total}" for d in shape.keys
                        if d != shape.time) or "true"


def _band(policy: Policy) -> str:
    """The band of an answer's error."""
    ends = policy.release.utility.error_bands
    names = policy.release.utility.error_names
    upper = " ".join(f"WHEN error <= {end:d} THEN {literal(name)}" for end, name in zip(ends, names[1:], strict=False))
    return (f"CASE WHEN whole IS NULL OR shown IS NULL THEN {literal(NONE)} WHEN error = 0 THEN {literal(EXACT)} "
            f"{upper} ELSE {literal(names[-2])} END")
