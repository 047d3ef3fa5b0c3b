"""Keys of pseudonymisation domains, as the bound values the pseudonym models take.

Belongs here: which domains there are and which key each has. Does not belong here: the tokens, which SQL computes. The
same person has different tokens in different domains, and in different key periods.
"""

import base64
import hmac

from ajprivacy_pipeline.storage.keystore import KeyStore, pads

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


def _name(domain: str, month: str) -> str:
    return f"pseudonym-{domain}-{key_period(month)}"


def _key(keys: KeyStore, domain: str, month: str) -> bytes:
    secret = base64.b64decode(keys.data_key(_name(domain, month)))
    return hmac.digest(keys.derive("pseudonym", domain, key_period(month)), secret, "sha256")
