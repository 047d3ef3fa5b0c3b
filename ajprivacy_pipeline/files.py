"""Files of text that somebody reads, written whole or not at all.

Belongs here: that one way of writing. Does not belong here: what must outlive a loss of power (`storage.beside`), what
is encrypted (`storage.sealed`), or what the files say.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from ajprivacy_pipeline.errors import PrivacyError


def write_whole(folder: Path, texts: Mapping[str, str]) -> list[Path]:
    """Write texts by file name into a folder, which is made; returns the files.

    Raises:
        PrivacyError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            partial = folder / f".{name}.{os.getpid()}"
            partial.write_text(text, encoding="utf-8")
            partial.replace(folder / name)
    except OSError as error:
        raise PrivacyError(f"{folder} cannot be written: {os.strerror(error.errno or 0)}") from None
    return [folder / name for name in texts]
