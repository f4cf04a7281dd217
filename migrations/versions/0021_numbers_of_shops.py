"""numbers of shops."""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """On SQLite the number of an erased shop never comes again; PostgreSQL's sequence gives none twice."""
    _made_anew(autoincrement=True)


def downgrade() -> None:
    """As it was."""
    _made_anew(autoincrement=False)


def _made_anew(autoincrement: bool) -> None:
    """The table is copied into one that counts; what refers to its rows finds them again by their numbers."""
    if op.get_bind().dialect.name != "sqlite":
        return
    with op.batch_alter_table("shops", recreate="always", table_kwargs={"sqlite_autoincrement": autoincrement}):
        pass
