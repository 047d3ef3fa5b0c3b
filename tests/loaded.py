"""Imported by the server that `tests.forked` forks from: what each process would load and trace again.

It leaves no database open: a fork takes no threads with it.
"""

import gc

from ajprivacy_pipeline.assets.definitions import defs
from ajprivacy_pipeline.assets.jobs import MONTHLY

from ajprivacy_pipeline.cli import main as cli
from ajprivacy_pipeline.lineage import check_lineage, product_graph
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from ajprivacy_pipeline.storage import zones

assert cli.app.registered_commands
assert defs.resolve_job_def(MONTHLY).name == MONTHLY
assert check_lineage(load_policy(NOTICE)).passed
assert not product_graph(load_policy(NOTICE)).faults
for extension in ("httpfs", "sqlite_scanner"):
    zones._signed(extension)
gc.collect()
gc.freeze()  # processes share what was loaded until they write to it
gc.set_threshold(50_000, 20, 20)
