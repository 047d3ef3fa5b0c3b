"""The source contract as the evaluator knows it: tables, columns, what belongs together, and what no rule reads."""

CUSTOMER_TYPES = ("consumer", "business", "sole_proprietor")
ENUMS = {
    ("customers", "customer_type"): CUSTOMER_TYPES,
    ("cases", "kind"): ("complaint", "warranty", "enquiry"),
    ("communications", "channel"): ("phone", "email", "chat", "letter", "in_person", "digital"),
    ("communications", "direction"): ("in", "out"),
    ("rights_requests", "kind"): ("access", "rectification", "erasure", "restriction", "portability", "objection"),
    ("rights_requests", "outcome"): ("granted", "refused", "withdrawn"),
}

# Per table, "column" or "column:type"; text is the default type, and * marks a bold column that is no key.
COLUMNS = {
    "customers": "customer_id customer_type*:enum name organisation_number national_identity_number email:email phone"
    " username birth_date:birth gender street_address postal_code city country industry preferences"
    " profile_created_at:date profile_closed_at:date last_login_at:date updated_at:date",
    "contacts": "contact_id customer_id* name email:email phone username job_title preferences created_at:date"
    " deactivated_at:date last_login_at:date updated_at:date",
    "products": "product_id name category warranty_years:number",
    "orders": "order_id customer_id contact_id ordered_at*:date delivered_at:date completed_at:date paid_at:date"
    " cancelled_at:date delivery_name delivery_street_address delivery_postal_code delivery_city delivery_phone"
    " delivery_email:email delivery_note payment_method payment_reference currency total_amount:amount updated_at:date",
    "order_lines": "order_id line_number:integer product_id quantity:number unit_price:amount delivered_at:date"
    " returned_at:date",
    "invoices": "invoice_id customer_id order_id issued_at*:date due_at:date amount*:amount paid_amount:amount"
    " settled_at:date billing_name billing_street_address billing_postal_code billing_city billing_email:email",
    "cases": "case_id customer_id contact_id order_id kind:enum opened_at*:date closed_at:date summary",
    "communications": "communication_id customer_id contact_id case_id channel:enum direction:enum occurred_at*:date"
    " sender recipient body",
    "newsletter_subscriptions": "subscription_id email*:email customer_id contact_id subscribed_at:date"
    " unsubscribed_at:date",
    "web_events": "event_id occurred_at*:date visitor_id customer_id contact_id ip_address user_agent event_type page"
    " consented:boolean consent_withdrawn_at:date",
    "app_logs": "log_id logged_at*:date service level username ip_address message",
    "rights_requests": "request_id kind*:enum customer_id contact_id email:email received_at*:date"
    " identity_verified_at:date closed_at:date outcome:enum details",
}
KEYS = {table: (columns.split()[0],) for table, columns in COLUMNS.items()} | {
    "order_lines": ("order_id", "line_number")
}
REFERENCES = {"customer_id": "customers", "contact_id": "contacts", "order_id": "orders", "product_id": "products",
              "case_id": "cases"}

# An end, the table of its beginning, and the beginning.
PAIRS = [
    *(("orders", end, "orders", "ordered_at") for end in ("delivered_at", "completed_at", "paid_at", "cancelled_at")),
    *(("order_lines", end, "orders", "ordered_at") for end in ("delivered_at", "returned_at")),
    ("cases", "closed_at", "cases", "opened_at"),
    ("invoices", "settled_at", "invoices", "issued_at"),
    ("customers", "profile_closed_at", "customers", "profile_created_at"),
    ("contacts", "deactivated_at", "contacts", "created_at"),
    ("rights_requests", "closed_at", "rights_requests", "received_at"),
]
# Columns that no rule reads: a fault in one freezes nothing. Of products only the warranty is read, and its fault makes
# the warranty unknown; a product is nobody's.
UNREAD = {("customers", "updated_at"), ("contacts", "updated_at"), ("orders", "updated_at"), ("invoices", "due_at"),
          ("order_lines", "quantity"), ("order_lines", "unit_price"), ("cases", "kind")}

MISPLACED = {
    "organisation_number": ("consumer",),
    "national_identity_number": ("consumer", "business"),
    "birth_date": ("business",),
    "gender": ("business",),
}
