"""The part of the policy about what is published: `release.toml`, tables and columns, thresholds, rules, declassifiers.

Belongs here: its shape. Does not belong here: record-level tables (`microdata`), utility (`utility`).
"""

from typing import Literal

from pydantic import Field

from ajprivacy_pipeline.calendar import Length
from ajprivacy_pipeline.policy.base import Frozen
from ajprivacy_pipeline.policy.microdata import Microdata
from ajprivacy_pipeline.policy.utility import Utility


class PublishedColumn(Frozen):
    """A column that may be published."""

    type: str
    role: Literal["dimension", "measure", "flag", "quasi_identifier", "sensitive", "text"]
    meaning: str
    unit: str | None = None
    additive_over: tuple[str, ...] = ()
    nearly_additive_over: tuple[str, ...] = ()
    dominance: bool = False
    at_most: str | None = None  # the measure of the same row that this one cannot exceed
    nearly: str | None = None  # table.measure of other facts that a reader may take for this measure
    names: str | None = None  # the dimension that this one is the name of: tells no cells apart, may be suppressed
    people: Literal["type", "region"] | None = None  # what the dimension says of the people behind a row (G17)
    flows: tuple[()] | tuple[str, str] = ()  # of a stock: what came since the month before, what went
    sources: tuple[str, ...] = ()  # table.column of the warehouse without which it is absent, not empty

    @property
    def subtracted_over(self) -> tuple[str, ...]:
        """The dimensions along which a reader could take parts off a total."""
        return (*self.additive_over, *self.nearly_additive_over)


class ContributorSource(Frozen):
    """Where the people behind a published table are counted again, without the published model.

    `margins` are the dimensions of the facts that the table totals; where the facts carry totals as rows of their own
    (`(all)` in the category), the dimension is none of these. `counted` are measures that are no sums, each with the
    column of the facts that must have a value in a row for its contributor to count. `persons` are measures that count
    contributors themselves, each with the column whose sum must not be zero for one to count; empty: everybody does.
    `may_name_nobody`: rows of the facts may have no person at all.
    """

    relation: str = Field(pattern="^anonymous[.][a-z_0-9]+$")
    margins: tuple[str, ...] = ()
    counted: dict[str, str] = Field(default_factory=dict)
    persons: dict[str, str] = Field(default_factory=dict)
    may_name_nobody: bool = False


class Priced(Frozen):
    """A table of products: a reader knows their prices, so that units and revenue are one system (G5).

    `relation` has the lowest and the highest price of each product and month, in kroner; `facts` what was sold, with
    all dimensions of the tables of the same population.
    """

    by: str
    units: str
    amount: str
    relation: str
    facts: str


class Rounded(Frozen):
    """A table of counts that are all rounded to a base, so that each cell there may be has a number.

    `beside` is the table that shows the same facts exactly, of the same dimensions: what both tell together is checked.
    The base is k times the first of `multiples` that makes a period safe; a period of more than `most_cells` finest
    cells, or that none makes safe, is not listed. `attempts` is how often a period is rounded anew by one base.
    """

    beside: str
    multiples: tuple[int, ...] = Field(default=(1,), min_length=1)
    most_cells: int = Field(default=1000, ge=1)
    attempts: int = Field(default=6, ge=1)


class PublishedTable(Frozen):
    """A table that may be published."""

    description: str
    columns: dict[str, PublishedColumn]
    months: bool = False
    run_month_only: bool = False
    sources: tuple[str, ...] = ()
    period: Literal["month", "fitted"] = "month"
    population: str | None = None
    contributors: ContributorSource | None = None
    priced: Priced | None = None
    rounded: Rounded | None = None


class View(Frozen):
    """Rows of a published table under a name of their own: all its dimensions but `per` stand at their total."""

    table: str
    per: tuple[str, ...]
    description: str


class Thresholds(Frozen):
    """The figures behind the guarantees."""

    k: int
    k_floor: int = Field(ge=5)
    leak_minimum_characters: int = Field(ge=4)
    dominance_p: int = Field(ge=1, le=100)
    dominance_largest: int = Field(ge=1, le=99)
    dominance_two_largest: int = Field(ge=1, le=99)
    interval_percent: int = Field(ge=1, le=100)
    price_band: int = Field(ge=0, le=100)
    integer_cells: int = Field(ge=1)
    open_cells: int = Field(ge=1)
    optimal_cells: int = Field(ge=0, default=1600)
    suppression_loss: Literal["values", "cells"] = "values"
    total_worth: int = Field(ge=1, le=100)
    listed_percent: int = Field(default=20, ge=0, le=100)
    months_computed_again: int = Field(ge=1)



class Persons(Frozen):
    """How people's names and birth dates are looked for in published texts (G10); lengths in letters, words in words.

    `columns` hold names of people, `particles` are no part of a name, a name with one of the `company_forms` is no
    person's. `folds` are replaced before names are compared. `months` are the twelve, each with the words for it;
    `birth_formats` read words with one blank between them.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    part_letters: int = Field(ge=3)
    joined_letters: int = Field(ge=5)
    words_between: int = Field(ge=0)
    genitive: str
    particles: tuple[str, ...]
    company_forms: tuple[str, ...]
    folds: tuple[tuple[str, str], ...]
    months: tuple[tuple[str, ...], ...] = Field(min_length=12, max_length=12)
    birth_formats: tuple[str, ...] = Field(min_length=1)


class Periods(Frozen):
    """By how long periods a fitted table may be published, finest first, and how much must be visible for the choice.

    The finest length counts at which the shown cells with one dimension named hold at least `visible_percent` of what
    all of them hold, by the table's leading count.
    """

    lengths: tuple[Length, ...] = Field(default=("month",), min_length=1)
    visible_percent: int = Field(default=60, ge=1, le=100)



class PublishedValues(Frozen):
    """The policy's own dimension values."""

    all: str
    unknown: str
    abroad: str
    most_characters: int = Field(ge=1)
    home_currency: str


class Rule(Frozen):
    """A dimension value and the patterns that lead to it."""

    value: str
    patterns: tuple[str, ...] = Field(min_length=1)


class Rules(Frozen):
    """How free texts become dimension values: the first rule with a pattern that fits, else `other`."""

    other: str
    page_group: tuple[Rule, ...]
    device_class: tuple[Rule, ...]


class Declassifier(Frozen):
    """A function that takes the person out of a value (G11), or leaves a token of it, and why that is so."""

    function: Literal["count", "is_null", "hmac", "starts_with", "rule", "test", "leading_character"]
    takes: tuple[Literal["direct", "quasi", "token", "key"], ...] = Field(min_length=1)
    reason: str = Field(min_length=20)
    arguments: tuple[str, ...] = ()  # of the function; none: any
    columns: tuple[str, ...] = ()  # layer.table.column that the value comes from; none: any
    becomes: Literal["token"] | None = None


class Release(Frozen):
    """`release.toml`."""

    history_months: int = Field(ge=1)
    periods: Periods = Periods()
    thresholds: Thresholds
    persons: Persons
    values: PublishedValues
    rules: Rules
    tables: dict[str, PublishedTable]
    microdata: Microdata
    utility: Utility
    views: dict[str, View] = Field(default_factory=dict)
    declassifiers: dict[str, Declassifier] = Field(default_factory=dict)
