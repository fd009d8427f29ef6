"""Special days, units and the ways to them, rules of zones, second factors, marks, uses."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008_rights"
down_revision = "0007_orders"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COLUMNS: tuple[tuple[str, sa.Column[Any]], ...] = (  # table, column; what stands in older rows is the default
    ("zone", sa.Column("rules", sa.Text(), server_default="null", nullable=False)),
    ("zone", sa.Column("use", sa.String(length=16), server_default="", nullable=False)),
    ("zone", sa.Column("standing", sa.Boolean(), server_default=sa.false(), nullable=False)),
    ("schedule", sa.Column("special", sa.Text(), server_default="[]", nullable=False)),
    ("profile", sa.Column("responder", sa.Boolean(), server_default=sa.false(), nullable=False)),
    ("resident", sa.Column("homes", sa.Text(), server_default="[]", nullable=False)),
    ("credential", sa.Column("max_uses", sa.Integer(), server_default="0", nullable=False)),
    ("credential", sa.Column("marks", sa.Integer(), server_default="0", nullable=False)),
)
PINS = ("pin", "duress_pin")


def upgrade() -> None:
    """Add columns and tables."""
    for table, column in COLUMNS:
        op.add_column(table, column)
    nothing = "x''" if op.get_bind().dialect.name == "sqlite" else "''::bytea"
    for name in PINS:
        op.add_column("credential", sa.Column(name, sa.LargeBinary(), server_default=sa.text(nothing), nullable=False))
    op.create_table(
        "unit",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_unit"),
    )
    op.create_table(
        "way",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_way"),
    )
    op.create_index("ix_way_number", "way", ["number"], unique=False)
    op.create_index("ix_way_version", "way", ["version"], unique=False)
    op.create_table(
        "way_home",
        sa.Column("resident", sa.String(length=64), nullable=False),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("resident", name="pk_way_home"),
    )
    op.create_table(
        "special_days",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("days", sa.Text(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_special_days"),
    )
    op.create_index("ix_special_days_version", "special_days", ["version"], unique=False)


def downgrade() -> None:
    """Drop them."""
    for name in ("special_days", "way_home", "way", "unit"):
        op.drop_table(name)
    for name in PINS:
        op.drop_column("credential", name)
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column.name)
