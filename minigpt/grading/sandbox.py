"""Starts worker processes and talks with them.

Two levels of isolation, and every report says which one it had:

sandlock   Linux with the `sandlock` package: the kernel (Landlock and seccomp) lets the worker read the Python
           installation and nothing else, write nothing, reach no network, start no process, and use so much memory.
limits     anywhere else: resource limits, an environment without secrets, and Python's audit hooks, which refuse the
           same things but which a determined attacker can get around.
"""

import os
import secrets
import subprocess
import sys
import sysconfig
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from minigpt.grading import worker
from minigpt.grading.worker import UnreadableValueError, pack, unpack

LEVELS = {
    "sandlock": "sandlock (Landlock and seccomp: no files, no network, no processes)",
    "limits": "limits only (resource limits and audit hooks; install minigpt-from-scratch[grading] on Linux for more)",
}

# Packages that an answer must not import: what it is compared with, and the comparing itself.
CLOSED_PACKAGES = ("minigpt", "solutions", "bank", "test_exercises", "test_hidden", "sandlock", "pytest", "_pytest")

# Landlock has no rule for these; no answer needs them.
_DENIED_CALLS = ("chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat", "utime", "utimes", "utimensat",
                 "futimesat", "setxattr", "lsetxattr", "fsetxattr", "ptrace", "process_vm_readv", "process_vm_writev",
                 "kill", "tkill", "setrlimit", "mknod", "mknodat")  # fmt: skip


@dataclass(frozen=True)
class Limits:
    """What a worker may use."""

    start_seconds: float = 120.0
    """until Python and PyTorch are imported"""
    load_seconds: float = 20.0
    """until the student's module is imported"""
    memory_mb: int = 3000
    """data that the worker may hold"""
    cpu_seconds: int = 600
    """processor time of a worker, over all calls"""


class WorkerDiedError(Exception):
    """The worker is gone: it took too long, used too much, or ended itself."""


def available_isolation():
    """The best level that this system has: "sandlock" or "limits"."""
    try:
        import sandlock

        return "sandlock" if sandlock.landlock_abi_version() >= sandlock.min_landlock_abi() else "limits"
    except Exception:  # not installed, another system, an older kernel
        return "limits"


class Worker:
    """One worker process.

    Args:
        isolation: "auto", "sandlock" or "limits".
        allows: packages that are closed otherwise.
        preload: modules to import before the student's.
        limits: what it may use.
        hidden: folders that it must not read, even if they lie inside of the Python installation.
    """

    def __init__(self, isolation="auto", allows=(), preload=("numpy",), limits=None, hidden=()):
        if isolation not in ("auto", *LEVELS):
            raise ValueError(f"isolation must be auto, {' or '.join(LEVELS)}, got {isolation!r}")
        self.isolation = available_isolation() if isolation == "auto" else isolation
        self.limits = limits or Limits()
        self.allows = tuple(allows)
        self._folder = tempfile.TemporaryDirectory(prefix="minigpt-worker-")
        self._readable, self._denied = readable_folders(self.allows, hidden)
        self._process = self._start()
        self._died = ""
        self._send("prepare", paths=import_paths(self.allows), preload=list(preload))
        self._prepared = False

    def load(self, text, forbidden):
        """Import the student's module from its text.

        Args:
            text: the source.
            forbidden: {exercise: [dotted name, …]}.
        Returns:
            None, or the exception as {"kind", "text", "line"}.
        Raises:
            WorkerDiedError: if it takes too long or ends the process.
        """
        if not self._prepared:
            reply = self._receive(self.limits.start_seconds, "starting")
            if "error" in reply:
                raise RuntimeError(f"the worker cannot start: {reply['error']}")
            self._prepared = True
        closed = [name for name in CLOSED_PACKAGES if name not in self.allows]
        self._send("load", text=text, forbidden=forbidden, readable=self._readable, denied=self._denied, closed=closed,
                   memory_mb=self.limits.memory_mb, cpu_seconds=self.limits.cpu_seconds)  # fmt: skip
        return self._receive(self.limits.load_seconds, "importing the file").get("error")

    def call(self, exercise, function, arguments, keywords, gradients, seconds):
        """The worker's reply to a call: a dictionary, not to be trusted."""
        self._send("call", exercise=exercise, function=function, arguments=list(arguments), keywords=dict(keywords),
                   gradients=gradients)  # fmt: skip
        return self._receive(seconds, "running")

    @property
    def is_alive(self):
        """Whether it can still be asked."""
        return not self._died

    def close(self):
        """End the process, whatever it is doing."""
        self._died = self._died or "closed"
        for stream in (self._process.stdin, self._process.stdout):
            try:
                stream.close()
            except OSError:
                continue
        self._kill()
        self._process.wait(timeout=20)
        self._folder.cleanup()

    # --------------------------------------------------------------------------------------------------------

    def _start(self):
        command = [sys.executable, "-I", "-S", "-B", "-c", worker_program()]
        environment = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
        environment["CUDA_VISIBLE_DEVICES"] = ""  # an answer is computed on the CPU, without threads for devices
        if self.isolation == "sandlock":
            from sandlock import Sandbox, StdioMode

            sandbox = Sandbox(
                fs_readable=self._readable, fs_writable=["/dev/null"], fs_denied=self._denied,
                extra_deny_syscalls=_DENIED_CALLS, max_processes=1, max_memory=f"{4 * self.limits.memory_mb}M",
                no_coredump=True, clean_env=True, env=environment, cwd="/")  # fmt: skip
            return sandbox.popen(command, stdin=StdioMode.PIPED, stdout=StdioMode.PIPED, stderr=StdioMode.NULL)
        if "SYSTEMROOT" in os.environ:  # Windows cannot start Python without it
            environment["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                bufsize=0, env=environment, cwd=self._folder.name, start_new_session=True)  # fmt: skip

    def _send(self, what, **content):
        self._token = secrets.token_hex(16)
        message = memoryview(pack({"token": self._token, "do": what, **content}))
        try:
            while message:
                message = message[self._process.stdin.write(message) :]
        except (OSError, ValueError):
            self._fail("the worker process ended itself")

    def _receive(self, seconds, doing):
        """The next reply. A timer ends a worker that takes too long, which ends the reading, too."""
        timed_out = threading.Event()

        def stop():
            timed_out.set()
            self._kill()

        timer = threading.Timer(max(seconds, 0.0), stop)
        timer.daemon = True
        timer.start()
        try:
            reply = unpack(self._process.stdout.read)
        except UnreadableValueError as error:
            reply, problem = None, f"the worker sent {error}"
        except (OSError, ValueError):
            reply, problem = None, "the worker process ended itself"
        else:
            problem = "the process ended itself (exit, or out of memory?)"
        finally:
            timer.cancel()
        if timed_out.is_set():
            self._fail(f"it took longer than {seconds:.0f} s ({doing}): an endless loop?")
        if type(reply) is not dict or reply.get("token") != self._token:
            self._fail(problem if reply is None else "the worker sent a reply that nobody asked for")
        return reply

    def _fail(self, reason):
        self._died = reason
        self._kill()
        raise WorkerDiedError(reason)

    def _kill(self):
        try:
            self._process.kill()
        except (OSError, RuntimeError):
            return


def worker_program():
    """The text of the program that a worker runs."""
    return Path(worker.__file__).read_text(encoding="utf-8")


def import_paths(allows=()):
    """Where the worker imports from: the standard library and installed packages, in this order."""
    paths = [path for path in sys.path if path and _is_installation(path)]
    if "minigpt" in allows:
        paths.append(str(Path(worker.__file__).parents[2]))
    return paths


def readable_folders(allows=(), hidden=()):
    """(folders the worker may read, folders inside of these that it may not)."""
    package = Path(worker.__file__).parents[1]
    folders = [*(path for path in sys.path if path and _is_installation(path)), sys.prefix, sys.base_prefix,
               os.path.dirname(os.path.realpath(sys.executable)), "/usr", "/lib", "/lib64", "/etc/ld.so.cache",
               "/dev/null", "/dev/urandom", "/dev/zero", "/System/Library"]  # fmt: skip
    readable = [os.path.realpath(folder) for folder in folders if os.path.exists(folder)]
    hidden = [os.path.realpath(folder) for folder in hidden]
    (readable if "minigpt" in allows else hidden).append(os.path.realpath(package))
    denied = [path for path in hidden if any(path.startswith(folder + os.sep) for folder in readable)]
    return [*dict.fromkeys(readable)], denied


def _is_installation(path):
    real = os.path.realpath(path)
    installed = {os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return (os.path.basename(real) in ("site-packages", "dist-packages", "lib-dynload") or real in installed
            or real.endswith(".zip"))  # fmt: skip
