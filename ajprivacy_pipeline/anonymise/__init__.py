"""What makes published tables anonymous, and what checks it. Each check returns violations with figures.

Belongs here: the guarantees G1 to G16 as functions over tables and policy. Does not belong here: building, storing or
swapping a release, and anything that decides retention.
"""
