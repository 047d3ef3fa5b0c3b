-- Least privilege in a warehouse on PostgreSQL that has the contract's names; with names of your own, change them here
-- as in the mapping. Run it as the owner of the tables, again after an upgrade; passwords and pg_hba.conf are yours.
--
--   ajprivacy_reader     runs months; cannot write. The plan of its month names every right that it lacks
--   ajprivacy_writer     `plan make` and `plan apply`: AJPRIVACY_WAREHOUSE with this user for these commands alone
--   ajprivacy_publisher  AJPRIVACY_PUBLISH_URL; owns the schema published
--   ajprivacy_analyst    the published zone, and nothing beside it
--
-- tests/deploy/test_grants.py runs it: what each may do, and what it may not.

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['ajprivacy_reader', 'ajprivacy_writer', 'ajprivacy_publisher', 'ajprivacy_analyst'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOINHERIT', name);
        END IF;
    END LOOP;
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO ajprivacy_reader, ajprivacy_writer, ajprivacy_publisher, '
                   'ajprivacy_analyst', current_database());
END $$;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ajprivacy_reader, ajprivacy_writer;

-- One row a batch: it stands in the warehouse exactly where the batch's changes do.
CREATE TABLE IF NOT EXISTS ajprivacy_batches (
    plan_id VARCHAR(32) NOT NULL, batch INTEGER NOT NULL, counts TEXT NOT NULL, marked_at VARCHAR(32) NOT NULL,
    PRIMARY KEY (plan_id, batch));

-- The reader.
ALTER ROLE ajprivacy_reader SET default_transaction_read_only = on;
GRANT SELECT ON customers, contacts, orders, order_lines, invoices, cases, communications, newsletter_subscriptions,
    rights_requests, web_events, app_logs, products, ajprivacy_batches TO ajprivacy_reader, ajprivacy_writer;

-- The writer: the columns that actions.toml names, the rows that it deletes, tombstones, and its marker.
GRANT UPDATE (name, organisation_number, national_identity_number, email, phone, username, birth_date, gender,
    street_address, postal_code, city, preferences) ON customers TO ajprivacy_writer;
GRANT UPDATE (name, email, phone, username, job_title, preferences) ON contacts TO ajprivacy_writer;
GRANT UPDATE (delivery_name, delivery_street_address, delivery_postal_code, delivery_city, delivery_phone,
    delivery_email, delivery_note, payment_reference, customer_id, contact_id) ON orders TO ajprivacy_writer;
GRANT UPDATE (billing_name, billing_street_address, billing_postal_code, billing_city, billing_email, customer_id)
    ON invoices TO ajprivacy_writer;
GRANT UPDATE (summary, customer_id, contact_id) ON cases TO ajprivacy_writer;
GRANT UPDATE (sender, recipient, body, customer_id, contact_id) ON communications TO ajprivacy_writer;
GRANT UPDATE (email, customer_id, contact_id), DELETE ON newsletter_subscriptions TO ajprivacy_writer;
GRANT UPDATE (email, details, customer_id, contact_id) ON rights_requests TO ajprivacy_writer;
GRANT UPDATE (visitor_id, customer_id, contact_id, ip_address, user_agent) ON web_events TO ajprivacy_writer;
GRANT UPDATE (username, ip_address, message), DELETE ON app_logs TO ajprivacy_writer;
GRANT INSERT ON customers, contacts, ajprivacy_batches TO ajprivacy_writer;

-- While a batch decides again and writes, new facts wait (`lock_fact_tables` in enforcement.toml). From PostgreSQL 17 on
-- MAINTAIN allows that lock and VACUUM. Before, only UPDATE of the whole table allows it: nobody's data is destroyed by
-- what arrives meanwhile, at the price that this user could change other columns of these tables.
DO $$
DECLARE rights text := CASE WHEN current_setting('server_version_num')::int >= 170000 THEN 'MAINTAIN' ELSE 'UPDATE' END;
BEGIN
    EXECUTE format('GRANT %s ON orders, order_lines, invoices, cases, communications, rights_requests '
                   'TO ajprivacy_writer', rights);
    IF rights = 'MAINTAIN' THEN
        GRANT MAINTAIN ON customers, contacts, newsletter_subscriptions, web_events, app_logs TO ajprivacy_writer;
    END IF;
END $$;

-- The published zone, where it is in this database; in another one, run this part there.
CREATE SCHEMA IF NOT EXISTS published AUTHORIZATION ajprivacy_publisher;
GRANT USAGE ON SCHEMA published TO ajprivacy_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA published TO ajprivacy_analyst;
ALTER DEFAULT PRIVILEGES FOR ROLE ajprivacy_publisher IN SCHEMA published GRANT SELECT ON TABLES TO ajprivacy_analyst;
ALTER ROLE ajprivacy_analyst SET default_transaction_read_only = on;
