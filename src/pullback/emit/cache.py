"""Files on disk: named by what they hold, written atomically, checked when read.

A name is a hash of everything that a file's content depends on, so no file is ever stale, and a file that
is there need not be replaced. Two processes that write one at once write the same bytes, each into a file
of its own that then takes the name. A file that is damaged counts as absent. Where nothing can be written,
nothing is kept.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from pathlib import Path

_DIGEST = hashlib.sha256().digest_size


def directory() -> Path:
    """Where the files are: ``PULLBACK_CACHE_DIR``, or ``pullback`` in the user's cache folder."""
    chosen = os.environ.get("PULLBACK_CACHE_DIR")
    if chosen:
        return Path(chosen).expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "pullback"


def key(*parts: str) -> str:
    """A name for what depends on `parts` and nothing else."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}:".encode())
        digest.update(part.encode())
    return digest.hexdigest()[:32]


def keep_text(name: str, text: str) -> Path | None:
    """The file `name`, which holds `text`; None where it cannot be written."""
    path = directory() / name
    content = text.encode()
    try:
        if path.read_bytes() == content:
            return path
    except OSError:
        pass
    return path if _write(path, content) else None


def keep(name: str, content: bytes) -> None:
    """Write `content`, with a checksum, into the file `name`."""
    _write(directory() / name, hashlib.sha256(content).digest() + content)


def kept(name: str) -> bytes | None:
    """What `keep` wrote into the file `name`; None where it is absent or not as it was written."""
    try:
        data = (directory() / name).read_bytes()
    except OSError:
        return None
    digest, content = data[:_DIGEST], data[_DIGEST:]
    return content if hashlib.sha256(content).digest() == digest else None


def discard(name: str) -> None:
    """Remove the file `name`, if it is there."""
    try:
        (directory() / name).unlink()
    except OSError:
        return


def _write(path: Path, content: bytes) -> bool:
    temporary = ""
    try:
        # What is kept here is run later: nobody else may write into it.
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError:
        if temporary:
            discard(Path(temporary).name)
        return False
    return True
