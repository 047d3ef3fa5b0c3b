"""The Dagster side: definitions, graph, schedules, runs, and what they must never write down."""
