"""How many people the next batch has, by how long the last one held its locks.

Belongs here: the arithmetic. Does not belong here: who they are (`carry`), measuring (`apply`).
"""

from ajprivacy_pipeline.policy.enforcement import Batch

_AIM = 0.75  # share of the allowed seconds that a batch is cut for, since no two batches are alike
_GROWTH = 4  # times the last batch at most: what a few people take says little of many


def most(limits: Batch, *, is_bulk: bool) -> int:
    """Returns how many people, or rows of events and log lines, a batch has at most."""
    return limits.bulk_rows if is_bulk else limits.subjects


def fewest(limits: Batch, *, is_bulk: bool) -> int:
    """Returns how many it has at least: of events the same share of the most as of people."""
    if is_bulk:
        return max(1, limits.bulk_rows * fewest(limits, is_bulk=False) // limits.subjects)
    return min(limits.fewest_subjects, limits.subjects)


def next_size(limits: Batch, size: int, locked_seconds: float, *, is_bulk: bool) -> int:
    """Returns the size of the batch after one of `size` that held its locks for so many seconds.

    It grows and shrinks with the time that a person took, so that one minute in which the database was busy leaves no
    small batches behind, and stays between `fewest` and `most`.
    """
    bound = min(most(limits, is_bulk=is_bulk), _GROWTH * size)
    wanted = size * _AIM * limits.lock_seconds / locked_seconds if locked_seconds > 0 else bound
    return max(fewest(limits, is_bulk=is_bulk), int(min(bound, wanted)))
