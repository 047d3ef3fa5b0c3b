"""What must hold between the parts of the policy: names that exist, complete lists, countries that are allowed.

Belongs here: faults that no single file shows, each as a line that names file and key. Does not belong here: the shape
of a file (a module each), what is released (`release_consistency`).
"""

import re
from collections.abc import Iterable, Iterator

from ajprivacy_pipeline.policy.policy import DecisionPolicy, Policy
from ajprivacy_pipeline.policy.release_consistency import release_faults

_WORD = re.compile("[a-z][a-z_0-9]*")


def cross_faults(policy: Policy) -> Iterator[str]:
    """Yields every fault that no single file shows."""
    yield from decision_faults(policy)
    yield from _proof_faults(policy)
    yield from _recipient_faults(policy)
    yield from _hold_faults(policy)
    yield from _enforcement_faults(policy)
    yield from _rights_faults(policy)
    yield from release_faults(policy)


def decision_faults(policy: DecisionPolicy) -> Iterator[str]:
    """Those of them that concern what is decided about people, and how that is explained."""
    yield from _clause_faults(policy)
    yield from _name_faults(policy)
    yield from _attribute_faults(policy)
    yield from _action_faults(policy)
    if set(policy.retention.tombstones) - {"contact"} != {"consumer", "business", "sole_proprietor"}:
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


def _clause_faults(policy: DecisionPolicy) -> Iterator[str]:
    known = set(policy.clauses)
    for name, period in policy.retention.periods.items():
        if period.source not in known:
            yield f"purposes.toml: periods.{name}.source names the unknown clause {period.source}"
    for name, freeze in policy.retention.freezes.items():
        if freeze.source not in known:
            yield f"purposes.toml: freezes.{name}.source names the unknown clause {freeze.source}"
    for name, reason in policy.retention.reasons.items():
        if reason.period is not None and reason.period not in policy.retention.periods:
            yield f"purposes.toml: reasons.{name}.period names the unknown period {reason.period}"
        elif reason.source is not None and reason.source not in known:
            yield f"purposes.toml: reasons.{name}.source names the unknown clause {reason.source}"
    for name, purpose in policy.retention.purposes.items():
        for clause in set(purpose.clauses) - known:
            yield f"purposes.toml: purposes.{name}.clauses names the unknown clause {clause}"
        for table in set(purpose.records) - set(policy.sources.tables):
            yield f"purposes.toml: purposes.{name}.records names the unknown table {table}"
        for period_name in set(purpose.periods) - set(policy.retention.periods):
            yield f"purposes.toml: purposes.{name}.periods names the unknown period {period_name}"


def _proof_faults(policy: Policy) -> Iterator[str]:
    for name, promise in policy.clauses.items():
        if (promise.state == "executed") != (promise.test is not None):
            yield f"clauses.toml: {name}: what is executed names the test that proves it, and nothing else names one"


def _recipient_faults(policy: Policy) -> Iterator[str]:
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


def _hold_faults(policy: Policy) -> Iterator[str]:
    longest = policy.review.holds.longest_months
    if longest.source not in policy.clauses:
        yield f"review.toml: holds.longest_months.source names the unknown clause {longest.source}"
    if longest.value == 0:
        yield "review.toml: holds.longest_months is 0: nobody could place a hold"


def _enforcement_faults(policy: Policy) -> Iterator[str]:
    clauses = policy.enforcement.clauses
    for table, parts in clauses.items():
        for part, clause in parts.items():
            if clause not in policy.clauses:
                yield f"enforcement.toml: clauses.{table}.{part} names the unknown clause {clause}"
    for table, part in decided_parts(policy):
        if part not in clauses.get(table, {}):
            yield f"enforcement.toml: clauses.{table} lacks {part}"
    known = {f"{name}.{column}" for name, table in policy.sources.tables.items() for column in table.columns}
    for column in sorted(policy.enforcement.sweep.columns - known):
        yield f"enforcement.toml: sweep names the unknown column {column}"


def decided_parts(policy: DecisionPolicy) -> Iterator[tuple[str, str]]:
    """Yields every (table, part) that a decision is made about: attributes of subjects, parts of records."""
    for name, attribute in policy.retention.attributes.items():
        for table in sorted({"contacts" if kind == "contact" else "customers"
                             for kind in attribute.types + attribute.misplaced}):
            yield table, name
    for table, columns in policy.actions.items():
        for part in sorted({action.part for action in columns.values() if action.part is not None}):
            yield table, part


def _name_faults(policy: DecisionPolicy) -> Iterator[str]:
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
                yield f"purposes.toml: attributes.{name}: {column} is not a valid column name"


def _attribute_faults(policy: DecisionPolicy) -> Iterator[str]:
    for name, attribute in policy.retention.attributes.items():
        for purpose in set(attribute.purposes) - set(policy.retention.purposes):
            yield f"purposes.toml: attributes.{name}.purposes names the unknown purpose {purpose}"
        for column in set(attribute.company_columns) - set(attribute.columns):
            yield f"purposes.toml: attributes.{name}.company_columns names {column}, which is not one of its columns"
        for subject_type in set(attribute.types) & set(attribute.misplaced):
            yield f"purposes.toml: attributes.{name}: {subject_type} is in types and in misplaced"
        for subject_type in attribute.types + attribute.misplaced:
            table = "contacts" if subject_type == "contact" else "customers"
            for column in attribute.columns:
                if column not in policy.sources.tables[table].columns:
                    yield f"purposes.toml: attributes.{name}.columns: {table} has no column {column}"
                elif column not in policy.actions.get(table, {}):
                    yield f"actions.toml: {table} lacks an action for {column} (attribute {name})"


def _action_faults(policy: DecisionPolicy) -> Iterator[str]:
    covered = {(table, column) for table, columns in policy.actions.items() for column in columns}
    for table, column in sorted(covered):
        if column not in getattr(policy.sources.tables.get(table), "columns", {}):
            yield f"actions.toml: {table}.{column} is not a column of the source contract"
    leaves_by_row = {table for table, columns in policy.actions.items()
                     if any(action.action == "delete_row" for action in columns.values())}
    for table, column in policy.sources.identifying_columns():
        if (table, column) not in covered and table not in leaves_by_row:
            yield f"actions.toml: {table}.{column} identifies people and has no action"


def _rights_faults(policy: Policy) -> Iterator[str]:
    tables, rights = policy.sources.tables, policy.rights
    kinds = set(tables["rights_requests"].columns["kind"].values) if "rights_requests" in tables else set()
    for name in ("without_identity", "never_refused"):
        for kind in sorted(set(getattr(rights, name)) - kinds):
            yield f"rights.toml: {name} names the unknown kind {kind}"
    if getattr(policy.retention.purposes.get(rights.situation_purpose), "legal_basis", "") != "legitimate_interest":
        yield "rights.toml: situation_purpose names no purpose that rests on legitimate interest"
    for clause in sorted(set(rights.profiling_clauses) - set(policy.clauses)):
        yield f"rights.toml: profiling_clauses names the unknown clause {clause}"
    for basis in sorted(set(rights.untold_bases) - set(rights.disclosure_bases)):
        yield f"rights.toml: untold_bases names the unknown basis {basis}"
    for table, columns in rights.portable.items():
        known = set(tables[table].columns) if table in tables else set()
        for column in sorted(set(columns) - known):
            yield f"rights.toml: portable.{table} names {column}, which sources.toml does not have"
    for table, column in rights.since.items():
        if table not in tables or column not in tables[table].columns:
            yield f"rights.toml: since.{table} names {column}, which sources.toml does not have"
    if rights.extended_months < rights.answer_months:
        yield "rights.toml: extended_months is less than answer_months"
