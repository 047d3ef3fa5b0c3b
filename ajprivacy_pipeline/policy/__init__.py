"""The notice as objects: loads, validates and compares the policy.

Belongs here: the policy's shapes, its version, and what follows from it alone. Does not belong here: anything that
reads rows about people, the store of what was decided.
"""

from ajprivacy_pipeline.policy.governance import NOT_YET, Clause
from ajprivacy_pipeline.policy.load import load_policy, own_names, parse_decision_policy, parse_policy, read_texts
from ajprivacy_pipeline.policy.policy import DecisionPolicy, Policy
from ajprivacy_pipeline.policy.retention import Evidence, Retention
from ajprivacy_pipeline.policy.sources import ColumnType, SourceColumn, Sources, SourceTable

__all__ = [
    "NOT_YET", "Clause", "ColumnType", "DecisionPolicy", "Evidence", "Policy", "Retention",
    "SourceColumn", "SourceTable", "Sources", "load_policy", "own_names",
    "parse_decision_policy", "parse_policy", "read_texts",
]
