"""Which sensitive columns the record-level table has, and in which bands: the policy's, or drawn from the figures.

Belongs here: deciding that a column's bands are drawn anew, or that the column can say nothing; making the bands;
reading both from an earlier release that is repeated. Does not belong here: how bands are drawn
(`disclosure.microdata.bands`), what the classes must satisfy. All follows from how many people have which figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.microdata.bands import Figures, draw, entropy_l
from ajprivacy_pipeline.disclosure.microdata.recode.rules import SLACK
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.policy.microdata import Band
from ajprivacy_pipeline.policy.narrow import without_columns
from ajprivacy_pipeline.policy.vocabulary import vocabulary_of
from ajprivacy_pipeline.release.tables import absent_columns
from ajprivacy_pipeline.storage.catalogue import load_catalogue, run_model
from ajprivacy_pipeline.storage.zones import Connection, quote

FIGURES, BANDED = "anonymous.microdata_figures", "anonymous.microdata"


@dataclass(frozen=True)
class Columns:
    """The sensitive columns as they are published: by column the bands that were drawn, and why a column is absent."""

    drawn: Mapping[str, tuple[Band, ...]] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def said(self) -> dict[str, dict[str, list[str]] | dict[str, str]]:
        """What the manifest says of them: the names of drawn bands by column, from low to high, and absent columns."""
        names = {column: list(dict.fromkeys(band.value for band in bands)) for column, bands in self.drawn.items()}
        return {"bands": names, "absent": dict(self.absent)}

    @classmethod
    def repeated(cls, said: Mapping[str, Any]) -> "Columns":
        """Returns the columns of a table that is repeated, from what the manifest says of it.

        Where a band begins is no longer known and no longer needed.
        """
        drawn = {column: tuple(Band(value=name) for name in names) for column, names in said.get("bands", {}).items()}
        return cls(drawn, said.get("absent", {}))

    def of(self, policy: Policy) -> Policy:
        """Returns the policy with these bands, less the absent columns."""
        table, microdata = policy.release.microdata.table, policy.release.microdata
        sensitive = {name: column.model_copy(update={"bands": self.drawn.get(name, column.bands)})
                     for name, column in microdata.sensitive.items()}
        release = policy.release.model_copy(update={"microdata": microdata.model_copy(update={"sensitive": sensitive})})
        return without_columns(policy.model_copy(update={"release": release}),
                               [f"{table}.{name}" for name in self.absent])


def choose(con: Connection, policy: Policy) -> Columns:
    """Returns the columns of a table that is made anew.

    Args:
        con: holds the layer anonymous.
        policy: the bands it would use.
    """
    microdata, k = policy.release.microdata, policy.release.thresholds.k
    drawn, absent = {}, absent_columns(con, policy, [microdata.table]).get(microdata.table, {})
    for name, column in microdata.sensitive.items():
        if name in absent or column.figure is None or column.entropy_share is None:
            continue
        figures = _figures(con, column.figure)
        if entropy_l(figures.counts(column.bands)) >= column.entropy_l / column.entropy_share - SLACK:
            continue
        bands = draw(figures, column.bands, column.distinct_l, k, microdata.drawn_percent,
                     edge=microdata.drawn_edge_percent, largest=microdata.drawn_largest_percent)
        if bands:
            drawn[name] = bands
        else:
            absent[name] = f"there are no {column.distinct_l} bands of at least {k} people each"
    return Columns(drawn, absent)


def _figures(con: Connection, figure: str) -> Figures:
    rows = con.execute(f"SELECT CAST(floor({quote(figure)}) AS BIGINT) AS figure, count(*) FROM {FIGURES} "
                       "GROUP BY figure").fetchall()
    found = dict(rows)
    without = found.pop(None, 0)
    return Figures(found, without)


def make_bands(con: Connection, declared: Policy, shown: Policy, sql: Path, month: date) -> None:
    """Make the table of bands again.

    Args:
        con: holds the layer anonymous.
        declared: the whole policy, whose bands the model is given for columns that are not published.
        shown: the policy with the bands that are published.
        sql: the folder of the models.
        month: the first day of the release's month.
    """
    values = {**declared.release.microdata.values(month), **shown.release.microdata.values(month)}
    run_model(con, load_catalogue(sql, vocabulary_of(declared))[BANDED], values)
