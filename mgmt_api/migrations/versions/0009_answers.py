"""Questions to gateways, and credentials stopped on site."""

import sqlalchemy as sa
from alembic import op

revision = "0009_answers"
down_revision = "0008_rights"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "question",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("gateway", sa.String(length=64), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_question"),
    )
    op.create_index("ix_question_gateway", "question", ["gateway"], unique=False)
    op.create_table(
        "credential_hold",
        sa.Column("credential", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("credential", name="pk_credential_hold"),
    )


def downgrade() -> None:
    """Drop them."""
    for name in ("credential_hold", "question"):
        op.drop_table(name)
