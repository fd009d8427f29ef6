"""What the office decided."""

import time

import sqlalchemy as sa
from alembic import op

revision = "0001_office"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "counter",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("value", BIG, nullable=False),
        sa.Column("floor", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
    )
    op.create_table(
        "credential",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("resident", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("tail", sa.String(length=4), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("profiles", sa.Text(), nullable=False),
        sa.Column("valid_from", BIG, nullable=True),
        sa.Column("valid_to", BIG, nullable=True),
        sa.Column("refreshed_at", BIG, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_credential"),
    )
    op.create_index("ix_credential_key", "credential", ["key"], unique=False)
    op.create_index("ix_credential_resident", "credential", ["resident"], unique=False)
    op.create_index("ix_credential_version", "credential", ["version"], unique=False)
    op.create_table(
        "denied",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("until", BIG, nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_denied"),
    )
    op.create_index("ix_denied_version", "denied", ["version"], unique=False)
    op.create_table(
        "issuer",
        sa.Column("kid", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("kid", name="pk_issuer"),
    )
    op.create_index("ix_issuer_version", "issuer", ["version"], unique=False)
    op.create_table(
        "profile",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("policies", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_profile"),
    )
    op.create_index("ix_profile_number", "profile", ["number"], unique=False)
    op.create_index("ix_profile_version", "profile", ["version"], unique=False)
    op.create_table(
        "resident",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("holder_class", sa.String(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.LargeBinary(), nullable=False),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_resident"),
    )
    op.create_table(
        "schedule",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("windows", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_schedule"),
    )
    op.create_index("ix_schedule_version", "schedule", ["version"], unique=False)
    op.create_table(
        "tombstone",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("kind", "id", name="pk_tombstone"),
    )
    op.create_index("ix_tombstone_version", "tombstone", ["version"], unique=False)
    op.create_table(
        "visitor_pass",
        sa.Column("id", sa.String(length=16), nullable=False),
        sa.Column("profile", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=64), nullable=False),
        sa.Column("kid", sa.Integer(), nullable=False),
        sa.Column("valid_from", BIG, nullable=False),
        sa.Column("valid_to", BIG, nullable=False),
        sa.Column("max_uses", sa.Integer(), nullable=False),
        sa.Column("issued_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_visitor_pass"),
    )
    op.create_index("ix_visitor_pass_host", "visitor_pass", ["host"], unique=False)
    op.create_table(
        "zone",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("version", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_zone"),
    )
    op.create_index("ix_zone_version", "zone", ["version"], unique=False)

    # Versions start at the clock's milliseconds: a gateway that knew an earlier database finds itself out of range.
    start = time.time_ns() // 1_000_000
    counter = sa.table("counter", sa.column("name"), sa.column("value"), sa.column("floor"))
    op.bulk_insert(
        counter,
        [{"name": "table", "value": start, "floor": start}, {"name": "event", "value": 0, "floor": 0}],
    )


def downgrade() -> None:
    """Drop the tables."""
    for name in (
        "zone",
        "visitor_pass",
        "tombstone",
        "schedule",
        "resident",
        "profile",
        "issuer",
        "denied",
        "credential",
        "counter",
    ):
        op.drop_table(name)
