"""G4: no shown amount is one contributor's, or two's, in all but name.

Belongs here: the independent check. Does not belong here: suppressing (thresholds, which has the rule itself).
"""

from ajprivacy_pipeline.disclosure.cells.contributor_sources import contributors_of, per_party
from ajprivacy_pipeline.disclosure.cells.primary import counted, is_dominated, shape_of
from ajprivacy_pipeline.disclosure.verdict import Verdict, verdict
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.storage.zones import Connection, quote


def check_dominance(con: Connection, policy: Policy, public: dict[str, str]) -> Verdict:
    """Checks G4 over newly computed public tables, from the anonymous facts and not from the hidden columns.

    The thresholds are not published: who knows them can turn a suppressed amount into an estimate.
    """
    violations: list[str] = []
    shown = suppressed = 0
    for table, relation in sorted(public.items()):
        shape = shape_of(policy, table)
        if not shape.amounts:
            continue
        if contributors_of(policy, table) is None:
            violations.append(f"{table}: nothing says which facts its amounts are counted from")
            continue
        keys, own, rows = per_party(con, policy, table)
        joined = ", ".join(map(quote, keys))
        named = " OR ".join(quote(f"dominated_{m}") for m in shape.amounts)
        if missing := set(shape.amounts) - set(own):
            violations.append(f"{table}: the facts lack {', '.join(sorted(missing))}")
            continue
        tops = ", ".join(
            is_dominated(policy, f"max(abs({quote('own_' + m)}))", f"coalesce(max(abs({quote('own_' + m)}), 2)[2], 0)",
                         f"sum(abs({quote('own_' + m)}))") + f" AS {quote('dominated_' + m)}" for m in shape.amounts)
        source = f"{relation} AS p LEFT JOIN (SELECT {joined}, {tops} FROM ({rows}) GROUP BY ALL) AS r USING ({joined})"
        violations += counted(con, source, {
            f"{table}.{m}: {{}} values shown that one or two contributors dominate": f"{quote(m)} IS NOT NULL AND "
            f"coalesce({named}, true)" for m in shape.amounts})
        amounts = " + ".join(f"count({quote(m)})" for m in shape.amounts)
        rest = " + ".join(f"count(*) FILTER (NOT suppressed AND {quote(m)} IS NULL)" for m in shape.amounts)
        found = con.execute(f"SELECT {amounts}, {rest} FROM {relation}").fetchall()[0]
        shown, suppressed = shown + found[0], suppressed + found[1]
    return verdict("G4", f"{shown:,} new amounts are shown, {suppressed:,} suppressed singly", violations,
                   {"amounts": shown, "amounts_suppressed": suppressed})
