"""What Alembic runs around the migrations; `app.db.migrate` hands in the connection.

Migrations are written by hand and name what they make, so the table objects of the rooms are not
needed here. A test compares them with the migrated schema.
"""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
