"""One run of one month: the order of its steps, once, usable without Dagster."""
