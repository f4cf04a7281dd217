"""test arms."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

INDEX = "ix_order_lines_shop_id_test_arm"


def upgrade() -> None:
    """An order line knows the A/B test and the group in which it was put into the cart."""
    with op.batch_alter_table("order_lines") as batch:
        batch.add_column(sa.Column("test_arm", sa.String(length=10), nullable=True))
    is_there = sa.text("test_arm IS NOT NULL")
    columns = ["shop_id", "test_arm"]
    op.create_index(INDEX, "order_lines", columns, sqlite_where=is_there, postgresql_where=is_there)


def downgrade() -> None:
    """Forget it."""
    op.drop_index(INDEX, "order_lines")
    with op.batch_alter_table("order_lines") as batch:
        batch.drop_column("test_arm")
