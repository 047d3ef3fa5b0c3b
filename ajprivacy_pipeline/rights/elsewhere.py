"""Where what a request ended or corrected may still stand, and until when: our own copies, backups, who received it.

Belongs here: putting it into sentences. Does not belong here: when our copies are built anew (`enforcement.left_out`),
who is told (`outbox`), the register of backups (`enforcement.toml`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from ajprivacy_pipeline.enforcement.our_copies import NO_COPIES, OurCopies
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.rights.outbox import COPY, Notice
from ajprivacy_pipeline.rights.wording import Wording


@dataclass(frozen=True)
class Elsewhere:
    """Our copies, and the notices about the request; nothing is known of either by default."""

    copies: OurCopies = NO_COPIES
    notices: Sequence[Notice] = ()

    def ended(self, policy: Policy, words: Wording, on: date) -> list[str]:
        """Returns the sentences of an answer about what was taken away, the last of it `on` a day."""
        found = []
        if self.copies.built_on is not None:
            found.append(words.text("outcome", "copies_anew", date=words.day(self.copies.built_on)))
        elif self.copies.end_on is not None:
            found.append(words.text("outcome", "copies_until", date=words.day(self.copies.end_on)))
        if lives := [backup.life_days for backup in policy.enforcement.backups.values()]:
            found.append(words.text("outcome", "backups", date=words.day(on + timedelta(days=max(lives)))))
        else:  # nobody has said that there are none
            found.append(words.text("outcome", "backups_unknown"))
        waiting = [one for one in self.notices if one.acknowledged_on is None]
        if waiting:
            found.append(words.text("outcome", "told_waiting", who=_named(policy, words, waiting),
                                    date=words.day(max(one.due_on for one in waiting))))
        if confirmed := [one for one in self.notices if one.acknowledged_on is not None]:
            who = _named(policy, words, confirmed)
            found.append(words.text("outcome", "told_confirmed", who=who[:1].upper() + who[1:]))
        return found

    def corrected(self, policy: Policy, words: Wording) -> list[str]:
        """Returns the sentences of an answer about what was corrected."""
        found = []
        if self.copies.built_on is not None:
            found.append(words.text("outcome", "copies_corrected", date=words.day(self.copies.built_on)))
        elif self.copies.end_on is not None:
            found.append(words.text("outcome", "copies_uncorrected", date=words.day(self.copies.end_on)))
        if waiting := [one for one in self.notices if one.acknowledged_on is None]:
            found.append(words.text("outcome", "waiting_for", who=_named(policy, words, waiting)))
        return found


NOWHERE = Elsewhere()


def _named(policy: Policy, words: Wording, notices: Sequence[Notice]) -> str:
    return words.listed([_within(_addressee(policy, words, one.addressee)) for one in notices])


def _within(name: str) -> str:
    """A name within a sentence: only what is written with capitals, as IT, keeps its first one."""
    return name if name[1:2].isupper() else name[:1].lower() + name[1:]


def _addressee(policy: Policy, words: Wording, name: str) -> str:
    """What a person reads of whom a notice went to."""
    if name in policy.recipients:
        return words.of("recipient_names", name)
    if name in policy.rights.systems:
        return policy.rights.systems[name].meaning
    return words.text("titles", "copy_holder", table=name.removeprefix(COPY))
