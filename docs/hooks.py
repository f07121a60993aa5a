"""What MkDocs does beside ``mkdocs.yml``: the pages of the repository's root join those of ``docs/``, and so do their pictures.

On GitHub a page of ``docs/`` links to ``../resources/stress.png``, and the README to ``docs/speed.md``. On the site all lie in one folder.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

ROOT = Path(__file__).parent.parent
BESIDE = ("README.md", "README.ko.md", "CHANGELOG.md", "resources/*.png")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that are not in ``docs/``; the README becomes the front page."""
    from mkdocs.structure.files import File

    for path in (path for pattern in BESIDE for path in sorted(ROOT.glob(pattern))):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Let links hold on the site."""
    return re.sub(r"\]\((?:\.\./|docs/)", "](", markdown)
