"""collections."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import Json, Moment

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Products name their collections once the catalogue is read again; forecast runs the object with those of each."""
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("collections", Json, nullable=True))
        batch.add_column(sa.Column("collections_told_at", Moment(), nullable=True))
    op.add_column("forecast_runs", sa.Column("collections_sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """The columns go; the objects are collected, and the next snapshot has no file of collections."""
    op.execute("DELETE FROM snapshot_parts WHERE name = 'collections'")
    with op.batch_alter_table("forecast_runs") as batch:
        batch.drop_column("collections_sha256")
    with op.batch_alter_table("products") as batch:
        batch.drop_column("collections_told_at")
        batch.drop_column("collections")
