"""A dozen people of different fate, and a home whose month holds them."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

from ajprivacy_pipeline.policy import DecisionPolicy, load_policy
from ajprivacy_pipeline.retention.bind import prepare
from ajprivacy_pipeline.settings import NOTICE, Settings, load_settings, prepare_home
from ajprivacy_pipeline.storage import zones
from ajprivacy_pipeline.storage.control import ControlStore
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.month_files import month_file
from tests.oracle import casekit as kit
from tests.oracle.model import Shop
from tests.oracle.sqlshop import load_raw, run_decisions

MONTH = "2026-10"  # as_of = 1 November 2026

PEOPLE = {
    "customer:1": "bought a locker with ten years of warranty and never came back",
    "customer:2": "has an open complaint",
    "customer:3": "owes an invoice that belongs to no order any more",
    "customer:4": "left long ago",
    "customer:5": "asked for erasure while a warranty runs",
    "customer:6": "objected to marketing; reads the newsletter no more",
    "customer:7": "a sole proprietor whose vouchers do not name the buyer",
    "contact:81": "orders for a company",
    "customer:9": "asked for restriction",
    "customer:10": "has nothing but a name, and an organisation number that should not be there",
    "customer:11": "has several open matters at once",
    "customer:12": "is held by everything that can hold somebody",
}
HOLDS = [
    {"event": "placed", "subject_id": subject, "owner": "legal", "ground": "litigation", "recorded_by": "ada",
     "happened_on": day, "expires_on": date(2030, 1, 1)}
    for subject, day in (("customer:12", date(2026, 5, 5)), ("rights_requests", date(2026, 7, 7)))]


def _old(identifier: str, number: str) -> dict[str, object]:
    return kit.order("2015-03-02", number, identifier)


def shop() -> Shop:
    """The twelve, with what they did."""
    return {
        "customers": [
            kit.consumer("1", gender="f", username="kari", profile_created_at="2021-05-03"),
            kit.consumer("2", profile_created_at="2024-01-10", last_login_at="2025-02-01"),
            kit.consumer("3"),
            kit.consumer("4", profile_created_at="2014-01-01", preferences="desks", phone="1"),
            kit.consumer("5", profile_created_at="2023-01-01", username="per"),
            kit.consumer("6", profile_created_at="2026-01-05", preferences="desks"),
            kit.proprietor("7", profile_created_at="2020-02-01", national_identity_number="x",
                           organisation_number="999"),
            kit.business("8"),
            kit.consumer("9"),
            kit.consumer("10", organisation_number="999"),
            kit.consumer("11", profile_created_at="2024-01-10", birth_date="1980-05-17", username="ola"),
            kit.consumer("12", profile_created_at="2015-01-10", birth_date="31.31.1980"),
        ],
        "contacts": [kit.contact("81", "8", created_at="2022-01-01", job_title="buyer")],
        "products": [kit.product("10", "locker"), kit.product("2", "chair")],
        "orders": [
            kit.order("2021-05-03", "o1", "1"), kit.order("2024-02-10", "o2", "2"), _old("4", "o4"),
            kit.order("2023-06-01", "o5", "5"), kit.order("2026-02-01", "o6", "6"), _old("7", "o7"),
            kit.order("2024-05-23", "o8", "8", contact_id="81"), _old("9", "o9"),
            kit.order("2026-09-01", "o11a", "11", delivered_at=None, paid_at=None),
            kit.order("2026-09-02", "o11b", "11", delivered_at=None),
            kit.order("2026-09-03", "o11c", "11"), kit.order("2026-09-04", "o11d", "11", delivered_at=None),
            _old("12", "o12") | {"completed_at": "yesterday"},
        ],
        "order_lines": [
            kit.line(1, "o1", product_id="chair"), kit.line(2, "o1", product_id="locker"), kit.line(1, "o2"),
            kit.line(1, "o5", product_id="locker"), kit.line(1, "o6"), kit.line(1, "o7"),
            kit.line(1, "o8", product_id="chair"), kit.line(1, "o9"),
            kit.line(1, "o11a"), kit.line(1, "o11b"), kit.line(1, "o11d"), kit.line(1, "o12"),
            *(kit.line(number, "o11c", product_id="gone") for number in (1, 2)),
        ],
        "invoices": [
            kit.invoice("2016-01-15", invoice_id="i3", customer_id="3"),
            kit.invoice("2023-03-01", paid="100.00", invoice_id="i7", customer_id="7", billing_name=None),
            *(kit.invoice(f"2017-01-{day}", invoice_id=f"i12-{day}", customer_id="12") for day in range(11, 17)),
        ],
        "cases": [kit.case("2026-03-01", case_id="c2", customer_id="2", order_id="o2"),
                  kit.case("2026-10-01", case_id="c11a", customer_id="11", order_id="o11a"),
                  kit.case("2026-10-02", case_id="c11b", customer_id="11", order_id="o11a")],
        "communications": [kit.message("2026-03-02", communication_id="m2", case_id="c2")],
        "newsletter_subscriptions": [kit.subscription(subscription_id="n6", email="c6@x.no", customer_id="6",
                                                      subscribed_at="2026-01-05")],
        "web_events": [kit.event("2026-02-01", "e6", customer_id="6", consented="true"),
                       kit.event("2026-09-01", "e2", customer_id="2", consented="true"),
                       kit.event("2026-09-05", "e2b", customer_id="2", consented="true"),
                       kit.event("2015-09-01", "e12", customer_id="12", consented="true"),
                       kit.event("2015-10-01", "e12b", customer_id="12", consented="true")],
        "rights_requests": [
            kit.request("erasure", "2025-09-01", request_id="r5", customer_id="5", identity_verified_at="2025-09-04",
                        closed_at="2025-09-20", outcome="granted"),
            kit.request("objection", "2026-06-15", request_id="r6", customer_id="6", closed_at="2026-06-15"),
            kit.request("restriction", "2026-10-05", request_id="r9", customer_id="9"),
            kit.request("restriction", "2026-10-06", request_id="r12a", customer_id="12"),
            kit.request("restriction", "2026-10-08", request_id="r12b", customer_id="12"),
            kit.request("access", "2026-01-22", request_id="r12c", customer_id="12", identity_verified_at="2026-01-22"),
            kit.request("rectification", "2019-01-05", request_id="r12", customer_id="12", closed_at="2019-01-09"),
        ],
    }


def home(folder: Path, rows: Shop, month: str = MONTH, policy: DecisionPolicy | None = None, *,
         holds: Iterable[Mapping[str, object]] = ()) -> Settings:
    """A home whose month holds the decisions about a shop, in its encrypted file; by today's policy or another."""
    settings = load_settings({"AJPRIVACY_HOME": str(folder), "AJPRIVACY_THREADS": "1"})
    prepare_home(settings)
    policy = policy or load_policy(NOTICE)
    keys = KeyStore(settings.keys)
    control = ControlStore.in_folder(settings.control)
    for hold in holds:
        control.append_hold_event(dict(hold))
    with zones.open_zone(settings, keys, month_file(settings, month)) as con:
        con.execute("BEGIN")  # one commit: a file is synced after each
        load_raw(con, rows, policy)
        prepare(con, policy, control, month)
        run_decisions(con, policy, month)
        con.execute("COMMIT")
    return settings
