"""What gateways report."""

import sqlalchemy as sa
from alembic import op

revision = "0003_doors"
down_revision = "0002_sync"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "command",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("operator", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("issued_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_command"),
    )
    op.create_index("ix_command_state_gateway", "command", ["state", "gateway"], unique=False)
    op.create_table(
        "event",
        sa.Column("cursor", BIG, autoincrement=False, nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("occurred_at", sa.Double(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("door", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("cursor", name="pk_event"),
        sa.UniqueConstraint("gateway", "seq", name="uq_event_gateway_seq"),
    )
    op.create_index("ix_event_door_cursor", "event", ["door", "cursor"], unique=False)
    op.create_index("ix_event_kind_cursor", "event", ["kind", "cursor"], unique=False)
    op.create_index("ix_event_occurred_at", "event", ["occurred_at"], unique=False)
    op.create_table(
        "gateway",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("acked", BIG, nullable=False),
        sa.Column("inventory", sa.Text(), nullable=False),
        sa.Column("inventory_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_gateway"),
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in ("gateway", "event", "command"):
        op.drop_table(name)
