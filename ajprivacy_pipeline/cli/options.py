"""What several commands share: options, how results are printed, days and months of the command line.

Belongs here: arguments and their defaults. Does not belong here: commands, work.
"""

import json
from collections.abc import Sequence
from datetime import date
from typing import Annotated, Any

import typer

from ajprivacy_pipeline.errors import PrivacyError
from ajprivacy_pipeline.settings import Settings, load_settings

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OneMonth = Annotated[str, typer.Option("--month", metavar="YYYY-MM", help="The month.")]
LastFullMonth = Annotated[str | None, typer.Option(
    "--month", metavar="YYYY-MM", help="The month; default: the last full one.")]
NewestMonth = Annotated[str | None, typer.Option(
    "--month", metavar="YYYY-MM", help="The month; default: the newest with a file.")]
By = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
Reason = Annotated[str, typer.Option("--reason", metavar="CODE", help="A reason code of the policy (review.toml).")]


def print_json(found: Any) -> None:
    """Print a result as JSON, days and moments as text."""
    typer.echo(json.dumps(found, indent=2, ensure_ascii=False, default=str))


def print_columns(lines: Sequence[Sequence[str]], right: Sequence[int] = ()) -> None:
    """Print lines of texts under each other, as wide as the longest; the columns of `right` end where others begin."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        parts = (text.rjust(width) if number in right else text.ljust(width)
                 for number, (text, width) in enumerate(zip(line, widths, strict=True)))
        typer.echo("  ".join(parts).rstrip())


def today() -> date:
    """The day in Norway."""
    from ajprivacy_pipeline.clock import LOCAL_ZONE
    from ajprivacy_pipeline.clock import today as day_in
    return day_in(LOCAL_ZONE)


def last_month() -> str:
    """The last full month in Norway, YYYY-MM."""
    from ajprivacy_pipeline.calendar import last_full_month
    return last_full_month(today())


def parse_day(text: str) -> date:
    """A day written as YYYY-MM-DD (PrivacyError)."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise PrivacyError(f"'{text}' is not a day; write it as YYYY-MM-DD") from None


def prepared() -> Settings:
    """The settings, with a home that is there."""
    from ajprivacy_pipeline.settings import prepare_home
    settings = load_settings()
    prepare_home(settings)
    return settings


def sample_url(settings: Settings) -> str:
    """Where the sample shop lies."""
    return f"sqlite:///{settings.home / 'sample' / 'shop.db'}"


def require_warehouse(settings: Settings) -> None:
    """Say how to make the sample shop before anything else fails for want of it (PrivacyError)."""
    if settings.warehouse_url == sample_url(settings) and not (settings.home / "sample" / "shop.db").exists():
        raise PrivacyError("there is no warehouse yet: make the sample shop with `ajprivacy sample`, or name yours in "
                           "AJPRIVACY_WAREHOUSE (a SQLAlchemy URL)")
