"""The house: imports go in one direction, the README's tree is the real one, and nothing is unpickled."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "minigpt"

# A file imports only from rooms that stand above its own, or from its own.
ROOMS = [
    "config", "metrics", "scaling", "by_hand", "tokenizers", "datasets", "model", "devices", "checkpoint", "pretrained",
    "generation", "batching", "plotting", "training", "pretraining", "prompting", "finetuning", "multimodal",
    "continual", "updating", "grading", "serving", "cli", "__main__",
]  # fmt: skip


# One convenience reaches down: GPT.from_pretrained.
EXCEPTIONS = {("model", "checkpoint")}


def modules():
    return sorted(path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def room(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported_rooms(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write imports in full"
            names = [f"{node.module}.{alias.name}" if node.module == "minigpt" else node.module for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        for name in names:
            if name.startswith("minigpt."):
                yield name.split(".")[1]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_in_one_direction(path):
    own = room(path)
    assert own in ROOMS, f"{own} is a new room: give it a place in the order"
    for other in imported_rooms(path):
        if other == "__version__" or (own, other) in EXCEPTIONS:
            continue
        assert ROOMS.index(other) <= ROOMS.index(own), f"{path.name} imports {other}, which stands below it"


def test_the_readme_shows_the_real_tree():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = re.search(r"```\nminigpt/\n(.*?)```", readme, re.DOTALL)[1]
    shown = {name.rstrip("/").removesuffix(".py") for name in re.findall(r"^  (\S+)", tree, re.MULTILINE)}
    real = {room(path) for path in modules()} - {"__main__"}
    assert shown == real


def test_nothing_is_unpickled_or_executed():
    forbidden = {"pickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not forbidden & {alias.name.split(".")[0] for alias in node.names}, path
            if isinstance(node, ast.ImportFrom):
                assert (node.module or "").split(".")[0] not in forbidden, path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                assert called not in {"eval", "exec", "torch.load", "np.load", "numpy.load"}, f"{path}: {called}"


def test_by_hand_and_tokenizers_work_without_torch():
    for path in [*(PACKAGE / "by_hand").glob("*.py"), *(PACKAGE / "tokenizers").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else [getattr(node, "module", "")]
            assert not any((name or "").split(".")[0] == "torch" for name in names), path
