"""Keys of pseudonymisation domains, as the bound values the pseudonym models take.

Belongs here: which domains there are and which key each has. Does not belong here: the tokens, which SQL computes. The
same person has different tokens in different domains, and in different key periods.
"""

import base64
import hmac

from ajprivacy_pipeline.keystore import KeyStore, pads

DOMAINS = ("improvement", "individualisation")


def key_period(month: str) -> str:
    """The key period of a month: its calendar year, so that a person can be followed within a year."""
    return month[:4]


def pseudonym_parameters(keys: KeyStore, month: str) -> dict[str, object]:
    """The HMAC key pads of every domain for a month's key period, 64 bytes each, by parameter name.

    A domain's key needs both the root key and a random secret of the period: destroying either leaves the period's
    tokens unlinkable.
    """
    values: dict[str, object] = {}
    for domain in DOMAINS:
        name = f"pseudonym-{domain}-{key_period(month)}"
        secret = base64.b64decode(keys.data_key(name))
        key = hmac.digest(keys.derive("pseudonym", domain, key_period(month)), secret, "sha256")
        both = pads(key)
        values[f"{domain}_inner"], values[f"{domain}_outer"] = both.inner, both.outer
    return values
