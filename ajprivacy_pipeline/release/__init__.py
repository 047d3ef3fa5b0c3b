"""The release: build beside, prove, swap. The public face of this package; the rest is inside.

- plan: which months are computed and which are copied
- tables: cells become public tables
- texts: every text a release publishes
- files: Parquet and analytics.duckdb
- manifest: hashes, and reading a release only when they hold
- prove: the gates; gates, again, logs, utility: those over cells, the order of rows, the run's log, what is still good
- swap: staging, commit, repair
- build: the order of the steps
"""

from ajprivacy_pipeline.release.build import build_release
from ajprivacy_pipeline.release.logs import Logs
from ajprivacy_pipeline.release.manifest import Release, read_release, verify_release
from ajprivacy_pipeline.release.plan import ReleasePlan, ReleaseRequest, model_values, plan_release
from ajprivacy_pipeline.release.prove import GuaranteeError
from ajprivacy_pipeline.release.run import ReleaseResult

__all__ = ["GuaranteeError", "Logs", "Release", "ReleasePlan", "ReleaseRequest", "ReleaseResult", "build_release",
           "model_values", "plan_release", "read_release", "verify_release"]
