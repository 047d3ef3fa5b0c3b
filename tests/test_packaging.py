"""What is built holds what it needs, and runs outside the checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")


def _wanted() -> set[str]:
    """Every file of the tree that the wheel must hold, under the name it has there."""
    found = {path.relative_to(ROOT).as_posix() for path in (ROOT / "ajprivacy_pipeline").rglob("*")
             if path.suffix in (".py", ".toml", ".j2")}
    for folder, endings in (("assets", (".py", ".yaml")), ("sql", (".py", ".sql"))):
        found |= {f"ajprivacy_pipeline/{path.relative_to(ROOT).as_posix()}"
                  for path in (ROOT / folder).rglob("*") if path.suffix in endings}
    return found


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist."""
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)],
                   check=True, capture_output=True)
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel's contents, where nothing else is."""
    target = tmp_path_factory.mktemp("site")
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        wheel.extractall(target)  # noqa: S202 - a wheel that was built a moment ago
    return target


def _run(where: Path, *arguments: str, home: Path, path: Path | None) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("AJPRIVACY")}
    env |= {"AJPRIVACY_HOME": str(home)} | ({"PYTHONPATH": str(path)} if path else {})
    return subprocess.run([sys.executable, *arguments], cwd=where, env=env, capture_output=True, text=True, check=False)


def test_wheel_holds_every_file_of_the_tree(built: Path) -> None:
    """A new subfolder that nobody listed would be missing without a word."""
    with zipfile.ZipFile(next(built.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())

    assert _wanted() - names == set()
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"ajprivacy_pipeline"}


def test_sdist_holds_every_file_of_the_tree(built: Path) -> None:
    """From an sdist a wheel can be built again."""
    with tarfile.open(next(built.glob("*.tar.gz"))) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {name.replace("ajprivacy_pipeline/assets/", "assets/").replace("ajprivacy_pipeline/sql/", "sql/")
              for name in _wanted()}

    assert wanted - names == set()


def test_wheel_runs_outside_the_checkout(installed: Path, tmp_path: Path) -> None:
    """It finds its SQL, its policy and its Dagster settings, and knows no checkout."""
    checked = _run(tmp_path, "-m", "ajprivacy_pipeline", "policy", "check", "--json",
                   home=tmp_path / "h", path=installed)
    loaded = _run(tmp_path, "-c",
                  "import ajprivacy_pipeline.assets.definitions as d, ajprivacy_pipeline.assets.instance as i;"
                  "print(d.__file__, len(d.defs.resolve_asset_graph().get_all_asset_keys()), i._SETTINGS.is_file())",
                  home=tmp_path / "h", path=installed)

    assert checked.returncode == 0, checked.stderr
    assert '"models":' in checked.stdout
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith(str(installed))
    assert loaded.stdout.rstrip().endswith("True")


def test_checkout_runs_uninstalled(tmp_path: Path) -> None:
    """From the checkout's root the package finds `assets` and `sql` beside itself."""
    found = _run(ROOT, "-c", "import ajprivacy_pipeline.assets as a, ajprivacy_pipeline.sql; print(a.__file__)",
                 home=tmp_path, path=None)

    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.strip()) == ROOT / "assets" / "__init__.py"


def test_lock_pins_by_hash_and_names_no_index() -> None:
    """Every requirement has a hash; where packages come from is the machine's business."""
    requirements = [line for line in LOCK.splitlines() if line and not line.startswith((" ", "#"))]

    assert requirements
    assert all("==" in line and line.endswith("\\") for line in requirements)
    assert "://" not in LOCK
    assert not any(line.startswith("-") for line in LOCK.splitlines())
    assert {"setuptools", "wheel"} <= {line.partition("==")[0] for line in requirements}
