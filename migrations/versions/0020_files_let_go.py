"""files let go."""

import sqlalchemy as sa
from alembic import op

from shopify_app.tables.base import Moment

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """When a version left its slot, and when its files were let go: what is old by now counts from when it was made."""
    op.add_column("versions", sa.Column("left_at", Moment(), nullable=True))
    op.add_column("versions", sa.Column("let_go_at", Moment(), nullable=True))


def downgrade() -> None:
    """Versions whose files are gone look as if they had them: train again before one of them is put in charge."""
    with op.batch_alter_table("versions") as batch:
        batch.drop_column("let_go_at")
        batch.drop_column("left_at")
