"""The tree that students get: chapters without solutions, known answers and hidden tests."""

import json
import shutil
from pathlib import Path

from minigpt.grading.grader import TEST_FILES, GradingError, find_chapter

KEPT_BACK = ("solutions.py", "bank.py", "test_hidden.py", "AUTHORING.md")
SKIPPED_FOLDERS = ("__pycache__", ".pytest_cache", ".ipynb_checkpoints", "runs")

_README = """# Exercises

Each folder in `chapters/` holds a chapter to read (`chapter.ipynb`) and its exercises (`exercises.py`).

    pip install 'minigpt-from-scratch[chapters,grading]'
    cd chapters/{first}
    minigpt grade .

Edit `exercises.py`, run `minigpt grade .` as often as you like, and hand in that one file.
"""


def handout(out, chapters=(), source=None):
    """Write the students' tree.

    Args:
        out: folder to make; it must not exist yet, or be empty.
        chapters: numbers, names or folders; all that have exercises by default.
        source: the folder of chapters; beside the package by default.
    Returns:
        the folders written.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"{out} is not empty: give a new folder")
    if chapters:
        folders = [find_chapter(chapter) for chapter in chapters]
    else:
        source = Path(source) if source else Path(__file__).parents[2] / "chapters"
        folders = sorted(path.parent for path in source.glob(f"*/{TEST_FILES[0]}"))
    if not folders:
        raise GradingError(f"there are no chapters with exercises in {source}")
    written, hidden = [], []
    for folder in folders:
        target = out / "chapters" / folder.name
        shutil.copytree(folder, target, ignore=_kept_back, symlinks=False)
        if (folder / TEST_FILES[1]).is_file():
            hidden.append(folder.name)
        written.append(target)
    conftest = folders[0].parent / "conftest.py"
    if conftest.is_file():
        shutil.copyfile(conftest, out / "chapters" / "conftest.py")
    manifest = {"hidden": hidden, "chapters": [folder.name for folder in folders]}
    (out / "chapters" / "handout.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    (out / "README.md").write_text(_README.format(first=folders[0].name), encoding="utf-8")
    return written


def _kept_back(folder, names):
    return [name for name in names
            if name in KEPT_BACK or name in SKIPPED_FOLDERS or name.endswith((".pyc", ".part"))]  # fmt: skip
