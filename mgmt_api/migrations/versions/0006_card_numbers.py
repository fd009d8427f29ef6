"""Sealed card numbers, for boards that keep a list of their own."""

import sqlalchemy as sa
from alembic import op

revision = "0006_card_numbers"
down_revision = "0005_cameras"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; empty where a site does not keep numbers."""
    nothing = "x''" if op.get_bind().dialect.name == "sqlite" else "''::bytea"
    op.add_column("credential", sa.Column("sealed", sa.LargeBinary(), server_default=sa.text(nothing), nullable=False))
