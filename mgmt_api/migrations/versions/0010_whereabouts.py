"""Who is where, as gateways tell."""

import sqlalchemy as sa
from alembic import op

revision = "0010_whereabouts"
down_revision = "0009_answers"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "whereabouts",
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("person", sa.String(length=128), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("inside", sa.Boolean(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("zone", "person", name="pk_whereabouts"),
    )
    op.create_index("ix_whereabouts_version", "whereabouts", ["version"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_table("whereabouts")
