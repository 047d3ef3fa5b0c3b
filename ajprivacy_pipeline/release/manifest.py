"""The manifest: what a release's folder must hold, by hash, and reading a release only when it holds exactly that.

Belongs here: hashing, writing and verifying manifests, finding the release that analysts see.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ajprivacy_pipeline.disclosure.guarantees import BY_TEST, GUARANTEES, PROVING
from ajprivacy_pipeline.disclosure.verdict import UNCHECKED, Verdict
from ajprivacy_pipeline.errors import ReleaseError
from ajprivacy_pipeline.settings import Settings
from ajprivacy_pipeline.storage.zones import Connection, engine_errors, literal, memory

FORMAT = 1
MANIFEST = "manifest.json"
ABOUT = ("data_dictionary", "release_info")  # tables that tell of the release and are no part of what it tells
STAMP = "Manifest sha256: "


@dataclass(frozen=True)
class Release:
    """A release whose files were all found to be what its manifest says."""

    folder: Path
    manifest: dict[str, Any]
    manifest_sha256: str

    @property
    def month(self) -> str:
        """The month it was made for."""
        return str(self.manifest["month"])

    def files(self, table: str) -> list[Path]:
        """Returns the Parquet files of a table, oldest month first."""
        return [self.folder / path for path in sorted(self.manifest["files"]) if path.startswith(f"{table}/")]

    def relation(self, table: str) -> str:
        """Returns what a FROM clause reads all of a table's files with."""
        return f"read_parquet([{', '.join(literal(str(file)) for file in self.files(table))}])"

    @property
    def tables(self) -> list[str]:
        """The tables it has files of."""
        return sorted({path.partition("/")[0] for path in self.manifest["files"] if "/" in path})

    @property
    def rows(self) -> dict[str, int]:
        """Rows of each published table over all its periods; those that tell of the release itself are left out."""
        rows: dict[str, int] = {}
        for path, entry in self.manifest["files"].items():
            table, is_table, _ = path.partition("/")
            if is_table and table not in ABOUT:
                rows[table] = rows.get(table, 0) + int(entry["rows"])
        return rows


def sha256_of(path: Path) -> str:
    """Returns the hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def outcomes(verdicts: Iterable[Verdict]) -> dict[str, dict[str, str]]:
    """Verdict and figure of every guarantee, those without a check as such."""
    found = {v.guarantee: {"verdict": v.word, "figure": v.figure} for v in verdicts}
    return {g: found.get(g, {"verdict": UNCHECKED, "figure": BY_TEST if one.proof == "test" else ""})
            for g, one in GUARANTEES.items()}


def is_proven(verdicts: Iterable[Verdict]) -> bool:
    """Returns whether every guarantee that a release can prove was checked and passed."""
    found = {v.guarantee: v.passed for v in verdicts}
    return all(found.get(g, False) for g in PROVING)


def manifest_of(rows: dict[str, int], head: dict[str, Any], hashes: dict[str, str]) -> dict[str, Any]:
    """Returns the manifest as data: what is said of the release, and rows and hash of each file."""
    files = {path: {"rows": count, "sha256": hashes.get(path, "")} for path, count in rows.items()}
    return {"format": FORMAT, **head, "files": files}


def write_manifest(folder: Path, rows: dict[str, int], head: dict[str, Any]) -> str:
    """Write the manifest of a staged folder and return its hash.

    Args:
        folder: holds the files.
        rows: row count of each file by its path relative to the folder.
        head: month, history_from, proven, policy_version, guarantees; nothing that tells when or by whom.
    """
    hashes = {path: sha256_of(folder / path) for path in rows}
    text = json.dumps(manifest_of(rows, head, hashes), sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return hashlib.sha256(text.encode()).hexdigest()


def verify_release(folder: Path, expected_sha256: str | None = None) -> Release:
    """Read a release, verifying every file against the manifest, and the manifest against the control store's hash.

    Raises:
        ReleaseError: something is missing, changed, or there that should not be.
    """
    where = f"releases/{folder.name}"
    remedy = f"restore published/{where} from a backup, or run the month again if a run was killed while it published"
    try:
        content = (folder / MANIFEST).read_bytes()
    except OSError:
        raise ReleaseError(f"{where}/{MANIFEST} is missing: {remedy}") from None
    digest = hashlib.sha256(content).hexdigest()
    if expected_sha256 is not None and digest != expected_sha256:
        raise ReleaseError(f"{where}/{MANIFEST} is not the one that was published: {remedy}")
    try:
        manifest = json.loads(content)
        files = {str(path): str(entry["sha256"]) for path, entry in manifest["files"].items()}
        known = manifest["format"] == FORMAT and isinstance(manifest["month"], str)
    except (ValueError, KeyError, TypeError, AttributeError):
        known = False
    if not known:
        raise ReleaseError(f"{where}/{MANIFEST} is not a manifest of this version: {remedy}")
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    if missing := sorted(set(files) - there):
        raise ReleaseError(f"{where} lacks {len(missing)} file(s), first {missing[0]}: {remedy}")
    if extra := there - set(files):
        raise ReleaseError(f"{where} has {len(extra)} file(s) that its manifest does not know: remove them")
    if changed := sorted(path for path, sha256 in files.items() if sha256_of(folder / path) != sha256):
        raise ReleaseError(f"{where} has {len(changed)} changed file(s), first {changed[0]}: {remedy}")
    return Release(folder, manifest, digest)


def read_release(settings: Settings) -> Release:
    """Returns the release that analysts see now, verified.

    Raises:
        ReleaseError: nothing is published, or the folder is not what was published.
    """
    stamp = published_stamp(settings.published / "analytics.duckdb")
    if stamp is None:
        raise ReleaseError("nothing is published yet: run a month first")
    for folder in sorted((settings.published / "releases").glob("*"), reverse=True):
        if (folder / MANIFEST).is_file() and sha256_of(folder / MANIFEST) == stamp:
            return verify_release(folder, stamp)
    raise ReleaseError("no folder in published/releases holds the release of analytics.duckdb: restore it from a "
                       "backup")


def published_stamp(path: Path) -> str | None:
    """Returns the hash of the manifest that an analytics file was built from; None when there is no such file.

    Raises:
        ZoneError: the file cannot be read.
    """
    if not path.is_file():
        return None
    con = memory()
    try:
        with engine_errors(f"published/{path.name}"):
            con.execute(f"ATTACH {literal(str(path))} AS analytics (READ_ONLY)")
            return _stamp_of(con)
    finally:
        con.close()


def _stamp_of(con: Connection) -> str | None:
    found = con.execute("SELECT comment FROM duckdb_tables() WHERE database_name = 'analytics' "
                        "AND table_name = 'release_info'").fetchall()
    return found[0][0].rpartition(STAMP)[2] if found and found[0][0] else None
