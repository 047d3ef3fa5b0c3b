"""The SQL that lineage understands: an allow-list of syntax and functions. Everything else is refused.

Belongs here: which nodes of sqlglot's tree may stand in a model, and reading macros. Does not belong here: what flows
where (`flow`). sqlglot loses columns without a word in PIVOT, COLUMNS(...) and a star over an unknown table; a list of
what is understood is safe where a list of what is not would have holes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError

from ajprivacy_pipeline.errors import ModelError

DIALECT = "duckdb"
_QUERY = frozenset({
    "Select", "From", "Join", "Where", "Group", "Having", "Qualify", "Order", "Ordered", "Limit", "With", "CTE",
    "Union", "Subquery", "Table", "TableAlias", "Alias", "Identifier", "Column", "Star", "Distinct", "Cube",
    "Rollup", "GroupingSets", "Window", "WindowSpec", "Filter", "Unnest", "Tuple", "Paren", "Exists", "In",
    "IgnoreNulls", "Except", "Intersect",
})
_VALUES = frozenset({
    "Literal", "Null", "Boolean", "Placeholder", "DataType", "DataTypeParam", "Interval", "Var", "Array", "Struct",
    "PropertyEQ", "Dot", "Bracket", "Slice", "Lambda", "JSONPath", "JSONPathRoot", "JSONPathKey",
    "JSONPathSubscript", "JSONPathWildcard",
})
_OPERATORS = frozenset({
    "And", "Or", "Not", "EQ", "NEQ", "GT", "GTE", "LT", "LTE", "Is", "NullSafeEQ", "NullSafeNEQ", "Between", "Like",
    "ILike", "Add", "Sub", "Mul", "Div", "IntDiv", "Mod", "Neg", "DPipe", "BitwiseAnd", "BitwiseOr", "BitwiseXor",
    "Case", "If", "Cast", "TryCast",
})
_FUNCTIONS = frozenset({
    "Coalesce", "Nullif", "Greatest", "Least", "Typeof", "Anonymous", "Sum", "Count", "Max", "Min", "Avg", "Median",
    "Quantile", "PercentileCont", "PercentileDisc", "ArrayAgg", "GroupConcat", "AnyValue", "LogicalOr",
    "LogicalAnd", "BitwiseOrAgg", "CountIf", "ArgMax", "ArgMin", "Stddev", "Variance", "RowNumber", "Ntile", "Rank",
    "DenseRank", "Lag", "Lead", "FirstValue", "LastValue", "ArrayContains", "ArraySort", "ArrayDistinct", "ArrayConcat",
    "ArrayFilter", "ArrayMin", "ArrayMax", "Transform", "Explode", "GenerateSeries", "ArrayToString", "ArraySize",
    "SortArray", "ArrayPosition", "Lower", "Upper", "Trim", "Left", "Right", "Substring", "Concat", "ConcatWs",
    "Length", "Chr", "StartsWith", "EndsWith", "Contains", "Replace", "Split", "SplitPart", "RegexpReplace",
    "RegexpFullMatch", "RegexpLike", "RegexpExtract", "StrPosition", "Initcap", "Lpad", "Rpad", "Pad", "Reverse",
    "Repeat", "SHA2", "MD5", "Unhex", "Hex", "Encode", "Decode", "JSONExtract", "JSONExtractScalar", "JSONObject",
    "JSONKeyValue", "ToChar", "Abs", "Round", "Floor", "Ceil", "Sign", "Sqrt", "Ln", "Log", "Pow", "Year", "Month",
    "Day", "Week", "Quarter", "Extract", "DateFromParts", "LastDay", "TimestampTrunc", "DateTrunc", "DateDiff",
    "DateAdd", "DateSub", "UnixToTime", "Format",
})
ALLOWED = _QUERY | _VALUES | _OPERATORS | _FUNCTIONS
# Functions of DuckDB that sqlglot knows no class for; each gives back nothing but what it is handed.
BUILTINS = frozenset({"isfinite", "nfc_normalize", "to_months", "list_transform", "list_reduce", "list_aggregate",
                      "list_sum", "strftime", "to_json", "struct_pack", "json_object", "json_extract_string",
                      "list_extract", "list_position", "epoch_us", "error"})


class LineageError(ModelError):
    """A model says something whose data flow is not understood; the message names the model and the construct."""


@dataclass(frozen=True)
class Macro:
    """A macro of macros.sql: its parameters and its body."""

    parameters: tuple[str, ...]
    body: exp.Expression


def parse_model(name: str, sql: str) -> exp.Query:
    """Returns a model's statement as a tree of nothing but what is understood.

    Raises:
        LineageError: it does not parse, is no query, or holds something that is not on the list.
    """
    try:
        tree = sqlglot.parse_one(sql, dialect=DIALECT)
    except SqlglotError as error:
        first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
        where = f" at line {first['line']}, column {first['col']} of the statement" if "line" in first else ""
        raise LineageError(f"{name}: cannot be parsed{where}") from None
    if not isinstance(tree, exp.Query):
        raise LineageError(f"{name}: {type(tree).__name__.upper()} is not a query whose data flow can be traced")
    for node in tree.walk():
        check_node(name, node)
    return tree


def check_node(name: str, node: exp.Expr) -> None:
    """Whether a node may stand in a model.

    Raises:
        LineageError: it is not on the list.
    """
    kind = type(node).__name__
    if kind not in ALLOWED:
        raise LineageError(f"{name}: {kind.upper()} is not understood; write it with what lineage/syntax.py lists")
    if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier):
        raise LineageError(f"{name}: a table function is not understood: what it reads cannot be seen")
    if isinstance(node, exp.With) and node.args.get("recursive"):
        raise LineageError(f"{name}: WITH RECURSIVE is not understood")
    if isinstance(node, exp.SetOperation) and node.args.get("by_name"):
        raise LineageError(f"{name}: UNION BY NAME is not understood; list the columns in one order")


def parse_macros(sql: str) -> dict[str, Macro]:
    """Returns the macros of macros.sql by lower-case name.

    Raises:
        LineageError: a statement that is no macro of one expression, or a macro that reads a table.
    """
    macros = {}
    for statement in sqlglot.parse(sql, dialect=DIALECT):
        if statement is None:
            continue
        made = statement.this if isinstance(statement, exp.Create) and statement.args.get("kind") == "MACRO" else None
        body = statement.args.get("expression")
        if not isinstance(made, exp.UserDefinedFunction) or not isinstance(body, exp.Expression):
            raise LineageError("macros.sql: a statement is not a macro of one expression")
        name = made.this.name.lower()
        for node in body.walk():
            check_node(f"macro {name}", node)
            if isinstance(node, exp.Table | exp.Query):
                raise LineageError(f"macro {name}: reads a table; a macro may use its parameters alone")
        macros[name] = Macro(tuple(parameter.name.lower() for parameter in made.expressions), body)
    return macros


def check_functions(name: str, tree: exp.Expr, macros: Mapping[str, Macro]) -> None:
    """Every function without a class is a macro or a known builtin.

    Raises:
        LineageError: one is neither.
    """
    for call in tree.find_all(exp.Anonymous):
        function = call.name.lower()
        if function not in macros and function not in BUILTINS:
            raise LineageError(f"{name}: {function}() is neither a macro of macros.sql nor a function on the list")
