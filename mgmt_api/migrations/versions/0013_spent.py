"""Codes and passes that gateways accepted."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0013_spent"
down_revision = "0012_seed"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table, and the counter of its versions."""
    op.create_table(
        "spent",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spent"),
    )
    op.create_index("ix_spent_until", "spent", ["until"], unique=False)
    op.create_index("ix_spent_version", "spent", ["version"], unique=False)
    born = int(time.time() * 1000)
    counter = sa.table("counter", sa.column("name"), sa.column("value"), sa.column("floor"))
    op.bulk_insert(counter, [{"name": "spent", "value": born, "floor": born}])


def downgrade() -> None:
    """Drop them."""
    op.execute("DELETE FROM counter WHERE name = 'spent'")
    op.drop_table("spent")
