"""What gateways share more: the uses of counted credentials, and who came in as a LEAD."""

import sqlalchemy as sa
from alembic import op

revision = "0014_shared"
down_revision = "0013_spent"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A key is longer than a handle; a person has a moment."""
    with op.batch_alter_table("spent") as spent:
        spent.alter_column("id", type_=sa.String(length=32), existing_type=sa.String(length=16))
    with op.batch_alter_table("whereabouts") as whereabouts:
        whereabouts.add_column(sa.Column("led_at", sa.Double(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("whereabouts") as whereabouts:
        whereabouts.drop_column("led_at")
    op.execute("DELETE FROM spent WHERE length(id) > 16")
    with op.batch_alter_table("spent") as spent:
        spent.alter_column("id", type_=sa.String(length=16), existing_type=sa.String(length=32))
