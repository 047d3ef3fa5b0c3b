"""The marker table: one row a batch, which stands in the warehouse exactly where the batch's changes do.

Belongs here: its name and columns. Does not belong here: writing it (`writer`), what its counts mean (`enforcement`).
"""

import sqlalchemy as sa

MARKER = "ajprivacy_batches"
BATCHES = sa.Table(
    MARKER, sa.MetaData(),
    sa.Column("plan_id", sa.String(32), primary_key=True),
    sa.Column("batch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("counts", sa.Text, nullable=False),
    sa.Column("marked_at", sa.String(32), nullable=False),
)
