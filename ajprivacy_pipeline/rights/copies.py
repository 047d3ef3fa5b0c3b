"""What declared copies hold about a person: whole rows of tables that only the mapping knows.

Belongs here: whose rows of copies are. Does not belong here: where copies are declared (`warehouse.declared`), changing
them (`enforcement.copies`).
"""

from ajprivacy_pipeline.rights.held import Holdings
from ajprivacy_pipeline.rights.person import Person
from ajprivacy_pipeline.warehouse.lookup import Lookup, Row


def copied_rows(found: Lookup, person: Person, holdings: Holdings) -> dict[str, list[Row]]:
    """Returns the rows of each declared copy that are the person's, by table; each once.

    A row found by a key belongs to whose record that is. One found by an address belongs to this person where nobody
    else has it.
    """
    tables: dict[str, dict[tuple[tuple[str, str | None], ...], Row]] = {}
    for copy in found.copies:
        email = copy.by.email
        texts = person.email_keys if email else [text.strip() for entity in copy.by.entities
                                                   for text in holdings.ids(entity)]
        for row in found.of_copy(copy.path, copy.by.column, texts, copy.where, email=email) if texts else ():
            tables.setdefault(copy.table, {})[tuple(sorted(row.items()))] = row
    return {table: list(rows.values()) for table, rows in tables.items()}
