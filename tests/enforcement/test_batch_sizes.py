"""How many people the next batch has, by how long the last one held its locks."""

from types import SimpleNamespace

import pytest

from ajprivacy_pipeline.enforcement.carry import _Apply
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE

POLICY = load_policy(NOTICE)
LIMITS = POLICY.enforcement.batch
MOST, FEWEST, SECONDS = LIMITS.subjects, LIMITS.fewest_subjects, LIMITS.lock_seconds


@pytest.mark.parametrize(("size", "seconds", "then"), [
    (MOST, SECONDS, MOST), (MOST, SECONDS + 0.01, max(FEWEST, MOST // 2)), (FEWEST, 10 * SECONDS, FEWEST),
    (FEWEST, SECONDS / 4, FEWEST), (FEWEST, SECONDS / 4 - 0.01, min(MOST, 2 * FEWEST)), (MOST, 0.0, MOST),
    (FEWEST // 2, SECONDS + 1, FEWEST // 2),  # the last people are fewer than a batch has at least
])
def test_a_batch_is_halved_by_its_time_and_grows_again(size: int, seconds: float, then: int) -> None:
    apply = SimpleNamespace(policy=POLICY, sizes={False: size, True: 7})
    _Apply._fit(apply, False, seconds)  # type: ignore[arg-type]
    assert apply.sizes == {False: then, True: 7}


def test_a_batch_of_events_grows_to_its_own_size() -> None:
    apply = SimpleNamespace(policy=POLICY, sizes={False: MOST, True: LIMITS.bulk_rows - 1})
    _Apply._fit(apply, True, 0.0)  # type: ignore[arg-type]
    assert apply.sizes == {False: MOST, True: LIMITS.bulk_rows}
