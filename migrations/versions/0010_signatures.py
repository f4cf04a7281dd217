"""signatures."""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A delivery is told by its signature instead of a hash of its body. What came before keeps its hash."""
    _rename("body_sha256", "signature")


def downgrade() -> None:
    """Call it by its old name."""
    _rename("signature", "body_sha256")


def _rename(old: str, new: str) -> None:
    op.execute(f"ALTER TABLE inbox RENAME COLUMN {old} TO {new}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute(f"ALTER INDEX ix_inbox_{old} RENAME TO ix_inbox_{new}")
    else:
        op.drop_index(f"ix_inbox_{old}", "inbox")
        op.create_index(f"ix_inbox_{new}", "inbox", [new])
