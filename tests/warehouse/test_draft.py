"""What the draft finds by itself on public schemas: their tables and columns as their documentation lists them."""

import sqlite3
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import sqlglot
from sqlglot import exp

from ajprivacy_pipeline.warehouse.draft import draft
from ajprivacy_pipeline.warehouse.names import personal
from ajprivacy_pipeline.warehouse.source import open_source
from tests.recipes import businesscentral, magento, odoo, prestashop, woocommerce
from tests.warehouse.shopkit import SOURCES, connect, fresh_database

_SAKILA = {
    "actor": "actor_id first_name last_name last_update:datetime",
    "address": "address_id address address2 district city_id postal_code phone last_update:datetime",
    "category": "category_id name last_update:datetime", "city": "city_id city country_id last_update:datetime",
    "country": "country_id country last_update:datetime",
    "customer": "customer_id store_id first_name last_name email address_id active create_date:datetime "
                "last_update:datetime",
    "film": "film_id title description release_year language_id rental_duration rental_rate:numeric length rating",
    "inventory": "inventory_id film_id store_id last_update:datetime",
    "payment": "payment_id customer_id staff_id rental_id amount:numeric payment_date:datetime last_update:datetime",
    "rental": "rental_id rental_date:datetime inventory_id customer_id return_date:datetime staff_id "
              "last_update:datetime",
    "staff": "staff_id first_name last_name address_id email store_id active username password last_update:datetime",
    "store": "store_id manager_staff_id address_id last_update:datetime"}
SCHEMAS: dict[str, dict[str, str]] = {
    "northwind": {
        "Categories": "CategoryID CategoryName Description Picture",
        "Customers": "CustomerID CompanyName ContactName ContactTitle Address City Region PostalCode Country Phone Fax",
        "Employees": "EmployeeID LastName FirstName Title BirthDate:date HireDate:date Address City PostalCode Country "
                     "HomePhone",
        "Order Details": "OrderID ProductID UnitPrice:numeric Quantity Discount",
        "Orders": "OrderID CustomerID EmployeeID OrderDate:datetime RequiredDate:datetime ShippedDate:datetime ShipVia "
                  "Freight:numeric ShipName ShipAddress ShipCity ShipRegion ShipPostalCode ShipCountry",
        "Products": "ProductID ProductName SupplierID CategoryID QuantityPerUnit UnitPrice:numeric UnitsInStock",
        "Shippers": "ShipperID CompanyName Phone",
        "Suppliers": "SupplierID CompanyName ContactName ContactTitle Address City PostalCode Country Phone Fax"},
    "chinook": {
        "Album": "AlbumId Title ArtistId", "Artist": "ArtistId Name", "Genre": "GenreId Name",
        "Customer": "CustomerId FirstName LastName Company Address City State Country PostalCode Phone Fax Email "
                    "SupportRepId",
        "Employee": "EmployeeId LastName FirstName Title ReportsTo BirthDate:date HireDate:date Address City Phone "
                    "Email",
        "Invoice": "InvoiceId CustomerId InvoiceDate:datetime BillingAddress BillingCity BillingState BillingCountry "
                   "BillingPostalCode Total:numeric",
        "InvoiceLine": "InvoiceLineId InvoiceId TrackId UnitPrice:numeric Quantity",
        "Track": "TrackId Name AlbumId MediaTypeId GenreId Composer Milliseconds Bytes UnitPrice:numeric"},
    # The words of the draft were not chosen by looking at these two.
    "opencart": {
        "oc_customer": "customer_id customer_group_id store_id firstname lastname email telephone password newsletter "
                       "address_id ip status date_added:datetime",
        "oc_order": "order_id invoice_no store_id customer_id firstname lastname email telephone payment_firstname "
                    "payment_company payment_address_1 payment_city payment_postcode payment_country payment_method "
                    "shipping_firstname shipping_address_1 shipping_city shipping_postcode shipping_country comment "
                    "total:numeric order_status_id currency_code ip user_agent date_added:datetime "
                    "date_modified:datetime",
        "oc_order_product": "order_product_id order_id product_id name model quantity price:numeric total:numeric",
        "oc_product": "product_id model sku price:numeric quantity date_added:datetime"},
    "kontor": {
        "Kundenstamm": "Kundennummer Name EMail Telefon Strasse PLZ Ort Land Geburtsdatum:date angelegt:datetime",
        "Auftrag": "Auftragsnummer Kundennummer Bestelldatum:date Lieferdatum:date Lieferadresse LieferPLZ Zahlungsart "
                   "Summe:numeric Währung storniert:date",
        "Auftragsposition": "Auftragsnummer Position Artikelnr Menge Einzelpreis:numeric",
        "Rechnung": "Rechnungsnummer Kundennummer Auftragsnummer Rechnungsdatum:date Betrag:numeric fällig:date",
        "Artikel": "Artikelnr Bezeichnung Warengruppe"},
    "sakila": _SAKILA,
    "pagila": {**_SAKILA, "customer": _SAKILA["customer"] + " activebool"}}
_OF_SAKILA = {
    "customers": {"": "customer", "customer_id": "customer_id", "email": "email", "profile_created_at": "create_date",
                  "updated_at": "last_update"},
    "orders": {"": "rental", "order_id": "rental_id", "customer_id": "customer_id", "ordered_at": "rental_date",
               "updated_at": "last_update"},
    "invoices": {"": "payment", "invoice_id": "payment_id", "customer_id": "customer_id", "order_id": "rental_id",
                 "issued_at": "payment_date", "amount": "amount"},
    "products": {"": "film", "product_id": "film_id", "name": "title"}}
# What there is to be found, table by table of the contract ('' is the table itself), one column for each.
THERE: dict[str, dict[str, dict[str, str]]] = {
    "northwind": {
        "customers": {"": "Customers", "customer_id": "CustomerID", "name": "CompanyName", "street_address": "Address",
                      "city": "City", "postal_code": "PostalCode", "country": "Country", "phone": "Phone"},
        "orders": {"": "Orders", "order_id": "OrderID", "customer_id": "CustomerID", "ordered_at": "OrderDate",
                   "delivered_at": "ShippedDate", "delivery_name": "ShipName", "delivery_street_address": "ShipAddress",
                   "delivery_city": "ShipCity", "delivery_postal_code": "ShipPostalCode"},
        "order_lines": {"": "Order Details", "order_id": "OrderID", "product_id": "ProductID", "quantity": "Quantity",
                        "unit_price": "UnitPrice"},
        "products": {"": "Products", "product_id": "ProductID", "name": "ProductName", "category": "CategoryID"}},
    "chinook": {
        "customers": {"": "Customer", "customer_id": "CustomerId", "street_address": "Address", "city": "City",
                      "country": "Country", "postal_code": "PostalCode", "phone": "Phone", "email": "Email"},
        "invoices": {"": "Invoice", "invoice_id": "InvoiceId", "customer_id": "CustomerId", "issued_at": "InvoiceDate",
                     "billing_street_address": "BillingAddress", "billing_city": "BillingCity",
                     "billing_postal_code": "BillingPostalCode", "amount": "Total"},
        "products": {"": "Track", "product_id": "TrackId", "name": "Name"}},
    "opencart": {
        "customers": {"": "oc_customer", "customer_id": "customer_id", "email": "email", "phone": "telephone",
                      "profile_created_at": "date_added"},
        "orders": {"": "oc_order", "order_id": "order_id", "customer_id": "customer_id", "ordered_at": "date_added",
                   "updated_at": "date_modified", "delivery_street_address": "shipping_address_1",
                   "delivery_city": "shipping_city", "delivery_postal_code": "shipping_postcode",
                   "delivery_note": "comment", "payment_method": "payment_method", "currency": "currency_code",
                   "total_amount": "total"},
        "order_lines": {"": "oc_order_product", "order_id": "order_id", "line_number": "order_product_id",
                        "product_id": "product_id", "quantity": "quantity", "unit_price": "price"},
        "products": {"": "oc_product", "product_id": "product_id"}},
    "kontor": {
        "customers": {"": "Kundenstamm", "customer_id": "Kundennummer", "name": "Name", "email": "EMail",
                      "phone": "Telefon", "street_address": "Strasse", "postal_code": "PLZ", "city": "Ort",
                      "country": "Land", "birth_date": "Geburtsdatum", "profile_created_at": "angelegt"},
        "orders": {"": "Auftrag", "order_id": "Auftragsnummer", "customer_id": "Kundennummer",
                   "ordered_at": "Bestelldatum", "delivered_at": "Lieferdatum",
                   "delivery_street_address": "Lieferadresse", "delivery_postal_code": "LieferPLZ",
                   "payment_method": "Zahlungsart", "total_amount": "Summe", "currency": "Währung",
                   "cancelled_at": "storniert"},
        "order_lines": {"": "Auftragsposition", "order_id": "Auftragsnummer", "line_number": "Position",
                        "product_id": "Artikelnr", "quantity": "Menge", "unit_price": "Einzelpreis"},
        "invoices": {"": "Rechnung", "invoice_id": "Rechnungsnummer", "customer_id": "Kundennummer",
                     "order_id": "Auftragsnummer", "issued_at": "Rechnungsdatum", "amount": "Betrag",
                     "due_at": "fällig"},
        "products": {"": "Artikel", "product_id": "Artikelnr", "name": "Bezeichnung", "category": "Warengruppe"}},
    "sakila": _OF_SAKILA, "pagila": _OF_SAKILA}
_ADDED = {"updated_at": "date_upd"}
OF_SHOPS: dict[str, dict[str, dict[str, str]]] = {
    "woocommerce": {
        "customers": {"": "wp_users", "customer_id": "ID", "name": "display_name", "email": "user_email",
                      "username": "user_login", "profile_created_at": "user_registered"},
        "orders": {"": "wp_wc_orders", "order_id": "id", "customer_id": "customer_id", "ordered_at": "date_created_gmt",
                   "updated_at": "date_updated_gmt", "delivery_note": "customer_note",
                   "payment_method": "payment_method", "payment_reference": "transaction_id", "currency": "currency",
                   "total_amount": "total_amount"},
        "order_lines": {"": "wp_woocommerce_order_items", "order_id": "order_id", "line_number": "order_item_id"},
        "products": {"": "wp_posts", "product_id": "ID", "name": "post_title"},
        "newsletter_subscriptions": {"": "wp_mailpoet_subscribers", "subscription_id": "id", "email": "email",
                                     "customer_id": "wp_user_id", "subscribed_at": "confirmed_at"}},
    "magento": {
        "customers": {"": "customer_entity", "customer_id": "entity_id", "email": "email", "birth_date": "dob",
                      "gender": "gender", "profile_created_at": "created_at", "updated_at": "updated_at"},
        "orders": {"": "sales_order", "order_id": "entity_id", "customer_id": "customer_id", "ordered_at": "created_at",
                   "updated_at": "updated_at", "delivery_note": "customer_note", "currency": "order_currency_code",
                   "total_amount": "grand_total"},
        "order_lines": {"": "sales_order_item", "order_id": "order_id", "line_number": "item_id",
                        "product_id": "product_id", "quantity": "qty_ordered", "unit_price": "price"},
        "invoices": {"": "sales_invoice", "invoice_id": "entity_id", "order_id": "order_id", "issued_at": "created_at",
                     "amount": "grand_total"},
        "products": {"": "catalog_product_entity", "product_id": "entity_id"},
        "newsletter_subscriptions": {"": "newsletter_subscriber", "subscription_id": "subscriber_id",
                                     "email": "subscriber_email", "customer_id": "customer_id"}},
    "prestashop": {
        "customers": {"": "ps_customer", "customer_id": "id_customer", "email": "email", "birth_date": "birthday",
                      "gender": "id_gender", "organisation_number": "siret", "preferences": "note",
                      "profile_created_at": "date_add", **_ADDED},
        "orders": {"": "ps_orders", "order_id": "id_order", "customer_id": "id_customer", "ordered_at": "date_add",
                   "payment_method": "payment", "delivery_note": "gift_message", "total_amount": "total_paid_tax_incl",
                   **_ADDED},
        "order_lines": {"": "ps_order_detail", "order_id": "id_order", "line_number": "id_order_detail",
                        "product_id": "product_id", "quantity": "product_quantity",
                        "unit_price": "unit_price_tax_incl"},
        "invoices": {"": "ps_order_invoice", "invoice_id": "id_order_invoice", "order_id": "id_order",
                     "issued_at": "date_add", "amount": "total_paid_tax_incl"},
        "cases": {"": "ps_customer_thread", "case_id": "id_customer_thread", "customer_id": "id_customer",
                  "order_id": "id_order", "opened_at": "date_add"},
        "products": {"": "ps_product", "product_id": "id_product"},
        "newsletter_subscriptions": {"": "ps_emailsubscription", "subscription_id": "id", "email": "email",
                                     "subscribed_at": "newsletter_date_add"}},
    "odoo": {
        "customers": {"": "res_partner", "customer_id": "id", "name": "name", "email": "email", "phone": "phone",
                      "street_address": "street", "postal_code": "zip", "city": "city", "organisation_number": "vat",
                      "preferences": "comment", "country": "country_id", "profile_created_at": "create_date",
                      "updated_at": "write_date"},
        "orders": {"": "sale_order", "order_id": "id", "customer_id": "partner_id", "ordered_at": "date_order",
                   "delivery_note": "note", "total_amount": "amount_total", "updated_at": "write_date"},
        "order_lines": {"": "sale_order_line", "order_id": "order_id", "line_number": "id", "product_id": "product_id",
                        "quantity": "product_uom_qty", "unit_price": "price_unit"},
        "invoices": {"": "account_move", "invoice_id": "id", "customer_id": "commercial_partner_id",
                     "issued_at": "invoice_date", "due_at": "invoice_date_due", "amount": "amount_total_signed"},
        "products": {"": "product_product", "product_id": "id"}}}
OF_SHOPS["businesscentral"] = {
    "customers": {"": businesscentral.table("Customer"), "customer_id": "No_", "name": "Name", "email": "E-Mail",
                  "phone": "Phone No_", "street_address": "Address", "postal_code": "Post Code", "city": "City",
                  "country": "Country_Region Code", "organisation_number": "Registration Number",
                  "profile_created_at": "$systemCreatedAt", "updated_at": "$systemModifiedAt"},
    "contacts": {"": businesscentral.table("Contact"), "contact_id": "No_", "name": "Name", "email": "E-Mail",
                 "phone": "Phone No_", "job_title": "Job Title", "created_at": "$systemCreatedAt"},
    "orders": {"": businesscentral.table("Sales Header"), "order_id": "No_", "customer_id": "Sell-to Customer No_",
               "contact_id": "Sell-to Contact No_", "ordered_at": "Order Date", "delivery_name": "Ship-to Name",
               "delivery_street_address": "Ship-to Address", "delivery_postal_code": "Ship-to Post Code",
               "delivery_city": "Ship-to City"},
    "order_lines": {"": businesscentral.table("Sales Line"), "order_id": "Document No_", "line_number": "Line No_",
                    "product_id": "No_", "quantity": "Quantity", "unit_price": "Unit Price"},
    "invoices": {"": businesscentral.table("Cust_ Ledger Entry"), "invoice_id": "Entry No_",
                 "customer_id": "Customer No_",
                 "issued_at": "Posting Date", "due_at": "Due Date"},
    "products": {"": businesscentral.table("Item"), "product_id": "No_", "name": "Description",
                 "category": "Item Category Code"}}
SHOPS = {"woocommerce": (woocommerce, "mysql"), "magento": (magento, "mysql"), "prestashop": (prestashop, "mysql"),
         "odoo": (odoo, "postgres"), "businesscentral": (businesscentral, "sqlite")}
# Invented: shops with a prefix of their own, planned days beside those that came true, firms beside people.
INVENTED: dict[str, dict[str, str]] = {
    "norsk": {
        "mh_kunde": "kunde_nr:integer kunde_type fornavn etternavn firmanavn org_nr epost mobil adresse1 "
                    "postnummer poststed fdato:date opprettet_dato:datetime sist_innlogget:datetime "
                    "sist_endret:datetime nyhetsbrev:boolean aktiv:boolean slettet:boolean "
                    "kredittgrense:numeric",
        "mh_kontaktperson": "kontakt_nr:integer kunde_nr:integer navn stilling epost telefon "
                            "opprettet:datetime sluttet:boolean",
        "mh_vare": "vare_nr varenavn varegruppe garanti_mnd:integer pris:numeric lager_antall:integer",
        "mh_ordre": "ordre_nr:integer kunde_nr:integer selger_nr:integer ordre_dato:datetime "
                    "onsket_levering:date lev_dato:date levert_dato:date betalt:boolean betalt_dato:date "
                    "kansellert:boolean kansellert_dato:date sum_eks_mva:numeric sum_inkl_mva:numeric valuta "
                    "lev_navn lev_adresse lev_postnr lev_poststed lev_tlf merknad betalingsmate kid status",
        "mh_ordre_linje": "ordre_nr:integer linje_nr:integer vare_nr antall:integer pris:numeric "
                          "levert_antall:integer levert_dato:date returnert:boolean retur_dato:date",
        "mh_faktura": "faktura_nr:integer ordre_nr:integer kunde_nr:integer faktura_dato:date "
                      "forfalls_dato:date belop:numeric betalt_belop:numeric oppgjort_dato:date fakt_navn "
                      "fakt_adresse fakt_postnr fakt_poststed fakt_epost",
        "mh_faktura_linje": "faktura_nr:integer linje_nr:integer vare_nr belop:numeric",
        "mh_reklamasjon": "sak_nr:integer kunde_nr:integer ordre_nr:integer type apnet_dato:datetime "
                          "lukket_dato:datetime beskrivelse saksbehandler",
        "mh_nyhetsbrev_mottaker": "id:integer epost kunde_nr:integer pameldt_dato:datetime "
                                  "avmeldt_dato:datetime",
        "mh_melding": "melding_id:integer kunde_nr:integer kanal retning sendt:datetime fra til emne tekst",
        "mh_ansatt": "ansatt_nr:integer navn epost telefon fodselsnummer",
        "mh_leverandor": "lev_nr:integer navn epost telefon adresse"},
    "deutsch": {
        "tx_kunden": "KundenNr:integer Kundenart Anrede Vorname Nachname Firma UStIdNr EMail Telefon Strasse "
                     "PLZ Ort Land Geburtsdatum:date AngelegtAm:datetime LetzterLogin:datetime "
                     "GeaendertAm:datetime GesperrtAm:datetime Newsletter:boolean Benutzername Passwort",
        "tx_ansprechpartner": "AnsprechpartnerNr:integer KundenNr:integer Name Position EMail Telefon "
                              "AngelegtAm:datetime",
        "tx_artikel": "ArtikelNr Bezeichnung Warengruppe GarantieMonate:integer Garantiejahre:integer "
                      "VKPreis:numeric Lagerbestand:integer",
        "tx_auftraege": "AuftragsNr:integer KundenNr:integer VertreterNr:integer Auftragsdatum:datetime "
                        "Wunschtermin:date Lieferdatum:date GeliefertAm:datetime BezahltAm:datetime "
                        "Bezahlt:boolean StorniertAm:datetime Gesamtbetrag:numeric Netto:numeric Waehrung "
                        "LieferName LieferStrasse LieferPLZ LieferOrt LieferTelefon Bemerkung Zahlungsart "
                        "Status",
        "tx_auftragspositionen": "AuftragsNr:integer PosNr:integer ArtikelNr Menge:integer "
                                 "Einzelpreis:numeric Rabatt:numeric RetourniertAm:date",
        "tx_rechnungen": "RechnungsNr:integer AuftragsNr:integer KundenNr:integer Rechnungsdatum:date "
                         "FaelligAm:date Betrag:numeric BezahltBetrag:numeric BeglichenAm:date RechnungsName "
                         "RechnungsStrasse RechnungsPLZ RechnungsOrt RechnungsEMail",
        "tx_reklamationen": "ReklamationsNr:integer KundenNr:integer AuftragsNr:integer Art "
                            "EroeffnetAm:datetime GeschlossenAm:datetime Beschreibung Bearbeiter",
        "tx_newsletter": "Id:integer EMail KundenNr:integer AngemeldetAm:datetime AbgemeldetAm:datetime "
                         "EinwilligungAm:datetime",
        "tx_lieferanten": "LieferantenNr:integer Name EMail Telefon Strasse Ort",
        "tx_mitarbeiter": "MitarbeiterNr:integer Name EMail",
        "tx_protokoll": "Id:integer Zeit:datetime Benutzer Meldung IPAdresse"}}
OF_INVENTED: dict[str, dict[str, dict[str, str]]] = {
    "norsk": {
        "customers": {"": "mh_kunde", "customer_id": "kunde_nr", "customer_type": "kunde_type",
                      "organisation_number": "org_nr", "email": "epost", "phone": "mobil", "birth_date": "fdato",
                      "street_address": "adresse1", "postal_code": "postnummer", "city": "poststed",
                      "profile_created_at": "opprettet_dato", "last_login_at": "sist_innlogget",
                      "updated_at": "sist_endret"},
        "contacts": {"": "mh_kontaktperson", "contact_id": "kontakt_nr", "customer_id": "kunde_nr", "name": "navn",
                     "email": "epost", "phone": "telefon", "job_title": "stilling", "created_at": "opprettet"},
        "products": {"": "mh_vare", "product_id": "vare_nr", "name": "varenavn", "category": "varegruppe"},
        "orders": {"": "mh_ordre", "order_id": "ordre_nr", "customer_id": "kunde_nr", "ordered_at": "ordre_dato",
                   "delivered_at": "levert_dato", "paid_at": "betalt_dato", "cancelled_at": "kansellert_dato",
                   "delivery_name": "lev_navn", "delivery_street_address": "lev_adresse",
                   "delivery_postal_code": "lev_postnr", "delivery_city": "lev_poststed", "delivery_phone": "lev_tlf",
                   "delivery_note": "merknad", "payment_method": "betalingsmate", "payment_reference": "kid",
                   "currency": "valuta", "total_amount": "sum_inkl_mva"},
        "order_lines": {"": "mh_ordre_linje", "order_id": "ordre_nr", "line_number": "linje_nr",
                        "product_id": "vare_nr", "quantity": "antall", "unit_price": "pris",
                        "delivered_at": "levert_dato", "returned_at": "retur_dato"},
        "invoices": {"": "mh_faktura", "invoice_id": "faktura_nr", "customer_id": "kunde_nr", "order_id": "ordre_nr",
                     "issued_at": "faktura_dato", "due_at": "forfalls_dato", "amount": "belop",
                     "paid_amount": "betalt_belop", "settled_at": "oppgjort_dato", "billing_name": "fakt_navn",
                     "billing_street_address": "fakt_adresse", "billing_postal_code": "fakt_postnr",
                     "billing_city": "fakt_poststed", "billing_email": "fakt_epost"},
        "cases": {"": "mh_reklamasjon", "case_id": "sak_nr", "customer_id": "kunde_nr", "order_id": "ordre_nr",
                  "kind": "type", "opened_at": "apnet_dato", "closed_at": "lukket_dato", "summary": "beskrivelse"},
        "communications": {"": "mh_melding", "communication_id": "melding_id", "customer_id": "kunde_nr",
                           "channel": "kanal", "direction": "retning", "sender": "fra", "recipient": "til",
                           "body": "tekst", "occurred_at": "sendt"},
        "newsletter_subscriptions": {"": "mh_nyhetsbrev_mottaker", "subscription_id": "id", "email": "epost",
                                     "customer_id": "kunde_nr", "subscribed_at": "pameldt_dato",
                                     "unsubscribed_at": "avmeldt_dato"}},
    "deutsch": {
        "customers": {"": "tx_kunden", "customer_id": "KundenNr", "customer_type": "Kundenart",
                      "organisation_number": "UStIdNr", "email": "EMail", "phone": "Telefon",
                      "username": "Benutzername", "birth_date": "Geburtsdatum", "street_address": "Strasse",
                      "postal_code": "PLZ", "city": "Ort", "country": "Land", "profile_created_at": "AngelegtAm",
                      "last_login_at": "LetzterLogin", "updated_at": "GeaendertAm"},
        "contacts": {"": "tx_ansprechpartner", "contact_id": "AnsprechpartnerNr", "customer_id": "KundenNr",
                     "name": "Name", "email": "EMail", "phone": "Telefon", "job_title": "Position",
                     "created_at": "AngelegtAm"},
        "products": {"": "tx_artikel", "product_id": "ArtikelNr", "name": "Bezeichnung", "category": "Warengruppe",
                     "warranty_years": "Garantiejahre"},
        "orders": {"": "tx_auftraege", "order_id": "AuftragsNr", "customer_id": "KundenNr",
                   "ordered_at": "Auftragsdatum", "delivered_at": "GeliefertAm", "paid_at": "BezahltAm",
                   "cancelled_at": "StorniertAm", "delivery_name": "LieferName",
                   "delivery_street_address": "LieferStrasse", "delivery_postal_code": "LieferPLZ",
                   "delivery_city": "LieferOrt", "delivery_phone": "LieferTelefon", "payment_method": "Zahlungsart",
                   "currency": "Waehrung", "total_amount": "Gesamtbetrag", "delivery_note": "Bemerkung"},
        "order_lines": {"": "tx_auftragspositionen", "order_id": "AuftragsNr", "line_number": "PosNr",
                        "product_id": "ArtikelNr", "quantity": "Menge", "unit_price": "Einzelpreis",
                        "returned_at": "RetourniertAm"},
        "invoices": {"": "tx_rechnungen", "invoice_id": "RechnungsNr", "customer_id": "KundenNr",
                     "order_id": "AuftragsNr", "issued_at": "Rechnungsdatum", "due_at": "FaelligAm",
                     "amount": "Betrag", "paid_amount": "BezahltBetrag", "settled_at": "BeglichenAm",
                     "billing_name": "RechnungsName", "billing_street_address": "RechnungsStrasse",
                     "billing_postal_code": "RechnungsPLZ", "billing_city": "RechnungsOrt",
                     "billing_email": "RechnungsEMail"},
        "cases": {"": "tx_reklamationen", "case_id": "ReklamationsNr", "customer_id": "KundenNr",
                  "order_id": "AuftragsNr", "opened_at": "EroeffnetAm", "closed_at": "GeschlossenAm",
                  "summary": "Beschreibung", "kind": "Art"},
        "newsletter_subscriptions": {"": "tx_newsletter", "subscription_id": "Id", "email": "EMail",
                                     "customer_id": "KundenNr", "subscribed_at": "AngemeldetAm",
                                     "unsubscribed_at": "AbgemeldetAm", "consent_at": "EinwilligungAm"}}}
LEAST, MOST_WRONG = 0.6, 0.02


def statements(schema: dict[str, str]) -> Iterator[str]:
    """The tables of a schema as SQLite's."""
    for table, columns in schema.items():
        listed = ", ".join(f'"{name}" {kind or ("integer" if name.lower().endswith("id") else "text")}'
                           for name, _, kind in (column.partition(":") for column in columns.split()))
        yield f'CREATE TABLE "{table}" ({listed})'


def bare(ddl: str, dialect: str) -> Iterator[str]:
    """The tables of a shop as SQLite's: names and types alone."""
    for tree in sqlglot.parse(ddl, dialect=dialect):
        if isinstance(tree, exp.Create) and tree.kind == "TABLE":
            listed = ", ".join(f'"{column.name}" {column.kind.sql(dialect="sqlite")}'
                               for column in tree.find_all(exp.ColumnDef))
            yield f'CREATE TABLE "{tree.find(exp.Table).name}" ({listed})'


def _drafted(folder: Path, given: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the draft says of some tables, in the form of THERE."""
    with sqlite3.connect(folder / "shop.db") as shop:
        for statement in given:
            shop.execute(statement)
    shop.close()
    with open_source(f"sqlite:///{folder / 'shop.db'}") as source:
        tables = tomllib.loads(draft(source, SOURCES)).get("tables", {})
    return {name: {"": entry["table"], **entry["columns"]} for name, entry in tables.items()}


def judged(name: str, drafted: dict[str, dict[str, str]], there: dict[str, dict[str, str]]) -> tuple[int, int, int]:
    """How many fields there are, how many of them were found, and how many of those that were said are wrong."""
    wanted = {(table, column, source) for table, columns in there.items() for column, source in columns.items()}
    said = {(table, column, source) for table, columns in drafted.items() for column, source in columns.items()}
    print(f"{name}: {len(said & wanted)} of {len(wanted)}, wrong {sorted(said - wanted)}, "  # noqa: T201 - a measure
          f"missing {sorted(wanted - said)}")
    return len(wanted), len(said & wanted), len(said - wanted)


@pytest.mark.parametrize("name", SCHEMAS)
def test_most_of_a_public_schema_is_found_and_hardly_anything_wrong(name: str, tmp_path: Path) -> None:
    wanted, found, wrong = judged(name, _drafted(tmp_path, statements(SCHEMAS[name])), THERE[name])
    assert found >= LEAST * wanted
    assert wrong <= MOST_WRONG * wanted


@pytest.mark.parametrize("name", INVENTED)
def test_most_of_an_invented_shop_is_found_and_nothing_wrong(name: str, tmp_path: Path) -> None:
    wanted, found, wrong = judged(name, _drafted(tmp_path, statements(INVENTED[name])), OF_INVENTED[name])
    assert found >= LEAST * wanted
    assert wrong == 0


@pytest.mark.parametrize("name", SHOPS)
def test_most_of_a_shop_is_found_without_its_recipe(name: str, tmp_path: Path) -> None:
    shop, dialect = SHOPS[name]
    wanted, found, wrong = judged(name, _drafted(tmp_path, bare(shop.TABLES, dialect)), OF_SHOPS[name])
    assert found >= LEAST * wanted
    assert wrong <= MOST_WRONG * wanted


@pytest.mark.parametrize(("column", "expected"), [
    ("email", True), ("billing_email", True), ("E-Mail 2", True), ("epost", True), ("SMTP_ADDR", True),
    ("customerEmail", True), ("email_from", True), ("phone", True), ("Vorname", True), ("mailing_id", False),
    ("mailbox_size", False), ("name", False), ("email_template", False), ("state", False)])
def test_what_looks_personal_by_its_name(column: str, *, expected: bool) -> None:
    assert bool(personal([column])) is expected


@pytest.mark.parametrize(("kind", "asks"), [("datetime", True), ("date", False)])
def test_the_draft_asks_in_which_zone_times_are(kind: str, *, asks: bool, tmp_path: Path) -> None:
    """A time without a zone may be read wrongly and nobody notices; a day has none."""
    with sqlite3.connect(tmp_path / "shop.db") as shop:
        shop.execute("CREATE TABLE customer (customer_id integer PRIMARY KEY, email varchar(50), name varchar(50))")
        shop.execute(f"CREATE TABLE orders (order_id integer PRIMARY KEY, customer_id integer, order_date {kind})")
    shop.close()
    with open_source(f"sqlite:///{tmp_path / 'shop.db'}") as source:
        lines = draft(source, SOURCES).splitlines()
    assert ('# source_timezone = "UTC"  # of orders.order_date' in lines) is asks
    assert any("unsaid, it is Oslo's" in line for line in lines) is asks


@pytest.mark.parametrize(("links", "found"), [
    ("hvem integer REFERENCES kunder (kundenr)", "hvem"),
    ("hvem integer", None),
    ("hvem integer REFERENCES kunder (rang)", None),
    ("hvem integer REFERENCES kunder (kundenr), til integer REFERENCES kunder (kundenr)", None),
    ("hvem integer REFERENCES kunder (kundenr), kunde integer", "kunde"),
    ("dato text REFERENCES kunder (kundenr)", None)])
def test_a_link_is_told_by_its_foreign_key_where_no_name_tells(links: str, found: str | None, tmp_path: Path) -> None:
    """To the key of the one table alone, and where it is the only one; a name says more."""
    drafted = _drafted(tmp_path, ["CREATE TABLE kunder (kundenr integer PRIMARY KEY, rang integer UNIQUE, navn text)",
                                  f"CREATE TABLE ordrer (ordrenr integer PRIMARY KEY, {links})"])
    assert drafted["customers"]["customer_id"] == "kundenr"
    assert drafted["orders"].get("customer_id") == found


def test_of_two_tables_of_one_name_the_fuller_one_is_taken_and_the_other_one_told(postgres_url: str) -> None:
    """An archive comes first in the alphabet alone."""
    url = fresh_database(postgres_url, "draft_schemas")
    with connect(url) as shop:
        shop.execute("""CREATE SCHEMA arkiv; CREATE SCHEMA crm; CREATE TABLE arkiv.kund (kundnr int, namn text);
                        CREATE TABLE crm.kund (kundnr int, namn text, epost text, telefon text)""")
    with open_source(url) as source:
        text = draft(source, SOURCES)
    assert 'table = "crm.kund"' in text
    assert "# ?? or arkiv.kund, by the same name" in text


def test_a_text_is_no_moment_and_a_link_may_be_called_as_the_key(tmp_path: Path) -> None:
    """`login` may hold when; what has the name of another table's key leads there, unless any key is called so."""
    drafted = _drafted(tmp_path, [
        "CREATE TABLE kunder (id integer PRIMARY KEY, navn text, login datetime)",
        "CREATE TABLE salg (salgnr integer PRIMARY KEY, kunde integer)",
        "CREATE TABLE fakturaer (id integer PRIMARY KEY, salgnr integer)"])
    assert "username" not in drafted["customers"]
    assert drafted["invoices"] == {"": "fakturaer", "invoice_id": "id", "order_id": "salgnr"}


def test_a_firms_name_is_not_that_of_people_who_have_two_columns(tmp_path: Path) -> None:
    drafted = _drafted(tmp_path, statements(INVENTED["deutsch"]))
    assert "name" not in drafted["customers"]
    with open_source(f"sqlite:///{tmp_path / 'shop.db'}") as source:
        assert ('# ?? or of Vorname and Nachname: name = { sql = "...", writes = ["Vorname", "Nachname"] }'
                in draft(source, SOURCES).splitlines())
