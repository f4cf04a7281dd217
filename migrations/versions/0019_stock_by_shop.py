"""stock by shop."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Items are looked up by shop and product together: without statistics PostgreSQL read all of a shop's for each."""
    op.create_index("ix_inventory_items_shop_id_product_id", "inventory_items", ["shop_id", "product_id"])
    op.drop_index("ix_inventory_items_product_id", "inventory_items")


def downgrade() -> None:
    """The index by product alone."""
    op.create_index("ix_inventory_items_product_id", "inventory_items", ["product_id"])
    op.drop_index("ix_inventory_items_shop_id_product_id", "inventory_items")
