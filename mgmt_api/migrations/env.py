"""Alembic's entry: the connection is handed over by `Database.upgrade`, so that no URL is read here."""

from alembic import context

from mgmt_api.tables import Base, cameras, doors, office, people, sync

NOUNS = (cameras, doors, office, people, sync)  # importing them files their tables in the metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
