"""G13: neither a key nor a personal value in what a run has written down.

Belongs here: looking for keys, and taking the texts of a log apart for the leak scan. What is a log says the edge that
keeps one: it hands in a function that gives everything the run has written so far. Does not belong here: what is
written after the release (the run's summary, errors of later steps), which a test with a marked person and a marked key
searches in every file.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator

from ajprivacy_pipeline.disclosure.texts.leakscan import Text, json_values
from ajprivacy_pipeline.pseudonyms.keys import DOMAINS, domain_keys, key_period
from ajprivacy_pipeline.release.ledger_cells import derived_keys
from ajprivacy_pipeline.storage.keystore import KeyStore
from ajprivacy_pipeline.storage.zones import Connection, literal

Logs = Callable[[], Iterable[str]]
LOG = "log of the run"
FIGURE = "neither a key nor a personal value in what the run has written down"
# The keys that are derived from the root key, but for those of sealed files, which the key store knows itself. What is
# made with such a key is no key: neither the tokens of people somebody looked at nor those of disclosures, which stand
# in the control store.
DERIVED = (
    ("microdata", "person"), ("microdata", "control group"), ("evidence", "open records"), ("control", "first_held"),
    ("plan", "facts"), ("requests", "people"), ("release", "rounded counts"))
# A day, an hour or a run's own number is digits, and digits may be somebody's phone.
_CLOCK = re.compile(r"\b\d{4}-\d{2}(-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?)?)?\b")
_RUN = re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def texts_of_logs(logs: Logs) -> set[Text]:
    """Returns the distinct texts of a log, for the leak scan: the values of what is JSON, anything else as it is."""
    found = set()
    for document in set(logs()):
        for text in _values(document):
            bare = _CLOCK.sub(" ", _RUN.sub(" ", text))
            if any(character.isalnum() for character in bare):
                found.add(Text(LOG, bare, own=True, logged=True))
    return found


def _values(document: str) -> Iterator[str]:
    try:
        found = json.loads(document)
    except ValueError:
        yield document
        return
    if isinstance(found, dict | list):
        yield from json_values(found, names=False)
    else:
        yield document


def key_faults(keys: KeyStore, month: str, logs: Logs) -> list[str]:
    """Returns a line for each key that stands in a log; the line has the key's name."""
    labels = (*DERIVED, *(("pseudonym", domain, key_period(month)) for domain in DOMAINS))
    return [f"{LOG}: holds the key {name}"
            for name in keys.traces("\n".join(logs()), labels, {**domain_keys(keys, month), **derived_keys(keys)})]


def query_log_faults(con: Connection) -> list[str]:
    """Returns a line for each of the engine's own logs that is on: they hold statements with bound values."""
    settings = ("log_query_path", "enable_logging", "enable_profiling")
    listed = ", ".join(f"current_setting({literal(name)})" for name in settings)
    found = con.execute(f"SELECT {listed}").fetchall()[0]
    return [f"the engine writes a log of its own: {name} is set"
            for name, value in zip(settings, found, strict=True) if value not in (None, "", False, "false")]
