"""views."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Moment

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What visitors looked at, told by the web pixel: ids and a keyed hash of the browser."""
    op.create_table(
        "views",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_views_shop_id"), nullable=False),
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("visitor", BigInt, nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("product_id", BigInt, nullable=True),
        sa.Column("beside_id", BigInt, nullable=True),
        sa.Column("order_id", BigInt, nullable=True),
        sa.Column("test", sa.Integer(), nullable=True),
        sa.Column("arm", sa.String(length=1), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_views"),
        sa.UniqueConstraint("shop_id", "event_id", name="uq_views_shop_id_event_id"),
    )
    op.create_index("ix_views_shop_id_seen_at", "views", ["shop_id", "seen_at"])
    op.create_index("ix_views_shop_id_visitor_seen_at", "views", ["shop_id", "visitor", "seen_at"])
    op.create_index("ix_views_shop_id_order_id", "views", ["shop_id", "order_id"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("views")
