-- model: retention.record_decisions
-- grain: one row per record and part
-- materialised: view
-- reads: retention.order_decisions, retention.invoice_decisions, retention.correspondence_decisions, retention.newsletter_decisions, retention.request_decisions
-- doc: What becomes of every record, all entities together.
SELECT * FROM retention.order_decisions
UNION ALL SELECT * FROM retention.invoice_decisions
UNION ALL SELECT * FROM retention.correspondence_decisions
UNION ALL SELECT * FROM retention.newsletter_decisions
UNION ALL SELECT * FROM retention.request_decisions
