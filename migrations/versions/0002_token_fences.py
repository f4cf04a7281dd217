"""token fences."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A renewal that was overtaken must not be stored, and a pair remembers the client secret it was got with."""
    with op.batch_alter_table("tokens") as batch:
        batch.add_column(sa.Column("fence", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("tried_at", Moment(), nullable=True))
        batch.add_column(sa.Column("minted_with", sa.String(length=16), nullable=True))


def downgrade() -> None:
    """Forget both."""
    with op.batch_alter_table("tokens") as batch:
        for column in ("minted_with", "tried_at", "fence"):
            batch.drop_column(column)
