"""How many people the next batch has, by how long the last one held its locks."""

import pytest

from ajprivacy_pipeline.enforcement.batch_size import fewest, most, next_size
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.policy.enforcement import Batch
from ajprivacy_pipeline.settings import NOTICE

LIMITS = Batch(subjects=2000, fewest_subjects=250, bulk_rows=20_000, rounds=3, lock_seconds=2, lock_wait_seconds=10,
               lock_fact_tables=True)


@pytest.mark.parametrize(("size", "seconds", "then"), [
    (1000, 1.5, 1000),  # three quarters of what is allowed: as many again
    (1000, 1.49, 1006), (1000, 1.51, 993),
    (1000, 2.0, 750), (1000, 3.0, 500),  # twice the time, half of the people
    (1000, 5.99, 250), (1000, 6.0, 250), (1000, 60.0, 250),  # never below the fewest
    (250, 0.376, 997), (250, 0.375, 1000), (250, 0.374, 1000), (250, 0.0, 1000),  # four times as many at most
    (500, 0.375, 2000), (500, 0.3, 2000), (2000, 0.1, 2000),  # never above the most
    (18, 3.0, 250), (18, 0.01, 250),  # the last people are fewer than a batch has at least
])
def test_the_next_batch_takes_three_quarters_of_the_time_that_locks_may_be_held(size: int, seconds: float, then: int,
                                                                                ) -> None:
    assert next_size(LIMITS, size, seconds, is_bulk=False) == then


@pytest.mark.parametrize(("size", "seconds", "then"), [
    (10_000, 1.5, 10_000), (10_000, 3.0, 5000), (20_000, 60.0, 2500), (2500, 0.0, 10_000), (20_000, 0.1, 20_000),
])
def test_a_batch_of_events_has_bounds_of_its_own(size: int, seconds: float, then: int) -> None:
    assert next_size(LIMITS, size, seconds, is_bulk=True) == then


@pytest.mark.parametrize(("subjects", "least", "bulk", "bounds"), [
    (2000, 250, 20_000, (250, 2000, 2500, 20_000)),
    (100, 250, 20_000, (100, 100, 20_000, 20_000)),  # a policy whose most is below its fewest
    (1, 1, 1, (1, 1, 1, 1)), (2000, 1, 100, (1, 2000, 1, 100)),
])
def test_a_batch_begins_with_the_fewest(subjects: int, least: int, bulk: int, bounds: tuple[int, ...]) -> None:
    limits = LIMITS.model_copy(update={"subjects": subjects, "fewest_subjects": least, "bulk_rows": bulk})
    found = tuple(bound(limits, is_bulk=is_bulk) for is_bulk in (False, True) for bound in (fewest, most))
    assert found == bounds
    assert all(low <= next_size(limits, size, seconds, is_bulk=is_bulk) <= high
               for is_bulk, low, high in ((False, *bounds[:2]), (True, *bounds[2:]))
               for size in (1, 7, 3000) for seconds in (0.0, 0.001, 2.0, 1000.0))


def test_sizes_settle_where_a_batch_takes_less_than_is_allowed() -> None:
    size, taken = fewest(LIMITS, is_bulk=False), []
    for _ in range(12):
        taken.append(0.35 + 0.002 * size)  # what a batch costs by itself, and a person
        size = next_size(LIMITS, size, taken[-1], is_bulk=False)
    assert max(taken) <= LIMITS.lock_seconds
    assert taken[-1] == pytest.approx(0.75 * LIMITS.lock_seconds, rel=0.02)


def test_the_notice_says_the_seconds_that_the_locks_may_be_held() -> None:
    assert load_policy(NOTICE).enforcement.batch.lock_seconds == 2
