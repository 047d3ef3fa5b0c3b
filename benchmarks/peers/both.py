"""What both peers read of the shop, by which words they tell pages and devices, and how they time their phases."""

import resource, time

TEXT = dict(
    customers="customer_id customer_type name organisation_number national_identity_number email phone username gender street_address postal_code city country industry preferences",
    contacts="contact_id customer_id name email phone username job_title preferences",
    products="product_id name category",
    orders="order_id customer_id contact_id delivery_name delivery_street_address delivery_postal_code delivery_city delivery_phone delivery_email delivery_note payment_method payment_reference currency",
    order_lines="order_id product_id",
    invoices="invoice_id customer_id order_id billing_name billing_street_address billing_postal_code billing_city billing_email",
    cases="case_id customer_id contact_id order_id kind summary",
    communications="communication_id customer_id contact_id case_id channel direction sender recipient body",
    newsletter_subscriptions="subscription_id email customer_id contact_id",
    web_events="event_id visitor_id customer_id contact_id ip_address user_agent event_type page",
    app_logs="log_id service level username ip_address message",
    rights_requests="request_id kind customer_id contact_id email outcome details",
)
TIME = dict(
    customers="profile_created_at profile_closed_at last_login_at updated_at",
    contacts="created_at deactivated_at last_login_at updated_at",
    products="",
    orders="ordered_at delivered_at completed_at paid_at cancelled_at updated_at",
    order_lines="delivered_at returned_at",
    invoices="issued_at due_at settled_at",
    cases="opened_at closed_at",
    communications="occurred_at",
    newsletter_subscriptions="subscribed_at unsubscribed_at",
    web_events="occurred_at consent_withdrawn_at",
    app_logs="logged_at",
    rights_requests="received_at identity_verified_at closed_at",
)
PAGES = [
    ("account", "^/min-side|^/account|^/login|^/logg-inn"),
    ("checkout", "^/handlekurv|^/kasse|^/cart|^/checkout"),
    ("service", "^/kundeservice|^/support|^/kontakt|^/hjelp"),
    ("campaign", "^/kampanje|^/campaign|^/tilbud"),
    ("home", "^/?$|^/[?#]"),
    ("catalogue", "^/[a-zæøå]"),
]
DEVICES = [
    ("robot", "bot\\b|crawl|spider|curl/|python-"),
    ("tablet", "ipad|tablet|kindle"),
    ("mobile", "mobi|iphone|android"),
    ("desktop", "windows|macintosh|x11|linux"),
]
PHASES, START = {}, [time.perf_counter(), time.process_time()]


def phase(name):
    now, cpu = time.perf_counter(), time.process_time()
    PHASES[name] = {
        "wall": round(now - START[0], 2),
        "cpu": round(cpu - START[1], 2),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    START[:] = [now, cpu]
