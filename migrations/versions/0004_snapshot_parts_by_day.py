"""snapshot parts by day."""

from datetime import date

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A part is a file by name: a month, a day or the catalogue. All are written again once; no snapshot is lost."""
    months = op.get_bind().execute(sa.text("SELECT shop_id, month_on FROM snapshot_parts")).all()
    op.drop_table("snapshot_parts")
    made = op.create_table(
        "snapshot_parts",
        _shop(),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("state", BigInt, nullable=False),
        sa.Column("written_state", BigInt, nullable=True),
        *_written(),
        sa.PrimaryKeyConstraint("shop_id", "name", name="pk_snapshot_parts"),
    )
    names = [{"shop_id": shop_id, "name": f"lines/{str(month_on)[:7]}"} for shop_id, month_on in months]
    if names:
        op.bulk_insert(made, [name | {"state": 1, "orders": 0, "lines": 0} for name in names])


def downgrade() -> None:
    """Months again, all to be written once."""
    told = "SELECT shop_id, name FROM snapshot_parts WHERE length(name) = 13"
    names = op.get_bind().execute(sa.text(told)).all()
    op.drop_table("snapshot_parts")
    made = op.create_table(
        "snapshot_parts",
        _shop(),
        sa.Column("month_on", sa.Date(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("written_revision", sa.Integer(), nullable=False),
        sa.Column("written_until_on", sa.Date(), nullable=True),
        *_written(),
        sa.PrimaryKeyConstraint("shop_id", "month_on", name="pk_snapshot_parts"),
    )
    told_once = {"revision": 1, "written_revision": -1, "orders": 0, "lines": 0}
    months = [{"shop_id": shop_id, "month_on": date.fromisoformat(f"{name[6:]}-01")} for shop_id, name in names]
    if months:
        op.bulk_insert(made, [month | told_once for month in months])


def _shop() -> sa.Column[int]:
    return sa.Column(
        "shop_id", sa.Integer(), sa.ForeignKey("shops.id", name="fk_snapshot_parts_shop_id"), nullable=False
    )


def _written() -> list[sa.Column[object]]:
    return [
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
    ]
