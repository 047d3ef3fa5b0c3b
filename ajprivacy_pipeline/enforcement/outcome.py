"""What became of a plan's rows, by the states that its file notes (`made.rows`).

Belongs here: settling a batch, and telling what was carried out, what stands again and what is left. Does not belong
here: which states there are and when a row gets one (`fresh`), the order of an apply (`carry`).
"""

from ajprivacy_pipeline.enforcement import fresh
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.retention.carried import FirstDue
from ajprivacy_pipeline.storage.zones import Connection


def tally(con: Connection) -> dict[str | None, int]:
    """Returns how many rows are in each state."""
    return dict(con.execute("SELECT state, count(*) FROM made.rows GROUP BY ALL").fetchall())


def settle(con: Connection, number: int) -> None:
    """Note that a batch is committed."""
    con.execute(f"UPDATE made.rows SET state = CASE WHEN is_carried THEN '{fresh.APPLIED}' "
                f"ELSE '{fresh.NOT_CARRIED_OUT}' END WHERE batch = $number AND state = '{fresh.INTENDED}'",
                {"number": number})


def written_back(con: Connection) -> int:
    """Returns how many rows were carried out and hold something again."""
    return int(con.execute("SELECT count(*) FROM scratch.pending AS p JOIN made.rows AS r USING (row_no) "
                           f"WHERE r.state = '{fresh.APPLIED}'").fetchall()[0][0])


def oldest_left(con: Connection) -> str | None:
    """Returns since when the oldest is due of what was not carried out."""
    oldest = con.execute("SELECT min(due_on) FROM made.rows WHERE state NOT IN "
                         f"('{fresh.APPLIED}', '{fresh.ALREADY}', '{fresh.NOT_DUE}')").fetchall()[0][0]
    return oldest.isoformat() if oldest else None


def leave_the_rest(con: Connection, known: FirstDue, month: str, policy: Policy) -> None:
    """Let whoever was busy in every round wait for the next plan, and remember what was left and what was dropped."""
    con.execute(f"UPDATE made.rows SET state = '{fresh.WAITS}' WHERE state IS NULL")
    left = con.execute("SELECT entity, record_id, part, due_on FROM made.rows WHERE state NOT IN "
                       f"('{fresh.APPLIED}', '{fresh.ALREADY}') AND due_on IS NOT NULL").fetchall()
    known.remember(left, month)
    dropped = con.execute("SELECT entity, record_id, part FROM made.rows WHERE list_contains($dropped, state)",
                          {"dropped": list(fresh.DROPPED)}).fetchall()
    known.remember_dropped(dropped, month, policy.enforcement.dropped_months)
