"""Policy impact analysis: what another policy would decide, what the next years bring, the figures of a month.

Does not belong here: changing anything.
"""
