"""What in a text could be somebody's: e-mail addresses, runs of digits, words and their neighbours, in one form each.

Belongs here: taking them out of any text by pattern, after undoing its escapes, the same way for what is looked for and
for where it is looked for. Does not belong here: what is looked for (`erased`), where (`sweep`).

An address is its key; a number its digits, a national one without the calling code; words are lower case, without
accents composed in another way, one blank between two.
"""

import html
import quopri
import re
from contextlib import suppress
from urllib.parse import unquote

from ajprivacy_pipeline.policy.enforcement import Sweep
from ajprivacy_pipeline.storage.zones import Connection, EngineError, literal
from ajprivacy_pipeline.warehouse.forms import email_key

_ESCAPED = r"""\\[u/]|&#?[A-Za-z0-9]+;|=[0-9A-F]{2}|=\r?\n|%[0-9A-Fa-f]{2}"""
_EMAIL = r"[\p{L}\p{N}._%+'-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)*"
_DAY = r"\b(?:19|20)[0-9]{2}-[01][0-9]-[0-3][0-9](?:[ T][0-2][0-9]:[0-5][0-9](?::[0-5][0-9](?:\.[0-9]+)?)?)?"
_BETWEEN = r"[ ./()\x{a0}-]"  # what people write inside a number
_LONGEST_GROUPS = 8


def prepare(con: Connection) -> None:
    """Make the functions known that undo escapes and fold addresses; those that the connection knows stay."""
    for name, function in (("sweep_undone", undone), ("sweep_email", _key)):
        with suppress(EngineError):  # it is known: to look that up among all functions takes forty times as long
            con.create_function(name, function, ["VARCHAR"], "VARCHAR")


def undone(text: str) -> str:
    """Returns a text with what JSON, HTML, quoted-printable and addresses of pages do to characters undone."""
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text).replace("\\/", "/")
    text = html.unescape(text)
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    printable = quopri.decodestring(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    return "\n".join(dict.fromkeys((text, printable, unquote(text))))


def _key(text: str) -> str:
    return email_key(text) or text.lower()


def candidates(cells: str, sweep: Sweep, lengths: str = "$lengths", shortest: str = "$shortest",
               known: str | None = None) -> str:
    """Returns a SELECT of (row_no, col, value, text): every candidate in the values of a relation.

    Args:
        cells: a relation with row_no, col, value.
        sweep: the policy's.
        lengths: SQL of a list: of how many words something that is looked for consists.
        shortest: SQL of a number: characters of a candidate at least.
        known: SQL of a join that leaves what {x} may be itself, or the longest word of, something that is looked for.
    """
    opened = (f"SELECT row_no, col, value, CASE WHEN (contains(value, chr(92)) OR contains(value, '&') "
              f"OR contains(value, '=') OR contains(value, '%')) AND regexp_matches(value, {literal(_ESCAPED)}) "
              f"THEN value || chr(10) || sweep_undone(value) ELSE value END AS opened FROM {cells} AS cells "
              f"WHERE strlen(value) >= {shortest}")
    split = (f"SELECT row_no, col, value, {pieces('opened', sweep)} AS pieces, {words('opened')} AS words "
             f"FROM ({opened})")
    if known is not None:  # most cells hold nothing that leads to anything, and are done with here
        first = f"SELECT row_no, col, value, words, unnest(list_concat(pieces, words)) AS piece FROM ({split})"
        split = (f"SELECT row_no, col, value, list(piece) AS pieces, any_value(words) AS words FROM ({first}) AS f "
                 f"{known.format(x='f.piece')} GROUP BY row_no, col, value")
        lengths = f"list_filter({lengths}, lambda n: n > 1)"  # a single word is one of the pieces
    found = (f"SELECT row_no, col, value, unnest(list_concat(pieces, {neighbours('words', lengths)})) AS text "
             f"FROM ({split})")
    return f"SELECT row_no, col, value, text FROM ({found}) WHERE length(text) >= {shortest}"


def leads_nowhere(x: str, sweep: Sweep) -> str:
    """SQL of whether a text is soon told to have no candidate: a day, or an amount and the like.

    Half of what a warehouse holds is that: no letter, fewer digits than a number has, and something between them that
    makes no words of them. Where it says no there may be none all the same.
    """
    other = r"[^0-9A-Za-z\x{80}-\x{10ffff}\\&=%@]*"  # nothing that could be undone to a letter, and no address
    few = f"{other}(?:[0-9]{other}){{0,{sweep.phone_digits[0] - 1}}}"
    return (f"(regexp_full_match({x}, {literal(f'(?:{_DAY})|(?:{few})')}) "
            f"AND NOT regexp_full_match({x}, '[0-9]+(?: [0-9]+)*'))")


def pieces(x: str, sweep: Sweep) -> str:
    """SQL of the list of addresses and runs of digits in a text."""
    return f"list_concat({emails(x)}, {numbers(x, sweep)})"


def emails(x: str) -> str:
    """SQL of the list of keys of the addresses in a text."""
    return (f"CASE WHEN contains({x}, '@') THEN list_transform(regexp_extract_all({x}, {literal(_EMAIL)}), "
            "lambda e: CASE WHEN regexp_full_match(e, '[!-~]+') AND NOT contains(lower(e), 'xn--') "
            "THEN lower(ltrim(e, '''.')) ELSE sweep_email(ltrim(e, '''.')) END) ELSE [] END")


def numbers(x: str, sweep: Sweep) -> str:
    """SQL of the list of runs of digits in a text, also where something stands between its groups."""
    least, most = sweep.phone_digits
    runs = (f"regexp_extract_all(regexp_replace({x}, {literal(_DAY)}, '#', 'g'), "
            f"{literal(f'[0-9]+(?:{_BETWEEN}{{1,2}}[0-9]+)*')})")
    parts = (f"flatten(list_transform(range(1, len(g) + 1), lambda i: list_transform("
             f"range(i, least(len(g), i + {_LONGEST_GROUPS - 1}) + 1), lambda j: array_to_string(g[i:j], ''))))")
    joined = (f"flatten(list_transform({runs}, lambda r: (list_transform([regexp_extract_all(r, '[0-9]+')], "
              f"lambda g: {parts}))[1]))")
    single = literal(f"[^0-9]*[0-9]{{{least},{most}}}[^0-9]*")  # as in most ids
    run = national(f"regexp_extract({x}, '[0-9]+')", sweep)
    return (f"CASE WHEN regexp_full_match({x}, {single}) THEN [{run}] "
            f"WHEN strlen({x}) >= {least} AND regexp_matches({x}, "
            f"{literal(f'[0-9](?:{_BETWEEN}{{0,2}}[0-9]){{{least - 1}}}')}) "
            f"AND NOT regexp_full_match({x}, {literal(_DAY)}) THEN list_transform(list_filter({joined}, "
            f"lambda d: length(d) BETWEEN {least} AND {most}), lambda d: {national('d', sweep)}) ELSE [] END")


def national(x: str, sweep: Sweep) -> str:
    """SQL of a run of digits without what is dialled before a national number."""
    return f"regexp_replace(regexp_replace({x}, '^00', ''), {literal(sweep.national_pattern)}, '\\1')"


def words(x: str) -> str:
    """SQL of the list of words of a text; the common cases are told by cheaper patterns, and bare numbers are none."""
    return (f"CASE WHEN regexp_full_match({x}, '[0-9A-Za-z]+(?: [0-9A-Za-z]+)*') THEN string_split(lower({x}), ' ') "
            f"WHEN regexp_full_match({x}, '[^A-Za-z\\x{{80}}-\\x{{10ffff}}]*') "
            f"OR regexp_full_match({x}, '[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+') THEN [] "
            f"ELSE regexp_extract_all(lower(nfc_normalize({x})), '[\\p{{L}}\\p{{N}}]+') END")


def longest(listed: str) -> str:
    """SQL of the longest word of a list, the first of several."""
    return f"list_reduce({listed}, lambda a, b: CASE WHEN length(b) > length(a) THEN b ELSE a END)"


def neighbours(listed: str, lengths: str) -> str:
    """SQL of the list of so many words in a row, joined."""
    return (f"flatten(list_transform({lengths}, lambda n: list_transform(range(1, len({listed}) - n + 2), "
            f"lambda i: array_to_string({listed}[i:i + n - 1], ' '))))")


def joined_words(x: str) -> str:
    """SQL of a text as its words, one blank between two."""
    return f"array_to_string({words(x)}, ' ')"
