"""What is wrong with a month's facts: values that do not fit, and evidence that is missing, as counts.

Belongs here: counting faults per table and column, and reading why nobody is due. Does not belong here: finding them
(`retention.write_quality`, `sql/retention/evidence.sql`).
"""

from ajprivacy_pipeline.zones import Connection


def fault_counts(con: Connection) -> list[tuple[str, str, str, int]]:
    """(table, column, fault, rows) of staged.quality, the most frequent first; never an id or a value."""
    found = con.execute("SELECT table_name, column_name, fault, count(*) FROM staged.quality "
                        "GROUP BY ALL ORDER BY 4 DESC, 1, 2, 3").fetchall()
    return [(str(table), str(column), str(fault), int(rows)) for table, column, fault, rows in found]


def missing_evidence(con: Connection) -> list[str]:
    """Why nobody is due this month, empty when the facts are evidence; names of tables and columns alone."""
    is_missing, reasons = con.execute("SELECT is_missing, reasons FROM retention.evidence").fetchall()[0]
    return [str(reason) for reason in reasons] if is_missing else []
