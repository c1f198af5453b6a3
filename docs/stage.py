"""Stages the pages of the documentation's site, which `make docs` builds: python docs/stage.py FOLDER

Pages name files of the repository by relative links, as its web view wants them. On the site a link to another page
stays a link; a link to any other file becomes the file's path, as code. A link to what is not there is an error.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "results/reference/README.md": "reference/tables.md",
    **{
        f"docs/{name}": name
        for name in sorted(page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md"))
    },
}
"""Page of the repository -> page of the site."""

API = {
    "library": ("The library", ["search.api", "search.notebook"]),
    "workload": (
        "Writing a workload",
        ["search.workload.contract", "search.workload.offers", "search.workload.settings"],
    ),
    "adapters": ("Scripts of PyTorch", ["search.adapters.torch.script", "search.adapters.torch.run"]),
    "core": (
        "Words and rules",
        [f"search.core.{name}" for name in ("trial", "prefix", "stopping", "pruning", "errors")],
    ),
    "space": ("The space, typed", ["search.space.model"]),
    "ledger": ("The ledger", ["search.ledger", "search.ledger.ledger", "search.ledger.states"]),
    "driver": ("The driver", ["search.engine.decide.driver", "search.engine.decide.lease"]),
    "statistics": (
        "Statistics",
        [f"search.statistics.{name}" for name in ("results", "cell", "crossed", "families", "power", "verdicts")],
    ),
}
"""Page of the site -> its title and the modules whose docstrings it shows."""

_LINK = re.compile(r"(!?\[[^\]]*\])\(([^)\s]+)\)")
_PICTURE = re.compile(r'\b(src|srcset)="([^"]+)"')


def staged(page: str) -> str:
    """Return a page of the repository as the site wants it.

    Raises:
        FileNotFoundError: the page links to a file that is not there.
    """

    def on_site(target: str) -> str | None:
        """Return where a target of this page lies, seen from the page of the site; None where the site has it not."""
        path = os.path.normpath(ROOT / page / ".." / target)
        if not os.path.exists(path):
            raise FileNotFoundError(f"{page} links to {target}, which is not there")
        name = Path(path).relative_to(ROOT).as_posix()
        place = PAGES.get(name) or (name.removeprefix("docs/") if name.startswith("docs/pictures/") else None)
        return place and os.path.relpath(place, Path(PAGES[page]).parent)

    def linked(match: re.Match[str]) -> str:
        label, (target, hash_sign, anchor) = match[1], match[2].partition("#")
        if "://" in target or target.startswith("mailto:") or not target:
            return match[0]
        place = on_site(target)
        if place is None:
            return f"`{os.path.normpath(Path(page).parent / target)}`"
        return f"{label}({place}{hash_sign}{anchor})"

    text = _LINK.sub(linked, (ROOT / page).read_text(encoding="utf-8"))
    return _PICTURE.sub(lambda match: f'{match[1]}="{on_site(match[2])}"', text)


def stage(folder: Path) -> None:
    """Write all pages into `folder`, in place of what it held."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "docs/pictures", folder / "pictures")
    (folder / "api").mkdir()
    for page, name in PAGES.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(staged(page), encoding="utf-8")
    for name, (title, modules) in API.items():
        text = "\n\n".join([f"# {title}", *(f"::: {module}" for module in modules)])
        (folder / f"api/{name}.md").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
