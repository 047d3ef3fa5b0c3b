"""Codes and names that a person's decision carries, checked before anything is written."""

from collections.abc import Mapping

from ajprivacy_pipeline.errors import ControlError

_NAME_LENGTH = 200


def check_code(code: str, codes: Mapping[str, str], what: str) -> None:
    """Refuse a code that the policy does not know (ControlError)."""
    if code not in codes:
        raise ControlError(f"'{code}' is not a {what}; choose one of {', '.join(codes)}")


def check_name(name: str, option: str) -> None:
    """Refuse an empty or endless name (ControlError)."""
    if not name.strip() or len(name) > _NAME_LENGTH:
        raise ControlError(f"{option} must name somebody, in at most {_NAME_LENGTH} characters")
