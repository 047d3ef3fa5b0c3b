"""The page of a month: what the notice demanded, what happened and what comes next, for whoever answers for it."""
