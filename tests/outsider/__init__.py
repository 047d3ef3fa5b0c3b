"""An outsider who holds the published files and tries to get people out of them: a second opinion on the release.

`python -m tests.outsider RELEASE [RELEASE ...] [--people people.csv]`, from the checkout's root; a release is a folder
of Parquet files or an `analytics.duckdb`. It prints what it recovered and ends with 1 when that is anything at all.

Belongs here: what anybody can do with pandas, numpy, scipy and duckdb, with the published data dictionary, with what
docs/analysts.md says about reading a table, and with the neighbours' knowledge of who somebody is (`--people`). Does
not belong here: any module of ours. The package's own gates are never imported and were not the model for what stands
here: it was written from the files, so that a mistake must be made twice to stay hidden.

    published   the files, and what the dictionary says they are
    lines       which cell is the sum of which, over all tables that tell of the same things
    solve       what a system of sums says about the cells that are left out of it
    tables      attacks on the tables of cells
    rounded     attacks on tables of which every count is rounded, beside the exact ones
    counted     attacks on people counted beside what they did: visitors of events, customers of messages
    stocks      attacks on figures that are counted at a moment and rounded
    people      attacks on the table of people
    pricelist   attacks by who knows what products cost: units and revenue together, in whole numbers
    splits      attacks by prices on all shown cells of a category of few products at once
    contributions  attacks measured by who bought what: remainders of shown totals that one or two made
    presence    attacks on rows by their being there, by who knows the register
    names       people's names and birth dates in published texts
"""
