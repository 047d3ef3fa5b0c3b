"""The month as a performance-minded team would write it with polars + ADBC. Simplified as pandas_month.py is.

    python polars_month.py HOST DBNAME MONTH OUT [--months 1|24]
"""

import hmac, json, os, sys
from datetime import date
from pathlib import Path
import polars as pl
import adbc_driver_postgresql.dbapi as adbc
from polars import col as c, lit
from both import DEVICES, PAGES, PHASES, TEXT, TIME, phase

HOST, DB, MONTH, OUT = sys.argv[1:5]
MONTHS = int(sys.argv[sys.argv.index("--months") + 1]) if "--months" in sys.argv else 1
OUT = Path(OUT)
OUT.mkdir(parents=True, exist_ok=True)
y, m = map(int, MONTH.split("-"))
AS_OF = date(y + m // 12, m % 12 + 1, 1)
OPEN = date(9999, 12, 31)
a = lit(AS_OF)
f0 = y * 12 + m - MONTHS
FIRST = date(f0 // 12, f0 % 12 + 1, 1)
OTHER = dict(
    customers="birth_date",
    products="warranty_years",
    orders="total_amount::float8",
    order_lines="line_number quantity unit_price::float8",
    invoices="amount::float8 paid_amount::float8",
    web_events="consented",
)
# ---------------------------------------------------------------- extract and stage
T = {}
with adbc.connect(f"postgresql://postgres@/{DB}?host={HOST}") as con, con.cursor() as cur:
    cur.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    for t in TEXT:
        cur.execute(f"SELECT {', '.join(' '.join([TEXT[t], TIME[t], OTHER.get(t, '')]).split())} FROM {t}")
        T[t] = pl.from_arrow(cur.fetch_arrow_table())
ROWS = sum(map(len, T.values()))
phase("extract")


def stage(t, df):
    texts = [pl.when(c(x).str.strip_chars() != "").then(c(x).str.strip_chars()).alias(x) for x in TEXT[t].split()]
    days = {x: c(x).dt.convert_time_zone("Europe/Oslo").dt.date() for x in TIME[t].split() if x != "updated_at"}
    bad = (
        [
            pl.any_horizontal([~d.is_between(date(1900, 1, 1), date(2199, 12, 31)) for d in days.values()]).fill_null(
                False
            )
        ]
        if days
        else [lit(False)]
    )
    return df.lazy().with_columns(
        *texts,
        *[pl.when(d.is_between(date(1900, 1, 1), date(2199, 12, 31))).then(d).alias(x) for x, d in days.items()],
        pl.any_horizontal(bad).alias("bad"),
    )


def enum(f, x, known):
    return f.with_columns(bad=c("bad") | (c(x).is_not_null() & ~c(x).is_in(known))).with_columns(
        pl.when(c(x).is_in(known)).then(c(x)).alias(x)
    )


F = {t: stage(t, df) for t, df in T.items()}
F["customers"] = enum(F["customers"], "customer_type", ["consumer", "business", "sole_proprietor"]).with_columns(
    bad=c("bad") | c("customer_type").is_null(), kind=c("customer_type").fill_null("sole_proprietor")
)
F["cases"] = enum(F["cases"], "kind", ["complaint", "warranty", "enquiry"])
F["communications"] = enum(
    enum(F["communications"], "channel", ["phone", "email", "chat", "letter", "in_person", "digital"]),
    "direction",
    ["in", "out"],
)
F["invoices"] = F["invoices"].with_columns(bad=c("bad") | c("amount").is_null() | c("issued_at").is_null())
F["orders"] = F["orders"].with_columns(bad=c("bad") | c("ordered_at").is_null())
F["cases"] = F["cases"].with_columns(bad=c("bad") | c("opened_at").is_null())
F["communications"] = F["communications"].with_columns(bad=c("bad") | c("occurred_at").is_null())
del T
F = dict(zip(F, pl.collect_all(list(F.values()))))
phase("stage")

# ---------------------------------------------------------------- decide
by = lambda x: c(x).fill_null(False)
due = lambda x: (c(x) <= a).fill_null(False)
plus = lambda e, n: e.dt.offset_by(f"{n}mo")
mx, mn = pl.max_horizontal, pl.min_horizontal
key = lambda e: (e.dt.year().cast(pl.Int32) * 12 + e.dt.month().cast(pl.Int32) - 1) * 32 + e.dt.day().cast(pl.Int32)


def unkey(k):
    first = pl.date(k // 384, (k // 32) % 12 + 1, 1)
    return mn(first + pl.duration(days=k % 32 - 1), first.dt.month_end())


C, K, P, O, L, I, S, M, N, W, G, R = F.values()
nC = len(C)
C = C.with_row_index("s").with_columns(c("s").cast(pl.Int32))
K = K.with_row_index("s", nC).with_columns(c("s").cast(pl.Int32))
cm = C.select("customer_id", sc="s", ckind="kind")
km = K.select("contact_id", sk="s")


def place(df):
    return df.join(cm, on="customer_id", how="left", maintain_order="left").join(
        km, on="contact_id", how="left", maintain_order="left"
    )


K = K.join(cm, on="customer_id", how="left", maintain_order="left")
SU = pl.concat(
    [
        C.select(
            "s",
            "kind",
            sid="customer:" + c("customer_id"),
            created="profile_created_at",
            closed="profile_closed_at",
            login="last_login_at",
            e=c("email").str.to_lowercase(),
            orphan=lit(False),
            bad="bad",
        ),
        K.select(
            "s",
            kind=lit("contact"),
            sid="contact:" + c("contact_id"),
            created="created_at",
            closed="deactivated_at",
            login="last_login_at",
            e=c("email").str.to_lowercase(),
            orphan=c("customer_id").is_not_null() & c("sc").is_null(),
            bad="bad",
        ),
    ]
).with_columns(person=c("kind").is_in(["consumer", "sole_proprietor"]))
# requests
Rp = place(R.with_row_index("r"))
direct = (
    Rp.select(
        "r",
        s=pl.when(c("contact_id").is_not_null()).then(c("sk")).otherwise(c("sc")),
        mail=c("contact_id").is_null() & c("customer_id").is_null(),
    )
    .filter(~c("mail") & c("s").is_not_null())
    .select("r", "s")
)
mailed = (
    Rp.filter(c("contact_id").is_null() & c("customer_id").is_null())
    .select("r", e=c("email").str.to_lowercase())
    .join(SU.select("e", "s"), on="e")
    .select("r", "s")
)
Q = (
    pl.concat([direct, mailed])
    .with_columns(matches=pl.len().over("r"))
    .join(
        Rp.select(
            "r",
            "kind",
            "outcome",
            "received_at",
            "identity_verified_at",
            "closed_at",
            mail=c("contact_id").is_null() & c("customer_id").is_null(),
        ),
        on="r",
    )
)
cnt = c("outcome").ne_missing("withdrawn") & (c("outcome").ne_missing("refused") | (c("kind") == "objection"))
Q = Q.with_columns(
    V=pl.when(c("identity_verified_at").is_not_null()).then(mx("received_at", "identity_verified_at"))
).with_columns(
    stop=cnt & c("kind").is_in(["objection", "erasure"]) & due("received_at"),
    erase=cnt & (c("kind") == "erasure") & due("V") & (~c("mail") | (c("matches") == 1)),
    fr=cnt
    & c("kind").is_in(["restriction", "access", "portability"])
    & due("received_at")
    & ~due("closed_at")
    & (due("V") | (a < plus(c("received_at"), 3))),
)
ER, ST = Q.filter("erase").select("s", "V"), Q.filter("stop").select("s", R_="received_at")


def first_after(df, table, column, s, began, out):  # adds the earliest request day >= began of each row's subject
    x = (
        df.with_row_index("i_")
        .join(table, left_on=s, right_on="s", how="inner")
        .filter(c(column) >= c(began))
        .group_by("i_")
        .agg(c(column).min().alias(out))
    )
    return df.with_row_index("i_").join(x, on="i_", how="left", maintain_order="left").drop("i_")


# orders
P = P.with_columns(
    w=pl.when(c("category").str.to_lowercase().is_in(["freight", "services"]))
    .then(0)
    .when(c("warranty_years").is_between(0, 30))
    .then(c("warranty_years"))
    .cast(pl.Int32)
)
O = place(O).with_columns(person=c("ckind").is_in(["consumer", "sole_proprietor"]).fill_null(False))
Lx = (
    L.join(O.select("order_id", od="delivered_at"), on="order_id", how="left", maintain_order="left")
    .join(P.select("product_id", "w", "category"), on="product_id", how="left", maintain_order="left")
    .with_columns(
        w=pl.when(c("product_id").is_null()).then(0).otherwise(c("w")),
        live=c("returned_at").is_null(),
        d=c("delivered_at").fill_null(c("od")),
    )
)
LG = (
    Lx.lazy()
    .group_by("order_id")
    .agg(
        n=pl.len(),
        n_live=c("live").sum(),
        und=(c("live") & ~due("d")).any(),
        unk=(c("live") & c("w").is_null()).any(),
        ld=c("d").max(),
        lld=c("d").filter("live").max(),
        ret=c("returned_at").max(),
        wk=(key(c("d")) + 384 * c("w")).filter("live").max(),
        own_n=(c("live") & c("delivered_at").is_not_null()).sum(),
        own_last=c("delivered_at").filter("live").max(),
        lmin=c("d").filter("live").min(),
    )
)
I = I.join(cm, on="customer_id", how="left", maintain_order="left").with_columns(
    open=((c("amount") - c("paid_amount").fill_null(0)).abs().round(2) >= 0.01) & ~due("settled_at")
)
S = place(S).with_columns(open=~due("closed_at"))
IG = (
    I.lazy()
    .filter(c("order_id").is_not_null())
    .group_by("order_id")
    .agg(has_open=c("open").any(), inv=lit(True).first())
)
SG = (
    S.lazy()
    .filter(c("order_id").is_not_null())
    .group_by("order_id")
    .agg(oc=c("open").any(), cclosed=c("closed_at").max())
)
OF = (
    O.lazy()
    .join(LG, on="order_id", how="left", maintain_order="left")
    .join(IG, on="order_id", how="left", maintain_order="left")
    .join(SG, on="order_id", how="left", maintain_order="left")
    .with_columns(
        c("n", "n_live").fill_null(0),
        by("has_open"),
        by("inv"),
        by("oc"),
        by("und"),
        by("unk"),
        canc=due("cancelled_at"),
    )
    .with_columns(
        undelivered=~c("canc") & pl.when(c("n") == 0).then(~due("delivered_at")).otherwise(c("und")),
        unpaid=~c("canc")
        & (c("total_amount").ne_missing(0))
        & ~due("paid_at")
        & (c("has_open") | (~c("inv") & ((c("n") == 0) | (c("n_live") > 0)))),
        wun=c("person") & ~c("canc") & c("unk"),
        ended=mx(
            "ordered_at",
            "delivered_at",
            "completed_at",
            "paid_at",
            pl.when("canc").then(c("cancelled_at")),
            "ld",
            "ret",
            "cclosed",
        ),
    )
    .with_columns(k=pl.when(c("person") & ~c("canc")).then(mx(key(c("ended")), "wk")).otherwise(key(c("ended"))))
    .with_columns(obl=unkey(c("k")), prof=unkey(c("k") + 384))
    .with_columns(
        con=pl.when("canc")
        .then(plus(c("ended"), 12))
        .when("person")
        .then(mx("prof", plus(c("lld"), 36)))
        .otherwise(mx(plus(c("ended"), 48), "prof")),
        trans=pl.when(~c("canc")).then(mx("ordered_at", "delivered_at", "paid_at")),
        blk=c("undelivered") * 1 + c("unpaid") * 2 + c("oc") * 4 + c("wun") * 8,
    )
).collect()


def erased_end(df, s, end="con", obl="obl", began="ordered_at", out="con"):
    return (
        first_after(df, ER, "V", s, began, "f_")
        .with_columns(pl.when(c("f_").is_null()).then(c(end)).otherwise(mn(end, mx(obl, "f_"))).alias(out))
        .drop("f_")
    )


cols = ["undelivered", "unpaid", "oc", "wun", "con", "obl", "prof", "trans", "ordered_at"]
bk = K.filter(c("ckind") == "business").select("s", "sc", "created_at", "deactivated_at")
pairs = pl.concat(
    [
        OF.filter(c("sc").is_not_null()).select(c("sc").alias("s"), *cols),
        OF.filter(c("sk").is_not_null()).select(c("sk").alias("s"), *cols),
        OF.filter(c("contact_id").is_null() & c("sc").is_not_null())
        .select("sc", *cols)
        .join(bk, on="sc")
        .filter(
            (c("created_at") <= c("ordered_at")).fill_null(True)
            & (c("deactivated_at") > c("ordered_at")).fill_null(True)
        )
        .select("s", *cols),
    ]
)
SO = (
    erased_end(pairs, "s")
    .lazy()
    .group_by("s")
    .agg(c("undelivered", "unpaid", "oc", "wun").any(), c("con", "prof", "trans").max(), has_o=lit(True).first())
)
cp = pl.concat(
    [S.filter(c(x).is_not_null()).select("open", "opened_at", "closed_at", s=x) for x in ("sc", "sk")]
).with_columns(cc=plus(c("closed_at"), 12))
SC = (
    erased_end(cp, "s", "cc", "closed_at", "opened_at", "cc")
    .lazy()
    .group_by("s")
    .agg(copen=c("open").any(), cclosed=c("closed_at").max(), ccon=c("cc").max(), has_c=lit(True).first())
)
VO = (
    I.lazy()
    .filter((c("billing_name").is_null() | c("billing_street_address").is_null()) & c("sc").is_not_null())
    .group_by(s="sc")
    .agg(lastv=c("issued_at").max())
)
SP = (
    first_after(first_after(SU, ST, "R_", "s", "created", "stopped"), ER, "V", "s", "created", "erased")
    .lazy()
    .join(SO, on="s", how="left")
    .join(SC, on="s", how="left")
    .join(VO, on="s", how="left")
    .with_columns(
        by("undelivered"),
        by("unpaid"),
        by("oc"),
        by("wun"),
        by("has_o"),
        by("has_c"),
        by("copen"),
        closed_by=pl.when(due("closed")).then(c("closed")),
        used=mx("created", "login", "cclosed"),
    )
    .with_columns(oo=c("undelivered") | c("unpaid") | c("oc"))
)


def base(tail, extra):
    return (
        pl.when(c("created").is_null())
        .then(None)
        .when("copen")
        .then(lit(OPEN))
        .when(c("closed_by").is_not_null())
        .then(plus(c("closed_by"), 12))
        .when(extra)
        .then(lit(OPEN))
        .otherwise(tail)
    )


SP = (
    SP.with_columns(
        ind0=base(plus(mx("used", "trans"), 12), c("oo")),
        prof0=base(mx(plus(c("used"), 12), "prof"), c("oo") | c("wun")),
    )
    .with_columns(
        p0=pl.when(c("has_o") | c("has_c")).then(
            pl.when(c("copen") | c("oo") | c("wun")).then(lit(OPEN)).otherwise(mx("con", "ccon"))
        ),
        p1=pl.when(c("prof0").is_not_null()).then(mn("prof0", "erased")),
        p2=pl.when(c("ind0").is_not_null()).then(mn("ind0", "stopped", "erased")),
        p3=pl.when((c("kind") == "sole_proprietor") & c("ind0").is_not_null()).then(mn("ind0", "erased")),
        p4=pl.when(c("person") & c("lastv").is_not_null()).then(pl.date(c("lastv").dt.year() + 6, 1, 1)),
    )
    .with_columns(
        active=sum(
            due_.cast(pl.Int32) * (1 << i)
            for i, due_ in enumerate([(c(f"p{i}") > a).fill_null(False) for i in range(5)])
        )
    )
    .collect()
)
# freezes
bits = [
    (I.filter(c("open") & c("sc").is_not_null()).select(s="sc"), 1),
    (I.filter("open").join(OF.select("order_id", "sk"), on="order_id").filter(c("sk").is_not_null()).select(s="sk"), 1),
    (
        I.filter(c("open"))
        .join(OF.select("order_id", "contact_id"), on="order_id", how="left")
        .filter(c("contact_id").is_null() & c("sc").is_not_null())
        .select("sc")
        .unique()
        .join(K.filter(~due("deactivated_at")).select("s", "sc"), on="sc")
        .select("s"),
        1,
    ),
    (Q.filter(c("fr") & (c("kind") == "restriction")).select("s"), 2),
    (Q.filter(c("fr") & (c("kind") != "restriction")).select("s"), 4),
    (SU.filter("orphan").select("s"), 16),
    (SU.filter("bad").select("s"), 32),
    *((x.filter("bad").select(s=c("sk").fill_null(c("sc"))).drop_nulls(), 32) for x in (OF, S, place(M))),
    (I.filter("bad").select(s="sc").drop_nulls(), 32),
    (
        SP.filter(pl.all_horizontal([c(f"p{i}").is_null() for i in range(5)])).join(ER, on="s", how="anti").select("s"),
        64,
    ),
]
FZ = (
    pl.concat([b.select(c("s").cast(pl.Int32)).unique().with_columns(bit=lit(n, pl.Int32)) for b, n in bits])
    .unique()
    .group_by("s")
    .agg(fz=c("bit").sum())
    if False
    else pl.concat([b.select(c("s").cast(pl.Int32)).with_columns(bit=lit(n, pl.Int32)) for b, n in bits])
    .unique()
    .group_by("s")
    .agg(fz=c("bit").sum())
)
SP = SP.join(FZ, on="s", how="left", maintain_order="left").with_columns(c("fz").fill_null(0))
NAMES = ["contract", "profile", "individualisation", "identification", "bookkeeping"]
FREEZES = ["open_balance", "restriction", "access_pending", "legal_hold", "orphan", "data_quality", "no_evidence"]
DECISION = ["due", "hold", "retain", "absent"]


def named(x, names, n):
    u = list(range(1 << n)) if n <= 8 else x.unique().to_list()
    m = {v: ",".join(sorted(q for i, q in enumerate(names) if v >> i & 1)) for v in u}
    return x.replace_strict(list(m), pl.Series(list(m.values())), return_dtype=pl.String).cast(pl.Categorical)


gen = lambda x: c(x).is_null() | c(x).str.contains("^[0-9]$")
HC = (
    C.select(
        "s",
        "name",
        "email",
        "phone",
        "organisation_number",
        "national_identity_number",
        "username",
        "gender",
        "preferences",
    )
    .with_columns(pl.exclude("s").is_not_null())
    .with_columns(
        C.select(
            address=c("street_address").is_not_null()
            | ((c("kind") != "business") & (c("city").is_not_null() | ~gen("postal_code"))),
            age=c("birth_date").is_not_null()
            & ~(
                (c("birth_date").dt.year() % 10 == 0)
                & (c("birth_date").dt.month() == 1)
                & (c("birth_date").dt.day() == 1)
            ).fill_null(False),
            job_title=lit(False),
        )
    )
)
HK = K.select("s", *[c(x).is_not_null() for x in ("name", "email", "phone", "username", "job_title", "preferences")])
H = pl.concat([HC, HK], how="diagonal").with_columns(pl.exclude("s").fill_null(False))
A_, B_, X_, Z_ = "consumer", "sole_proprietor", "business", "contact"
COVER = [
    ("name", 23, [A_, B_, Z_], []),
    ("email", 7, [A_, B_, X_, Z_], []),
    ("phone", 7, [A_, B_, X_, Z_], []),
    ("address", 21, [A_, B_, X_], []),
    ("organisation_number", 23, [B_], [A_]),
    ("job_title", 7, [Z_], []),
    ("national_identity_number", 8, [B_], [A_, X_]),
    ("username", 6, [A_, B_, X_, Z_], []),
    ("age", 4, [A_, B_], [X_]),
    ("gender", 4, [A_, B_], [X_]),
    ("preferences", 4, [A_, B_, X_, Z_], []),
]
SH = SP.lazy().join(H.lazy(), on="s")
parts = []
for at, cov0, types, mis in COVER:
    for who, cov in ((types, cov0), (mis, 0)):
        if who:
            on = mx([c(f"p{i}") for i in range(5) if cov >> i & 1]).fill_null(a) if cov else a
            scope = 0x7FFF & ~5 & ~64 | 69 if (cov & 1) or (at == "national_identity_number" and cov) else 0x7FFF & ~1
            parts.append(
                SH.filter(c("kind").is_in(who))
                .select(
                    "s",
                    "sid",
                    attribute=lit(at),
                    there=c(at),
                    on=on,
                    kept=pl.when(c(at)).then(c("active") & cov).otherwise(0),
                    f=c("fz") & scope,
                )
                .with_columns(held=pl.when(c("there") & (c("kept") == 0)).then(c("f")).otherwise(0))
                .select(
                    "s",
                    "sid",
                    "attribute",
                    d=pl.when(~c("there")).then(3).when(c("kept") > 0).then(2).when(c("held") > 0).then(1).otherwise(0),
                    due_on=pl.when(c("there") & (c("on") != lit(OPEN))).then(c("on")),
                    kept="kept",
                    held="held",
                )
            )
A = pl.concat(pl.collect_all(parts))
A.select(
    as_of=a,
    subject_id="sid",
    attribute=c("attribute").cast(pl.Categorical),
    decision=c("d").replace_strict([0, 1, 2, 3], DECISION, return_dtype=pl.String).cast(pl.Categorical),
    due_on="due_on",
    retained_by=named(A["kept"], NAMES, 5),
    held_by=named(A["held"], FREEZES, 7),
).write_parquet(OUT / "attribute_decisions.parquet", compression="zstd")
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


def decide(df, entity, rid, part, scope=0x7FFF):  # needs: subj txt absent until reasons fa fb orphan bad
    f = (c("fa").fill_null(0) | c("fb").fill_null(0)) & scope
    held = (
        pl.when((c("reasons") == 0) & ~c("absent"))
        .then(f | pl.when("orphan").then(16).otherwise(0) | pl.when("bad").then(32).otherwise(0))
        .otherwise(0)
    )
    RECORDS.append(
        df.lazy()
        .with_columns(held=held)
        .select(
            entity=lit(entity),
            record_id=rid,
            part=lit(part),
            subject_id="txt",
            d=pl.when("absent")
            .then(3)
            .when(c("reasons") > 0)
            .then(2)
            .when(c("held") > 0)
            .then(1)
            .otherwise(0)
            .cast(pl.Int8),
            due_on=pl.when(~c("absent") & (c("until") != lit(OPEN))).then(c("until")),
            kept=pl.when("absent").then(0).otherwise(c("reasons")).cast(pl.Int32),
            held=c("held").cast(pl.Int32),
        )
    )


def freeze(df, x, y):
    z = SP.select("s", "fz")
    df = df.join(z.rename({"fz": "fa"}), left_on=x, right_on="s", how="left", maintain_order="left")
    return df.join(z.rename({"fz": "fb"}), left_on=y, right_on="s", how="left", maintain_order="left")


txt = (
    pl.when(c("contact_id").is_not_null()).then("contact:" + c("contact_id")).otherwise("customer:" + c("customer_id"))
)
orph = (c("customer_id").is_not_null() & c("sc").is_null()) | (c("contact_id").is_not_null() & c("sk").is_null())
sub = pl.when(c("contact_id").is_not_null()).then(c("sk")).otherwise(c("sc"))
dcols = [
    "delivery_name",
    "delivery_street_address",
    "delivery_city",
    "delivery_phone",
    "delivery_email",
    "delivery_note",
    "payment_reference",
]
OX = freeze(OF, "sc", "sk").with_columns(orphan=orph)
x = OX.with_columns(
    subj=sub, txt=txt, absent=pl.all_horizontal([c(z).is_null() for z in dcols]) & gen("delivery_postal_code")
)
R1 = lambda: pl.when(c("blk") > 0).then(c("blk")).when(c("con") > a).then(16).otherwise(0)
x = erased_end(x, "subj").with_columns(c("con").fill_null(a))
decide(
    x.with_columns(until=pl.when(c("blk") > 0).then(lit(OPEN)).otherwise(c("con")), reasons=R1()),
    "orders",
    "order_id",
    "delivery",
)
x = OX.filter(c("person") | c("sk").is_not_null()).with_columns(
    subj=pl.when("person").then(c("sc")).otherwise(c("sk")),
    txt=pl.when("person").then("customer:" + c("customer_id")).otherwise("contact:" + c("contact_id")),
    absent=lit(False),
)
x = (
    erased_end(x, "subj")
    .with_columns(c("con").fill_null(a))
    .join(SP.select("s", "p2"), left_on="subj", right_on="s", how="left", maintain_order="left")
)
decide(
    x.with_columns(
        until=mx(pl.when(c("blk") > 0).then(lit(OPEN)).otherwise(c("con")), "p2"),
        reasons=R1() + pl.when(c("p2") > a).then(64).otherwise(0),
    ),
    "orders",
    "order_id",
    "link",
)
IX = (
    I.join(OF.select("order_id", "blk", "con"), on="order_id", how="left", maintain_order="left")
    .with_columns(
        c("blk").fill_null(0),
        booked=pl.date(c("issued_at").dt.year() + 6, 1, 1),
        txt="customer:" + c("customer_id"),
        orphan=c("customer_id").is_not_null() & c("sc").is_null(),
        sk=lit(None, pl.Int32),
    )
    .with_columns(
        until=pl.when(c("issued_at").is_null())
        .then(a)
        .when(c("blk") > 0)
        .then(lit(OPEN))
        .otherwise(mx("booked", "con")),
        reasons=pl.when(c("issued_at").is_null())
        .then(0)
        .otherwise(R1() + pl.when(c("booked") > a).then(128).otherwise(0)),
    )
)
IX = freeze(IX, "sc", "sk")
decide(
    IX.with_columns(
        absent=pl.all_horizontal(
            [c(z).is_null() for z in ("billing_name", "billing_street_address", "billing_city", "billing_email")]
        )
        & gen("billing_postal_code")
    ),
    "invoices",
    "invoice_id",
    "billing",
)
decide(
    IX.filter(c("ckind").is_in([A_, B_])).with_columns(absent=c("customer_id").is_null()),
    "invoices",
    "invoice_id",
    "link",
)
MX = M.join(
    S.select("case_id", cid="customer_id", kid="contact_id", copen="open"),
    on="case_id",
    how="left",
    maintain_order="left",
).with_columns(
    bare=c("customer_id").is_null() & c("contact_id").is_null(),
    absent=pl.all_horizontal([c(z).is_null() for z in ("sender", "recipient", "body", "customer_id", "contact_id")]),
)
MX = place(
    MX.with_columns(
        customer_id=pl.when("bare").then(c("cid")).otherwise(c("customer_id")),
        contact_id=pl.when("bare").then(c("kid")).otherwise(c("contact_id")),
    )
)
for df, entity, rid, own, is_open, msg in (
    (
        S.with_columns(absent=pl.all_horizontal([c(z).is_null() for z in ("summary", "customer_id", "contact_id")])),
        "cases",
        "case_id",
        "closed_at",
        c("open"),
        False,
    ),
    (MX, "communications", "communication_id", "occurred_at", by("copen"), True),
):
    nob = c("customer_id").is_null() & c("contact_id").is_null() & msg
    inb = (
        nob & ((c("direction") == "in") & c("channel").is_in(["digital", "chat", "email"])).fill_null(False)
        if msg
        else lit(False)
    )
    x = freeze(df.with_columns(subj=sub, txt=txt, orphan=orph), "sc", "sk").join(
        SP.select("s", "p0", "p1"), left_on="subj", right_on="s", how="left", maintain_order="left"
    )
    o = c(own)
    decide(
        x.with_columns(
            until=pl.when(is_open | inb)
            .then(lit(OPEN))
            .when(o.is_null())
            .then(a)
            .when(nob)
            .then(plus(o, 12))
            .otherwise(mx(o, "p0", "p1")),
            reasons=pl.when(is_open)
            .then(4)
            .when(inb)
            .then(1024)
            .when(o.is_null())
            .then(0)
            .when(nob)
            .then(pl.when(plus(o, 12) > a).then(512).otherwise(0))
            .otherwise(
                pl.when(c("p0") > a).then(16).otherwise(0)
                + pl.when(c("p1") > a).then(32).otherwise(0)
                + pl.when(o > a).then(256).otherwise(0)
            ),
        ),
        entity,
        rid,
        "content",
    )
single = (
    SU.filter(c("e").is_not_null())
    .group_by("e")
    .agg(n=pl.len(), own=c("s").first(), osid=c("sid").first())
    .filter(c("n") == 1)
    .drop("n")
)
nx = (
    place(N)
    .with_columns(e=c("email").str.to_lowercase(), nob=c("customer_id").is_null() & c("contact_id").is_null())
    .join(single, on="e", how="left", maintain_order="left")
    .with_columns(own=pl.when("nob").then(c("own")), began=c("subscribed_at").fill_null(date(1800, 1, 1)), orphan=orph)
    .with_columns(subj=sub.fill_null(c("own")), txt=txt.fill_null(pl.when("nob").then(c("osid"))))
)
stops = (
    pl.concat(
        [
            ST.join(SU.select("s", "e"), on="s").select("e", "R_"),
            R.filter(c("kind").is_in(["objection", "erasure"]) & due("received_at") & cnt).select(
                e=c("email").str.to_lowercase(), R_="received_at"
            ),
        ]
    )
    .drop_nulls()
    .unique()
)
nx = nx.with_row_index("i")
q = nx.select("i", "e", "began").join(stops, on="e").filter(c("R_") >= c("began")).group_by("i").agg(addr=c("R_").min())
nx = first_after(nx.join(q, on="i", how="left", maintain_order="left"), ST, "R_", "subj", "began", "st").with_columns(
    ends=mn(
        pl.when((c("unsubscribed_at") >= c("subscribed_at")).fill_null(True)).then(c("unsubscribed_at")), "addr", "st"
    )
)
nx = freeze(nx.with_columns(b_=pl.when("nob").then(c("own")).otherwise(c("sk"))), "sc", "b_").with_columns(
    absent=c("email").is_null(), until=c("ends"), reasons=pl.when(due("ends")).then(0).otherwise(2048)
)
decide(nx, "newsletter_subscriptions", "subscription_id", "email", 0x7FFF & ~69)
rx = freeze(
    Rp.with_columns(
        txt=txt,
        orphan=orph,
        absent=pl.all_horizontal([c(z).is_null() for z in ("email", "details", "customer_id", "contact_id")]),
        until=pl.when(due("closed_at")).then(plus(c("closed_at"), 36)),
    ),
    "sc",
    "sk",
)
decide(
    rx.with_columns(reasons=pl.when(~due("closed_at")).then(4096).when(c("until") > a).then(8192).otherwise(0)),
    "rights_requests",
    "request_id",
    "content",
    0x7FFF & ~1,
)
RD = pl.concat(pl.collect_all(RECORDS))
RD.select(
    as_of=a,
    entity=c("entity").cast(pl.Categorical),
    record_id="record_id",
    part=c("part").cast(pl.Categorical),
    subject_id="subject_id",
    decision=c("d").replace_strict([0, 1, 2, 3], DECISION, return_dtype=pl.String).cast(pl.Categorical),
    due_on="due_on",
    retained_by=named(RD["kept"], REASONS, 14),
    held_by=named(RD["held"], FREEZES, 7),
).write_parquet(OUT / "record_decisions.parquet", compression="zstd")
WX = freeze(place(W).with_columns(subj=sub, orphan=orph, cons=by("consented")), "sc", "sk").join(
    SP.select("s", "p2"), left_on="subj", right_on="s", how="left", maintain_order="left"
)
WX = WX.with_columns(cookie=plus(c("occurred_at"), 13)).with_columns(
    due_on=pl.when(c("occurred_at").is_null())
    .then(a)
    .when(~c("cons"))
    .then(c("occurred_at"))
    .otherwise(mn("cookie", "consent_withdrawn_at", "p2")),
    held=(((c("fa").fill_null(0) | c("fb").fill_null(0)) & (0x7FFF & ~69)) > 0) | c("orphan") | c("bad"),
)
WX = WX.with_columns(
    taken=due("due_on")
    & pl.any_horizontal(
        [c(z).is_not_null() for z in ("visitor_id", "customer_id", "contact_id", "ip_address", "user_agent")]
    )
)
WX.lazy().filter("taken").select(
    "due_on",
    reason=pl.when("held")
    .then(lit("held"))
    .when(~c("cons"))
    .then(lit("no_consent"))
    .when(c("due_on") == c("cookie"))
    .then(lit("cookie_period"))
    .when(c("due_on") == c("consent_withdrawn_at"))
    .then(lit("consent_withdrawn"))
    .otherwise(lit("individualisation_ended")),
).group_by("reason").agg(pl.len(), c("due_on").min()).collect().write_parquet(OUT / "bulk_decisions.parquet")
G.lazy().filter(plus(c("logged_at"), 13) <= a).select(pl.len(), c("logged_at").min()).collect().write_parquet(
    OUT / "bulk_logs.parquet"
)
phase("decide")

# ---------------------------------------------------------------- pseudonymise
KEY1, KEY2 = os.urandom(32), os.urandom(32)
hashed = lambda s, k: pl.Series([hmac.digest(k, v.encode(), "sha256").hex() for v in s], dtype=pl.String)
fol = (
    A.group_by("s")
    .agg(d0=(c("d") == 0).any(), th=(c("d") != 3).any())
    .filter(~c("d0") & c("th"))
    .join(ST, on="s", how="anti")
    .join(SP.select("s", "sid", "fz"), on="s")
    .filter(c("fz") & 2 == 0)
)
PE = fol.select("s", token=hashed(fol["sid"], KEY1), segment=hashed(fol["sid"], KEY2))
pk = PE.select("s", "token")
ox = (
    OF.join(
        RD.filter((c("entity") == "orders") & (c("part") == "link") & (c("d") == 0)).select(order_id="record_id"),
        on="order_id",
        how="anti",
    )
    .join(pk.rename({"token": "ct"}), left_on="sc", right_on="s")
    .join(pk.rename({"token": "kt"}), left_on="sk", right_on="s", how="left")
)
ox = ox.with_columns(order_token=hashed("order:" + ox["order_id"], KEY1))
Z = OUT / "pseudonymised"
Z.mkdir(exist_ok=True)
w_ = lambda df, n: df.write_parquet(Z / f"{n}.parquet", compression="zstd")
w_(
    C.join(pk, on="s").select("token", "customer_type", p3=c("postal_code").str.slice(0, 3), industry="industry"),
    "customers",
)
w_(
    K.join(pk, on="s")
    .join(pk.rename({"token": "ct"}), left_on="sc", right_on="s", how="left")
    .select("token", "ct", "job_title"),
    "contacts",
)
w_(
    ox.select(
        "order_token",
        "ct",
        "kt",
        "ordered_at",
        "delivered_at",
        "paid_at",
        "cancelled_at",
        c("delivery_postal_code").str.slice(0, 3),
        "payment_method",
        "total_amount",
    ),
    "orders",
)
w_(
    L.join(ox.select("order_id", "order_token"), on="order_id").select(
        "order_token", "product_id", "quantity", "unit_price", "returned_at"
    ),
    "order_lines",
)
w_(S.join(pk, left_on="sc", right_on="s").select("token", "kind", "opened_at", "closed_at"), "cases")
w_(MX.join(pk, left_on="sc", right_on="s").select("token", "channel", "direction", "occurred_at"), "communications")
w_(
    WX.filter(c("cons") & ~c("taken")).join(pk, left_on="sc", right_on="s").select("token", "page", "occurred_at"),
    "web_events",
)
sg = (
    C.join(PE, on="s")
    .select("s", "segment", "customer_type")
    .join(
        ox.filter(~c("canc")).group_by("sc").agg(last=c("ordered_at").max(), n=pl.len(), spent=c("total_amount").sum()),
        left_on="s",
        right_on="sc",
        how="left",
    )
)
w_(
    sg.select(
        "segment",
        "customer_type",
        *[((c(x).rank("ordinal", descending=True) - 1) * 5 // pl.len() + 1).alias(x) for x in ("last", "n", "spent")],
    ),
    "customer_segments",
)
phase("pseudonymise")

# ---------------------------------------------------------------- cells
restricted = SP.filter(c("fz") & 2 > 0)["s"]
CC = C.select(
    "s",
    "customer_type",
    foreign=c("country").is_not_null()
    & ~c("country").str.to_lowercase().is_in(["no", "nor", "norge", "noreg", "norway"]),
)
kw = K.select(sk="s", kc="sc")
who = c("sc").fill_null(c("kc")).fill_null(-1)
inside = lambda x: c(x).is_between(lit(FIRST), a, closed="left")
region = lambda x: (
    pl.when(c("foreign").fill_null(False))
    .then(lit("abroad"))
    .when(c(x).is_null())
    .then(lit("unknown"))
    .when(c(x).str.contains("^([0-9]{4}|[0-9])$"))
    .then(c(x).str.slice(0, 1))
    .otherwise(lit("abroad"))
)
mon = lambda x: c(x).dt.truncate("1mo").alias("month")


def cube(df, dims, sums, fixed=("month",)):
    fr = [
        df.lazy()
        .group_by([*fixed, *(d for i, d in enumerate(dims) if b >> i & 1)])
        .agg(*[c(s).sum() for s in sums], contributors=c("who").n_unique())
        for b in range(1 << len(dims))
    ]
    return pl.concat(pl.collect_all(fr), how="diagonal").with_columns([c(d).fill_null("(all)") for d in dims])


PUB = OUT / "published"
PUB.mkdir(exist_ok=True)
tot_cells = tot_with = 0


def publish(name, cells, dims, measures):
    global tot_cells, tot_with
    cells = cells.with_columns(bad=c("contributors") < 10).with_row_index("i")
    for _ in range(5):
        more = []
        for d in dims:
            line = ["month", *(x for x in dims if x != d)]
            more.append(
                cells.filter(c(d) != "(all)")
                .with_columns(n=c("bad").sum().over(line))
                .filter((c("n") == 1) & ~c("bad"))
                .sort("contributors")
                .group_by(line)
                .agg(c("i").first())
                .select("i")
            )
        more = pl.concat(more)["i"] if more else pl.Series([], dtype=pl.UInt32)
        if not len(more):
            break
        cells = cells.with_columns(bad=c("bad") | c("i").is_in(more.implode()))
    tot_cells += len(cells)
    tot_with += int(cells["bad"].sum())
    cells.with_columns([pl.when(~c("bad")).then(c(x)).alias(x) for x in measures]).drop("i", "contributors").rename(
        {"bad": "suppressed"}
    ).write_parquet(PUB / f"{name}.parquet", compression="zstd")


OW = (
    OF.join(kw, on="sk", how="left", maintain_order="left")
    .with_columns(who=who)
    .join(CC.rename({"s": "who"}), on="who", how="left", maintain_order="left")
    .filter(~c("who").is_in(restricted.implode()) & ~c("sk").is_in(restricted.implode()).fill_null(False))
)
D = OW.filter(c("cancelled_at").is_null() & inside("ordered_at")).select(
    "order_id",
    mon("ordered_at"),
    "who",
    postal_region=region("delivery_postal_code"),
    customer_type=c("customer_type").fill_null("unknown"),
)
ln = Lx.join(D.select("order_id"), on="order_id", how="semi").select(
    "order_id",
    "product_id",
    "live",
    product_category=c("category").fill_null("unknown"),
    units=c("quantity").cast(pl.Float64),
    amount=c("quantity") * c("unit_price"),
)
lv = ln.filter("live")
ME, DIM = ["orders", "units", "amount"], ["postal_region", "customer_type"]
one = lambda df: df.with_columns(orders=lit(1))
cat = one(D.join(lv.group_by("order_id", "product_category").agg(c("units", "amount").sum()), on="order_id"))
whole = one(D.join(lv.group_by("order_id").agg(c("units", "amount").sum()), on="order_id", how="left")).with_columns(
    product_category=lit("(all)")
)
fx = ("month", "product_category")
publish(
    "sales_monthly",
    pl.concat([cube(cat, DIM, ME, fx), cube(whole, DIM, ME, fx)], how="diagonal"),
    ["product_category", *DIM],
    ME,
)
pr = ln.with_columns(
    returned=pl.when("live").then(0).otherwise(c("units")),
    units=pl.when("live").then(c("units")).otherwise(0),
    amount=pl.when("live").then(c("amount")).otherwise(0),
    product_id=c("product_id").fill_null("unknown"),
)
M4 = ["orders", "units", "returned", "amount"]
dk = D.select("order_id", "month", "who")
g = lambda k: one(
    pr.group_by("order_id", *k)
    .agg(c("units", "returned", "amount").sum())
    .join(dk, on="order_id", how="left" if k else "full", coalesce=True)
)
publish(
    "product_demand_monthly",
    pl.concat(
        [
            cube(g(["product_category", "product_id"]), [], M4, ("month", "product_category", "product_id")),
            cube(g(["product_category"]), [], M4, fx).with_columns(product_id=lit("(all)")),
            cube(g([]), [], M4).with_columns(product_id=lit("(all)"), product_category=lit("(all)")),
        ],
        how="diagonal",
    ),
    ["product_id", "product_category"],
    M4,
)
dd = (
    OW.with_columns(
        day=c("delivered_at").fill_null(pl.when((c("own_n") == c("n_live")) & (c("n_live") > 0)).then(c("own_last")))
    )
    .filter(inside("day"))
    .select(
        mon("day"),
        "who",
        postal_region=region("delivery_postal_code"),
        orders=lit(1),
        days=(c("day") - c("ordered_at")).dt.total_days().cast(pl.Float64),
        partial_orders=(c("lmin") < c("lld")).fill_null(False).cast(pl.Int64),
    )
)
qq = lambda k: dd.group_by("month", *k).agg(
    median_days=c("days").quantile(0.5, "linear"), p90_days=c("days").quantile(0.9, "linear")
)
publish(
    "deliveries_monthly",
    cube(dd, ["postal_region"], ["orders", "partial_orders"]).join(
        pl.concat([qq(["postal_region"]), qq([]).with_columns(postal_region=lit("(all)"))], how="diagonal"),
        on=["month", "postal_region"],
    ),
    ["postal_region"],
    ["orders", "partial_orders", "median_days", "p90_days"],
)
SW = (
    S.join(kw, on="sk", how="left")
    .with_columns(who=who)
    .filter(~c("who").is_in(restricted.implode()) & ~c("sk").is_in(restricted.implode()).fill_null(False))
    .with_columns(c("kind").fill_null("unknown"), days=(c("closed_at") - c("opened_at")).dt.total_days())
)
ev = pl.concat(
    [
        SW.filter(inside(x)).select(
            mon(x),
            "kind",
            "order_id",
            "who",
            "days",
            opened=lit(int(x == "opened_at")),
            closed=lit(int(x == "closed_at")),
        )
        for x in ("opened_at", "closed_at")
    ]
)
byc = ev.join(
    Lx.filter("live").select("order_id", product_category=c("category").fill_null("unknown")).unique(),
    on="order_id",
    how="left",
).with_columns(c("product_category").fill_null("unknown"))
publish(
    "service_monthly",
    pl.concat(
        [
            cube(byc, ["kind"], ["opened", "closed"], fx),
            cube(ev.with_columns(product_category=lit("(all)")), ["kind"], ["opened", "closed"], fx),
        ],
        how="diagonal",
    ),
    ["kind", "product_category"],
    ["opened", "closed"],
)
MW = (
    MX.join(kw, on="sk", how="left")
    .with_columns(who=who)
    .filter(inside("occurred_at") & ~c("who").is_in(restricted.implode()))
    .select(
        mon("occurred_at"),
        c("channel").fill_null("unknown"),
        c("direction").fill_null("unknown"),
        "who",
        messages=lit(1),
    )
)
publish(
    "communications_monthly", cube(MW, ["channel", "direction"], ["messages"]), ["channel", "direction"], ["messages"]
)


def rule(df, x, rules, out):
    e = pl.when(False).then(lit(""))
    for n, p in rules:
        e = e.when(c(x).str.to_lowercase().str.contains(p)).then(lit(n))
    return df.join(
        df.select(x).unique().drop_nulls().with_columns(e.otherwise(lit("other")).alias(out)), on=x, how="left"
    ).with_columns(c(out).fill_null("unknown"))


WW = (
    WX.filter(inside("occurred_at"))
    .join(kw, on="sk", how="left")
    .with_columns(w0=c("sc").fill_null(c("kc")))
    .filter(~c("w0").is_in(restricted.implode()).fill_null(False))
)
WW = rule(rule(WW, "page", PAGES, "page_group"), "user_agent", DEVICES, "device_class").with_columns(
    cv=c("cons") & ~(c("consent_withdrawn_at") <= c("occurred_at")).fill_null(False),
    vis=c("visitor_id").rank("dense").cast(pl.Int64) + 10**7,
)
WW = WW.select(
    mon("occurred_at"),
    "page_group",
    "device_class",
    "cv",
    who=c("w0").cast(pl.Int64).fill_null(pl.when("cv").then(c("vis"))).fill_null(-1),
    events=lit(1),
)
cv = cube(WW.filter("cv"), ["page_group", "device_class"], ["events"]).select(
    "month", "page_group", "device_class", visitors="contributors"
)
publish(
    "web_activity_monthly",
    cube(WW, ["page_group", "device_class"], ["events"]).join(
        cv, on=["month", "page_group", "device_class"], how="left"
    ),
    ["page_group", "device_class"],
    ["events", "visitors"],
)
publish(
    "service_health_daily",
    cube(
        G.filter(inside("logged_at")).select(
            month="logged_at",
            service=c("service").fill_null("unknown"),
            level=c("level").fill_null("unknown"),
            who=c("username").str.to_lowercase().fill_null(c("ip_address")),
            events=lit(1),
        ),
        [],
        ["events"],
        ("month", "service", "level"),
    ),
    [],
    ["events"],
)
ms = pl.DataFrame({"month": pl.date_range(FIRST, date(y, m, 1), "1mo", eager=True)})
NL = (
    nx.select(
        who="e",
        b="began",
        u=pl.when(c("unsubscribed_at") >= c("subscribed_at")).then(c("unsubscribed_at")).fill_null(OPEN),
    )
    .join(ms, how="cross")
    .filter((c("b") <= c("month").dt.month_end()) & (c("u") >= c("month")))
)
publish(
    "newsletter_monthly",
    cube(
        NL.select(
            "month",
            "who",
            subscribed=(c("b") >= c("month")).cast(pl.Int32),
            unsubscribed=(c("u") <= c("month").dt.month_end()).cast(pl.Int32),
            active=(c("u") > c("month").dt.month_end()).cast(pl.Int32),
        ),
        [],
        ["subscribed", "unsubscribed", "active"],
    ),
    [],
    ["subscribed", "unsubscribed", "active"],
)
rt = (
    A.group_by("s")
    .agg(c("d").min())
    .filter(~c("s").is_in(restricted.implode()))
    .join(SP.select("s", "kind"), on="s")
    .select(
        month=lit(date(y, m, 1)),
        subject_type="kind",
        decision=c("d").replace_strict([0, 1, 2, 3], DECISION, return_dtype=pl.String),
        who="s",
        subjects=lit(1),
    )
)
publish(
    "retention_monthly",
    cube(rt, ["subject_type", "decision"], ["subjects"]),
    ["subject_type", "decision"],
    ["subjects"],
)
phase("cells")
vc = lambda d: {DECISION[k]: n for k, n in d.group_by("d").len().iter_rows()}
print(
    json.dumps(
        {
            "rows": ROWS,
            "phases": PHASES,
            "total": round(sum(p["wall"] for p in PHASES.values()), 1),
            "attributes": vc(A),
            "records": vc(RD),
            "cells": tot_cells,
            "withheld": tot_with,
        }
    )
)
