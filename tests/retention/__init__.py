"""Rules of sql/retention that need more than one model to see."""
