"""Imported by the server that processes of `release_world` are forked from: what each would load and trace again."""

from ajprivacy_pipeline.lineage import check_lineage
from tests.release.release_world import small_policy

assert check_lineage(small_policy()).passed
