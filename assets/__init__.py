"""Dagster only: assets, checks, resources, jobs, schedules, sensors.

Belongs here: what Dagster must know about the domain's steps. Does not belong here: business rules, SQL text, the
environment. Import it as `ajprivacy_pipeline.assets`, never by its folder's name.
"""
