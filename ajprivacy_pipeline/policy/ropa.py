"""The records of processing (Art. 30): what an authority asks for first, from policy data alone.

Belongs here: the record as data, and as a page. Does not belong here: rows of anybody, sentences of the notice.
"""

import json
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypedDict

from ajprivacy_pipeline.calendar import plus_months
from ajprivacy_pipeline.files import write_whole
from ajprivacy_pipeline.policy.countries import country_name
from ajprivacy_pipeline.policy.policy import Policy
from ajprivacy_pipeline.policy.retention import Purpose

_TEMPLATE = Path(__file__).with_name("ropa.html.j2")
_SENTENCES = Path(__file__).with_name("ropa.toml")
_NAMES = Path(__file__).with_name("ropa_words.toml")
_PEOPLE = {"consumer": "consumers", "sole_proprietor": "sole proprietors", "business": "business customers",
           "contact": "contact persons of business customers"}
_ANYBODY = "people who use the services or write to the company"
_BASES = {"contract": "contract, Art. 6(1)(b)", "legitimate_interest": "legitimate interest, Art. 6(1)(f)",
          "consent": "consent, Art. 6(1)(a)", "legal_obligation": "legal obligation, Art. 6(1)(c)"}


class ProcessingPurpose(TypedDict):
    """A purpose of processing: whose data, which, who receives it, how long; dates as ISO text."""

    purpose: str
    meaning: str
    legal_basis: str
    clauses: list[str]
    people: list[str]
    attributes: list[str]
    records: dict[str, list[str]]
    recipients: list[str]
    periods: list[dict[str, object]]
    kept_for: dict[str, str]  # language -> sentence; none where the policy has a purpose of its own
    assessment_ref: str | None
    assessed_on: str | None


class Ropa(TypedDict):
    """The record of processing; what it takes over from the policy whole has the policy's keys."""

    policy_version: str
    valid_from: str
    notice_sha256: str
    notice_language: str
    controller: dict[str, object]
    purposes: list[ProcessingPurpose]
    recipients: list[dict[str, object]]
    backups: list[dict[str, object]]
    imports: list[dict[str, object]]
    systems: list[dict[str, object]]
    newsletter: dict[str, str | None]
    notices: dict[str, int]
    disclosures: list[Mapping[str, object]]
    security: list[str]
    freezes: list[dict[str, str]]
    clauses: list[dict[str, str | None]]
    warnings: list[str]


def ropa(policy: Policy, today: date | None = None, disclosures: Sequence[Mapping[str, object]] = (),
         notices: Mapping[str, int] | None = None) -> Ropa:
    """Returns the record of processing, with a warning for everything that is missing.

    Args:
        policy: controller, purposes, recipients, registers, freezes and promises.
        today: the day on which controls are looked at; None: only whether there was one.
        disclosures: what authorities were given, as the register has it.
        notices: how many notices to recipients are in which state.
    """
    purposes = [_purpose(policy, name, purpose) for name, purpose in policy.retention.purposes.items()]
    recipients = [_recipient(policy, name) for name in policy.recipients]
    return {
        "policy_version": policy.version,
        "valid_from": policy.retention.valid_from.isoformat(),
        "notice_sha256": policy.notice.notice.sha256,
        "notice_language": policy.notice.notice.language,
        "controller": policy.notice.controller.model_dump(),
        "purposes": purposes,
        "recipients": recipients,
        "backups": _register(policy.enforcement.backups), "imports": _register(policy.enforcement.imports),
        "systems": _register(policy.rights.systems),
        "newsletter": policy.rights.newsletter.model_dump(mode="json"),
        "notices": dict(notices or {}), "disclosures": list(disclosures),
        "security": list(policy.notice.security),
        "freezes": [{"freeze": name, "scope": freeze.scope, "clause": freeze.source}
                    for name, freeze in policy.retention.freezes.items()],
        "clauses": [{"id": name, "state": clause.shown_state, "meaning": clause.meaning, "how": clause.how,
                     "pending": clause.pending} for name, clause in policy.clauses.items()],
        "warnings": [*_warnings(policy), *_lacks(policy, today)],
    }


def write_ropa(record: Ropa, out: Path) -> list[Path]:
    """Write `ropa.html` and `ropa.json` into a folder, each whole or not at all; returns the files.

    Raises:
        PrivacyError: the folder cannot be written.
    """
    texts = {"ropa.html": render(record), "ropa.json": json.dumps(record, indent=2, ensure_ascii=False) + "\n"}
    return write_whole(out, texts)


def render(record: Ropa) -> str:
    """Returns the record as one page that needs nothing else: for a screen, a phone, paper."""
    from jinja2 import Environment, StrictUndefined
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["words"] = lambda name, kind="": called(name, kind)
    environment.filters["lacking"] = _lacking
    environment.filters["country"] = lambda code: country_name(code, "en")
    environment.filters["language"] = {"nb": "Norwegian bokmål", "nn": "Norwegian nynorsk", "en": "English"}.get
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8")).render(record)


def _purpose(policy: Policy, name: str, purpose: Purpose) -> ProcessingPurpose:
    covered = {key: attribute for key, attribute in policy.retention.attributes.items() if name in attribute.purposes}
    types = {kind for attribute in covered.values() for kind in attribute.types}
    people = [label for kind, label in _PEOPLE.items() if kind in types]
    return {
        "purpose": name, "meaning": purpose.meaning, "legal_basis": _BASES[purpose.legal_basis],
        "clauses": list(purpose.clauses),
        "people": people or [*_PEOPLE.values(), _ANYBODY],
        "attributes": list(covered),
        "records": {table: list(policy.actions.get(table, {})) for table in purpose.records},
        "recipients": [recipient for recipient, entry in policy.recipients.items() if name in entry.purposes],
        "periods": [{"period": period, **policy.retention.periods[period].model_dump()} for period in purpose.periods],
        "kept_for": {language: text.format(**_periods(policy)) for language, sentences in _sentences().items()
                     if (text := sentences.get(name))},
        "assessment_ref": purpose.assessment_ref,
        "assessed_on": purpose.assessed_on.isoformat() if purpose.assessed_on else None,
    }


def called(name: object, kind: str = "") -> str:
    """Returns what a thing of the policy is called: as the words of its kind have it, else its name in words."""
    return _names().get(kind, {}).get(str(name)) or str(name).replace("_", " ")


def _lacking(warning: str) -> str:
    """What is missing, in words: `purpose contract: assessed_on is missing`."""
    kind, _, rest = warning.partition(" ")
    name, _, said = rest.partition(": ")
    what, _, missing = said.partition(" ")
    return f"{kind} {called(name, f'{kind}s')}: {called(what, 'lacking')} {missing}" if missing else called(warning)


@cache
def _names() -> dict[str, dict[str, str]]:
    return tomllib.loads(_NAMES.read_text(encoding="utf-8"))


@cache
def _sentences() -> dict[str, dict[str, str]]:
    return tomllib.loads(_SENTENCES.read_text(encoding="utf-8"))


def _periods(policy: Policy) -> dict[str, int]:
    first, last = policy.rights.storage_years
    return {**policy.periods, "first_years": first, "last_years": last}


def _register(entries: Mapping[str, Any]) -> list[dict[str, object]]:
    return [{"name": name, **entry.model_dump(mode="json")} for name, entry in entries.items()]


def _lacks(policy: Policy, today: date | None) -> list[str]:
    """What the registers lack: controls that are too long ago, evidence of the newsletter."""
    months = policy.rights.control_months
    found = [f"recipient {name}: last controlled on {entry.controlled_on}, longer than {months} months ago"
             for name, entry in policy.recipients.items() if today is not None and entry.role == "processor"
             and entry.controlled_on is not None and plus_months(entry.controlled_on, months) < today]
    return found + [f"newsletter: {what} is missing" for what, value in policy.rights.newsletter if value is None]


def _recipient(policy: Policy, name: str) -> dict[str, object]:
    entry = policy.recipients[name]
    return {"recipient": name, **entry.model_dump(mode="json"),
            "outside_eea": [country for country in entry.countries if country not in policy.notice.eea]}


def _warnings(policy: Policy) -> list[str]:
    found = [f"purpose {name}: {what} is missing" for name, purpose in policy.retention.purposes.items()
             for what, value in (("assessment_ref", purpose.assessment_ref), ("assessed_on", purpose.assessed_on))
             if value is None]
    found += [f"recipient {name}: {what} is missing" for name, entry in policy.recipients.items()
              if entry.role == "processor"
              for what, value in (("agreement_on", entry.agreement_on), ("controlled_on", entry.controlled_on))
              if value is None]
    if policy.notice.controller.data_protection_officer is None:
        found.append("controller: data_protection_officer is missing")
    return found
