"""The marker table: one row a batch, which stands in the warehouse exactly where the batch's changes do.

Belongs here: its name and columns, reading it. Does not belong here: writing it (`writer`), what its counts mean
(`enforcement`).
"""

import sqlalchemy as sa

from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.source import Source

MARKER = "ajprivacy_batches"
BATCHES = sa.Table(
    MARKER, sa.MetaData(),
    sa.Column("plan_id", sa.String(32), primary_key=True),
    sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("marked_at", sa.String(32), nullable=False),
)


def read_counts(source: Source) -> list[tuple[str, str]]:
    """Returns the plan of every batch that stands in a warehouse, with the counts it left; none without the table.

    Raises:
        SourceError: the table cannot be read.
    """
    with driver_errors(source.address, f"table {MARKER}"):
        if not sa.inspect(source.connection).has_table(MARKER):
            return []
        return [(row.plan_id, row.counts)
                for row in source.connection.execute(sa.select(BATCHES.c.plan_id, BATCHES.c.counts))]
