"""Every error this product raises on purpose.

    PrivacyError                exit code 2: an error the user can fix
    ├── PolicyError             the notice data does not hold together
    ├── MappingError            the mapping does not fit the warehouse
    ├── SourceError             the warehouse cannot be read, is empty, or breaks its contract
    ├── ZoneError               a zone's file, lock or version is not usable
    ├── KeyStoreError           a key is missing, wrong or readable by others
    ├── ModelError              a SQL model does not fit its header, or failed
    ├── ReleaseError            a release cannot be built, proven or read
    ├── ControlError            a month is unknown, claimed, or a decision is not acceptable
    ├── RightsError             a request of a person cannot be recorded, moved or answered
    └── EnforcementError        a plan cannot be made, approved or carried out
        └── StoppedError        exit code 3: policy, mapping or catalogue changed while it was carried out

Belongs here: classes, and the exit codes of commands. Messages name tables, columns, policy keys and counts, and end
with the remedy; they never hold a value of a row. Errors of drivers are caught where they arise and re-raised
`from None`, because drivers put values into their texts.
"""

DONE, A_BUG, NEEDS_ATTENTION, INTERRUPTED = 0, 1, 4, 130  # those of no error of ours; `docs/commands.md` lists all


class PrivacyError(Exception):
    """Base of every deliberate error; the command line prints it without a traceback and exits with its code."""

    exit_code = 2


class PolicyError(PrivacyError):
    """The notice data is inconsistent; `faults` lists everything that is wrong with it at once."""

    def __init__(self, faults: list[str]) -> None:
        """Keep every fault, and show them one a line."""
        self.faults = faults
        listed = "\n  - ".join(faults)
        super().__init__(f"the policy has {len(faults)} fault(s):\n  - {listed}")


class MappingError(PrivacyError):
    """The mapping names what the warehouse does not have, or leaves out what it must feed."""


class SourceError(PrivacyError):
    """The warehouse is unreachable, empty, or breaks the source contract."""


class ZoneError(PrivacyError):
    """A zone's file is missing, locked, of another version, or cannot be written."""


class KeyStoreError(PrivacyError):
    """A key is missing, wrong, or not protected."""


class ModelError(PrivacyError):
    """A SQL model's header is faulty, or its statement failed."""


class ReleaseError(PrivacyError):
    """A release could not be built, proven, published or read; the previous one stands."""


class ControlError(PrivacyError):
    """A month is unknown or claimed by another run, or a recorded decision is not acceptable."""


class RightsError(PrivacyError):
    """A request of a person cannot be recorded, moved or answered as asked; nothing was written."""


class EnforcementError(PrivacyError):
    """A plan cannot be made, approved or carried out; nothing of what it names was changed."""


class StoppedError(EnforcementError):
    """A plan was stopped by a change of what it rests on; the batches that are done stand."""

    exit_code = 3
