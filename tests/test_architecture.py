"""The house's rules about who may import and read what; CONTRIBUTING.md draws the picture."""

import ast
import re
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = sorted((ROOT / "ajprivacy_pipeline").rglob("*.py"))
# Who may import whom: a room imports only from rows above its own. `release` and `explain` know nothing of each other.
FLOORS = (
    ("errors",), ("calendar", "clock", "files"), ("settings", "policy"), ("storage",),
    ("retention", "disclosure", "warehouse", "pseudonyms", "sample"),
    ("explain", "lineage", "recipes"), ("oversight", "release"), ("whatif",), ("run",), ("enforcement",), ("rights",),
    ("alerts", "monthly"), ("assets",), ("cli",), ("__main__",),
)
ASSETS = sorted((ROOT / "assets").glob("*.py"))
SHIPPED = [*DOMAIN, *ASSETS, ROOT / "sql" / "__init__.py"]
LAYERS = ("raw", "staged", "retention", "pseudonyms", "pseudonymised", "anonymous", "published")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(_text(path))


@cache
def _imports(path: Path, *, at_load: bool = False) -> frozenset[str]:
    """Modules a file imports; with `at_load` only those outside functions and type checking."""
    found: set[str] = set()
    for node in _tree(path).body if at_load else ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found |= {node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def _uses(path: Path, package: str, *, at_load: bool = False) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in _imports(path, at_load=at_load))


def test_domain_imports_no_dagster() -> None:
    """The domain runs in milliseconds, without an orchestrator; only the edges know one."""
    assert [_name(path) for path in DOMAIN if _uses(path, "dagster")] == []
    assert [_name(path) for path in DOMAIN if path.parent.name != "cli"
            and _uses(path, "ajprivacy_pipeline.assets")] == []


def test_arrows_run_down() -> None:
    """A room imports from lower floors alone, and the list of floors names every room."""
    floors = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
    upwards = []
    for path in SHIPPED:
        place = path.relative_to(ROOT).with_suffix("").parts
        own = next((part for part in place if part in floors), None)
        rooms = {name.split(".")[1] for name in _imports(path) if name.startswith("ajprivacy_pipeline.")}
        upwards += [(_name(path), room) for room in rooms & floors.keys() - {own}
                    if own is not None and floors[room] >= floors[own]]
    assert upwards == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Not even for types, or late: of two that do, each can be read only with the other."""
    modules = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in DOMAIN}
    graph = {name: _imports(path) & modules.keys() - {name} for name, path in modules.items()}
    assert len(list(TopologicalSorter(graph).static_order())) == len(modules)


def test_every_room_has_a_floor() -> None:
    rooms = {path.relative_to(ROOT / "ajprivacy_pipeline").with_suffix("").parts[0] for path in DOMAIN}
    assert rooms - {"__init__"} == {room for rooms in FLOORS for room in rooms} - {"assets"}


def test_only_zones_imports_duckdb() -> None:
    """One module opens the zones' files, so one module decides on keys, limits and modes."""
    assert [_name(path) for path in SHIPPED if _uses(path, "duckdb")] == ["ajprivacy_pipeline/storage/zones.py"]


def test_only_one_module_imports_pyspark_and_not_when_it_is_loaded() -> None:
    """The extra is no dependency: whoever does not ask for a session needs none of it."""
    assert [_name(path) for path in SHIPPED if _uses(path, "pyspark") or _uses(path, "py4j")] == [
        "ajprivacy_pipeline/storage/spark/session.py"]
    assert [_name(path) for path in SHIPPED if _uses(path, "pyspark", at_load=True)] == []


def test_one_door_leads_to_the_warehouse() -> None:
    """Everything else reads it, through connections that cannot write where the dialect lets us say so."""
    assert [_name(path) for path in SHIPPED if _uses(path, "ajprivacy_pipeline.warehouse.writer", at_load=True)] == [
        "ajprivacy_pipeline/enforcement/apply.py"]
    assert [_name(path) for path in SHIPPED if _uses(path, "ajprivacy_pipeline.warehouse.engines")] == [
        "ajprivacy_pipeline/warehouse/writer.py"]


def test_only_settings_reads_the_environment() -> None:
    """`assets/instance.py` sets variables for Dagster and reads none."""
    reading = re.compile(r"os\.(?:environ\b(?!\.update\()|getenv)|EnvVar")
    assert {_name(path) for path in SHIPPED if reading.search(_text(path))} <= {"ajprivacy_pipeline/settings.py"}


def test_assets_hold_no_sql() -> None:
    """SQL stands in sql/, business rules in the domain; what Dagster leaves in a table of its own is no business."""
    words = re.compile(r"\b(SELECT\s|INSERT INTO|CREATE (TABLE|SCHEMA|OR)|DELETE FROM|UPDATE \w+ SET)", re.IGNORECASE)
    assert [(_name(path), node.lineno) for path in ASSETS for node in ast.walk(_tree(path))
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and words.search(node.value)] == []
    executing = re.compile(r"\.execute\((?!(AssetCheckExecutions|SqlEventLogStorage)Table\.delete)")
    log = "assets/events.py"  # Dagster's own event log, which is a database
    assert [_name(path) for path in ASSETS if executing.search(_text(path)) and _name(path) != log] == []


def test_every_module_has_a_charter() -> None:
    """What belongs here, and what does not, stands on top."""
    assert [_name(path) for path in SHIPPED if not ast.get_docstring(_tree(path))] == []


def test_nobody_imports_assets_by_its_folder() -> None:
    """From the checkout `import assets` would work and make every asset twice."""
    assert [_name(path) for path in [*SHIPPED, *sorted((ROOT / "tests").rglob("*.py"))]
            if any(name.partition(".")[0] in ("assets", "sql") for name in _imports(path))] == []


def test_published_models_read_no_people() -> None:
    """The privacy boundary is a rule about which layer reads which: published sees contributor tokens and no more."""
    for path in sorted((ROOT / "sql" / "published").glob("*.sql")):
        bare = re.sub(r"--[^\n]*", "", path.read_text(encoding="utf-8"))
        layers = set(re.findall(rf"\b({'|'.join(LAYERS)})\.[a-z_0-9]+", bare))

        assert layers <= {"anonymous", "published"}, path.name
        assert "anonymous.tokens" not in bare, path.name


def test_code_holds_no_place_of_a_machine() -> None:
    """No absolute path of somebody's machine and no index address in what is shipped."""
    others = ("Makefile", "pyproject.toml", "requirements.in", "requirements.lock")
    files = [*SHIPPED, *(ROOT / name for name in others)]
    for path in files:
        assert not re.search(r"/home/\w|/Users/\w|/work/|index-url\s*[= ]\s*http|find-links\s*[= ]\s*[/h]",
                             path.read_text(encoding="utf-8")), path


LINES_OF_FUNCTION, LINES_OF_MODULE, LINES_OF_MODEL = 40, 350, 100


def _code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """Lines from `def` to the end, without the docstring, comments and blanks."""
    first = function.body[0]
    told = ast.get_docstring(function) is not None
    docstring = range(first.lineno, (first.end_lineno or first.lineno) + 1) if told else range(0)
    return sum(number not in docstring and bool(text := lines[number - 1].strip()) and not text.startswith("#")
               for number in range(function.lineno, (function.end_lineno or function.lineno) + 1))


def test_functions_and_modules_stay_short() -> None:
    """What is longer does more than one thing, and wants another place for some of it."""
    lengths = [(_name(path), node.name, _code_lines(node, _text(path).splitlines()))
               for path in SHIPPED for node in ast.walk(_tree(path))
               if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [found for found in lengths if found[-1] > LINES_OF_FUNCTION] == []
    modules = {_name(path): len(_text(path).splitlines()) for path in SHIPPED}
    assert {name: length for name, length in modules.items() if length > LINES_OF_MODULE} == {}


def test_models_stay_short() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines())
               for path in (ROOT / "sql").glob("*/*.sql")}

    assert {name: length for name, length in lengths.items() if length > LINES_OF_MODEL} == {}


def test_lines_are_counted_without_words() -> None:
    """The docstring, a comment and a blank are no code; a decorator is none of the function's own lines."""
    text = '@cache\ndef f(\n    x,\n):\n    """Says.\n\n    Much.\n    """\n\n    # why\n    return (\n        x)\n'
    (function,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]

    assert _code_lines(function, text.splitlines()) == 5
