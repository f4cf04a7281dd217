"""vendors."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Moment

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """How vendors deliver, and what was ordered from them."""
    op.create_table(
        "vendor_terms",
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_vendor_terms_shop_id"), nullable=False),
        sa.Column("vendor", sa.String(length=255), nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=True),
        sa.Column("service_level", sa.Float(), nullable=True),
        sa.Column("cover_days", sa.Integer(), nullable=True),
        sa.Column("least_units", sa.Integer(), nullable=True),
        sa.Column("pack_units", sa.Integer(), nullable=True),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "vendor", name="pk_vendor_terms"),
    )
    op.create_table(
        "purchases",
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_purchases_shop_id"), nullable=False),
        sa.Column("product_id", BigInt, autoincrement=False, nullable=False),
        sa.Column("purchased_on", sa.Date(), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "product_id", "purchased_on", name="pk_purchases"),
    )


def downgrade() -> None:
    """Forget them."""
    op.drop_table("purchases")
    op.drop_table("vendor_terms")
