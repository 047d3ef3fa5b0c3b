r"""What a recipe says of a shop: how it is known, what must be asked, how it is reached.

    title = "WooCommerce"
    dialects = ["mysql", "mariadb"]
    driver = "mysql"                    # the extra of this product that has its driver; without it none is needed
    address = "mysql+pymysql://…"       # how AJPRIVACY_WAREHOUSE is written
    anchor = '(?P<prefix>\w*)wc_orders'   # a table by which the shop is known; its groups are names for what follows
    hint = '\w*woocommerce_order_items'   # a table that every version has, also those that are not known
    [[versions]]                        # the first that fits counts
    name = "8.2 and later"
    tables."{prefix}users" = ["ID", "user_email", "name:json"]   # columns that must be there, perhaps of a kind
    without."{prefix}users" = ["uuid"]  # where one of these is there, it is a later version
    [[questions]]                       # what the schema cannot tell
    name = "delivery"
    ask = "When does an order count as delivered?"
    default = "completed"
    options.completed = "when it is completed"     # without options: any text that fits `pattern`
    pattern = '\d*'
    found."{prefix}mailpoet_subscribers" = "mailpoet"  # the default where that table is there

Belongs here: the shape of the file. Does not belong here: warehouses.
"""

import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

_HERE = Path(__file__).parent
Text = Annotated[str, Field(pattern=r"\S")]


def _compiles(pattern: str) -> str:
    re.compile(pattern)
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Version(_Frozen):
    """Versions of a shop that have the same tables as far as its mapping reads them."""

    name: Text
    tables: dict[str, tuple[Text, ...]]
    without: dict[str, tuple[Text, ...]] = {}


class Question(_Frozen):
    """What the schema cannot tell, what is answered where nobody is asked, and what may be answered."""

    name: Annotated[str, Field(pattern=r"^[a-z_]+$")]
    ask: Text
    default: str = ""
    options: dict[str, Text] = {}
    pattern: Pattern = r"\w*"
    found: dict[str, str] = {}

    def fits(self, answer: str) -> bool:
        """Whether something is an answer."""
        return answer in self.options if self.options else re.fullmatch(self.pattern, answer) is not None


class Recipe(_Frozen):
    """A recipe. Names of tables are templates of the anchor's groups."""

    name: str
    title: Text
    dialects: tuple[Text, ...]
    driver: Literal["mysql", "mssql"] | None = None
    address: Text
    anchor: Pattern
    hint: Pattern
    versions: Annotated[tuple[Version, ...], Field(min_length=1)]
    questions: tuple[Question, ...] = ()

    @property
    def template(self) -> str:
        """The text of its mapping, before the answers."""
        return (_HERE / f"{self.name}.toml.j2").read_text(encoding="utf-8")


def recipes() -> dict[str, Recipe]:
    """Returns every recipe there is, by its name."""
    return {path.stem: Recipe.model_validate({"name": path.stem, **tomllib.loads(path.read_text(encoding="utf-8"))})
            for path in sorted(_HERE.glob("*.toml"))}
