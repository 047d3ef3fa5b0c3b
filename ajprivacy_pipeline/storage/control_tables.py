"""The tables of the control store: small, appended to, and outliving a month.

Belongs here: their columns, and what a row of each means. Does not belong here: reading and writing them (`control`).
No personal value but the ids of subjects and messages under hold or review, and of requests that name an address of
several people.
"""

import sqlalchemy as sa

META = sa.MetaData()

months = sa.Table(  # one row per successful run of a month: what it saw, so that the next can tell a shrunken source
    "months", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("policy_version", sa.String(64), nullable=False),
    sa.Column("finished_at", sa.DateTime, nullable=False),
)
month_measures = sa.Table(  # what a successful run measured, and what somebody accepted; in the order it happened
    "month_measures", META,  # a row per run (or acceptance), guard, table and column ('' for the table as a whole)
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("guard", sa.String(16), nullable=False),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("column_name", sa.String(64), nullable=False),
    sa.Column("part", sa.BigInteger),
    sa.Column("whole", sa.BigInteger),
    sa.Column("newest", sa.Date),
    sa.Column("stands", sa.Boolean, nullable=False),  # it was evidence: later months are compared with it
    sa.Column("recorded_at", sa.DateTime, nullable=False),
    sa.Column("accepted_by", sa.String(200)),  # set where a person said that it is right as it is
    sa.Column("reason", sa.String(64)),
    sa.Column("accepted_on", sa.Date),
)
open_records = sa.Table(  # the ids of what was open in a run, sealed under a key that the store does not hold
    "open_records", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False, index=True),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
executed_counts = sa.Table(  # what carrying out a plan took away: rows (column ''), values removed or emptied
    "executed_counts", META,  # who removes a row counts each value that stood in it, too
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("table_name", sa.String(64), nullable=False),
    sa.Column("column_name", sa.String(64), nullable=False),
    sa.Column("rows", sa.BigInteger, nullable=False),
    sa.Column("executed_at", sa.DateTime, nullable=False),
)
releases = sa.Table(  # one row per published release
    "releases", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("history_from", sa.String(7), nullable=False),
    sa.Column("proven", sa.Boolean, nullable=False),
    sa.Column("manifest_sha256", sa.String(64), nullable=False),
    sa.Column("policy_version", sa.String(64), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
    sa.Column("published_at", sa.DateTime, nullable=False),
)
release_periods = sa.Table(  # by how long periods a release shows a population of facts, from which month on
    "release_periods", META,  # a release without rows goes by months
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("manifest_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("population", sa.String(64), nullable=False),
    sa.Column("since", sa.String(7), nullable=False),
    sa.Column("length", sa.String(8), nullable=False),
)
release_groups = sa.Table(  # by which type and region a release describes people of each type and region
    "release_groups", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("manifest_sha256", sa.String(64), nullable=False, index=True),
    sa.Column("customer_type", sa.String(64), nullable=False),
    sa.Column("postal_region", sa.String(64), nullable=False),
    sa.Column("shown_type", sa.String(64), nullable=False),
    sa.Column("shown_region", sa.String(64), nullable=False),
)
hold_events = sa.Table(  # one row each for placing a legal hold, renewing it, lifting it; none is edited
    "hold_events", META,  # hold_id is the placing row's id; subject_id ('customer:1') or an entity's name ('app_logs')
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("hold_id", sa.Integer, index=True),
    sa.Column("event", sa.String(8), nullable=False),
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("owner", sa.String(200), nullable=False),
    sa.Column("ground", sa.String(64), nullable=False),
    sa.Column("expires_on", sa.Date, nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("recorded_by", sa.String(200), nullable=False),
)
review_decisions = sa.Table(  # one row per subject and decision; a release also lists its invoices below
    "review_decisions", META,  # subject_id is that of a subject, or of a message without one: 'communications:1'
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject_id", sa.String(200), nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("decision", sa.String(16), nullable=False),
    sa.Column("decided_by", sa.String(200), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("decided_on", sa.Date, nullable=False),
)
released_invoices = sa.Table(  # facts_sha256 pins the invoice as it was; a changed invoice is not released any more
    "released_invoices", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("decision_id", sa.Integer, sa.ForeignKey("review_decisions.id"), nullable=False),
    sa.Column("invoice_id", sa.String(200), nullable=False),
    sa.Column("facts_sha256", sa.String(64), nullable=False),
)

released_faults = sa.Table(  # facts_sha256 pins the faults of the record as they were; a new one is not released
    "released_faults", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("decision_id", sa.Integer, sa.ForeignKey("review_decisions.id"), nullable=False),
    sa.Column("entity", sa.String(64), nullable=False),
    sa.Column("record_id", sa.String(200), nullable=False),
    sa.Column("facts_sha256", sa.String(64), nullable=False),
)
first_held = sa.Table(  # the first month in which a fault held something: a keyed token of freeze, table and record
    "first_held", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)
product_warranties = sa.Table(  # a product's warranty in a successful month, where it was another than before
    "product_warranties", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("product_id", sa.String(200), nullable=False),
    sa.Column("warranty_years", sa.Integer),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("run_id", sa.String(64), nullable=False),
)

policies = sa.Table(  # every policy that a run used: the TOML texts by file name, as JSON; once a version
    "policies", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False, index=True),
    sa.Column("stored_at", sa.DateTime, nullable=False),
    sa.Column("content", sa.Text, nullable=False),
)

policy_keepers = sa.Table(  # by whose run a policy was stored; what was stored before this table was there has no row
    "policy_keepers", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("version", sa.String(64), nullable=False, index=True),
    sa.Column("stored_by", sa.String(200), nullable=False),
)

shared_requests = sa.Table(  # erasures by e-mail that reached several people in a month: they stay ambiguous
    "shared_requests", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(200), nullable=False, index=True),
    sa.Column("matches", sa.BigInteger, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)

effects = sa.Table(  # what objections, erasures and unsubscriptions have ended: keyed tokens of requests and people
    "effects", META,  # replaced as a whole per source; `key` is the fingerprint of the tokens' key
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("source", sa.String(64), nullable=False, index=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("verified_on", sa.Date),
    sa.Column("by_email", sa.Boolean, nullable=False),
    sa.Column("matches", sa.BigInteger, nullable=False),
    sa.Column("what", sa.String(8), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("erases", sa.Boolean, nullable=False),
    sa.Column("key", sa.String(16), nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("run_id", sa.String(64), nullable=False),
)
store_state = sa.Table(  # one row: how often the store has been changed; see `counter`
    "store_state", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("changes", sa.BigInteger, nullable=False),
)
new_starts = sa.Table(  # a person goes on with a store that had lost something, or with a new one
    "new_starts", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("changes_before", sa.BigInteger),  # beside the keys; None where no number stood there
    sa.Column("changes_found", sa.BigInteger, nullable=False),
    sa.Column("accepted_by", sa.String(200), nullable=False),
    sa.Column("reason", sa.String(64), nullable=False),
    sa.Column("accepted_on", sa.Date, nullable=False),
)

requests = sa.Table(  # requests of people to use a right that were recorded here; those of the warehouse stand there
    "requests", META,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("received_on", sa.Date, nullable=False),
    sa.Column("added_by", sa.String(200), nullable=False),
    sa.Column("added_at", sa.DateTime, nullable=False),
)
request_people = sa.Table(  # whose they are, sealed; the row goes when the limitation period of the request has ended
    "request_people", META,
    sa.Column("request_id", sa.String(32), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
request_events = sa.Table(  # what was done about a request, of the warehouse or recorded here; none is edited
    "request_events", META,  # detail: a reason code, a clause or an outcome
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(200), nullable=False, index=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("happened_at", sa.DateTime, nullable=False),
    sa.Column("detail", sa.String(64)),
)

notices = sa.Table(  # what recipients and systems must be told about a request (Art. 19); none is edited
    "notices", META,  # about: the request's kind; what: parts as table.part, by comma; no value and no id of a person
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("request_id", sa.String(200), nullable=False, index=True),
    sa.Column("about", sa.String(16), nullable=False),
    sa.Column("addressee", sa.String(200), nullable=False),  # an entry of the policy, or a table of copies
    sa.Column("what", sa.Text, nullable=False),
    sa.Column("made_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
)
notice_events = sa.Table(  # that an addressee has acknowledged a notice
    "notice_events", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("notice_id", sa.Integer, nullable=False, index=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("happened_at", sa.DateTime, nullable=False),
)
authority_disclosures = sa.Table(  # what authorities were given, as it was recorded; none is edited
    "authority_disclosures", META,  # token: whom it was about, keyed; '' where it was about nobody in particular
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("authority", sa.String(200), nullable=False),
    sa.Column("basis", sa.String(64), nullable=False),
    sa.Column("categories", sa.String(400), nullable=False),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("disclosed_on", sa.Date, nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("recorded_at", sa.DateTime, nullable=False),
)

alerts_told = sa.Table(  # what an address was told needs attention: that it began, goes on (again), or is over
    "alerts_told", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("address", sa.String(16), nullable=False),  # a hash of it, without user and password
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("event", sa.String(8), nullable=False),
    sa.Column("happened_at", sa.DateTime, nullable=False),
)
plans = sa.Table(  # what was to be carried out: one row a plan, never edited; what became of it stands in plan_events
    "plans", META,  # summary: counts alone, as JSON
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("policy_version", sa.String(64), nullable=False),
    sa.Column("mapping_sha256", sa.String(64), nullable=False),
    sa.Column("catalogue_sha256", sa.String(64), nullable=False),
    sa.Column("warehouse", sa.String(64), nullable=False),
    sa.Column("made_at", sa.DateTime, nullable=False),
    sa.Column("summary", sa.Text, nullable=False),
)
plan_events = sa.Table(  # what became of a plan, in the order it happened; the newest event is its state
    "plan_events", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("plan_id", sa.String(32), nullable=False, index=True),
    sa.Column("event", sa.String(16), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("happened_at", sa.DateTime, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
)
carried_out = sa.Table(  # of whom something was carried out: keyed tokens of subjects; `key` is their key's fingerprint
    "carried_out", META,  # is_whole: from then on nothing of somebody was there; the newest row of a token counts
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("is_whole", sa.Boolean, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("key", sa.String(16), nullable=False),
)
guard = sa.Table(  # what plans have erased, so that nobody comes back unseen; `key`: the fingerprint of the tokens' key
    "guard", META,  # kind: id (a subject of whom nothing was left), value (of a column of a subject), email, phone
    sa.Column("id", sa.Integer, primary_key=True),  # (which nobody else held), subscription (the address of one)
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("erased_on", sa.Date, nullable=False),
    sa.Column("key", sa.String(16), nullable=False),
)
IS_ID = guard.c.kind == sa.literal_column("'id'")  # in so many words, so that the index below is taken
# Ids alone are looked up one by one. Tokens lie anywhere in an index, so that each batch rewrote all of one over all.
sa.Index("ix_guard_token", guard.c.token, sqlite_where=IS_ID, postgresql_where=IS_ID)
dropped = sa.Table(  # what an apply had to leave out although it was planned: keyed tokens as those of first_due
    "dropped", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("key", sa.String(16), nullable=False),
)
used_again = sa.Table(  # whose id was found to be somebody else's in a month: tokens as those of first_due
    "used_again", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False),
    sa.Column("erased_on", sa.Date, nullable=False),
    sa.Column("month", sa.String(7), nullable=False, index=True),
    sa.Column("key", sa.String(16), nullable=False),
)
first_due = sa.Table(  # since when something is due that a plan did not carry out: a keyed token of table, id and part
    "first_due", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("key", sa.String(16), nullable=False),
)

access_log = sa.Table(  # who read a person's data: the subject as a keyed token, never its id; the stored name is old
    "looks", META,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("subject_id", sa.String(64), nullable=False, index=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("looked_at", sa.DateTime, nullable=False),
)

ledger = sa.Table(  # what was planned, approved, carried out, verified: a chain of hashes, appended to alone
    "ledger", META,  # texts as they were hashed: body is canonical JSON, recorded_at ISO 8601 in UTC without zone
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),  # from 1 on, without a gap
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.String(26), nullable=False),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
ledger_tokens = sa.Table(  # who was carried out in a batch: keyed tokens beside the chain, which holds their root alone
    "ledger_tokens", META,  # a row per entry, token and month; clauses by comma; `key`: fingerprint of the year's key
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False, index=True),
    sa.Column("year", sa.Integer, nullable=False, index=True),
    sa.Column("key", sa.String(16), nullable=False),
    sa.Column("token", sa.String(64), nullable=False, index=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("clauses", sa.String(200), nullable=False),
)
