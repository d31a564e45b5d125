"""The same end-to-end tests, against Spool in containers."""

import pytest

from tests.e2e.system.test_main_flow import (  # noqa: F401  # collected here, with this folder's stack
    test_deleting_during_the_encode_leaves_no_object,
    test_deleting_leaves_no_object,
    test_explain_tells_where_it_is,
    test_from_upload_to_playback,
)

# The first one builds the images.
pytestmark = pytest.mark.timeout(1200)
