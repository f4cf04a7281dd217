"""explanations."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Forecast runs name the object that explains them; those made before have none."""
    op.add_column("forecast_runs", sa.Column("explanations_sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    """The column goes; the objects are collected."""
    with op.batch_alter_table("forecast_runs") as batch:
        batch.drop_column("explanations_sha256")
