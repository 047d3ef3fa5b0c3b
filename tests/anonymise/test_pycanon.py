"""An outsider's word: pycanon agrees on k, l and t, before and after recoding."""

import pandas as pd
import pytest
from pycanon import anonymity

from ajprivacy_pipeline.disclosure.microdata.diversity import measure
from ajprivacy_pipeline.disclosure.microdata.recode.local import local
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import collect
from tests.anonymise.recode.lookalike import columns, load, rows, trees

BANDS = ("none", "low", "middle", "high", "top")
ASKED = (Sensitive("spend", 3, 2.5, 0.3, BANDS), Sensitive("illness", 3, 2.5, 0.4))
QUASI = [tree.column for tree in trees()]


@pytest.mark.soak
@pytest.mark.parametrize("k", [5, 10])
def test_pycanon_agrees(k: int) -> None:
    """Ordered distance is pycanon's for numbers, so it gets the bands as ranks."""
    con = load(rows(1000), columns())
    recoding = local(collect(con, "people", trees(), ASKED), k)
    recoding.store(con, "mapping")
    con.execute(f"CREATE TABLE recoded AS {recoding.recoded('people', 'mapping', ('spend', 'illness'))}")
    for table, quasi in (("recoded", QUASI), ("people", ["race", "salary"])):
        found = measure(con, table, quasi, ASKED, k)
        frame = pd.DataFrame(con.execute(f"FROM {table}").fetchall(), columns=[*QUASI, "spend", "illness"]).astype(str)
        frame["rank"] = frame["spend"].map(BANDS.index)
        assert found.k == anonymity.k_anonymity(frame, quasi)
        for reached, name in zip(found.columns, ("rank", "illness"), strict=True):
            assert reached.distinct_l == anonymity.l_diversity(frame, quasi, [name])
            assert int(reached.entropy_l + 1e-9) == anonymity.entropy_l_diversity(frame, quasi, [name])
            assert reached.closeness_t == pytest.approx(anonymity.t_closeness(frame, quasi, [name]))
    assert measure(con, "recoded", QUASI, ASKED, k).k >= k
