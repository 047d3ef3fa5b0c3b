"""What must hold between the parts of the policy: names that exist, complete lists, countries that are allowed.

Belongs here: faults that no single file shows, each as a line that names file and key. Does not belong here: the shape
of a file (`policy`).
"""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ajprivacy_pipeline.policy_utility import utility_faults

_WORD = re.compile("[a-z][a-z_0-9]*")

if TYPE_CHECKING:
    from ajprivacy_pipeline.policy import DecisionPolicy, Policy


def cross_faults(policy: "Policy") -> Iterator[str]:
    """Every fault that no single file shows."""
    yield from decision_faults(policy)
    yield from _proof_faults(policy)
    yield from _recipient_faults(policy)
    yield from _hold_faults(policy)
    yield from _release_faults(policy)
    yield from _microdata_faults(policy)
    values = policy.release.thresholds
    yield from utility_faults(policy.release.utility, values.k, policy.release.values.all, policy.release.tables)
    if values.k < values.k_floor:
        yield f"release.toml: thresholds.k is {values.k}, never below k_floor = {values.k_floor}"


def decision_faults(policy: "DecisionPolicy") -> Iterator[str]:
    """Those of them that concern what is decided about people, and how that is explained."""
    yield from _clause_faults(policy)
    yield from _name_faults(policy)
    yield from _attribute_faults(policy)
    yield from _action_faults(policy)
    if set(policy.retention.tombstones) != {"consumer", "business", "sole_proprietor"}:
        yield "purposes.toml: tombstones needs one id per customer type"
    for scope, held in policy.retention.scopes.items():
        for entity in set(held) - set(policy.sources.tables) - {"contractual_attributes", "other_attributes"}:
            yield f"purposes.toml: scopes.{scope} names the unknown table {entity}"
    for name, table in policy.sources.tables.items():
        for key_column in set(table.key) - set(table.columns):
            yield f"sources.toml: tables.{name}.key names the unknown column {key_column}"
        for column_name, column in table.columns.items():
            if (column.type == "enum") != bool(column.values):
                yield (f"sources.toml: tables.{name}.columns.{column_name}: values belong to enums, "
                       "and every enum has some")


def _clause_faults(policy: "DecisionPolicy") -> Iterator[str]:
    known = set(policy.clauses)
    for name, period in policy.retention.periods.items():
        if period.source not in known:
            yield f"purposes.toml: periods.{name}.source names the unknown clause {period.source}"
    for name, freeze in policy.retention.freezes.items():
        if freeze.source not in known:
            yield f"purposes.toml: freezes.{name}.source names the unknown clause {freeze.source}"
    for name, purpose in policy.retention.purposes.items():
        for clause in set(purpose.clauses) - known:
            yield f"purposes.toml: purposes.{name}.clauses names the unknown clause {clause}"
        for table in set(purpose.records) - set(policy.sources.tables):
            yield f"purposes.toml: purposes.{name}.records names the unknown table {table}"
        for period_name in set(purpose.periods) - set(policy.retention.periods):
            yield f"purposes.toml: purposes.{name}.periods names the unknown period {period_name}"


def _proof_faults(policy: "Policy") -> Iterator[str]:
    for name, promise in policy.clauses.items():
        if (promise.state == "executed") != (promise.test is not None):
            yield f"clauses.toml: {name}: what is executed names the test that proves it, and nothing else names one"


def _recipient_faults(policy: "Policy") -> Iterator[str]:
    known = {"payment", *policy.retention.attributes}
    for name, recipient in policy.recipients.items():
        if recipient.source not in policy.clauses:
            yield f"recipients.toml: {name}.source names the unknown clause {recipient.source}"
        for purpose in set(recipient.purposes) - set(policy.retention.purposes):
            yield f"recipients.toml: {name}.purposes names the unknown purpose {purpose}"
        for category in set(recipient.categories) - known:
            yield f"recipients.toml: {name}.categories names the unknown category {category}"
        abroad = sorted(set(recipient.countries) - set(policy.notice.eea))
        if abroad and not recipient.safeguards:
            yield (f"recipients.toml: {name}: {', '.join(abroad)} lies outside the EEA "
                   "and no safeguards are named (EEA-1)")


def _hold_faults(policy: "Policy") -> Iterator[str]:
    longest = policy.review.holds.longest_months
    if longest.source not in policy.clauses:
        yield f"review.toml: holds.longest_months.source names the unknown clause {longest.source}"
    if longest.value == 0:
        yield "review.toml: holds.longest_months is 0: nobody could place a hold"


def _release_faults(policy: "Policy") -> Iterator[str]:
    for name, table in policy.release.tables.items():
        for source in set(table.sources) - set(policy.sources.tables):
            yield f"release.toml: tables.{name}.sources names the unknown table {source}"
        roles = {column: entry.role for column, entry in table.columns.items()}
        for stock, entry in table.columns.items():
            if entry.flows and ({roles.get(flow) for flow in entry.flows} != {"measure"} or "rounded_to" not in roles
                                or [c for c, role in roles.items() if role == "dimension"] != ["month"]):
                yield (f"release.toml: tables.{name}.columns.{stock}.flows must be two measures of a table that has "
                       "rounded_to, and no dimension but the month")
    for name, view in policy.release.views.items():
        found = policy.release.tables.get(view.table)
        dimensions = {c for c, entry in found.columns.items() if entry.role == "dimension"} if found else set()
        if name in policy.release.tables or not set(view.per) <= dimensions or not dimensions:
            yield (f"release.toml: views.{name} needs a name that no table has, a table with dimensions, and of these "
                   "those it is per")
    for name, rules in (("page_group", policy.release.rules.page_group),
                        ("device_class", policy.release.rules.device_class)):
        for pattern in (pattern for rule in rules for pattern in rule.patterns):
            try:
                re.compile(pattern)
            except re.error:
                yield f"release.toml: rules.{name}: {pattern} is no pattern"
        if policy.release.values.all in {policy.release.rules.other, *(rule.value for rule in rules)}:
            yield f"release.toml: rules.{name}: {policy.release.values.all} is the total and no value of a rule"


def _microdata_faults(policy: "Policy") -> Iterator[str]:
    """The models of microdata name these columns and values: a policy that lacks one would stop them half-way."""
    microdata, values, other = policy.release.microdata, policy.release.values, policy.release.rules.other
    leaves = {name: {leaf.path[0] for leaf in listed} for name, listed in microdata.quasi_identifiers.items()}
    enum = set(policy.sources.tables["customers"].columns["customer_type"].values or ())
    needed = {"customer_type": enum, "postal_region": {*"0123456789", values.abroad, values.unknown},
              "age_band": {values.unknown}, "gender": {other, values.unknown}, "industry": {other, values.unknown},
              "tenure_band": {values.unknown}}
    for name, wanted in needed.items():
        if missing := wanted - leaves.get(name, set()):
            yield f"release.toml: microdata.quasi_identifiers.{name} lacks {', '.join(sorted(missing))}"
    for name in ("age_band", "tenure_band"):
        if not any(leaf.at_least is not None for leaf in microdata.quasi_identifiers.get(name, ())):
            yield f"release.toml: microdata.quasi_identifiers.{name} has no bands"
    for name in ("gender", "industry"):
        if not any(leaf.spellings for leaf in microdata.quasi_identifiers.get(name, ())):
            yield f"release.toml: microdata.quasi_identifiers.{name} has no spellings"
    recency = microdata.sensitive.get("last_order_band")
    if recency is None or all(band.at_least is not None for band in recency.bands):
        yield "release.toml: microdata.sensitive.last_order_band needs a band without at_least: without an order"
    for name, table in policy.release.tables.items():
        roles = {column: entry.role for column, entry in table.columns.items()}
        expected = dict.fromkeys(leaves, "quasi_identifier") | dict.fromkeys(microdata.sensitive, "sensitive")
        if table.microdata and roles != expected:
            yield f"release.toml: tables.{name} must have the columns of [microdata], with their roles"


def _name_faults(policy: "DecisionPolicy") -> Iterator[str]:
    """Names that SQL is rendered with are plain words."""
    named: dict[str, Iterable[str]] = {"purposes": policy.retention.purposes, "attributes": policy.retention.attributes,
             "freezes": policy.retention.freezes}
    for group, names in named.items():
        for name in names:
            if not _WORD.fullmatch(name):
                yield f"purposes.toml: {group}.{name}: a name is made of a-z, 0-9 and _, and begins with a letter"
    for name, attribute in policy.retention.attributes.items():
        for column in (*attribute.columns, *attribute.company_columns):
            if not _WORD.fullmatch(column):
                yield f"purposes.toml: attributes.{name}: {column} is no name of a column"


def _attribute_faults(policy: "DecisionPolicy") -> Iterator[str]:
    for name, attribute in policy.retention.attributes.items():
        for purpose in set(attribute.purposes) - set(policy.retention.purposes):
            yield f"purposes.toml: attributes.{name}.purposes names the unknown purpose {purpose}"
        for column in set(attribute.company_columns) - set(attribute.columns):
            yield f"purposes.toml: attributes.{name}.company_columns names {column}, which is none of its columns"
        for subject_type in set(attribute.types) & set(attribute.misplaced):
            yield f"purposes.toml: attributes.{name}: {subject_type} is in types and in misplaced"
        for subject_type in attribute.types + attribute.misplaced:
            table = "contacts" if subject_type == "contact" else "customers"
            for column in attribute.columns:
                if column not in policy.sources.tables[table].columns:
                    yield f"purposes.toml: attributes.{name}.columns: {table} has no column {column}"
                elif column not in policy.actions.get(table, {}):
                    yield f"actions.toml: {table} lacks an action for {column} (attribute {name})"


def _action_faults(policy: "DecisionPolicy") -> Iterator[str]:
    covered = {(table, column) for table, columns in policy.actions.items() for column in columns}
    for table, column in sorted(covered):
        if column not in getattr(policy.sources.tables.get(table), "columns", {}):
            yield f"actions.toml: {table}.{column} is no column of the source contract"
    leaves_by_row = {table for table, columns in policy.actions.items()
                     if any(action.action == "delete_row" for action in columns.values())}
    for table, column in policy.sources.identifying_columns():
        if (table, column) not in covered and table not in leaves_by_row:
            yield f"actions.toml: {table}.{column} identifies people and has no action"
