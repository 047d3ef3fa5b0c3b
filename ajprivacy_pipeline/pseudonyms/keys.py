"""Keys of pseudonymisation domains, as the bound values the pseudonym models take.

Belongs here: which domains there are, which key each has, destroying those of a period. Does not belong here: the
tokens, which SQL computes. The same person has different tokens in different domains, and in different key periods.
"""

import base64
import hmac

from ajprivacy_pipeline.errors import KeyStoreError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.keystore import KeyStore, pads
from ajprivacy_pipeline.storage.month_files import hold_lock, warehouse_lock

DOMAINS = ("improvement", "individualisation")


def key_period(month: str) -> str:
    """Returns the key period of a month: its calendar year, so that a person can be followed within a year."""
    return month[:4]


def pseudonym_parameters(keys: KeyStore, month: str) -> dict[str, object]:
    """Returns the HMAC key pads of every domain for a month's key period, 64 bytes each, by parameter name.

    A domain's key needs both the root key and a random secret of the period: destroying either leaves the period's
    tokens unlinkable.
    """
    values: dict[str, object] = {}
    for domain in DOMAINS:
        both = pads(_key(keys, domain, month))
        values[f"{domain}_inner"], values[f"{domain}_outer"] = both.inner, both.outer
    return values


def domain_keys(keys: KeyStore, month: str) -> dict[str, bytes]:
    """Returns the key of every domain that has one for the month's key period, by its secret; makes none."""
    return {f"{_name(domain, month)}/hmac": _key(keys, domain, month) for domain in DOMAINS
            if keys.has(_name(domain, month))}


def destroy_period(settings: Settings, period: str) -> list[str]:
    """Destroy the secrets of a key period: its tokens cannot be linked to anybody any more; returns their names.

    Raises:
        KeyStoreError: there is none of that period.
        ControlError: a run or an apply is under way.
    """
    with warehouse_lock(settings, alone=True), hold_lock(settings):
        keys = KeyStore(settings.keys, settings.root_key)
        names = [name for domain in DOMAINS if period == key_period(period) and keys.has(name := _name(domain, period))]
        if not names:
            raise KeyStoreError(f"there is no key of pseudonymisation for {period}; `ajprivacy keys fingerprint` lists "
                                "those there are, and a period is a year")
        for name in names:
            keys.destroy(name)
        return names


def _name(domain: str, month: str) -> str:
    return f"pseudonym-{domain}-{key_period(month)}"


def _key(keys: KeyStore, domain: str, month: str) -> bytes:
    secret = base64.b64decode(keys.data_key(_name(domain, month)))
    return hmac.digest(keys.derive("pseudonym", domain, key_period(month)), secret, "sha256")
