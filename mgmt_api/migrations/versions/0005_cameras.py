"""Drawings on cameras' pictures, and cameras' alarms."""

import sqlalchemy as sa
from alembic import op

revision = "0005_cameras"
down_revision = "0004_people"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "camera_drawing",
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.Column("drawing", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("camera", name="pk_camera_drawing"),
    )
    op.create_table(
        "camera_alarm_log",
        sa.Column("recorder", sa.String(length=200), nullable=False),
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("changed", BIG, nullable=False),
        sa.PrimaryKeyConstraint("recorder", name="pk_camera_alarm_log"),
    )
    op.create_table(
        "camera_alarm",
        sa.Column("id", BIG, nullable=False),
        sa.Column("log", sa.String(length=32), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.Column("camera", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("door", sa.String(length=64), nullable=False),
        sa.Column("from_at", sa.Double(), nullable=False),
        sa.Column("to_at", sa.Double(), nullable=True),
        sa.Column("detail", sa.String(length=200), nullable=False),
        sa.Column("still", sa.Boolean(), nullable=False),
        sa.Column("passage", sa.String(length=16), nullable=False),
        sa.Column("acked_by", sa.String(length=64), nullable=False),
        sa.Column("acked_at", sa.Double(), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_camera_alarm"),
        sa.UniqueConstraint("log", "number", name="uq_camera_alarm_log_number"),
    )
    op.create_index("ix_camera_alarm_from_at", "camera_alarm", ["from_at"], unique=False)
    op.create_index("ix_camera_alarm_passage", "camera_alarm", ["passage"], unique=False)


def downgrade() -> None:
    """Drop the tables."""
    for name in ("camera_alarm", "camera_alarm_log", "camera_drawing"):
        op.drop_table(name)
