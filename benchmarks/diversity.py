"""Time the check of k, l and t against pycanon on the same table.

    python benchmarks/diversity.py [--rows 30000]

pycanon (1.0.1.post2 runs beside pandas 3) must be importable; it is no requirement of the product. The table is
generated from a fixed seed: 6 quasi-identifiers in the shape of the published microdata, one sensitive column.
"""

import argparse

import numpy as np
import pandas as pd
from guarantees import timed
from pycanon import anonymity

from ajprivacy_pipeline.disclosure.microdata.diversity import measure
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.storage import zones

_DOMAINS = {"customer_type": 2, "postal_region": 10, "age_band": 7, "gender": 3, "industry": 12, "tenure_band": 5}


def table(rows: int) -> pd.DataFrame:
    """Skewed columns from a fixed seed."""
    rng = np.random.default_rng(1)
    columns = {}
    for name, size in (*_DOMAINS.items(), ("occupation", 14)):
        shares = 1 / np.arange(1, size + 1) ** 1.2
        columns[name] = [f"{name}-{i}" for i in rng.choice(size, rows, p=shares / shares.sum())]
    return pd.DataFrame(columns)


def main() -> None:
    """Print times and the ratio; fail where the figures differ."""
    parser = argparse.ArgumentParser(description="Time the check of k, l and t against pycanon.")
    parser.add_argument("--rows", type=int, default=30_000)
    people = table(parser.parse_args().rows)
    quasi, sensitive = list(_DOMAINS), ["occupation"]
    con = zones.memory()
    con.register("people_frame", people)
    con.execute("CREATE TABLE people AS SELECT * FROM people_frame")
    asked = [Sensitive("occupation", 3, 2.5, 0.3)]
    ours, seconds = timed(lambda: measure(con, "people", quasi, asked, 10), 5)
    k, k_time = timed(lambda: anonymity.k_anonymity(people, quasi), 1)
    spread, l_time = timed(lambda: anonymity.l_diversity(people, quasi, sensitive), 1)
    entropy, e_time = timed(lambda: anonymity.entropy_l_diversity(people, quasi, sensitive), 1)
    t, t_time = timed(lambda: anonymity.t_closeness(people, quasi, sensitive), 1)
    column = ours.columns[0]
    assert (ours.k, column.distinct_l, int(column.entropy_l + 1e-9)) == (k, spread, entropy)
    assert abs(column.closeness_t - t) < 1e-9
    print(f"{len(people):,} rows, {ours.classes:,} classes; k = {k}, l = {spread}, t = {t:.4f}")
    for name, value in (("pycanon k", k_time), ("pycanon distinct l", l_time), ("pycanon entropy l", e_time),
                        ("pycanon t", t_time), ("ours, all of them", seconds)):
        print(f"{name:20} {value:9.3f} s")
    print(f"k, distinct l and t together: {(k_time + l_time + t_time) / seconds:,.0f} x faster; "
          f"with entropy l {(k_time + l_time + e_time + t_time) / seconds:,.0f} x")


if __name__ == "__main__":
    main()
