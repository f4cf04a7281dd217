"""mailings."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Files for mailing tools, sealed and kept for a day."""
    op.create_table(
        "mailings",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_mailings_shop_id"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=True),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("made_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("fetched_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_mailings"),
    )
    op.create_index("ix_mailings_shop_id", "mailings", ["shop_id"])


def downgrade() -> None:
    """Forget them."""
    op.drop_table("mailings")
