"""The month as a data engineer would write it with pandas + SQLAlchemy: extract, decide, pseudonymise, cells, Parquet.

    python pandas_month.py URL MONTH OUT [--months 1|24]

Simplified against the specification: legal holds, review decisions, evidence_missing and tombstones (none in the sample);
data_quality only for enum values and implausible dates of customers, contacts, orders, invoices, cases, communications;
review_list, sole_ground, purpose reasons and reasons of records as a bit set written as a dictionary string;
no microdata, no complement audit, no proof, no encryption.
"""

import hmac, json, os, sys
from pathlib import Path
import numpy as np, pandas as pd
from sqlalchemy import create_engine, text
from both import DEVICES, PAGES, PHASES, TEXT, TIME, phase

URL, MONTH, OUT = sys.argv[1:4]
MONTHS = int(sys.argv[sys.argv.index("--months") + 1]) if "--months" in sys.argv else 1
OUT = Path(OUT)
OUT.mkdir(parents=True, exist_ok=True)
AS_OF = np.datetime64((np.datetime64(MONTH, "M") + 1), "D").astype("M8[s]")
OPEN = np.datetime64("9999-12-31", "s")
NAT = np.datetime64("NaT", "s")
OTHER = dict(
    customers="birth_date",
    products="warranty_years",
    orders="total_amount",
    order_lines="line_number quantity unit_price",
    invoices="amount paid_amount",
    web_events="consented",
)


# ---------------------------------------------------------------- extract
def read(con, table):
    cols = " ".join([TEXT[table], TIME[table], OTHER.get(table, "")]).split()
    chunks = pd.read_sql(
        text(f"SELECT {', '.join(cols)} FROM {table}"),
        con,
        chunksize=200_000,
        parse_dates={c: {"utc": True, "errors": "coerce"} for c in TIME[table].split()},
    )
    return pd.concat(list(chunks), ignore_index=True)


engine = create_engine(URL)
with engine.connect().execution_options(stream_results=True, isolation_level="REPEATABLE READ") as con:
    T = {t: read(con, t) for t in TEXT}
ROWS = sum(map(len, T.values()))
phase("extract")

# ---------------------------------------------------------------- stage
BAD = {}
for t, df in T.items():
    bad = np.zeros(len(df), bool)
    for c in TEXT[t].split():
        s = df[c].astype("str").str.strip()
        df[c] = s.mask(s == "")
    for c in TIME[t].split():
        if c == "updated_at":
            continue
        d = df[c].dt.tz_convert("Europe/Oslo").dt.tz_localize(None).dt.normalize().astype("M8[s]").to_numpy()
        out = (d < np.datetime64("1900-01-01", "s")) | (d > np.datetime64("2199-12-31", "s"))
        bad |= out
        df[c] = np.where(out, NAT, d)
    BAD[t] = bad
for t, c, known in (
    ("customers", "customer_type", ["consumer", "business", "sole_proprietor"]),
    ("cases", "kind", ["complaint", "warranty", "enquiry"]),
    ("communications", "channel", ["phone", "email", "chat", "letter", "in_person", "digital"]),
    ("communications", "direction", ["in", "out"]),
):
    wrong = T[t][c].notna() & ~T[t][c].isin(known)
    BAD[t] |= wrong.to_numpy()
    T[t].loc[wrong, c] = None
T["orders"]["total_amount"] = T["orders"].total_amount.astype(float).round(2)
for c in ("amount", "paid_amount"):
    T["invoices"][c] = T["invoices"][c].astype(float).round(2)
BAD["invoices"] |= T["invoices"].amount.isna().to_numpy()
BAD["customers"] |= T["customers"].customer_type.isna().to_numpy()
BAD["orders"] |= T["orders"].ordered_at.isna().to_numpy()
BAD["invoices"] |= T["invoices"].issued_at.isna().to_numpy()
BAD["cases"] |= T["cases"].opened_at.isna().to_numpy()
BAD["communications"] |= T["communications"].occurred_at.isna().to_numpy()
phase("stage")


# ---------------------------------------------------------------- dates
def plus(d, months):
    d = d.astype("M8[D]")
    m = d.astype("M8[M]")
    t = m + np.asarray(months).astype("m8[M]")
    return np.minimum(t.astype("M8[D]") + (d - m.astype("M8[D]")), (t + 1).astype("M8[D]") - 1).astype("M8[s]")


def late(*arrays):  # greatest, ignoring nothing there
    out = arrays[0].copy()
    for a in arrays[1:]:
        out = np.fmax(out, a)
    return out


def early(*arrays):
    out = arrays[0].copy()
    for a in arrays[1:]:
        out = np.fmin(out, a)
    return out


def key(d):  # months with room for 31 days: summed before the day is clamped
    D = d.astype("M8[D]")
    m = D.astype("M8[M]")
    ok = ~np.isnat(D)
    k = np.full(len(D), -1, np.int64)
    k[ok] = m[ok].astype(np.int64) * 32 + (D[ok] - m[ok].astype("M8[D]")).astype(np.int64)
    return np.where(ok, k, -(10**9))


def unkey(k):
    ok = k > -(10**8)
    m = (np.where(ok, k, 0) // 32).astype("M8[M]")
    d = np.minimum(m.astype("M8[D]") + (np.where(ok, k, 0) % 32).astype("m8[D]"), (m + 1).astype("M8[D]") - 1)
    return np.where(ok, d.astype("M8[s]"), NAT)


def at(values, index, missing=NAT):
    out = values[np.where(index < 0, 0, index)] if len(values) else np.full(len(index), missing)
    return np.where(index < 0, missing, out)


def group_max(index, values, n):
    out = np.full(n, np.iinfo(np.int64).min)
    v = values.astype("M8[s]").astype(np.int64)
    ok = (index >= 0) & ~np.isnat(values)
    np.maximum.at(out, index[ok], v[ok])
    return np.where(out == np.iinfo(np.int64).min, NAT, out.astype("M8[s]"))


def group_min(index, values, n):
    out = np.full(n, np.iinfo(np.int64).max)
    v = values.astype("M8[s]").astype(np.int64)
    ok = (index >= 0) & ~np.isnat(values)
    np.minimum.at(out, index[ok], v[ok])
    return np.where(out == np.iinfo(np.int64).max, NAT, out.astype("M8[s]"))


def group_any(index, mask, n):
    out = np.zeros(n, bool)
    out[index[mask & (index >= 0)]] = True
    return out


# ---------------------------------------------------------------- decide
C, K, P, O, L, I, S, M, N, W, G, R = (T[t] for t in TEXT)
nC, nK, nO = len(C), len(K), len(O)
nS = nC + nK
ic, ik, io = pd.Index(C.customer_id), pd.Index(K.contact_id), pd.Index(O.order_id)


def cust(df):
    return ic.get_indexer(df.customer_id)


def cont(df):
    j = ik.get_indexer(df.contact_id)
    return np.where(j < 0, -1, j + nC)


BY = dict(
    orders=(cust(O), cont(O)),
    cases=(cust(S), cont(S)),
    communications=(cust(M), cont(M)),
    newsletter_subscriptions=(cust(N), cont(N)),
    web_events=(cust(W), cont(W)),
    rights_requests=(cust(R), cont(R)),
)
kind = np.concatenate([C.customer_type.fillna("sole_proprietor").to_numpy(object), np.full(nK, "contact", object)])
is_person = np.isin(kind, ["consumer", "sole_proprietor"])
business_c = kind[:nC] == "business"
kc = ic.get_indexer(K.customer_id)
created = np.concatenate([C.profile_created_at, K.created_at]).astype("M8[s]")
closed = np.concatenate([C.profile_closed_at, K.deactivated_at]).astype("M8[s]")
login = np.concatenate([C.last_login_at, K.last_login_at]).astype("M8[s]")
emails = pd.concat([C.email, K.email], ignore_index=True).str.lower()
orphan_s = np.concatenate([np.zeros(nC, bool), (kc < 0) & K.customer_id.notna().to_numpy()])

# requests: who, from when
R["by_email"] = R.contact_id.isna() & R.customer_id.isna()
rc, rk = BY["rights_requests"]
direct = pd.DataFrame({"r": np.arange(len(R)), "s": np.where(R.contact_id.notna(), rk, rc)})[~R.by_email.to_numpy()]
e = emails.dropna().reset_index()
e.columns = ["s", "e"]
mailed = (
    R[R.by_email & R.email.notna()]
    .reset_index(names="r")
    .assign(e=lambda x: x.email.str.lower())[["r", "e"]]
    .merge(e, on="e")[["r", "s"]]
)
Q = pd.concat([direct[direct.s >= 0], mailed], ignore_index=True)
Q["matches"] = Q.groupby("r").s.transform("size")
Q = Q.join(R[["kind", "outcome", "received_at", "identity_verified_at", "closed_at", "by_email"]], on="r")
V = np.where(Q.identity_verified_at.notna(), late(Q.received_at.to_numpy(), Q.identity_verified_at.to_numpy()), NAT)
counts = (Q.outcome != "withdrawn") & ((Q.outcome != "refused") | (Q.kind == "objection"))
stop = (counts & Q.kind.isin(["objection", "erasure"]) & (Q.received_at <= AS_OF)).to_numpy()
erase = (counts & (Q.kind == "erasure")).to_numpy() & (V <= AS_OF) & (~Q.by_email | (Q.matches == 1)).to_numpy()
freezes_q = (
    (counts & Q.kind.isin(["restriction", "access", "portability"]) & (Q.received_at <= AS_OF)).to_numpy()
    & ~(Q.closed_at <= AS_OF).to_numpy()
    & ((V <= AS_OF) | (AS_OF < plus(Q.received_at.to_numpy(), 3)))
)
ER = pd.DataFrame({"s": Q.s.to_numpy()[erase], "V": V[erase]})
ST = pd.DataFrame({"s": Q.s.to_numpy()[stop], "R": Q.received_at.to_numpy()[stop]})


def first_after(table, column, subject, began):  # the earliest request day >= began of each row's subject
    x = pd.DataFrame({"i": np.arange(len(subject)), "s": subject, "b": began})
    x = x[x.s.isin(table.s)].merge(table, on="s")
    x = x[~(x[column] < x.b)] if column == "never" else x[x[column] >= x.b]
    out = np.full(len(subject), NAT)
    m = x.groupby("i")[column].min()
    out[m.index] = m.to_numpy()
    return out


# orders
lo = io.get_indexer(L.order_id)
years = pd.to_numeric(P.warranty_years, errors="coerce")
years = years.where(years.between(0, 30) & (years % 1 == 0)).where(
    ~P.category.str.lower().isin(["freight", "services"]), 0
)
ip = pd.Index(P.product_id).get_indexer(L.product_id)
w = np.where(L.product_id.isna(), 0.0, at(years.to_numpy(float), ip, np.nan))
live = L.returned_at.isna().to_numpy()
own, od = L.delivered_at.to_numpy(), O.delivered_at.to_numpy()
dl = np.where(np.isnat(own), at(od, lo), own)
n_lines, n_live = np.bincount(lo[lo >= 0], minlength=nO), np.bincount(lo[(lo >= 0) & live], minlength=nO)
undelivered_l = group_any(lo, live & ~(dl <= AS_OF), nO)
unknown_w = group_any(lo, live & np.isnan(w), nO)
line_delivered, live_delivered = group_max(lo, dl, nO), group_max(lo, np.where(live, dl, NAT), nO)
returned = group_max(lo, L.returned_at.to_numpy(), nO)
wk = np.where(live & ~np.isnan(w), key(dl) + 384 * np.nan_to_num(w).astype(np.int64), -(10**9))
warranty_key = np.full(nO, -(10**9), np.int64)
np.maximum.at(warranty_key, lo[lo >= 0], wk[lo >= 0])
open_i = ((I.amount - I.paid_amount.fillna(0)).abs().round(2) >= 0.01).to_numpy() & ~(I.settled_at <= AS_OF).to_numpy()
xo = io.get_indexer(I.order_id)
has_invoice, has_open = group_any(xo, np.ones(len(I), bool), nO), group_any(xo, open_i, nO)
so = io.get_indexer(S.order_id)
case_open = ~(S.closed_at <= AS_OF).to_numpy()
o_case, o_case_closed = group_any(so, case_open, nO), group_max(so, S.closed_at.to_numpy(), nO)
oc, ok_ = BY["orders"]
person_o = at(is_person, oc, False)
cancelled = (O.cancelled_at <= AS_OF).to_numpy()
undelivered = ~cancelled & np.where(n_lines == 0, ~(od <= AS_OF), undelivered_l)
unpaid = (
    ~cancelled
    & (O.total_amount != 0).to_numpy()
    & ~(O.paid_at <= AS_OF).to_numpy()
    & (has_open | (~has_invoice & ((n_lines == 0) | (n_live > 0))))
)
has_w = person_o & ~cancelled
w_unknown = has_w & unknown_w
ended = late(
    O.ordered_at.to_numpy(),
    od,
    O.completed_at.to_numpy(),
    O.paid_at.to_numpy(),
    np.where(cancelled, O.cancelled_at.to_numpy(), NAT),
    line_delivered,
    returned,
    o_case_closed,
)
end_key = np.where(has_w, np.maximum(key(ended), warranty_key), key(ended))
obligations, o_profile = unkey(end_key), unkey(end_key + 32 * 12)
contract = np.where(
    cancelled,
    plus(ended, 12),
    np.where(person_o, late(o_profile, plus(live_delivered, 36)), late(plus(ended, 48), o_profile)),
)
transaction = np.where(cancelled, NAT, late(O.ordered_at.to_numpy(), od, O.paid_at.to_numpy()))
OF = pd.DataFrame(
    {
        "o": np.arange(nO),
        "undelivered": undelivered,
        "unpaid": unpaid,
        "case": o_case,
        "w": w_unknown,
        "contract": contract,
        "obl": obligations,
        "profile": o_profile,
        "trans": transaction,
        "ordered": O.ordered_at.to_numpy(),
    }
)

# orders of subjects
bk = pd.DataFrame(
    {"s": np.arange(nK) + nC, "c": kc, "from": K.created_at.to_numpy(), "to": K.deactivated_at.to_numpy()}
)
bk = bk[(kc >= 0) & at(business_c, kc, False)]
nobody = O.contact_id.isna().to_numpy() & (oc >= 0)
three = pd.DataFrame({"o": np.flatnonzero(nobody), "c": oc[nobody], "d": O.ordered_at.to_numpy()[nobody]}).merge(
    bk, on="c"
)
three = three[~(three["from"] > three.d) & ~(three.to <= three.d)]
ps = np.concatenate([oc[oc >= 0], ok_[ok_ >= 0], three.s.to_numpy()]).astype(int)
po = np.concatenate([np.flatnonzero(oc >= 0), np.flatnonzero(ok_ >= 0), three.o.to_numpy()]).astype(int)


def erased_end(end, obl, began, subject):
    f = first_after(ER, "V", subject, began)
    return np.where(np.isnat(f), end, np.fmin(end, np.fmax(obl, f)))


pc = erased_end(contract[po], obligations[po], O.ordered_at.to_numpy()[po], ps)
s_und, s_unp, s_oc, s_w = (group_any(ps, x[po], nS) for x in (undelivered, unpaid, o_case, w_unknown))
has_order = group_any(ps, np.ones(len(ps), bool), nS)
s_contract, s_profile, s_trans = (
    group_max(ps, pc, nS),
    group_max(ps, o_profile[po], nS),
    group_max(ps, transaction[po], nS),
)
# cases of subjects
sc, sk = BY["cases"]
cs = np.concatenate([sc[sc >= 0], sk[sk >= 0]])
ci = np.concatenate([np.flatnonzero(sc >= 0), np.flatnonzero(sk >= 0)])
c_open = group_any(cs, case_open[ci], nS)
has_case = group_any(cs, np.ones(len(cs), bool), nS)
c_closed_rows = S.closed_at.to_numpy()[ci]
c_closed = group_max(cs, c_closed_rows, nS)
c_contract = group_max(cs, erased_end(plus(c_closed_rows, 12), c_closed_rows, S.opened_at.to_numpy()[ci], cs), nS)

# purposes
has_profile = ~np.isnat(created)
closed_by = np.where(closed <= AS_OF, closed, NAT)
used = late(created, login, c_closed)
order_open = s_und | s_unp | s_oc
everyone = np.arange(nS)
stopped, erased = first_after(ST, "R", everyone, created), first_after(ER, "V", everyone, created)
is_erased = np.isin(everyone, ER.s)


def base(tail, extra_open):
    x = np.where(~np.isnat(closed_by), plus(closed_by, 12), np.where(extra_open, OPEN, tail))
    return np.where(has_profile, np.where(c_open, OPEN, x), NAT)


ind0 = base(plus(late(used, s_trans), 12), order_open)
contract_on = np.where(
    has_order | has_case, np.where(c_open | order_open | s_w, OPEN, late(s_contract, c_contract)), NAT
)
profile_on = early(base(late(plus(used, 12), s_profile), order_open | s_w), np.where(has_profile, erased, NAT))
ind_on = early(ind0, np.where(has_profile, stopped, NAT), np.where(has_profile, erased, NAT))
ident_on = np.where(kind == "sole_proprietor", early(ind0, np.where(has_profile, erased, NAT)), NAT)
v = (I.billing_name.isna() | I.billing_street_address.isna()).to_numpy()
vi = cust(I)
last_v = group_max(np.where(v, vi, -1), I.issued_at.to_numpy(), nS)
book_on = np.where(is_person & ~np.isnat(last_v), (last_v.astype("M8[Y]") + 6).astype("M8[s]"), NAT)
PURPOSE = [contract_on, profile_on, ind_on, ident_on, book_on]
active = sum(((p > AS_OF).astype(np.int8) << i) for i, p in enumerate(PURPOSE))

# freezes as bits: open_balance 1, restriction 2, access 4, orphan 16, data_quality 32, no_evidence 64
fz = np.zeros(nS, np.int16)
oi = np.flatnonzero(open_i)
fz[vi[oi][vi[oi] >= 0]] |= 1
with_contact = at(ok_, xo[oi], -1)
fz[with_contact[with_contact >= 0]] |= 1
whole = pd.DataFrame(
    {"c": vi[oi][(vi[oi] >= 0) & (at(O.contact_id.isna().to_numpy(), xo[oi], True))]}
).drop_duplicates()
allk = pd.DataFrame({"s": np.arange(nK) + nC, "c": kc, "left": (K.deactivated_at <= AS_OF).to_numpy()})
fz[whole.merge(allk[~allk.left], on="c").s.to_numpy()] |= 1
fz[Q.s.to_numpy()[freezes_q & (Q.kind == "restriction").to_numpy()]] |= 2
fz[Q.s.to_numpy()[freezes_q & (Q.kind != "restriction").to_numpy()]] |= 4
fz[orphan_s] |= 16
fz[:nC][BAD["customers"]] |= 32
fz[nC:][BAD["contacts"]] |= 32
for t in ("orders", "cases", "communications"):
    a, b = BY[t]
    s = np.where(b >= 0, b, a)[BAD[t]]
    fz[s[s >= 0]] |= 32
s = vi[BAD["invoices"]]
fz[s[s >= 0]] |= 32
none = np.all([np.isnat(p) for p in PURPOSE], axis=0)
fz[none & ~is_erased] |= 64
NOT_CONTRACTUAL, ALL_BUT_MARKETING, MARKETING = ~np.int16(1), np.int16(0x7FFF), ~np.int16(1 | 4 | 64)

# attributes
NAMES = ["contract", "profile", "individualisation", "identification", "bookkeeping"]
FREEZES = ["open_balance", "restriction", "access_pending", "legal_hold", "orphan", "data_quality", "no_evidence"]


def named(bits, names):
    codes, unique = pd.factorize(bits)
    return pd.Categorical.from_codes(
        codes, [",".join(sorted(n for i, n in enumerate(names) if u >> i & 1)) for u in unique]
    )


subject_id = np.concatenate(
    [("customer:" + C.customer_id).to_numpy(object), ("contact:" + K.contact_id).to_numpy(object)]
)
bd = pd.to_datetime(C.birth_date, errors="coerce").to_numpy().astype("M8[D]")
year, md = bd.astype("M8[Y]").astype(int) + 1970, (bd - bd.astype("M8[Y]").astype("M8[D]")).astype(int)
age_there = ~np.isnat(bd) & ~((year % 10 == 0) & (md == 0))
generalised = C.postal_code.isna() | C.postal_code.str.fullmatch("[0-9]").fillna(False)
addr = C.street_address.notna() | (pd.Series(is_person[:nC]) & (C.city.notna() | ~generalised))
here = {
    c: C[c].notna().to_numpy()
    for c in (
        "name",
        "email",
        "phone",
        "organisation_number",
        "national_identity_number",
        "username",
        "gender",
        "preferences",
    )
}
here |= {"address": addr.to_numpy(), "age": age_there}
PER, SOLE, BUS, CON = (np.flatnonzero(kind == k) for k in ("consumer", "sole_proprietor", "business", "contact"))
COVER = [
    ("name", 1 | 2 | 4 | 16, [PER, SOLE, CON], []),
    ("email", 7, [PER, SOLE, BUS, CON], []),
    ("phone", 7, [PER, SOLE, BUS, CON], []),
    ("address", 1 | 4 | 16, [PER, SOLE, BUS], []),
    ("organisation_number", 1 | 2 | 4 | 16, [SOLE], [PER]),
    ("job_title", 7, [CON], []),
    ("national_identity_number", 8, [SOLE], [PER, BUS]),
    ("username", 6, [PER, SOLE, BUS, CON], []),
    ("age", 4, [PER, SOLE], [BUS]),
    ("gender", 4, [PER, SOLE], [BUS]),
    ("preferences", 4, [PER, SOLE, BUS, CON], []),
]
parts = []
for attribute, covers, types, misplaced in COVER:
    for who, cov in ((types, covers), (misplaced, 0)):
        if not who:
            continue
        s = np.concatenate(who)
        there = np.zeros(len(s), bool)
        is_c = s < nC
        if attribute in here:
            there[is_c] = here[attribute][s[is_c]]
        if attribute in K:
            there[~is_c] = K[attribute].notna().to_numpy()[s[~is_c] - nC]
        on = np.full(len(s), NAT)
        for i in range(5):
            if cov >> i & 1:
                on = np.fmax(on, PURPOSE[i][s])
        on = np.where(np.isnat(on), AS_OF, on)
        kept = np.where(there, active[s] & cov, 0)
        scope = ALL_BUT_MARKETING if (cov & 1) or (attribute == "national_identity_number" and cov) else NOT_CONTRACTUAL
        held = np.where(there & (kept == 0), fz[s] & scope, 0)
        parts.append(
            pd.DataFrame(
                {
                    "s": s,
                    "attribute": attribute,
                    "d": np.where(~there, 3, np.where(kept > 0, 2, np.where(held > 0, 1, 0))).astype(np.int8),
                    "due_on": np.where(~there | (on == OPEN), NAT, on),
                    "kept": kept.astype(np.int8),
                    "held": held.astype(np.int16),
                }
            )
        )
A = pd.concat(parts, ignore_index=True)
DECISION = ["due", "hold", "retain", "absent"]
attributes = pd.DataFrame(
    {
        "as_of": AS_OF,
        "subject_id": subject_id[A.s],
        "attribute": pd.Categorical(A.attribute),
        "decision": pd.Categorical.from_codes(A.d, DECISION),
        "due_on": A.due_on.to_numpy(),
        "retained_by": named(A.kept.to_numpy(), NAMES),
        "held_by": named(A.held.to_numpy(), FREEZES),
    }
)

# records
REASONS = [
    "undelivered",
    "unpaid",
    "open_case",
    "warranty_unknown",
    "contract",
    "profile",
    "individualisation",
    "bookkeeping",
    "not_yet",
    "correspondence_period",
    "until_further_notice",
    "newsletter",
    "open_request",
    "limitation_period",
]
RECORDS = []


def decide(entity, ids, part, subject, subject_text, absent, until, reasons, a, b, orphan, bad, scope):
    fr = at(fz, a, 0) | at(fz, b, 0)
    held = np.where((reasons == 0) & ~absent, (fr & scope) | np.where(orphan, 16, 0) | np.where(bad, 32, 0), 0)
    d = np.where(absent, 3, np.where(reasons > 0, 2, np.where(held > 0, 1, 0)))
    RECORDS.append(
        pd.DataFrame(
            {
                "entity": entity,
                "record_id": ids,
                "part": part,
                "subject_id": subject_text,
                "d": d.astype(np.int8),
                "due_on": np.where(absent | (until == OPEN), NAT, until),
                "kept": np.where(absent, 0, reasons).astype(np.int32),
                "held": held.astype(np.int16),
            }
        )
    )


def names_of(df):
    k = "contact:" + df.contact_id
    return k.where(df.contact_id.notna(), "customer:" + df.customer_id).to_numpy(object)


missing_o = (O.customer_id.notna().to_numpy() & (oc < 0)) | (O.contact_id.notna().to_numpy() & (ok_ < 0))
blockers = undelivered * 1 + unpaid * 2 + o_case * 4 + w_unknown * 8
empty_d = (
    O[
        [
            "delivery_name",
            "delivery_street_address",
            "delivery_city",
            "delivery_phone",
            "delivery_email",
            "delivery_note",
            "payment_reference",
        ]
    ]
    .isna()
    .all(axis=1)
    .to_numpy()
    & (O.delivery_postal_code.isna() | O.delivery_postal_code.str.fullmatch("[0-9]").fillna(False)).to_numpy()
)
o_names = names_of(O)
for part in ("delivery", "link"):
    sub = np.where(O.contact_id.notna(), ok_, oc) if part == "delivery" else np.where(person_o, oc, ok_)
    rows = np.arange(nO) if part == "delivery" else np.flatnonzero(person_o | (ok_ >= 0))
    s_ = sub[rows]
    con_ = erased_end(contract[rows], obligations[rows], O.ordered_at.to_numpy()[rows], s_)
    con_ = np.where(np.isnat(con_), AS_OF, con_)
    ind_ = at(ind_on, s_) if part == "link" else np.full(len(rows), NAT)
    b_ = blockers[rows]
    until = np.fmax(np.where(b_ > 0, OPEN, con_), ind_)
    reasons = np.where(b_ > 0, b_, np.where(con_ > AS_OF, 16, 0)) + np.where(ind_ > AS_OF, 64, 0)
    named_s = (
        o_names
        if part == "delivery"
        else np.where(
            person_o, ("customer:" + O.customer_id).to_numpy(object), ("contact:" + O.contact_id).to_numpy(object)
        )
    )
    absent = empty_d if part == "delivery" else np.zeros(nO, bool)
    decide(
        "orders",
        O.order_id.to_numpy(object)[rows],
        part,
        s_,
        named_s[rows],
        absent[rows],
        until,
        reasons,
        oc[rows],
        ok_[rows],
        missing_o[rows],
        BAD["orders"][rows],
        ALL_BUT_MARKETING,
    )

issued = I.issued_at.to_numpy()
booked = np.where(np.isnat(issued), NAT, (issued.astype("M8[Y]") + 6).astype("M8[s]"))
ib, icon = at(blockers, xo, 0), at(contract, xo)
until = np.where(np.isnat(issued), AS_OF, np.where(ib > 0, OPEN, np.fmax(booked, icon)))
reasons = np.where(
    np.isnat(issued), 0, np.where(ib > 0, ib, np.where(icon > AS_OF, 16, 0)) + np.where(booked > AS_OF, 128, 0)
)
empty_b = (
    I[["billing_name", "billing_street_address", "billing_city", "billing_email"]].isna().all(axis=1).to_numpy()
    & (I.billing_postal_code.isna() | I.billing_postal_code.str.fullmatch("[0-9]").fillna(False)).to_numpy()
)
i_names, nobody_i = ("customer:" + I.customer_id).to_numpy(object), np.full(len(I), -1)
i_orphan = I.customer_id.notna().to_numpy() & (vi < 0)
for part, rows in (("billing", np.arange(len(I))), ("link", np.flatnonzero(at(is_person, vi, False)))):
    decide(
        "invoices",
        I.invoice_id.to_numpy(object)[rows],
        part,
        vi[rows],
        i_names[rows],
        (empty_b if part == "billing" else I.customer_id.isna().to_numpy())[rows],
        until[rows],
        reasons[rows],
        vi[rows],
        nobody_i[rows],
        i_orphan[rows],
        BAD["invoices"][rows],
        ALL_BUT_MARKETING,
    )

isn = pd.Index(S.case_id).get_indexer(M.case_id)
bare = (M.customer_id.isna() & M.contact_id.isna()).to_numpy()
M["customer_id_"] = np.where(bare, at(S.customer_id.to_numpy(object), isn, None), M.customer_id.to_numpy(object))
M["contact_id_"] = np.where(bare, at(S.contact_id.to_numpy(object), isn, None), M.contact_id.to_numpy(object))
for entity, df, ids, own_on, is_open, absent, a_id, b_id, msg in (
    (
        "cases",
        S,
        S.case_id,
        S.closed_at.to_numpy(),
        case_open,
        S[["summary", "customer_id", "contact_id"]].isna().all(axis=1).to_numpy(),
        S.customer_id,
        S.contact_id,
        False,
    ),
    (
        "communications",
        M,
        M.communication_id,
        M.occurred_at.to_numpy(),
        at(case_open, isn, False),
        M[["sender", "recipient", "body", "customer_id", "contact_id"]].isna().all(axis=1).to_numpy(),
        M.customer_id_,
        M.contact_id_,
        True,
    ),
):
    a = ic.get_indexer(a_id)
    b = ik.get_indexer(b_id)
    b = np.where(b < 0, -1, b + nC)
    ha, hb = a_id.notna().to_numpy(), b_id.notna().to_numpy()
    s_ = np.where(hb, b, a)
    nob = ~ha & ~hb
    inbound = (
        ((df.direction == "in") & df.channel.isin(["digital", "chat", "email"])).fillna(False).to_numpy()
        if msg
        else np.zeros(len(df), bool)
    )
    con_, pro_ = at(contract_on, s_), at(profile_on, s_)
    c1, c2, c3 = is_open, np.isnat(own_on), nob & msg
    until = np.where(
        c1 | (c3 & inbound),
        OPEN,
        np.where(c2, AS_OF, np.where(c3, plus(own_on, 12), np.fmax(own_on, np.fmax(con_, pro_)))),
    )
    reasons = np.where(
        c1,
        4,
        np.where(
            c3 & inbound,
            1024,
            np.where(
                c2,
                0,
                np.where(
                    c3,
                    np.where(plus(own_on, 12) > AS_OF, 512, 0),
                    np.where(con_ > AS_OF, 16, 0) + np.where(pro_ > AS_OF, 32, 0) + np.where(own_on > AS_OF, 256, 0),
                ),
            ),
        ),
    )
    txt = np.where(
        hb, ("contact:" + b_id.astype("str")).to_numpy(object), ("customer:" + a_id.astype("str")).to_numpy(object)
    )
    decide(
        entity,
        ids.to_numpy(object),
        "content",
        s_,
        txt,
        absent,
        until,
        reasons,
        a,
        b,
        (ha & (a < 0)) | (hb & (b < 0)),
        BAD[entity],
        ALL_BUT_MARKETING,
    )

# newsletter
na, nb = BY["newsletter_subscriptions"]
nmail = N.email.str.lower()
single = e.groupby("e").s.agg(["size", "first"])
single = single[single["size"] == 1]["first"]
nobodys = (N.customer_id.isna() & N.contact_id.isna()).to_numpy()
owner = np.where(nobodys, nmail.map(single).fillna(-1).to_numpy().astype(int), -1)
ns = np.where(N.contact_id.notna(), nb, np.where(N.customer_id.notna(), na, owner))
stops = (
    pd.concat(
        [
            ST.assign(e=emails.to_numpy(object)[ST.s])[["e", "R"]],
            R[
                (R.kind.isin(["objection", "erasure"]))
                & (R.received_at <= AS_OF)
                & (R.outcome != "withdrawn")
                & ((R.outcome != "refused") | (R.kind == "objection"))
            ].assign(e=lambda x: x.email.str.lower(), R=lambda x: x.received_at)[["e", "R"]],
        ]
    )
    .dropna()
    .drop_duplicates()
)
sub_on = N.subscribed_at.to_numpy()
began = np.where(np.isnat(sub_on), np.datetime64("1800-01-01", "s"), sub_on)
x = pd.DataFrame({"i": np.arange(len(N)), "e": nmail, "b": began}).merge(stops, on="e")
x = x[x.R >= x.b].groupby("i").R.min()
byaddr = np.full(len(N), NAT)
byaddr[x.index] = x.to_numpy()
un = N.unsubscribed_at.to_numpy()
un = np.where(un < sub_on, NAT, un)
ends = early(un, byaddr, first_after(ST, "R", ns, began))
live_n = ~(ends <= AS_OF)
ntxt = names_of(N)
ntxt = np.where(nobodys & (owner >= 0), at(subject_id, owner, None), ntxt)
decide(
    "newsletter_subscriptions",
    N.subscription_id.to_numpy(object),
    "email",
    ns,
    ntxt,
    N.email.isna().to_numpy(),
    ends,
    np.where(live_n, 2048, 0),
    na,
    np.where(nobodys, owner, nb),
    (N.customer_id.notna().to_numpy() & (na < 0)) | (N.contact_id.notna().to_numpy() & (nb < 0)),
    BAD["newsletter_subscriptions"],
    MARKETING,
)
# requests
rclosed = R.closed_at.to_numpy()
ropen = ~(rclosed <= AS_OF)
runtil = np.where(ropen, NAT, plus(rclosed, 36))
decide(
    "rights_requests",
    R.request_id.to_numpy(object),
    "content",
    np.where(R.contact_id.notna(), rk, rc),
    names_of(R),
    R[["email", "details", "customer_id", "contact_id"]].isna().all(axis=1).to_numpy(),
    runtil,
    np.where(ropen, 4096, np.where(runtil > AS_OF, 8192, 0)),
    rc,
    rk,
    (R.customer_id.notna().to_numpy() & (rc < 0)) | (R.contact_id.notna().to_numpy() & (rk < 0)),
    BAD["rights_requests"],
    ALL_BUT_MARKETING & ~np.int16(1),
)
RD = pd.concat(RECORDS, ignore_index=True)
records = pd.DataFrame(
    {
        "as_of": AS_OF,
        "entity": pd.Categorical(RD.entity),
        "record_id": RD.record_id,
        "part": pd.Categorical(RD.part),
        "subject_id": RD.subject_id,
        "decision": pd.Categorical.from_codes(RD.d, DECISION),
        "due_on": RD.due_on.to_numpy(),
        "retained_by": named(RD.kept.to_numpy(), REASONS),
        "held_by": named(RD.held.to_numpy(), FREEZES),
    }
)
# web and logs: counts
wa, wb = BY["web_events"]
ws = np.where(W.contact_id.notna(), wb, wa)
consent = W.consented.fillna(False).astype(bool).to_numpy()
wo = W.occurred_at.to_numpy()
cookie, withdrawn, wi = plus(wo, 13), W.consent_withdrawn_at.to_numpy(), at(ind_on, ws)
wdue = np.where(np.isnat(wo), AS_OF, np.where(consent, early(cookie, withdrawn, wi), wo))
wheld = (
    (((at(fz, wa, 0) | at(fz, wb, 0)) & MARKETING) > 0)
    | (W.customer_id.notna().to_numpy() & (wa < 0))
    | (W.contact_id.notna().to_numpy() & (wb < 0))
    | BAD["web_events"]
)
absent = W[["visitor_id", "customer_id", "contact_id", "ip_address", "user_agent"]].isna().all(axis=1).to_numpy()
reason = np.select(
    [wheld, ~consent, wdue == cookie, wdue == withdrawn],
    ["held", "no_consent", "cookie_period", "consent_withdrawn"],
    "individualisation_ended",
)
take = (wdue <= AS_OF) & ~absent
bulk = (
    pd.DataFrame({"entity": "web_events", "reason": reason[take], "on": wdue[take]})
    .groupby(["entity", "reason"])
    .on.agg(["size", "min"])
    .reset_index()
)
gl = np.where(G.logged_at.isna(), AS_OF, plus(G.logged_at.to_numpy(), 13))
gt = (gl <= AS_OF) & G[["username", "ip_address", "message"]].notna().any(axis=1).to_numpy()
bulk = pd.concat(
    [
        bulk,
        pd.DataFrame(
            {
                "entity": ["app_logs"],
                "reason": ["log_period"],
                "size": [int(gt.sum())],
                "min": [gl[gt].min() if gt.any() else NAT],
            }
        ),
    ]
)
attributes.to_parquet(OUT / "attribute_decisions.parquet", compression="zstd")
records.to_parquet(OUT / "record_decisions.parquet", compression="zstd")
bulk.to_parquet(OUT / "bulk_decisions.parquet")
phase("decide")

# ---------------------------------------------------------------- pseudonymise
KEY1, KEY2 = os.urandom(32), os.urandom(32)


def tokens(values, key_):
    return np.array([hmac.digest(key_, v.encode(), "sha256").hex() for v in values], dtype=object)


due_any = group_any(A.s.to_numpy(), (A.d == 0).to_numpy(), nS)
there_any = group_any(A.s.to_numpy(), (A.d != 3).to_numpy(), nS)
follow = ~due_any & there_any & ~np.isin(everyone, ST.s) & ((fz & 2) == 0)
who = np.flatnonzero(follow)
token = np.full(nS, None, object)
token[who] = tokens(subject_id[who], KEY1)
segment = np.full(nS, None, object)
segment[who] = tokens(subject_id[who], KEY2)
linkdue = RD[(RD.entity == "orders") & (RD.part == "link") & (RD.d == 0)].record_id
fo = np.flatnonzero((oc >= 0) & at(follow, oc, False) & ~O.order_id.isin(linkdue).to_numpy())
otok = np.full(nO, None, object)
otok[fo] = tokens(("order:" + O.order_id.iloc[fo]).to_numpy(object), KEY1)
Z = OUT / "pseudonymised"
Z.mkdir(exist_ok=True)
cw = who[who < nC]
kw = who[who >= nC] - nC
pd.DataFrame(
    {
        "customer_token": token[cw],
        "type": C.customer_type.to_numpy(object)[cw],
        "postal3": C.postal_code.str[:3].to_numpy(object)[cw],
        "industry": C.industry.to_numpy(object)[cw],
    }
).to_parquet(Z / "customers.parquet", compression="zstd")
pd.DataFrame(
    {
        "contact_token": token[kw + nC],
        "customer_token": at(token, kc[kw], None),
        "job_title": K.job_title.to_numpy(object)[kw],
    }
).to_parquet(Z / "contacts.parquet", compression="zstd")
pd.DataFrame(
    {
        "order_token": otok[fo],
        "customer_token": token[oc[fo]],
        "contact_token": at(token, ok_[fo], None),
        **{c: O[c].to_numpy()[fo] for c in ("ordered_at", "delivered_at", "paid_at", "cancelled_at", "total_amount")},
        "postal3": O.delivery_postal_code.str[:3].to_numpy(object)[fo],
        "payment_method": O.payment_method.to_numpy(object)[fo],
    }
).to_parquet(Z / "orders.parquet", compression="zstd")
lk = (lo >= 0) & pd.notna(at(otok, lo, None))
pd.DataFrame(
    {
        "order_token": otok[lo[lk]],
        **{c: L[c].to_numpy()[lk] for c in ("product_id", "quantity", "unit_price", "returned_at")},
    }
).to_parquet(Z / "order_lines.parquet", compression="zstd")
for name, df, a, cols in (
    ("cases", S, sc, ["kind", "opened_at", "closed_at"]),
    ("communications", M, BY["communications"][0], ["channel", "direction", "occurred_at"]),
):
    f = np.flatnonzero((a >= 0) & at(follow, a, False))
    pd.DataFrame({"customer_token": token[a[f]], **{c: df[c].to_numpy()[f] for c in cols}}).to_parquet(
        Z / f"{name}.parquet", compression="zstd"
    )
wf = np.flatnonzero((wa >= 0) & at(follow, wa, False) & consent & ~take)
pd.DataFrame({"customer_token": token[wa[wf]], "page": W.page.to_numpy(object)[wf], "occurred_at": wo[wf]}).to_parquet(
    Z / "web_events.parquet", compression="zstd"
)
bo = (
    pd.DataFrame({"c": oc[fo], "d": O.ordered_at.to_numpy()[fo], "t": O.total_amount.to_numpy()[fo]})[~cancelled[fo]]
    .groupby("c")
    .agg(last=("d", "max"), n=("d", "size"), spent=("t", "sum"))
)
seg = pd.DataFrame({"token": segment[cw], "type": C.customer_type.to_numpy(object)[cw]}, index=cw).join(bo)
for c, name in (("last", "recency"), ("n", "frequency"), ("spent", "monetary")):
    seg[name] = pd.cut(seg[c].rank(method="first", ascending=False, na_option="bottom"), 5, labels=False) + 1
seg[["token", "type", "recency", "frequency", "monetary"]].to_parquet(
    Z / "customer_segments.parquet", compression="zstd"
)
phase("pseudonymise")

# ---------------------------------------------------------------- cells
FIRST = np.datetime64(np.datetime64(MONTH, "M") - (MONTHS - 1), "D").astype("M8[s]")
restricted = (fz & 2) > 0
country = C.country.str.strip().str.lower()
foreign = country.notna() & ~country.isin(["no", "nor", "norge", "noreg", "norway"])


def inside(d):
    return (d >= FIRST) & (d < AS_OF)


def region(code, customer):
    r = code.where(code.str.fullmatch("[0-9]{4}|[0-9]").fillna(False)).str[:1]
    r = r.fillna(pd.Series(np.where(code.isna(), "unknown", "abroad"), index=code.index)).to_numpy(object)
    return np.where(at(foreign.to_numpy(), customer, False), "abroad", r)


def month(d):
    return d.astype("M8[M]").astype("M8[s]")


def cube(df, dims, sums, who_="who", fixed=("month",)):
    out = []
    for bits in range(1 << len(dims)):
        by = [*fixed, *(d for i, d in enumerate(dims) if bits >> i & 1)]
        g = df.groupby(by, observed=True)
        cell = g[list(sums)].sum()
        cell["contributors"] = g[who_].nunique()
        out.append(cell.reset_index())
    out = pd.concat(out, ignore_index=True)
    out[dims] = out[dims].astype(object).fillna("(all)")
    return out


def withhold(cells, dims, measures, k=10):
    bad = cells.contributors < k
    for _ in range(5):  # one more cell in every line with exactly one withheld
        more = pd.Series(False, index=cells.index)
        for d in dims:
            part = cells[cells[d] != "(all)"]
            line = [c for c in ("month", *dims) if c != d]
            n = bad[part.index].groupby([part[c] for c in line]).transform("sum")
            cand = part[(n == 1) & ~bad[part.index]]
            more[cand.sort_values("contributors").groupby(line).head(1).index] = True
        if not more.any():
            break
        bad |= more
    cells["suppressed"] = bad
    cells.loc[bad, measures] = np.nan
    return cells.drop(columns="contributors")


PUB = OUT / "published"
PUB.mkdir(exist_ok=True)
cells_total = withheld_total = 0


def publish(name, cells, dims, measures):
    global cells_total, withheld_total
    cells = withhold(cells, dims, measures)
    cells_total += len(cells)
    withheld_total += int(cells.suppressed.sum())
    cells.to_parquet(PUB / f"{name}.parquet", compression="zstd")


kc_o = np.where(oc >= 0, oc, at(kc, np.where(ok_ >= 0, ok_ - nC, -1), -1))
sel = np.flatnonzero(
    O.cancelled_at.isna().to_numpy()
    & inside(O.ordered_at.to_numpy())
    & ~at(restricted, kc_o, False)
    & ~at(restricted, ok_, False)
)
D = pd.DataFrame(
    {
        "o": sel,
        "month": month(O.ordered_at.to_numpy()[sel]),
        "postal_region": region(O.delivery_postal_code.iloc[sel], kc_o[sel]),
        "customer_type": np.where(kc_o[sel] >= 0, at(C.customer_type.to_numpy(object), kc_o[sel], None), "unknown"),
        "who": kc_o[sel],
    }
)
D["customer_type"] = D.customer_type.fillna("unknown")
lines = pd.DataFrame(
    {
        "o": lo,
        "ip": ip,
        "live": live,
        "units": L.quantity.to_numpy(float),
        "amount": (L.quantity * L.unit_price).to_numpy(float),
    }
)
lines = lines[lines.o.isin(D.o)]
lines["product_category"] = at(P.category.fillna("unknown").to_numpy(object), lines.ip.to_numpy(), "unknown")
per = lines[lines.live].groupby(["o", "product_category"], as_index=False)[["units", "amount"]].sum()
tot = lines[lines.live].groupby("o", as_index=False)[["units", "amount"]].sum()
cat = D.merge(per, on="o").assign(orders=1)
whole = D.merge(tot, on="o", how="left").assign(orders=1, product_category="(all)")
DIM, ME = ["postal_region", "customer_type"], ["orders", "units", "amount"]
publish(
    "sales_monthly",
    pd.concat(
        [
            cube(cat, DIM, ME, fixed=("month", "product_category")),
            cube(whole, DIM, ME, fixed=("month", "product_category")),
        ],
        ignore_index=True,
    ),
    ["product_category", *DIM],
    ME,
)
pl_ = lines.assign(
    product_id=np.where(lines.ip >= 0, at(P.product_id.to_numpy(object), lines.ip.to_numpy(), None), "unknown")
)
pl_["returned"] = np.where(pl_.live, 0, pl_.units)
pl_["units"] = np.where(pl_.live, pl_.units, 0)
pl_["amount"] = np.where(pl_.live, pl_.amount, 0)
dm = (
    pl_.groupby(["o", "product_id", "product_category"], as_index=False)[["units", "returned", "amount"]]
    .sum()
    .merge(D[["o", "month", "who"]], on="o")
    .assign(orders=1)
)
M4 = ["orders", "units", "returned", "amount"]
d1 = cube(dm, [], M4, fixed=("month", "product_category", "product_id"))
d2 = cube(
    dm.groupby(["o", "month", "who", "product_category"], as_index=False)[["units", "returned", "amount"]]
    .sum()
    .assign(orders=1),
    [],
    M4,
    fixed=("month", "product_category"),
).assign(product_id="(all)")
d3 = cube(
    D.merge(dm.groupby("o", as_index=False)[["units", "returned", "amount"]].sum(), on="o", how="left").assign(
        orders=1
    ),
    [],
    M4,
).assign(product_id="(all)", product_category="(all)")
publish("product_demand_monthly", pd.concat([d1, d2, d3], ignore_index=True), ["product_id", "product_category"], M4)
# deliveries
dn = np.bincount(lo[(lo >= 0) & live & ~np.isnat(own)], minlength=nO)
day = np.where(np.isnat(od), np.where(dn == n_live, group_max(lo, np.where(live, own, NAT), nO), NAT), od)
mn = group_min(lo, np.where(live, dl, NAT), nO)
sel = np.flatnonzero(inside(day) & ~at(restricted, kc_o, False) & ~at(restricted, ok_, False))
dd = pd.DataFrame(
    {
        "month": month(day[sel]),
        "postal_region": region(O.delivery_postal_code.iloc[sel], kc_o[sel]),
        "who": kc_o[sel],
        "orders": 1,
        "days": (day - O.ordered_at.to_numpy())[sel].astype("m8[D]").astype(float),
        "partial_orders": (mn[sel] < live_delivered[sel]).astype(int),
    }
)
cd = cube(dd, ["postal_region"], ["orders", "partial_orders"])
q = pd.concat(
    [
        dd.groupby(["month", "postal_region"]).days.quantile([0.5, 0.9]).unstack().reset_index(),
        dd.groupby("month").days.quantile([0.5, 0.9]).unstack().reset_index().assign(postal_region="(all)"),
    ]
)
publish(
    "deliveries_monthly",
    cd.merge(q.rename(columns={0.5: "median_days", 0.9: "p90_days"}), on=["month", "postal_region"]),
    ["postal_region"],
    ["orders", "partial_orders", "median_days", "p90_days"],
)
# service
sub = np.where(sc >= 0, sc, at(kc, np.where(sk >= 0, sk - nC, -1), -1))
cats = pd.DataFrame(
    {"o": lo[live], "product_category": at(P.category.fillna("unknown").to_numpy(object), ip[live], "unknown")}
).drop_duplicates()
opened, closd = S.opened_at.to_numpy(), S.closed_at.to_numpy()
ev = []
for col, d in (("opened", opened), ("closed", closd)):
    f = np.flatnonzero(inside(d) & ~at(restricted, sub, False) & ~at(restricted, sk, False))
    ev.append(
        pd.DataFrame(
            {
                "month": month(d[f]),
                "kind": S.kind.fillna("unknown").to_numpy(object)[f],
                "o": so[f],
                "who": sub[f],
                "opened": int(col == "opened"),
                "closed": int(col == "closed"),
                "days": (closd - opened)[f].astype("m8[D]").astype(float),
            }
        )
    )
ev = pd.concat(ev)
byc = ev.merge(cats, on="o", how="left")
byc["product_category"] = byc.product_category.fillna("unknown")
cs_ = pd.concat(
    [
        cube(byc, ["kind"], ["opened", "closed"], fixed=("month", "product_category")),
        cube(ev.assign(product_category="(all)"), ["kind"], ["opened", "closed"], fixed=("month", "product_category")),
    ],
    ignore_index=True,
)
publish("service_monthly", cs_, ["kind", "product_category"], ["opened", "closed"])
# communications
ma, mb = ic.get_indexer(M.customer_id_), ik.get_indexer(M.contact_id_)
mw = np.where(ma >= 0, ma, at(kc, mb, -1))
f = np.flatnonzero(inside(M.occurred_at.to_numpy()) & ~at(restricted, mw, False))
publish(
    "communications_monthly",
    cube(
        pd.DataFrame(
            {
                "month": month(M.occurred_at.to_numpy()[f]),
                "channel": M.channel.fillna("unknown").to_numpy(object)[f],
                "direction": M.direction.fillna("unknown").to_numpy(object)[f],
                "who": mw[f],
                "messages": 1,
            }
        ),
        ["channel", "direction"],
        ["messages"],
    ),
    ["channel", "direction"],
    ["messages"],
)
# web


def rule(values, rules):
    u = pd.Series(values.dropna().unique())
    low = u.str.lower()
    m = pd.Series(np.select([low.str.contains(p) for _, p in rules], [n for n, _ in rules], "other"), index=u)
    return values.map(m).fillna("unknown")


ww = np.where(wa >= 0, wa, at(kc, np.where(wb >= 0, wb - nC, -1), -1))
f = np.flatnonzero(inside(wo) & ~at(restricted, ww, False))
cons = consent[f] & ~(withdrawn[f] <= wo[f])
vis = pd.factorize(W.visitor_id.iloc[f])[0]
wf_ = pd.DataFrame(
    {
        "month": month(wo[f]),
        "page_group": rule(W.page.iloc[f], PAGES).to_numpy(object),
        "device_class": rule(W.user_agent.iloc[f], DEVICES).to_numpy(object),
        "who": np.where(ww[f] >= 0, ww[f], np.where(cons, nS + vis, -1)),
        "events": 1,
    }
)
cw_ = cube(wf_, ["page_group", "device_class"], ["events"])
wv = (
    cube(wf_[cons].drop(columns="events").assign(events=1), ["page_group", "device_class"], ["events"])
    .rename(columns={"contributors": "visitors"})
    .drop(columns="events")
)
publish(
    "web_activity_monthly",
    cw_.merge(wv, on=["month", "page_group", "device_class"], how="left"),
    ["page_group", "device_class"],
    ["events", "visitors"],
)
# logs, newsletter, retention
f = inside(G.logged_at.to_numpy())
lg = pd.DataFrame(
    {
        "month": G.logged_at.to_numpy()[f],
        "service": G.service.fillna("unknown").to_numpy(object)[f],
        "level": G.level.fillna("unknown").to_numpy(object)[f],
        "who": G.username.str.lower().fillna(G.ip_address).to_numpy(object)[f],
        "events": 1,
    }
)
publish("service_health_daily", cube(lg, [], ["events"], fixed=("month", "service", "level")), [], ["events"])
nl = []
for m_ in np.arange(np.datetime64(FIRST, "M"), np.datetime64(AS_OF, "M")):
    a_, z_ = m_.astype("M8[D]").astype("M8[s]"), ((m_ + 1).astype("M8[D]") - 1).astype("M8[s]")
    u = np.where(np.isnat(un), OPEN, un)
    x = (began <= z_) & (u >= a_)
    nl.append(
        pd.DataFrame(
            {
                "month": a_,
                "who": pd.factorize(nmail[x])[0],
                "subscribed": (began[x] >= a_).astype(int),
                "unsubscribed": (u[x] <= z_).astype(int),
                "active": (u[x] > z_).astype(int),
            }
        )
    )
publish(
    "newsletter_monthly",
    cube(pd.concat(nl), [], ["subscribed", "unsubscribed", "active"]),
    [],
    ["subscribed", "unsubscribed", "active"],
)
best = A.groupby("s").d.min()
rt = pd.DataFrame(
    {
        "month": month(np.full(len(best), AS_OF - np.timedelta64(86400, "s"))),
        "subject_type": kind[best.index],
        "decision": np.array(DECISION)[best],
        "who": best.index,
        "subjects": 1,
    }
)[~restricted[best.index]]
publish(
    "retention_monthly",
    cube(rt, ["subject_type", "decision"], ["subjects"]),
    ["subject_type", "decision"],
    ["subjects"],
)
phase("cells")
print(
    json.dumps(
        {
            "rows": ROWS,
            "phases": PHASES,
            "total": round(sum(p["wall"] for p in PHASES.values()), 1),
            "attributes": {DECISION[k]: int(v_) for k, v_ in A.d.value_counts().items()},
            "records": {DECISION[k]: int(v_) for k, v_ in RD.d.value_counts().items()},
            "cells": cells_total,
            "withheld": withheld_total,
        }
    )
)
