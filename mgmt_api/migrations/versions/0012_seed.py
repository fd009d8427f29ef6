"""What fills the years that special days lack."""

import sqlalchemy as sa
from alembic import op

revision = "0012_seed"
down_revision = "0011_audit_actions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column."""
    op.add_column("special_days", sa.Column("seed", sa.String(length=16), server_default="", nullable=False))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("special_days", "seed")
