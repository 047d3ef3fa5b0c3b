"""The customer's database: what feeds the contract, and reading it.

    address.py    one URL → what to connect to; words for everything that can go wrong on the way
    sessions.py   what every session says first, so that SQL and moments mean one thing
    source.py     an open warehouse: its tables, its columns, what kind of value they hold
    mapping_file.py  the mapping file; mapping_parts.py the shapes of pivots, addresses, unions and guests in it
    made_of_parts.py, composed.py, merged.py  what such parts mean as a query, and its SQL
    findings.py, unread.py  remarks about a mapping; columns that look personal and that nothing reads
    mapping.py    a mapping held against a warehouse: what feeds what, and what does not fit
    readable.py   columns whose values would else arrive as something else: moments, bytes, bits
    zoned.py      times that the source writes in another zone than the policy's
    shared_cells.py  cells of the source that more than one column shows
    draft.py      a first mapping, drafted by looking at a warehouse
    names.py, more_names.py  what shops call things
    rows.py       which rows of a table a condition can mean at most
    extract.py    twelve tables into schema `raw`, in one snapshot, all or nothing
    beside.py     tables of `raw` that are not the contract's, as columns alone
    reader.py     what a way to read has to offer
    native.py     DuckDB's own readers of SQLite and PostgreSQL
    sqlite_guard.py  notices who writes to a SQLite file while it is read
    locked_tables.py  tables of MySQL's that no snapshot covers, held still while they are read
    stream.py     SQLAlchemy and Arrow, for every other dialect
    constraints/  what the source would refuse, or do too well, when a plan is carried out
    conversions.py  from the source's types to those of `raw`
    sample/       a shop to try everything on

Belongs here: everything that knows that shops differ. Does not belong here: what the values mean (staging), what must
go (retention), and every write to the warehouse (enforce). Only mapped columns are read; nothing here logs or raises a
value of a row.
"""
