"""lists."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Moment

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A gift card is told apart, an exposure and an order line name their list, and lists are made between fits."""
    with op.batch_alter_table("products") as batch:
        batch.add_column(sa.Column("is_gift_card", sa.Boolean(), nullable=True))
    with op.batch_alter_table("exposures") as batch:
        batch.add_column(sa.Column("list_name", sa.String(length=20), nullable=False, server_default=""))
    with op.batch_alter_table("order_lines") as batch:
        batch.add_column(sa.Column("beside_id", BigInt, nullable=True))
    op.create_table(
        "list_runs",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_list_runs_shop_id"), nullable=False),
        sa.Column("version_id", BigInt, nullable=False),
        sa.Column("bundle", sa.String(length=64), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_list_runs"),
    )
    op.create_index("ix_list_runs_shop_id_version_id", "list_runs", ["shop_id", "version_id"])


def downgrade() -> None:
    """Forget all of it."""
    op.drop_table("list_runs")
    for table, column in (("order_lines", "beside_id"), ("exposures", "list_name"), ("products", "is_gift_card")):
        with op.batch_alter_table(table) as batch:
            batch.drop_column(column)
