"""A scratch copy of the package and its SQL, to be changed as somebody new would change them.

What the copy decides is asked in a process of its own, so that nothing of this one is read.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from ajprivacy_pipeline.errors import PolicyError
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.retention.completeness import require_complete
from ajprivacy_pipeline.settings import CHECKOUT
from ajprivacy_pipeline.storage.catalogue import load_catalogue, load_models, macros, record_reasons
from tests.oracle.casekit import MONTH

TABLES = ("purpose_status", "attribute_decisions", "record_decisions")
Row = dict[str, Any]
Decisions = dict[str, list[Row]]
Explained = dict[str, tuple[dict[str, Any], list[str]]]  # by language: the JSON, and the lines of the page

_DECIDE = """
import json, sys
from pathlib import Path
from tests.oracle.sqlshop import decide
shop, month, folder, tables = json.loads(sys.stdin.read())
con = decide(shop, month, Path(folder))
found = {}
for table in tables:
    result = con.execute(f"SELECT * EXCLUDE (policy_version, subject_no) FROM retention.{table}")
    names = [column[0] for column in result.description]
    found[table] = [dict(zip(names, row)) for row in result.fetchall()]
print(json.dumps(found, default=str))
"""

_EXPLAIN = """
import json, sys
from pathlib import Path
from ajprivacy_pipeline.explain import as_json, explain_each, page
from ajprivacy_pipeline.policy import load_policy
from ajprivacy_pipeline.settings import NOTICE
from tests.oracle.sqlshop import decide, whatever_is_orphaned
shop, month, folder, who = json.loads(sys.stdin.read())
policy = whatever_is_orphaned(load_policy(NOTICE))
con = decide(shop, month, Path(folder), policy=policy)
print(json.dumps({explained.subject_id: {language: [as_json(explained, language), page(explained, language)]
                                         for language in ("nb", "en")}
                  for explained in explain_each(con, policy, who, month)}))
"""


class Scratch:
    """A copy of the package and its SQL, to be changed as CONTRIBUTING says."""

    def __init__(self, folder: Path) -> None:
        """Copy into `folder`, which does not exist yet."""
        self.folder = folder
        self.notice, self.sql = folder / "ajprivacy_pipeline" / "notice", folder / "sql"
        # With what is compiled: copies keep the times by which Python knows that it still belongs to a module.
        shutil.copytree(CHECKOUT / "ajprivacy_pipeline", folder / "ajprivacy_pipeline")
        shutil.copytree(CHECKOUT / "sql", self.sql)

    def put(self, file: str, old: str, new: str) -> None:
        """Replace a text that stands once in a file of the notice or of the SQL."""
        path = (self.notice if file.endswith(".toml") else self.sql) / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{file}: {old!r} stands {text.count(old)} times"
        path.write_text(text.replace(old, new), encoding="utf-8")

    def add(self, file: str, text: str) -> None:
        """Put a text at the end of a file of the notice, or make a file of the SQL."""
        path = (self.notice if file.endswith(".toml") else self.sql) / file
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(f"{before}{text}", encoding="utf-8")

    def check(self) -> None:
        """`ajprivacy policy check`, in this process, which reads the models anew."""
        load_catalogue.cache_clear()
        load_models.cache_clear()
        record_reasons.cache_clear()
        macros.cache_clear()
        require_complete(load_policy(self.notice), self.sql)

    def refused(self, said: str) -> None:
        """The check refuses, and says this."""
        with pytest.raises(PolicyError, match=said):
            self.check()

    def decide(self, shop: dict[str, list[Row]], tmp_path: Path) -> Decisions:
        """What the copy decides about a shop."""
        return self._ask(_DECIDE, tmp_path, shop, TABLES)

    def explain(self, shop: dict[str, list[Row]], tmp_path: Path, who: Sequence[str]) -> dict[str, Explained]:
        """How the copy explains what it decides about some subjects: as JSON and as a page, in each language."""
        return self._ask(_EXPLAIN, tmp_path, shop, who)

    def _ask(self, program: str, tmp_path: Path, shop: dict[str, list[Row]], rest: Sequence[str]) -> dict[str, Any]:
        done = subprocess.run([sys.executable, "-c", program], input=json.dumps([shop, MONTH, str(tmp_path), rest]),
                              text=True, capture_output=True, check=False, cwd=tmp_path,
                              env={"PYTHONPATH": f"{self.folder}:{CHECKOUT}", "PATH": "/usr/bin:/bin"})
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))
