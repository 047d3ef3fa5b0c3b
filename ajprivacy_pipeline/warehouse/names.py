"""What shops call things: canonical names and their usual forms in English, Norwegian and Swedish.

Belongs here: words only, normalised (lower case, no marks, no separators). Does not belong here: how they are used
(draft.py).
"""

import re
import unicodedata
from collections.abc import Iterable

from ajprivacy_pipeline.warehouse import more_names

TABLES = {
    "customers": "customer kunde kunder kund client clients kunderegister konto kunden debitor",
    "contacts": "contact kontakt kontakter kontaktperson kontaktpersoner customercontacts contactpersons",
    "products": "product produkt produkter vare varer artikkel artikler artikel artiklar item items sku varuregister",
    "orders": "order ordre ordrer bestilling bestillinger bestallning bestallningar ordrar ordrehode salesorder "
              "salesorders ordreheader salg",
    "order_lines": "orderline ordrelinje ordrelinjer orderrad orderrader orderitems orderitem bestillingslinje "
                   "bestillingslinjer orderdetails lineitems salesorderlines",
    "invoices": "invoice faktura fakturaer fakturor fakturahode bill bills regning regninger",
    "cases": "case sak saker arende arenden henvendelse henvendelser ticket tickets reklamasjon reklamasjoner "
             "reklamation reklamationer supportcases",
    "communications": "communication kommunikasjon kommunikation message messages melding meldinger meddelanden "
                      "korrespondanse emails",
    "newsletter_subscriptions": "newsletter newsletters nyhetsbrev nyhetsbrevabonnement nyhetsbrevpaamelding "
                                "subscriptions subscribers nyhetsbrevprenumerationer",
    "web_events": "webevent events clicks pageviews nettsidehendelser webhendelser besok klikk webbhandelser",
    "app_logs": "applog logs log logg logger loggar applogger applikasjonslogg logentries",
    "rights_requests": "rightsrequest innsynskrav personvernkrav personvernhenvendelser gdprrequests dsr dsar "
                       "datasubjectrequests innsynsforesporsler registerutdrag",
}

# For every table; `COLUMNS_OF` comes first.
COLUMNS = {
    "customer_id": "kundeid kundenr kundenummer kundnr kundnummer kundid customerno customernumber clientid kunde kund",
    "contact_id": "kontaktid kontaktnr kontaktpersonid kontaktperson contactno",
    "product_id": "produktid produktnr varenr varenummer vareid artikkelnr artikelnr artikelnummer sku itemid itemno",
    "order_id": "ordreid ordrenr ordrenummer ordernr ordernummer bestillingid bestillingsnr orderno ordernumber",
    "invoice_id": "fakturaid fakturanr fakturanummer invoiceno invoicenumber",
    "case_id": "sakid saksnr saksnummer arendeid arendenummer ticketid caseno",
    "communication_id": "meldingid messageid meddelandeid kommunikasjonid",
    "subscription_id": "abonnementid prenumerationid",
    "event_id": "hendelseid handelseid", "log_id": "loggid", "request_id": "kravid foresporselid begaranid",
    "name": "navn namn fulltnavn fullname kundenavn kundnamn customername produktnavn varenavn produktnamn productname",
    "customer_type": "kundetype kundtyp kundentyp customerkind",
    "organisation_number": "orgnr organisasjonsnummer organisationsnummer orgnumber organizationnumber orgno",
    "national_identity_number": "fodselsnummer personnummer fnr pnr ssn nationalid",
    "email": "epost eposta epostadresse epostadress mail emailaddress mailadresse",
    "phone": "telefon tlf mobil mobiltelefon telefonnummer telefonnr mobile phonenumber tel",
    "username": "brukernavn anvandarnamn user login bruker",
    "birth_date": "fodselsdato fdato fodt fodelsedatum dateofbirth birthdate dob birthday",
    "gender": "kjonn kon sex",
    "street_address": "adresse adress gateadresse gatuadress gate gata vei address street address1 streetaddress",
    "postal_code": "postnr postnummer zip zipcode postcode", "city": "poststed by sted postort ort stad town",
    "country": "land", "industry": "bransje bransch naering", "preferences": "preferanser preferenser interesser",
    "profile_created_at": "opprettet opprettetdato skapad created createdat registrert registrertdato registered",
    "profile_closed_at": "avsluttet stengt closed closedat avslutad slettet",
    "last_login_at": "sistinnlogget sisteinnlogging senastinloggad lastlogin sistpalogget",
    "updated_at": "oppdatert endret sistendret uppdaterad updated modified modifiedat lastmodified",
    "created_at": "opprettet skapad created registrert", "deactivated_at": "deaktivert sluttet avaktiverad",
    "job_title": "stilling tittel titel befattning rolle title jobtitle", "category": "kategori varegruppe varugrupp",
    "warranty_years": "garanti garantiar garantitid garantiaar warranty",
    "ordered_at": "ordredato bestilt bestiltdato orderdatum bestalld orderdate dato placedat",
    "delivered_at": "levert leveringsdato leverert levererad leveransdatum deliverydate delivered",
    "completed_at": "fullfort ferdig completed slutford", "paid_at": "betalt betalingsdato betald paymentdate paid",
    "cancelled_at": "kansellert avbestilt annullert avbruten cancelled canceledat",
    "delivery_name": "leveringsnavn leveransnamn mottaker shipname shippingname",
    "delivery_street_address": "leveringsadresse leveransadress shippingaddress deliveryaddress",
    "delivery_postal_code": "leveringspostnr leveranspostnummer shippingzip",
    "delivery_city": "leveringspoststed leveringssted leveransort shippingcity",
    "delivery_phone": "leveringstelefon leveringstlf", "delivery_email": "leveringsepost",
    "delivery_note": "leveringsmerknad leveringsnotat merknad deliverycomment",
    "payment_method": "betalingsmate betalingsmetode betalsatt", "payment_reference": "betalingsreferanse kid",
    "currency": "valuta", "total_amount": "totalbelop sum total totalsum totalt belop ordersum",
    "line_number": "linjenr linjenummer linje radnummer radnr line lineno", "quantity": "antall antal qty mengde",
    "unit_price": "pris enhetspris stykkpris styckpris price", "returned_at": "returnert returdato returnerad",
    "issued_at": "fakturadato fakturadatum invoicedate utstedt", "due_at": "forfall forfallsdato forfallodatum duedate",
    "amount": "belop sum total", "paid_amount": "betaltbelop innbetalt betaltbelopp betalt",
    "settled_at": "oppgjort oppgjortdato reglerad", "billing_name": "fakturanavn fakturanamn",
    "billing_street_address": "fakturaadresse fakturaadress billingaddress", "billing_postal_code": "fakturapostnr",
    "billing_city": "fakturapoststed fakturasted fakturaort", "billing_email": "fakturaepost",
    "kind": "type sakstype arendetyp kravtype", "opened_at": "apnet opprettet oppnad opened created",
    "closed_at": "lukket avsluttet stangd closed", "summary": "sammendrag beskrivelse sammanfattning description",
    "channel": "kanal", "direction": "retning riktning", "occurred_at": "tidspunkt tid dato tidpunkt timestamp time",
    "sender": "avsender avsandare fra from", "recipient": "mottaker mottagare til to",
    "body": "tekst innhold melding text meddelande content message",
    "subscribed_at": "pameldt abonnertfra prenumererad optin", "unsubscribed_at": "avmeldt avregistrerad optout",
    "consent_at": "samtykkedato samtyckedatum consentdate",
    "visitor_id": "besokende besoksid cookieid visitor", "ip_address": "ip ipadresse ipadress",
    "user_agent": "nettleser browser useragent", "event_type": "hendelsestype hendelse type handelse",
    "page": "side url sida path", "consented": "samtykke samtycke consent", "consent_withdrawn_at": "samtykketrukket",
    "logged_at": "tidspunkt tid timestamp loggtid time", "service": "tjeneste tjanst", "level": "niva",
    "message": "melding tekst meddelande text", "received_at": "mottatt mottattdato mottagen received",
    "identity_verified_at": "identitetbekreftet verifisert verifierad", "outcome": "utfall resultat result",
    "details": "detaljer beskrivelse detaljer description",
}


def normal(name: str) -> str:
    """Returns a name without case, marks and separators: `Kunde_ID` and `kundeId` are one, `Kjønn` and `kjonn` too."""
    spelt = name.casefold().replace("ø", "o").replace("æ", "ae").replace("å", "a").replace("ß", "ss")
    plain = "".join(c for c in unicodedata.normalize("NFKD", spelt) if not unicodedata.combining(c))
    return re.sub(r"[^a-z0-9]", "", plain)


_WHEN = ("dato", "date", "datum", "on", "am", "den")
_FIRST, _LAST = {"vorname", "fornavn", "firstname", "fornamn"}, {"nachname", "etternavn", "lastname", "efternamn"}
_OF_FIRMS = {"companyname", "firma", "firmenname", "firmanavn", "company"}


def parts_of_name(names: Iterable[str]) -> list[str]:
    """Returns the columns that hold first and last names where a table has both; `name` is then that of no firm."""
    found = {normal(name): name for name in names}
    parts = [next((found[word] for word in sorted(words) if word in found), "") for words in (_FIRST, _LAST)]
    return parts if all(parts) else []


def of_people(wanted: Iterable[str]) -> list[str]:
    """Returns names without those that firms alone have."""
    return [word for word in wanted if word not in _OF_FIRMS]


def candidates(table: str, column: str | None = None) -> list[str]:
    """Normalised names to look for, the likeliest first."""
    if column is None:
        return [normal(table), *TABLES.get(table, "").split(), *more_names.TABLES.get(table, "").split()]
    own, called = normal(column), [*COLUMNS.get(column, "").split(), *more_names.COLUMNS.get(column, "").split()]
    short = [own[:-2]] if own.endswith("at") and column.endswith("_at") else []
    # `betalt_dato` before `betalt`, which may be yes or no, and `GeliefertAm` before `Lieferdatum`, which was agreed on
    dated = [f"{word}{when}" for word in (*short, *called) for when in _WHEN] if short or column == "birth_date" else []
    key = ["id", "nr", "nummer", "no"] if column == key_of(table) else []
    prefixed = [word + own for word in candidates(table)[1:4]]
    further = [*more_names.composed(column, COLUMNS), *more_names.OF.get((table, column), "").split()]
    return [own, *dated, *called, *further, *key, *short, *prefixed]


def key_of(table: str) -> str:
    """Returns the usual name of a table's own id, for sources that just call it `id`."""
    special = {"newsletter_subscriptions": "subscription_id", "web_events": "event_id", "app_logs": "log_id",
               "rights_requests": "request_id", "order_lines": "line_number"}
    return special.get(table, table.removesuffix("s") + "_id")


_PERSONAL = re.compile(
    r"e?mail(?!ing|box|server)|epost|smtpaddr|phone|telefon|mobil|^tel$|^tlf|^fax|"
    r"(first|last|middle|full|sur|nick|display|user|customer|contact|card|billing|shipping|delivery|recipient|"
    r"sender|account)names?$|fornavn|etternavn|^navn$|vorname|nachname|"
    r"namn$|adres|strasse|street|gate$|postcode|postalcode|postnr|postnummer|^zipcode|poststed|"
    r"birth|fodsel|fodt|^dob$|ssn|personnummer|taxvat|ipaddr|^ip$|remoteip|useragent|lastip|loginip|iban|"
    r"ccowner|cardholder|^login$|orgnr|vatid|^vat$|signature|passport", re.IGNORECASE)
_NOT_PERSONAL = re.compile(r"(template|file|field|attribute|table|event|host|domain|product|category|shop|store|site|"
                           r"is|has|use|allow|send)_?(e?mail|name|phone)|"
                           r"e?mail_?(template|sent|status|type|enabled|verified|id)$", re.IGNORECASE)


_BESIDE = ("name", "name1", "name2", "city", "zip", "town", "note", "comment", "message")


def personal(names: Iterable[str]) -> list[str]:
    """Returns the columns of a table whose names say that people may stand in them.

    A bare `name` is that of a product or a state, unless an e-mail or something else of a person's stands beside it.
    """
    listed = list(names)
    sure = [name for name in listed if _PERSONAL.search(normal(name)) and not _NOT_PERSONAL.search(name)]
    return [name for name in listed if name in sure or (sure and normal(name) in _BESIDE)]
