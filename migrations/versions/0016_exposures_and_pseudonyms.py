"""exposures and pseudonyms."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SHADOWED, KNOWN = sa.text("shadow_id IS NOT NULL"), sa.text("pseudonym IS NOT NULL")


def upgrade() -> None:
    """What a gate, a page and an erasure ask for is found without reading all answers and orders of a shop."""
    op.drop_index("ix_exposures_shop_id_answered_at", "exposures")
    op.create_index("ix_exposures_shop_id_answered_on", "exposures", ["shop_id", "answered_on"])
    shadowed = {"sqlite_where": SHADOWED, "postgresql_where": SHADOWED}
    op.create_index("ix_exposures_shop_id_shadow_id", "exposures", ["shop_id", "shadow_id"], **shadowed)
    known = {"sqlite_where": KNOWN, "postgresql_where": KNOWN}
    op.create_index("ix_orders_shop_id_pseudonym", "orders", ["shop_id", "pseudonym"], **known)


def downgrade() -> None:
    """As they were."""
    op.drop_index("ix_orders_shop_id_pseudonym", "orders")
    op.drop_index("ix_exposures_shop_id_shadow_id", "exposures")
    op.drop_index("ix_exposures_shop_id_answered_on", "exposures")
    op.create_index("ix_exposures_shop_id_answered_at", "exposures", ["shop_id", "answered_at"])
