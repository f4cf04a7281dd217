"""forecasts by type."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forecast runs name the object with product types; those made before have none."""
    op.add_column("forecast_runs", sa.Column("types_sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """The column goes; the objects are collected."""
    with op.batch_alter_table("forecast_runs") as batch:
        batch.drop_column("types_sha256")
