"""Reading a table of MySQL or MariaDB as one text a row, since its driver takes its time for each single value.

Belongs here: the SELECT that packs what may matter of a row, and what takes it apart again, in SQL or row by row. Does
not belong here: what is looked for (`enforcement.sweep`), which rows are read (`facts`).
"""

import secrets
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ajprivacy_pipeline.errors import SourceError
from ajprivacy_pipeline.storage.zones import literal
from ajprivacy_pipeline.warehouse.address import driver_errors
from ajprivacy_pipeline.warehouse.source import Source

if TYPE_CHECKING:
    import pyarrow as pa

_WIDTH = 4  # digits of a column's number


class Packed:
    """The rows of one table, each as the text of its values that are long enough, with something random before each.

    What stands before a value is so long that no value has it in it by chance; nobody knows it before.
    """

    def __init__(self, source: Source, path: tuple[str, ...], columns: Sequence[str], shortest: int) -> None:
        """Read some columns of a table, of each what has so many bytes at least."""
        self.source, self.path, self.columns, self.shortest = source, path, columns, shortest
        self._before = secrets.token_hex(8)

    def relation(self, packed: str) -> str:
        """SQL of the values (col, value) in a relation of rows that `batches` gave."""
        cells = f"SELECT unnest(string_split(packed, {literal(self._before)})[2:]) AS cell FROM {packed}"
        return f"SELECT cell[1:{_WIDTH}]::INTEGER AS col, cell[{_WIDTH + 1}:] AS value FROM ({cells})"

    def batches(self, rows: int) -> Iterator["pa.Table"]:
        """Yields so many rows at a time as `packed`.

        Raises:
            SourceError: it cannot be read like this: a type is no text, or a row is larger than the server sends.
        """
        import pyarrow as pa  # late: who reads a few rows needs no Arrow
        quoted, cells = self.source.quote, []
        for number, name in enumerate(self.columns):
            text = f"CONVERT({quoted(name)} USING utf8mb4)"
            # What cannot be shown as a text makes the whole NULL: nothing is left out unseen.
            cells += [f"IF({quoted(name)} IS NULL, '', IF(OCTET_LENGTH({text}) < {self.shortest:d}, '', {shown}))"
                      for shown in (f"'{self._before}{number:0{_WIDTH}}'", text)]
        query = f"SELECT CONCAT({', '.join(cells)}) AS packed FROM {quoted(*self.path)}"
        options = {"stream_results": True, "yield_per": rows, "no_parameters": True}
        with driver_errors(self.source.address, f"table {self.path[-1]}"):
            result = self.source.connection.exec_driver_sql(query, execution_options=options)
            for found in result.partitions(rows):
                packed = [row[0] for row in found]
                if None in packed:  # so it answers where the text would be larger than a packet
                    raise SourceError(f"{self.source.address.shown}: a row of {self.path[-1]} is too large")
                yield pa.table({"packed": pa.array(packed, pa.string())})


class PackedRows:
    """All columns of a SELECT as one text a row, with something random between values, and for one that is not there.

    A value is the text that the server shows, which is what the driver makes of it for the types that are packed: whole
    and exact numbers without leading zeros, days and whole seconds, texts.
    """

    def __init__(self, expressions: Sequence[str]) -> None:
        """Pack the values of some expressions."""
        self._between, self._nothing = secrets.token_urlsafe(8), secrets.token_urlsafe(8)
        self._width = len(expressions)
        cells = ", ".join(f"IFNULL(CONVERT({sql} USING utf8mb4), '{self._nothing}')" for sql in expressions)
        self.column = f"CONCAT_WS('{self._between}', {cells}) AS packed"

    def relation(self, packed: str, types: Sequence[str]) -> str:
        """SQL of the values of packed rows, in types of the engine."""
        cells = (f"nullif(cells[{at}], '{self._nothing}')" for at in range(1, self._width + 1))
        listed = ", ".join(cell if type_ == "VARCHAR" else f"{cell}::{type_}"
                           for cell, type_ in zip(cells, types, strict=True))
        return f"SELECT {listed} FROM (SELECT string_split(packed, '{self._between}') AS cells FROM {packed})"


def may_be_packed(cursor: Any, types: Sequence[str]) -> bool:
    """Returns whether a driver's cursor shows columns alone whose values are the texts that the server shows.

    A driver that does not say of which character set a text is has bytes for all we know.

    Args:
        cursor: of the driver, with a SELECT that was executed.
        types: of the engine, that its columns are to have: VARCHAR, or BIGINT of what fits there.
    """
    fields = getattr(getattr(cursor, "_result", None), "fields", ())
    return bool(fields) and all(_is_as_shown(field, type_) for field, type_ in zip(fields, types, strict=True))


def _is_as_shown(field: Any, type_: str) -> bool:
    if type_ != "VARCHAR":
        return type_ == "BIGINT" and field.type_code in _WHOLE and not field.flags & (_UNSIGNED | _ZEROFILL)
    if field.type_code in _TEXTS:
        return bool(field.charsetnr != _BYTES)
    return (field.type_code in _NUMBERS and not field.flags & _ZEROFILL) or field.type_code in (_NULL, _DATE) or (
        field.type_code == _DATETIME and field.scale == 0)


# MySQL's numbers of its types, as its protocol has them.
_TEXTS, _BYTES = (15, 247, 248, 249, 250, 251, 252, 253, 254), 63
_WHOLE, _NUMBERS = (1, 2, 3, 8, 9), (0, 1, 2, 3, 8, 9, 246)
_UNSIGNED, _ZEROFILL = 32, 64  # flags of them; a driver makes 1 of 0001
_NULL, _DATE, _DATETIME = 6, 10, 12


class PackedTexts:
    """Some expressions of a SELECT, of texts, as one text a row, with something random before each value."""

    def __init__(self, expressions: Sequence[str], texts: Sequence[int]) -> None:
        """Pack those of the expressions that `texts` numbers."""
        self._before, self._texts = secrets.token_hex(8), texts
        self._others = [at for at in range(len(expressions)) if at not in set(texts)]
        # Behind it a 1 and the value; a 0 where there is none.
        cells = [f"IF({sql} IS NULL, '{self._before}0', CONCAT('{self._before}1', CONVERT({sql} USING utf8mb4)))"
                 for sql in (expressions[at] for at in texts)]
        self._packed = f"CONCAT({', '.join(cells)}) AS packed"

    def columns(self, listed: Sequence[str]) -> list[str]:
        """Returns what is selected instead of what is listed for each expression."""
        return [*(listed[at] for at in self._others), self._packed]

    def rows(self, found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]] | None:
        """Returns the rows as the expressions themselves give them; None: one is larger than the server packs."""
        order = sorted(range(len(self._others) + len(self._texts)), key=[*self._others, *self._texts].__getitem__)
        rows = []
        for *others, packed in found:
            if packed is None:
                return None
            values = [*others, *(None if cell == "0" else cell[1:] for cell in packed.split(self._before)[1:])]
            rows.append(tuple([values[at] for at in order]))
        return rows
