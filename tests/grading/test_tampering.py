"""A student's code cannot forge a grade, and cannot harm what stands around it."""

import hashlib
import os
import shutil
import socket
import threading
from pathlib import Path

import attacks
import pytest

from minigpt.grading import check, grade
from minigpt.grading.gradebook import grade_class
from minigpt.grading.sandbox import available_isolation

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
LEVELS = ["sandlock"] if available_isolation() == "sandlock" else []


class Class:
    """All attacks, handed in and graded as if they were a class, and one honest student among them."""

    def __init__(self, folder, isolation, is_quick=False):
        self.chapter = folder / "small_chapter"
        shutil.copytree(HERE / "small_chapter", self.chapter, ignore=shutil.ignore_patterns("__pycache__"))
        self.victim = folder / "victim"
        self.victim.mkdir()
        (self.victim / "keep.txt").write_text("keep")
        self.submissions = folder / "submissions"
        self.submissions.mkdir()
        self.heard = []
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(0.2)
            self.listening = True
            listener = threading.Thread(target=self.listen, args=(server,))
            listener.start()
            names = {"CHAPTER": self.chapter, "VICTIM": self.victim, "REPOSITORY": REPOSITORY,
                     "PORT": server.getsockname()[1]}  # fmt: skip
            self.names = attacks.write_files(self.submissions, self.chapter)
            for name, text in attacks.texts().items():
                for word, value in names.items():
                    text = text.replace(word, str(value))
                (self.submissions / f"{name}.py").write_text(text)
                self.names.append(name)
            if is_quick:
                self.leave_out(set(self.names) - attacks.QUICK)
            shutil.copyfile(self.chapter / "solutions.py", self.submissions / "honest.py")
            before = self.fingerprint(folder)
            processes = set(self.processes())
            self.book = grade_class(self.chapter, self.submissions, folder / "grades.csv", isolation=isolation)
            self.left_over = set(self.processes()) - processes
            self.listening = False
            listener.join()
        self.unchanged = self.fingerprint(folder) == before
        self.reports = {row.student: row.report for row in self.book.rows}

    def leave_out(self, names):
        """Take back the submissions with these names."""
        self.names = [name for name in self.names if name not in names]
        for path in list(self.submissions.iterdir()):
            if path.is_dir() and not path.is_symlink():
                if path.name in names:
                    shutil.rmtree(path)
            elif path.stem in names:
                path.unlink()

    def listen(self, server):
        while self.listening:
            try:
                self.heard.append(server.accept())
            except TimeoutError:
                continue

    def fingerprint(self, folder):
        """Names, contents, permissions and times of everything that must not change."""
        found = []
        for root in (self.chapter, self.victim, HERE):
            for path in sorted(root.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    status = path.stat()
                    digest = hashlib.sha256(path.read_bytes()).hexdigest()
                    found.append((str(path), digest, status.st_mode, status.st_mtime_ns))
        return found

    def processes(self):
        """Workers that are running, of this process's descendants or orphaned."""
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if b"The program of the worker process" in command and self.is_ours(int(folder.name)):
                yield int(folder.name)

    @staticmethod
    def is_ours(number):
        """Whether a process descends from this one, or has lost its parent."""
        while number > 1:
            if number == os.getpid():
                return True
            try:
                number = int(Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                return False
        return False


@pytest.fixture(scope="module")
def attackers(tmp_path_factory):
    return Class(tmp_path_factory.mktemp("attackers"), "auto", is_quick=True)


def test_there_are_at_least_thirty_attacks():
    assert len(attacks.QUICK) >= 30
    assert len(attacks.texts()) >= 60


def test_the_quick_attacks_are_all_there(attackers):
    assert set(attackers.names) == attacks.QUICK


def test_every_attack_scores_nothing(attackers, capsys):
    scores = {name: attackers.reports[name].score for name in attackers.names}
    stopped = sum(score == 0 for score in scores.values())
    with capsys.disabled():
        print(f"\nattacks stopped: {stopped} of {len(scores)} ({attackers.reports['honest'].isolation})")
    assert [name for name, score in scores.items() if score] == []


def test_the_honest_student_among_them_gets_everything(attackers):
    assert attackers.reports["honest"].score == 100


def test_nothing_around_them_changed(attackers):
    assert attackers.unchanged
    assert sorted(path.name for path in attackers.victim.iterdir()) == ["keep.txt"]


def test_nobody_was_reached_over_the_network(attackers):
    assert attackers.heard == []


def test_no_worker_is_left_running(attackers):
    assert attackers.left_over == set()


def test_what_an_attacker_says_is_shown_as_plain_text(attackers):
    for report in attackers.reports.values():
        assert "\x1b" not in str(report)
        assert "<script>" not in report._repr_html_()
        assert "<b>100 %</b> |" not in report._repr_html_()


def test_a_spreadsheet_sees_no_formula(attackers, tmp_path):
    attackers.book.write_csv(tmp_path / "grades.csv")
    assert "\n=" not in (tmp_path / "grades.csv").read_text()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("isolation", [*LEVELS, "limits"])
def test_all_attacks_score_nothing(tmp_path, capsys, isolation):
    attackers = Class(tmp_path, isolation)
    scores = {name: attackers.reports[name].score for name in attackers.names}
    with capsys.disabled():
        print(f"\nattacks stopped: {sum(score == 0 for score in scores.values())} of {len(scores)} ({isolation})")
    assert [name for name, score in scores.items() if score] == []
    assert attackers.reports["honest"].score == 100
    assert sorted(path.name for path in attackers.victim.iterdir()) == ["keep.txt"]
    assert attackers.heard == []
    assert attackers.left_over == set()
    if isolation == "sandlock":
        assert attackers.unchanged


def test_the_report_says_how_the_worker_was_shut_in():
    folder = HERE / "small_chapter"
    for level in [*LEVELS, "limits"]:
        assert grade(folder, folder / "solutions.py", isolation=level).isolation == level
    assert "unofficial" in str(check(_wrong_softmax(), chapter=folder))


def _wrong_softmax():
    def softmax(scores):
        return scores

    return softmax
