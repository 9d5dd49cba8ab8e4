"""Every example in the documentation runs and prints what it says: docstrings, README, pages of docs/."""

import contextlib
import doctest
import importlib
import io
import linecache
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import pullback

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MODULES = [
    "pullback",
    *(
        module.name
        for module in pkgutil.walk_packages(pullback.__path__, "pullback.")
        if not module.name.endswith("__main__")
    ),
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    module = importlib.import_module(name)
    results = doctest.testmod(module, optionflags=OPTIONS, report=True)
    assert results.failed == 0, f"{results.failed} of {results.attempted} examples of {name}; see the output"


def blocks_of(page: Path) -> list[str]:
    """The Python blocks of a page, each led by empty lines: a traceback has the page's line numbers."""
    text = page.read_text(encoding="utf-8")
    found = re.finditer(r"^```python\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    return ["\n" * text.count("\n", 0, match.start(1)) + match.group(1) for match in found]


def promised(block: str) -> list[str]:
    """What the block says it prints: the comment that ends a line with ``print(...)``."""
    return re.findall(r"^\s*print\(.*\)  # (.*)$", block, flags=re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_examples(page: Path) -> None:
    """A page's blocks run in order, in one namespace, and print what their comments say."""
    namespace: dict[str, Any] = {"__name__": page.stem}
    for number, block in enumerate(blocks_of(page)):
        printed = io.StringIO()
        # A file of its own for each block: pb.compile reads the source again.
        file = f"<{page.name}, block {number}>"
        linecache.cache[file] = (len(block), None, block.splitlines(keepends=True), file)
        with contextlib.redirect_stdout(printed):
            exec(compile(block, file, "exec"), namespace)
        if promised(block):
            assert printed.getvalue().splitlines() == promised(block)
