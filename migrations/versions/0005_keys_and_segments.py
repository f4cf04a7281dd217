"""keys and segments."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import BigInt, Json, Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

MARKS = {"customers": "customer_id", "tombstones": "shopify_id"}
"""Numbers that become keyed hashes. No key is at hand here: `records/keys.py` hashes them when it makes the shop's."""


def upgrade() -> None:
    """Tables for keys, segments, exports and receipts."""
    for table, before in MARKS.items():
        with op.batch_alter_table(table) as batch:
            batch.alter_column(before, new_column_name="mark", existing_type=BigInt, existing_nullable=False)
    op.create_table(
        "shop_secrets",
        _shop("shop_secrets"),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", name="pk_shop_secrets"),
    )
    op.create_table(
        "data_keys",
        _shop("data_keys"),
        sa.Column("mark", BigInt, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("shop_id", "mark", name="pk_data_keys"),
    )
    op.create_index("ix_data_keys_shop_id_name", "data_keys", ["shop_id", "name"])
    op.create_table(
        "segments",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        _shop("segments"),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("first_seq", BigInt, nullable=False),
        sa.Column("last_seq", BigInt, nullable=False),
        sa.Column("events", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("newest_at", Moment(), nullable=False),
        sa.Column("sealed_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_segments"),
    )
    op.create_index("ix_segments_shop_id_first_seq", "segments", ["shop_id", "first_seq"])
    op.create_table(
        "exports",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        _shop("exports"),
        sa.Column("mark", BigInt, nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("request", sa.LargeBinary(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("made_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("fetched_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_exports"),
    )
    op.create_index("ix_exports_shop_id", "exports", ["shop_id"])
    op.create_table(
        "receipts",
        sa.Column("id", BigInt, autoincrement=True, nullable=False),
        sa.Column("shop", sa.String(length=255), nullable=False),
        sa.Column("topic", sa.String(length=40), nullable=False),
        sa.Column("told", Json, nullable=False),
        sa.Column("done_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipts"),
    )
    op.create_index("ix_receipts_shop", "receipts", ["shop"])


def downgrade() -> None:
    """Hashes stay hashes: nobody can turn them back."""
    for table in ("receipts", "exports", "segments", "data_keys", "shop_secrets"):
        op.drop_table(table)
    for table, before in MARKS.items():
        with op.batch_alter_table(table) as batch:
            batch.alter_column("mark", new_column_name=before, existing_type=BigInt, existing_nullable=False)


def _shop(table: str) -> sa.Column[int]:
    return sa.Column("shop_id", sa.Integer(), sa.ForeignKey("shops.id", name=f"fk_{table}_shop_id"), nullable=False)
