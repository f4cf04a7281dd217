"""feeds."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Json, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is read again and again remembers how far it is; prices have dates; versions of one second have an order."""
    op.create_table(
        "feeds",
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_feeds_shop_id"), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("reached_at", Moment(), nullable=True),
        sa.Column("checked_at", Moment(), nullable=True),
        sa.Column("told", Json, nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "kind", name="pk_feeds"),
    )
    op.create_table(
        "product_days",
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_product_days_shop_id"), nullable=False),
        sa.Column("product_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("price_amount", sa.Numeric(precision=18, scale=4, asdecimal=False), nullable=True),
        sa.Column("is_published", sa.Boolean(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "product_id", "valid_on", name="pk_product_days"),
    )
    with op.batch_alter_table("orders") as batch:
        batch.add_column(sa.Column("told_at", Moment(), nullable=True))
    with op.batch_alter_table("backfills") as batch:
        batch.add_column(sa.Column("seconds_left", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Forget them."""
    with op.batch_alter_table("backfills") as batch:
        batch.drop_column("seconds_left")
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("told_at")
    op.drop_table("product_days")
    op.drop_table("feeds")
