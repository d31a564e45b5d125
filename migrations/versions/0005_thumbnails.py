"""thumbnails: images found by their time"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BEFORE = "poster, storyboard or storyboard_index"
_SINCE = "poster, storyboard, storyboard_index or thumbnail"


def upgrade() -> None:
    # Also finds all images of an asset, so that it takes the place of the narrower index.
    op.create_index("ix_images_asset_id_time_ms", "images", ["asset_id", "time_ms"])
    op.drop_index("ix_images_asset_id", table_name="images")
    op.alter_column(
        "images", "kind", existing_type=sa.Text(), existing_comment=_BEFORE, comment=_SINCE
    )


def downgrade() -> None:
    op.alter_column(
        "images", "kind", existing_type=sa.Text(), existing_comment=_SINCE, comment=_BEFORE
    )
    op.create_index("ix_images_asset_id", "images", ["asset_id"])
    op.drop_index("ix_images_asset_id_time_ms", table_name="images")
