"""views by day."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A view knows the shop's business day, so that steps between product pages can be counted by day."""
    with op.batch_alter_table("views") as batch:
        batch.add_column(sa.Column("viewed_on", sa.Date(), nullable=True))
    op.create_index("ix_views_shop_id_viewed_on", "views", ["shop_id", "viewed_on"])


def downgrade() -> None:
    """Forget it."""
    op.drop_index("ix_views_shop_id_viewed_on", "views")
    with op.batch_alter_table("views") as batch:
        batch.drop_column("viewed_on")
