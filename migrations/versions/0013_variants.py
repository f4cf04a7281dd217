"""variants."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import Json, Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

ITEM = ("title", "sku", "sells_on", "seen_at", "units_in_stock", "sold_units")


def upgrade() -> None:
    """Each variant has a name, a policy and stock of its own, and a purchase says of which it was.

    Stock of items follows with their next count or version; until then nobody knows it.
    """
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("sells_on", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("variants_told_at", Moment(), nullable=True))
    with op.batch_alter_table("product_days") as batch:
        batch.add_column(sa.Column("sells_on", sa.Boolean(), nullable=True))
    with op.batch_alter_table("inventory_items") as batch:
        batch.add_column(sa.Column("title", sa.String(length=255), nullable=False, server_default=""))
        batch.add_column(sa.Column("sku", sa.String(length=255), nullable=False, server_default=""))
        batch.add_column(sa.Column("sells_on", sa.Boolean(), nullable=True))
        batch.add_column(sa.Column("seen_at", Moment(), nullable=True))
        batch.add_column(sa.Column("units_in_stock", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("sold_units", sa.Float(), nullable=True))
    with op.batch_alter_table("purchases") as batch:
        batch.add_column(sa.Column("of_variants", Json, nullable=True))


def downgrade() -> None:
    """Forget all of it."""
    told = (("products", ("sells_on", "variants_told_at")), ("product_days", ("sells_on",)), ("inventory_items", ITEM))
    for table, columns in (*told, ("purchases", ("of_variants",))):
        with op.batch_alter_table(table) as batch:
            for column in columns:
                batch.drop_column(column)
