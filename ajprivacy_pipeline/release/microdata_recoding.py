"""Recoding the microdata until the guarantees hold, with the control groups that prove the second half of G9.

Belongs here: the policy's hierarchies and conditions, recoding at k times 1, 2, 4 ..., builds without a control group.
Does not belong here: when the table is made and what is said of it (`microdata`), the recoding itself, the attacks.
"""

from collections.abc import Iterator

from ajprivacy_pipeline.disclosure.microdata.attacks import check_advantage, guess, surplus
from ajprivacy_pipeline.disclosure.microdata.recode.full_domain import full_domain
from ajprivacy_pipeline.disclosure.microdata.recode.hierarchy import Hierarchy, hierarchy
from ajprivacy_pipeline.disclosure.microdata.recode.local import local
from ajprivacy_pipeline.disclosure.microdata.recode.rules import Sensitive
from ajprivacy_pipeline.disclosure.microdata.recode.tuples import collect
from ajprivacy_pipeline.disclosure.verdict import Verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.policy import Policy
from ajprivacy_pipeline.release.microdata_bands import BANDED as SOURCE
from ajprivacy_pipeline.release.microdata_ledger import TOKENS
from ajprivacy_pipeline.storage.zones import Connection

PUBLIC, MAPPING = 'temp."public_microdata"', 'temp."microdata_mapping"'
_SIDE, _SIDE_MAPPING = 'temp."microdata_side"', 'temp."microdata_side_mapping"'
_INSIDE, _OUTSIDE, _GROUP = "microdata_inside", "microdata_outside", "microdata_group"
RECODED = (PUBLIC, MAPPING, _SIDE, _SIDE_MAPPING, _INSIDE, _OUTSIDE, _GROUP)


def hierarchies(policy: Policy) -> tuple[Hierarchy, ...]:
    """Returns the generalisation hierarchy of each quasi-identifier, in the table's order."""
    listed = policy.quasi_identifiers
    return tuple(hierarchy(name, [leaf.path for leaf in listed[name]])
                 for name in _columns(policy) if name in listed)


def conditions(policy: Policy) -> tuple[Sensitive, ...]:
    """Returns what each class must satisfy for each sensitive column, in the table's order."""
    listed = policy.release.microdata.sensitive
    return tuple(Sensitive(name, asked.distinct_l, asked.entropy_l, asked.closeness_t, asked.order, asked.gain_t,
                           asked.entropy_share)
                 for name in _columns(policy) if name in listed and (asked := listed[name]))


def _columns(policy: Policy) -> tuple[str, ...]:
    return tuple(policy.release.tables[policy.release.microdata.table].columns)


def make(con: Connection, policy: Policy) -> str | None:
    """Make PUBLIC as fine as the guarantees allow; a reason where they allow nothing."""
    trees, asked, how = hierarchies(policy), conditions(policy), policy.release.microdata.recoding
    k, rows = policy.release.thresholds.k, con.execute(f"SELECT count(*) FROM {SOURCE}").fetchall()[0][0]
    if rows < k:
        return f"fewer than {k} people may be in it"
    if not asked:
        return "none of its sensitive columns can say anything"
    for factor in _factors(policy.release.microdata.coarsen_up_to):
        try:
            _recode(con, SOURCE, PUBLIC, MAPPING, trees, asked, k * factor, how)
            may_do = _guess_without(con, policy, trees, asked, k * factor)
        except TooFewError:
            break
        if may_do and advantage(con, policy, trees, asked).passed:
            return None
    return f"too few people, or too alike, for classes of {k} and more that keep l, t and the bounds of inference"


class TooFewError(ReleaseError):
    """Not even all people together satisfy the conditions."""


def _factors(most: int) -> Iterator[int]:
    factor = 1
    while factor <= most:
        yield factor
        factor *= 2


def _guess_without(con: Connection, policy: Policy, trees: tuple[Hierarchy, ...], asked: tuple[Sensitive, ...],
                   k: int) -> bool:
    """Makes _OUTSIDE: guesses about each control group from a build without it, beside those from PUBLIC in _INSIDE.

    One group says enough of many people. Of few, whose bound would be wide whatever was found, there are as many groups
    as make up control_people, each left out of a build of its own. Returns False as soon as the advantage found would
    be too great, were there none in the groups to come.

    Raises:
        TooFewError: not even all the others together satisfy the conditions.
    """
    groups, people = _groups(con, policy)
    guess(con, PUBLIC, _people(f"< {groups:d}"), trees, asked, _INSIDE)
    for group in range(groups):
        _recode(con, _people(f"<> {group:d}"), _SIDE, _SIDE_MAPPING, trees, asked, k, policy.release.microdata.recoding)
        guess(con, _SIDE, _people(f"= {group:d}"), trees, asked, _GROUP)
        begun = f"INSERT INTO {_OUTSIDE}" if group else f"CREATE OR REPLACE TEMPORARY TABLE {_OUTSIDE} AS"
        con.execute(f"{begun} FROM {_GROUP}")
        if 100 * surplus(con, _INSIDE, _OUTSIDE) > policy.release.microdata.advantage_percent * people:
            return False
    return True


def _groups(con: Connection, policy: Policy) -> tuple[int, int]:
    """How many control groups are taken, those that make up control_people, one at least; and the people in them."""
    bounds = policy.release.microdata
    most = 100 // bounds.control_percent
    sizes = dict(con.execute(f"SELECT control_group, count(*) FROM {TOKENS} JOIN {SOURCE} USING (person) "
                             "GROUP BY control_group").fetchall())
    taken, people = 0, 0
    while taken < most and (not taken or people < bounds.control_people):
        people += sizes.get(taken, 0)
        taken += 1
    return taken, people


def _people(groups: str) -> str:
    """The people of some control groups, as a sub-query."""
    return f"(SELECT * FROM {SOURCE} WHERE person IN (SELECT person FROM {TOKENS} WHERE control_group {groups}))"


def _recode(con: Connection, relation: str, target: str, mapping: str, trees: tuple[Hierarchy, ...],
            asked: tuple[Sensitive, ...], k: int, how: str) -> None:
    """Recode a relation into a temporary table through another, `mapping`; nobody is suppressed.

    Raises:
        TooFewError: not even all people together satisfy the conditions.
    """
    if not con.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]:
        raise TooFewError("nobody")
    tuples = collect(con, relation, trees, asked)
    try:
        recoding = local(tuples, k) if how == "local" else full_domain(con, tuples, k, suppression=0.0).recoding
    except ReleaseError as error:
        raise TooFewError(str(error)) from None
    con.execute(f"DROP TABLE IF EXISTS {mapping}")
    recoding.store(con, mapping, temporary=True)
    query = recoding.recoded(relation, mapping, tuple(column.column for column in asked))
    con.execute(f"CREATE OR REPLACE TEMPORARY TABLE {target} AS {query}")


def advantage(con: Connection, policy: Policy, trees: tuple[Hierarchy, ...], asked: tuple[Sensitive, ...]) -> Verdict:
    """The second half of G9, of the table as it stands and the guesses from builds without the control groups."""
    guess(con, PUBLIC, _people(f"< {_groups(con, policy)[0]:d}"), trees, asked, _INSIDE)
    bounds = policy.release.microdata
    return check_advantage(con, bounds.table, _INSIDE, _OUTSIDE, asked, bounds.advantage_percent / 100)
