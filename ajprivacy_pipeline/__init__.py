"""Keeps the promise of a privacy notice over a customer warehouse."""

from pathlib import Path

__version__ = "0.1.0"

_CHECKOUT = Path(__file__).resolve().parent.parent
if (_CHECKOUT / "workspace.yaml").is_file() and not (Path(__file__).parent / "assets").exists():
    # `assets/` and `sql/` stand beside this package in a checkout and inside it in a wheel.
    __path__.append(str(_CHECKOUT))
