"""What was bought, beside the lines of orders, of which the contract has no more than a product's number.

Belongs here: names of products, for reading. Does not belong here: whose lines they are (`held`). A name describes
goods: it is no value that is held about somebody, so what a person takes along (portability) has the number alone.
"""

from collections.abc import Sequence
from dataclasses import replace

from ajprivacy_pipeline.rights.held import Held
from ajprivacy_pipeline.storage.zones import WHITE_SPACE
from ajprivacy_pipeline.warehouse.lookup import Lookup

LINES, PRODUCT, NAME = "order_lines", "product_id", "product_name"


def with_names(found: Lookup, held: Sequence[Held]) -> list[Held]:
    """Returns the rows; lines of orders with the name of their product after its number, where the source has one."""
    wanted = {number for one in held if one.table == LINES and (number := _number(one.row[PRODUCT]))}
    names = {_number(row[PRODUCT]): row["name"] for row in found.by_ids("products", {PRODUCT: sorted(wanted)})
             if row["name"]}
    return [_named(one, names.get(_number(one.row[PRODUCT]))) if one.table == LINES and names else one for one in held]


def _number(text: str | None) -> str:
    return (text or "").strip(WHITE_SPACE)


def _named(line: Held, name: str | None) -> Held:
    place = line.columns.index(PRODUCT) + 1 if PRODUCT in line.columns else 0
    return replace(line, row={**line.row, NAME: name}, columns=(*line.columns[:place], NAME, *line.columns[place:]))
