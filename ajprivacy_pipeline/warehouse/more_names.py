"""More of what shops call things, beside `names`: other trades, German, Danish, Swedish, and composed words.

Belongs here: words only, normalised as `names.normal` does. Does not belong here: how they are used (`draft`).
"""

from collections.abc import Iterator

TABLES = {
    "customers": "kunde kunden kundestamm kundenstamm debitoren kunderegister kundkort debitorer customerentity "
                 "respartner users",
    "contacts": "ansprechpartner kontaktpersonen kontaktpersoner kontaktpersonen",
    "products": "catalogue "
                "produkte artikelstamm vareregister varekartotek film track catalogproductentity productproduct "
                "posts",
    "orders": "purchase purchases "
              "bestellung bestellungen auftrag auftraege auftrage ordrehoved ordrehoder salesheader saleorder "
              "saleorders wcorders rental rentals orderhuvud",
    "order_lines": "bestellposition bestellpositionen auftragsposition auftragspositionen ordredetail orderdetail "
                   "ordrerad ordrelinie ordrelinier saleorderline salesorderitem saleorderlines salesline "
                   "woocommerceorderitems auftragspos belegposition orderrader",
    "invoices": "rechnung rechnungen fakturaer orderinvoice salesinvoice accountmove custledgerentry payment "
                "payments",
    "cases": "enquiry enquiries reklamationen anfragen vorgang sager sag customerthread",
    "newsletter_subscriptions": "nyhetsbrevmottaker nyhetsbrevmottakere newsletterempfaenger mailinglist "
                                "abonnenten newsletterabonnenten newslettersubscriber emailsubscription nyhedsbrev "
                                "mailpoetsubscribers",
}
COLUMNS = {
    "customer_id": "kundennr kundennummer kundenid kundenr kundenummer clientno debitornr idcustomer "
                   "commercialpartnerid partnerid selltocustomerno",
    "contact_id": "ansprechpartnerid idcontact selltocontactno",
    "product_id": "artikelid artikelnr varenummer vareid idproduct artnr",
    "order_id": "bestellnr bestellnummer bestellungid auftragsnr auftragsnummer ordrenummer idorder rentalid "
                "auftragnr belegnr",
    "invoice_id": "rechnungsnr rechnungsnummer rechnungid idorderinvoice idinvoice",
    "name": "companyname displayname firma firmenname bezeichnung title posttitle betegnelse benamning name1",
    "organisation_number": "cvr cvrnummer cvrnr ustid handelsregisternummer siret vat registrationnumber",
    "email": "useremail customeremail subscriberemail mailadresse emailadresse epostadress",
    "phone": "telephone telefonnummer mobiltelefonnummer handy mobilnummer mobilephone phoneno telefonnr",
    "username": "userlogin benutzername anmeldename brugernavn loginname anvandare benutzer",
    "birth_date": "geburtsdatum geburtstag fodselsdag",
    "gender": "geschlecht idgender",
    "street_address": "strasse anschrift gade vej gateadresse gatuadress address1 street1 street",
    "postal_code": "plz postleitzahl postcode postnr",
    "city": "ort stadt by wohnort",
    "country": "land countryid countryregioncode countrycode laendercode landekode",
    "preferences": "note notes comment bemerkung",
    "profile_created_at": "angelegt angelegtam erstellt erstelltam oprettet userregistered createdate creationdate "
                          "dateadd registreringsdato datecreated systemcreatedat createdat",
    "profile_closed_at": "geloescht geschlossen lukket",
    "last_login_at": "letzteanmeldung letzterlogin sidstelogin",
    "updated_at": "geaendert geandert geaendertam andret writedate lastupdate dateupd updatedon dateupdated "
                  "systemmodifiedat dateupdatedgmt updatedat",
    "created_at": "angelegt angelegtam erstellt oprettet createdate dateadd systemcreatedat",
    "job_title": "function funktion position stilling jobtitle",
    "category": "kategorie warengruppe categoryid itemcategorycode varegruppe grupp varugrupp",
    "warranty_years": "garantie garantiejahre garantiar warrantyyears",
    "ordered_at": "bestelldatum bestellt auftragsdatum dateorder orderdato createdat dateadd datecreatedgmt "
                  "rentaldate createddate",
    "delivered_at": "geliefert lieferdatum shippeddate deliverydate leveret leveringsdato shippedat",
    "completed_at": "abgeschlossen datecompletedgmt afsluttet",
    "paid_at": "bezahlt bezahltam datepaidgmt betalt",
    "cancelled_at": "storniert storniertam annulleret",
    "payment_method": "zahlungsart betalingsmetode payment",
    "payment_reference": "transactionid zahlungsreferenz",
    "currency": "waehrung wahrung currencycode ordercurrencycode valutakode",
    "total_amount": "suminklmva totalinklmva "
                    "summe gesamtbetrag grandtotal amounttotal totalpaidtaxincl gesamtsumme belopp",
    "line_number": "position zeile posnr orderitemid itemid idorderdetail zeilennr linienr rad radnr",
    "quantity": "menge anzahl qtyordered productuomqty productquantity",
    "unit_price": "preis stueckpreis einzelpreis unitpricetaxincl priceunit enhedspris",
    "returned_at": "zurueckgegeben retourniert returneret returndate",
    "issued_at": "rechnungsdatum dateadd fakturadato invoicedate paymentdate createdat postingdate",
    "due_at": "faellig faelligam forfaldsdato invoicedatedue duedate",
    "amount": "betrag summe grandtotal totalpaidtaxincl amounttotalsigned belob belopp",
    "paid_amount": "amountpaid bezahltbetrag bezahlterbetrag betaltbelob bezahlt betald",
    "customer_type": "kundenart kundeart",
    "settled_at": "ausgeglichen beglichen",
    "case_id": "saknr reklamationsnr reklamasjonsnr vorgangsnr",
    "opened_at": "eroeffnet oprettet dateadd",
    "closed_at": "geschlossen abgeschlossen stangd",
    "summary": "betreff beschreibung",
    "subscription_id": "subscriberid",
    "subscribed_at": "angemeldet tilmeldt",
    "consent_at": "einwilligung samtykke consented",
    "unsubscribed_at": "abgemeldet afmeldt unsubscriptiondate",
    "delivery_note": "customernote giftmessage note",
}
# What means this in one table alone.
OF = {("order_lines", "order_id"): "documentno", ("order_lines", "product_id"): "no",
      ("products", "name"): "description"}
_PLACES = {
    "delivery": "delivery deliver ship shipping shipto leverings levering lev leverans liefer lieferungs",
    "billing": "billing bill billto invoice invoicing faktura fakt fakturerings rechnungs rechnung",
}


def composed(column: str, words: dict[str, str]) -> Iterator[str]:
    """Yields what a column of a delivery or an invoice may be called: a word for it and one for the plain thing.

    Args:
        column: of the contract, as `delivery_street_address`.
        words: of the plain columns, as `names.COLUMNS` has them.
    """
    place, _, plain = column.partition("_")
    if place not in _PLACES or not plain:
        return
    things = [plain.replace("_", ""), *words.get(plain, "").split(), *COLUMNS.get(plain, "").split()]
    for word in _PLACES[place].split():
        yield from (word + thing for thing in things)
