"""Parts of mappings that several of these tests' shops have in common, as TOML."""

TOMBSTONES = """
[tombstones]
consumer = -1
business = -2
sole_proprietor = -3
"""
CUSTOMER = """
customer_id = "id"
customer_type = { constant = "consumer" }
name = "navn"
email = "epost"
profile_created_at = "made"
last_login_at = { absent = "not kept" }
"""  # columns of `kunde`
ORDER = """
order_id = "id"
customer_id = "kunde"
ordered_at = "day"
delivered_at = "day"
paid_at = "day"
delivery_note = "note"
"""  # columns of `ordre`
ORDER_LINES = """
[tables.order_lines]
table = "linje"
[tables.order_lines.columns]
order_id = "ordre"
line_number = "nr"
product_id = "vare"
"""
LINES = ORDER_LINES + """
[tables.products]
table = "vare"
[tables.products.columns]
product_id = "id"
warranty_years = "warranty"
"""
NOTHING_ELSE = """
[tables.invoices]
absent = "none"
[tables.cases]
absent = "none"
[tables.web_events]
absent = "none"
"""
