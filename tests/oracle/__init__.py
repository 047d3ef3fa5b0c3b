"""The slow reference evaluator of the retention rules: written from the specification alone, shares no product code."""
