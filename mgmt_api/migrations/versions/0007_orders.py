"""Commands of every kind."""

import sqlalchemy as sa
from alembic import op

revision = "0007_orders"
down_revision = "0006_card_numbers"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A column for what a kind needs."""
    op.add_column("command", sa.Column("arguments", sa.Text(), nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("command", "arguments")
