"""How help looks: commands in the order of use, each with its whole first sentence, and examples of each group.

Belongs here: groups of commands and their examples. Does not belong here: commands.
"""

import re
from typing import TYPE_CHECKING

import typer
from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from typer._click import Context, HelpFormatter
    from typer.core import TyperOption

# The order in which somebody comes to need them; a command that is not named here is not shown, which a test finds.
ORDER = ("sample", "mapping", "run", "ui", "health", "page", "explain", "decisions", "evidence", "review", "hold",
         "plan", "sweep", "ledger", "certificate", "request", "outbox", "disclosure", "access-log", "policy",
         "releases", "lineage", "keys")


class Quick(TyperCommand):
    """A command that starts without pydantic where it has nothing but flags."""

    def get_help_option(self, ctx: "Context") -> "TyperOption | None":
        """The option `--help`."""
        return _not_asked(super().get_help_option(ctx))


class Commands(TyperGroup):
    """A group whose list of commands cuts no sentence short."""

    def get_help_option(self, ctx: "Context") -> "TyperOption | None":
        """The option `--help`."""
        return _not_asked(super().get_help_option(ctx))

    def format_commands(self, ctx: "Context", formatter: "HelpFormatter") -> None:
        """List the commands, a line or two each."""
        rows = [(name, _sentence(command.help or "")) for name in self.list_commands(ctx)
                if (command := self.get_command(ctx, name)) is not None and not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class Ordered(Commands):
    """The commands of the whole program."""

    def list_commands(self, ctx: "Context") -> list[str]:  # noqa: ARG002 - typer asks so
        """Their names in the order of use."""
        return [name for name in ORDER if name in self.commands]


def _not_asked(option: "TyperOption | None") -> "TyperOption | None":
    """Let `--help` be false where it is not given: typer (0.29) has pydantic read what is neither true nor false."""
    if option is not None:
        option.default = False
    return option


def _sentence(text: str) -> str:
    """Returns the first sentence of a help text, without its full stop."""
    return re.split(r"\.(?:\s+(?=[A-Z])|$)", " ".join(text.split()), maxsplit=1)[0]


def examples(*shown: tuple[str, str], title: str = "Examples:") -> str:
    """Returns the end of a help page: commands after `ajprivacy`, and what each is for; "" where it says so itself."""
    width = max(len(command) for command, why in shown if why)
    lines = (f"  ajprivacy {command:{width}}  {why}".rstrip() for command, why in shown)
    return "\n".join(["\b", title, *lines])


def group(says: str, *shown: tuple[str, str]) -> typer.Typer:
    """Returns a group of commands with its help and its examples."""
    return typer.Typer(cls=Commands, no_args_is_help=True, help=says, epilog=examples(*shown))
