"""The sample shop's word lists: names, streets, places, products, sentences.

Belongs here: literals. First names and surnames are the common ones and combined at random, so nobody is meant. E-mail
addresses end in names that stand for examples only, IP addresses come from the documentation ranges (RFC 5737).
"""


def _words(listed: str) -> list[str]:
    return listed.split()


FEMALE = _words("""
Anne Inger Kari Marit Ingrid Liv Eva Anna Maria Ida Hilde Berit Nina Astrid Marianne Kristin Solveig Randi Bente Silje
Hanne Linda Elisabeth Emma Nora Sara Julie Thea Emilie Camilla Åse Tone Wenche Heidi Ragnhild Gunn Ellen Mari Lise
Øydis
""")
MALE = _words("""
Jan Per Bjørn Ole Lars Kjell Knut Svein Thomas Arne Geir Tor Morten Terje Odd Erik Martin Andreas John Anders Rune
Trond Tore Daniel Jon Stian Kristian Henrik Marius Jonas Magnus Øyvind Håkon Eirik Sindre Fredrik Gunnar Åge Leif Pål
""")
SURNAMES = _words("""
Hansen Johansen Olsen Larsen Andersen Pedersen Nilsen Kristiansen Jensen Karlsen Johnsen Pettersen Eriksen Berg Haugen
Hagen Johannessen Andreassen Jacobsen Dahl Jørgensen Henriksen Lund Halvorsen Sørensen Jakobsen Moen Gundersen Iversen
Strand Solberg Svendsen Eide Knutsen Martinsen Paulsen Bakken Kristoffersen Mathisen Lie Amundsen Nguyen Rasmussen
Lunde Solheim Berge Moe Nygård Bakke Kristensen Fredriksen Holm Lien Hauge Christensen Andresen Nielsen Knudsen
Evensen Sæther Aas Myhre Hanssen Ali Haugland Thomassen Sivertsen Simonsen Danielsen Berntsen Sandvik Rønning Arnesen
Antonsen Næss Vik Haug Ellingsen Thorsen Edvardsen
""")
ASCII = str.maketrans("æøåÆØÅ", "eoaEOA")
MAIL_DOMAINS = ("example.no", "example.com", "example.org", "example.net")
SHOP_MAIL = "kundeservice@butikk.example"

STREETS = """Storgata, Kirkeveien, Skolegata, Parkveien, Fjordgata, Industriveien, Granveien, Bjørkeveien, Solbakken,
Strandgata, Havnegata, Elvegata, Åsveien, Nedre Torg, Myrveien, Lundeveien, Fossegata, Rosenlund, Sagveien, Ringveien,
Verkstedveien, Nordre Gate, Kongens Gate, Furuveien, Bakkegata, Tunet, Møllegata, Jernbanegata, Bryggen,
Haugveien""".replace("\n", " ").split(", ")
PLACES = (  # postal code and city, all nine zones and the zero: the Norwegian ones first, then the foreign ones
    ("0150", "Oslo"), ("0350", "Oslo"), ("0581", "Oslo"), ("0663", "Oslo"), ("0884", "Oslo"), ("1338", "Sandvika"),
    ("1400", "Ski"), ("1530", "Moss"), ("1606", "Fredrikstad"), ("1706", "Sarpsborg"), ("1850", "Mysen"),
    ("2000", "Lillestrøm"), ("2317", "Hamar"), ("2405", "Elverum"), ("2609", "Lillehammer"), ("2815", "Gjøvik"),
    ("3015", "Drammen"), ("3110", "Tønsberg"), ("3210", "Sandefjord"), ("3611", "Kongsberg"), ("3717", "Skien"),
    ("4006", "Stavanger"), ("4307", "Sandnes"), ("4514", "Mandal"), ("4612", "Kristiansand"), ("4836", "Arendal"),
    ("5003", "Bergen"), ("5058", "Bergen"), ("5411", "Stord"), ("5704", "Voss"), ("6002", "Ålesund"), ("6413", "Molde"),
    ("6507", "Kristiansund N"), ("6800", "Førde"), ("7010", "Trondheim"), ("7500", "Stjørdal"), ("7713", "Steinkjer"),
    ("8006", "Bodø"), ("8514", "Narvik"), ("8622", "Mo i Rana"), ("9008", "Tromsø"), ("9510", "Alta"),
    ("9900", "Kirkenes"), ("111 22", "Stockholm"), ("411 05", "Göteborg"), ("452 30", "Strömstad"),
    ("2100", "København"), ("8000", "Aarhus"))
HOME_PLACES = 43
COUNTRIES = ("NO", "SE", "DK")
DIAL_CODES = ("+47 ", "+46 7", "+45 ")
COMPANY_WORDS = _words("""
Lager Verksted Logistikk Bygg Kontor Transport Mekaniske Eiendom Barnehage Skole Handel Installasjon Rådgivning
Klinikk Arkitekter
""")
COMPANY_FORMS = ("AS", "AS", "AS", "ANS", "SA", "DA")
TRADES = ("Snekkerverksted", "Foto", "Regnskap", "Transport", "Keramikk", "Design", "Bilpleie", "Gårdsdrift")
INDUSTRIES = ("construction", "retail", "education", "health", "transport", "manufacturing", "public sector",
              "agriculture", "consulting", "hospitality")
JOB_TITLES = ("Innkjøper", "Daglig leder", "Lagersjef", "Vaktmester", "Kontorleder", "Prosjektleder", "Økonomisjef",
              "HMS-leder")
PREFERENCES = ("newsletter=weekly", "language=nb", "favourite=desks", "contact=email", "delivery=before noon",
               "favourite=shelving; language=nn", "no phone calls, please")

CATEGORIES = (  # category, product words, lowest and highest price in kroner, warranty years of the category
    ("desks", "Skrivebord Hevbord Hjørnepult Møtebord", 1_900, 14_900, (5, 7, 10)),
    ("chairs", "Kontorstol Besøksstol Stablestol Arbeidsstol", 900, 9_900, (3, 5, 7, 10)),
    ("lockers", "Garderobeskap Oppbevaringsskap Nøkkelskap", 1_200, 8_900, (10, 20, 30)),
    ("shelving", "Lagerreol Arkivreol Bokhylle", 700, 6_900, (10, 20, 30)),
    ("pallet racks", "Pallreol Grenreol Langtgodsreol", 3_900, 24_900, (15, 20, 30)),
    ("lifting", "Løftebord Jekketralle Stabler", 2_900, 49_900, (3, 5)),
    ("packing", "Pakkebord Kartong Strekkfilm", 90, 7_900, (3, 5)),
    ("workbenches", "Arbeidsbenk Verktøyvogn Skuffemodul", 1_500, 15_900, (7, 10, 15)),
    ("environment", "Avfallsbeholder Kildesorteringsstasjon Oppsamlingskar", 400, 9_900, (3, 7, 10)),
    ("school", "Elevpult Elevstol Tavle", 600, 7_900, (5, 10, 20)),
    ("lighting", "Bordlampe Takarmatur Gulvlampe", 300, 4_900, (3, 5)),
    ("outdoor", "Parkbenk Sykkelstativ Skilt", 900, 19_900, (3, 10, 15)),
    ("freight", "Frakt Innbæring Ekspresslevering", 99, 1_990, (0,)),
    ("services", "Montering Opplæring Bortkjøring", 490, 9_900, (0,)))
COLOURS = ("hvit", "sort", "grå", "blå", "bjørk", "eik", "galvanisert", "rød")

DELIVERY_NOTES = (
    "Ring {name} på {phone} en time før levering.", "Leveres ved port 3, spør etter {name}.",
    "Settes i garasjen. Ikke ring.",
    "Varsle på {email} når bilen er på vei.", "Husk jekketralle, ingen rampe.")
CASE_SUMMARIES = {
    "complaint": ("{name} melder om bulk i skapdør, ønsker ny del.", "Manglende skruer i pakken. Kontakt {phone}.",
                  "Feil farge levert, bilder sendt fra {email}."),
    "warranty": ("Gasspatron i stolen svikter, {name} ber om garantireparasjon.", "Motor i hevbord stopper.",
                 "Lås i garderobeskap røk. {name}, {phone}."),
    "enquiry": ("Spørsmål om tilbud på pallreoler.", "{name} ber om kopi av faktura til {email}.",
    "Ønsker oppmåling av lager.")}
MESSAGES = (
    "Hei, jeg heter {name} og lurer på når ordren kommer. Ring meg på {phone}.",
    "{name} ringte. Vil ha svar på e-post til {email}.",
    "Takk for hjelpen! Hilsen {name}",
    "Kunden ba om nytt leveringsvindu, telefon {phone}.",
    "Faktura sendt på nytt til {email} etter avtale med {name}.",
    "Monteringsanvisning lagt ved.",
    "Hei {name}, varene er klare for henting. Svar gjerne til {email}.",
    "Stolen knirker fortsatt. Mvh {name}, tlf. {phone}, {email}")
REQUEST_DETAILS = ("{name} ber om dette i e-post fra {email}.", "Muntlig henvendelse, ringes tilbake på {phone}.",
                   "Brev fra {name}.")
LOG_LINES = (  # the first `LOG_NAMED` of them are about a person
    "user {username} logged in from {ip}", "login failed for {username}", "password reset mail sent to {email}",
    "profile of {username} updated", "session of {username} expired", "cart saved for {username} ({ip})",
    "stock levels synchronised", "price list imported", "health check passed", "retrying connection to payment gateway")
LOG_NAMED = 6
SERVICES = ("web", "checkout", "login", "search", "mailer", "erp-sync")
LEVELS = ("INFO", "INFO", "INFO", "INFO", "DEBUG", "WARNING", "ERROR")
PAGES = ("/", "/kontor/skrivebord", "/kontor/stoler", "/lager/reoler", "/lager/pallreoler", "/garderobe/skap",
         "/handlekurv",
         "/kasse", "/kundeservice", "/kampanje", "/min-side", "/min-side/ordre")
EVENTS = ("page_view", "page_view", "page_view", "page_view", "click", "search", "add_to_cart", "purchase")
AGENTS = ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/128.0",
          "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Safari/605.1",
          "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148",
          "Mozilla/5.0 (Linux; Android 14) Chrome/126.0",
          "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0")
IP_RANGES = ("192.0.2.", "198.51.100.", "203.0.113.")
