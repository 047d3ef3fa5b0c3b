"""An outsider's word on a published microdata table: pycanon finds the same k, l and t as the product's check.

pycanon knows no ordered distance but that of numbers, so it gets ordered bands as ranks.
"""

import pytest
from pycanon import anonymity

from ajprivacy_pipeline.disclosure.microdata.diversity import measure
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.microdata import conditions
from ajprivacy_pipeline.storage.zones import Connection


def assert_agrees(con: Connection, relation: str, policy: Policy) -> None:
    """Hold the check's figures of customers_microdata against pycanon's, and both against what the policy asks for."""
    quasi, asked = list(policy.quasi_identifiers), conditions(policy)
    k = policy.release.thresholds.k
    found = measure(con, relation, quasi, asked, k)
    result = con.execute(f"SELECT {', '.join([*quasi, *(one.column for one in asked)])} FROM {relation}")
    frame = result.df().astype(str)
    assert found.k == anonymity.k_anonymity(frame, quasi) >= k
    for reached, one in zip(found.columns, asked, strict=True):
        frame["judged"] = frame[one.column].map(one.order.index) if one.order else frame[one.column]
        assert reached.distinct_l == anonymity.l_diversity(frame, quasi, ["judged"]) >= one.distinct_l
        assert int(reached.entropy_l + 1e-9) == anonymity.entropy_l_diversity(frame, quasi, ["judged"])
        assert reached.closeness_t == pytest.approx(anonymity.t_closeness(frame, quasi, ["judged"]))
        assert reached.closeness_t <= one.closeness_t + 1e-9
