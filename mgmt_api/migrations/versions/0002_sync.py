"""Where central stands."""

import sqlalchemy as sa
from alembic import op

revision = "0002_sync"
down_revision = "0001_office"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "answer",
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("request", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("caller", "key", name="pk_answer"),
    )
    op.create_index("ix_answer_at", "answer", ["at"], unique=False)
    op.create_table(
        "snapshot",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshot"),
    )
    op.create_table(
        "sync_state",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("seq", BIG, nullable=False),
        sa.Column("confirmed_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sync_state"),
    )
    op.create_table(
        "snapshot_part",
        sa.Column("snapshot", sa.String(length=32), nullable=False),
        sa.Column("part", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("index", sa.LargeBinary(), nullable=False),
        sa.Column("rows", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot"], ["snapshot.id"], name="fk_snapshot_part_snapshot", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("snapshot", "part", name="pk_snapshot_part"),
    )

    state = sa.table("sync_state", *(sa.column(name) for name in ("id", "epoch", "seq", "confirmed_at")))
    op.bulk_insert(state, [{"id": 1, "epoch": "null", "seq": 0, "confirmed_at": 0}])


def downgrade() -> None:
    """Drop the tables."""
    for name in ("sync_state", "snapshot_part", "snapshot", "answer"):
        op.drop_table(name)
