"""The audit by action: the register is read from its end."""

from alembic import op

revision = "0011_audit_actions"
down_revision = "0010_whereabouts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_audit_action_id", "audit", ["action", "id"], unique=False)


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ix_audit_action_id", "audit")
