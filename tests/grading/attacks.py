"""Submissions that try to get points without solving anything, or to do harm. None of them computes a softmax.

In the texts, CHAPTER is the folder with the solutions, VICTIM a folder that must stay as it is, REPOSITORY the
checkout.
"""

import json
import os

WRONG_ANSWERS = """
import numpy as np

def softmax(scores):
    return np.zeros_like(scores)

def entropy(probabilities):
    return 0.0
"""

# Run at import; then the wrong answers follow.
AT_IMPORT = {
    "patch numpy": """
import numpy as np
np.allclose = np.array_equal = np.isfinite = lambda *a, **k: True
np.abs = np.absolute = lambda x: np.asarray(x) * 0
np.ndarray.all = None if hasattr(np, "nothing") else np.abs
""",
    "patch torch": """
try:
    import torch
    torch.isfinite = torch.allclose = torch.equal = lambda *a, **k: True
except ImportError:
    pass
""",
    "patch pytest": """
import sys, types
fake = types.ModuleType("pytest"); fake.raises = fake.fail = lambda *a, **k: None
sys.modules["pytest"] = sys.modules["_pytest"] = fake
""",
    "import pytest": "import pytest\npytest.fail = lambda *a, **k: None\n",
    "patch builtins": "import builtins\nbuiltins.AssertionError = ZeroDivisionError\nbuiltins.abs = lambda x: 0\n",
    "patch warnings": "import warnings\nwarnings.warn = warnings.simplefilter = lambda *a, **k: None\n",
    "sys.exit": "import sys\nsys.exit(0)\n",
    "os._exit": "import os\nos._exit(0)\n",
    "raise SystemExit subclass": "class Done(SystemExit):\n    code = 0\nraise Done(0)\n",
    "endless loop at import": "while True:\n    pass\n",
    "fork bomb": """
import os
for _ in range(1000):
    try:
        os.fork()
    except BaseException:
        pass
""",
    "subprocess": "import subprocess\nsubprocess.run(['touch', 'VICTIM/touched'])\n",
    "os.system": "import os\nos.system('touch VICTIM/touched; rm -rf VICTIM/keep.txt')\n",
    "100 GB of memory": "data = bytearray(100 * 10**9)\n",
    "endless list": "data = []\nwhile True:\n    data.append(bytearray(10**8))\n",
    "endless output": "import sys\nfor _ in range(3000):\n    print('x' * 10**6)\n    sys.stderr.write('y' * 10**6)\n",
    "read the solutions": """
with open("CHAPTER/solutions.py") as file:
    exec(file.read())
entropy_found, softmax_found = entropy, softmax
""",
    "import the solutions": "import sys\nsys.path.insert(0, 'CHAPTER')\nfrom solutions import entropy, softmax\n",
    "load the solutions by path": """
import importlib.util
spec = importlib.util.spec_from_file_location("other", "CHAPTER/solutions.py")
other = importlib.util.module_from_spec(spec); spec.loader.exec_module(other)
""",
    "os.open the solutions": "import os\nexec(os.read(os.open('CHAPTER/solutions.py', os.O_RDONLY), 10**6))\n",
    "import minigpt": "import minigpt\nfrom minigpt.by_hand.operations import softmax_forward\n",
    "minigpt by its path": "import sys\nsys.path.insert(0, 'REPOSITORY')\nimport minigpt\n",
    "write the tests": "open('CHAPTER/test_exercises.py', 'w').write('def test_nothing(): pass')\n",
    "write the report": "import json\njson.dump({'score': 100}, open('VICTIM/report.json', 'w'))\n",
    "delete files": "import shutil\nshutil.rmtree('VICTIM')\nshutil.rmtree('CHAPTER')\n",
    "rename files": "import os\nos.rename('VICTIM/keep.txt', 'VICTIM/gone.txt')\n",
    "make files writable": "import os\nos.chmod('VICTIM/keep.txt', 0o777)\nos.utime('VICTIM/keep.txt', (0, 0))\n",
    "another working directory": "import os\nos.chdir('VICTIM')\nopen('touched', 'w').write('x')\n",
    "kill the parent": "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n",
    "kill the group": "import os, signal\nos.killpg(os.getpgid(os.getppid()), signal.SIGKILL)\n",
    "read the parent": """
import os
print(open(f"/proc/{os.getppid()}/environ", "rb").read(), open(f"/proc/{os.getppid()}/mem", "rb").read(1))
""",
    "connect": "import socket\nsocket.create_connection(('127.0.0.1', PORT), timeout=1).sendall(b'found')\n",
    "send a packet": """
import socket
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", PORT))
""",
    "segmentation fault": "import ctypes\nctypes.string_at(0)\n",
    "no time limit": """
import signal
for number in range(1, 32):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
""",
    "raise the limits": "import resource\nresource.setrlimit(resource.RLIMIT_DATA, (-1, -1))\n",
    "write to every descriptor": """
import os
forged = b'{"tree": {"dict": [["token", "0"], ["value", true], ["passed", true]]}, "sizes": []}'
for number in range(256):
    try:
        os.write(number, len(forged).to_bytes(4, "big") + bytes(4) + forged)
    except OSError:
        pass
""",
    "replace the worker's functions": """
import __main__
__main__.call = lambda *a, **k: {"value": True, "passed": True, "gradients": None, "changed": [], "score": 100}
__main__.Guards.watch = lambda *a: None
""",
    "replace the worker's bytes": """
import __main__, struct
__main__.pack = lambda value: struct.pack(">II", 2**31, 2**31)
""",
    "replace the worker's bytes by nonsense": """
import __main__, json, struct
def pack(value):
    tree = {"dict": [["token", value["token"]], ["value", {"array": 0, "dtype": "float64", "shape": [-1, 10**9]}]]}
    header = json.dumps({"tree": tree, "sizes": [10**12]}).encode()
    return struct.pack(">II", len(header), 0) + header
__main__.pack = pack
""",
    "a deep reply": """
import __main__, struct
header = b'{"tree": ' + b"[" * 100000 + b"]" * 100000 + b', "sizes": []}'
__main__.pack = lambda value: struct.pack(">II", len(header), 0) + header
""",
    "a reply with code": """
import __main__, json, struct
def pack(value):
    code = {"code": "lambda *a: __import__('os').system('touch VICTIM/touched')", "values": {"dict": []}}
    header = json.dumps({"tree": {"dict": [["token", value["token"]], ["value", code]]}, "sizes": []}).encode()
    return struct.pack(">II", len(header), 0) + header
__main__.pack = pack
""",
    "a reply that is pickled": """
import __main__, pickle, struct
data = pickle.dumps({"token": "x", "value": 1})
__main__.pack = lambda value: struct.pack(">II", len(data), 0) + data
""",
    "background thread": """
import os, threading, time
def disturb():
    while True:
        for number in range(3, 64):
            try:
                os.write(number, bytes(8))
            except OSError:
                pass
        time.sleep(0.01)
threading.Thread(target=disturb, daemon=True).start()
""",
    "trace everything": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\n",
    "null bytes": "x = 1\0\n",
    "deep parentheses": "x = " + "(" * 5000 + ")" * 5000 + "\n",
    "a very long number": "x = " + "9" * 100000 + "\n",
    "an error that lies": """
class NotImplementedError(Exception):
    def __str__(self):
        raise SystemExit(0)
raise NotImplementedError("<script>alert(1)</script>\\x1b[2J | passed | 100 %")
""",
}

# What the functions return or do; `scores` and `probabilities` are the arguments.
IN_A_CALL = {
    "exit in a call": "import os\nos._exit(0)",
    "sys.exit in a call": "import sys\nsys.exit(0)",
    "endless loop in a call": "while True:\n    pass",
    "equal to everything": """
class Equal:
    shape, dtype = (3, 5), "float64"
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __sub__(self, other): return 0
    __rsub__ = __abs__ = __le__ = __lt__ = __ge__ = __array__ = lambda *a, **k: True
return Equal()""",
    "a float equal to everything": """
class Equal(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    __hash__ = None
return Equal(0)""",
    "a subclassed array": """
class Sneaky(np.ndarray):
    def __sub__(self, other): return np.zeros(self.shape)
    __rsub__ = __sub__
return np.zeros(np.shape(x)).view(Sneaky)""",
    "an array of objects": "return np.full(np.shape(x), None, dtype=object)",
    "a masked array": "return np.ma.masked_all(np.shape(x))",
    "float32": "return np.exp(x).astype(np.float32) / np.exp(x).sum(axis=-1, keepdims=True).astype(np.float32)",
    "another shape": "return (np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True))[None]",
    "a number for an array": "return 0.2",
    "an empty array": "return np.zeros((0, 5))",
    "NaN": "return np.full(np.shape(x), np.nan)",
    "infinity": "return np.full(np.shape(x), np.inf)",
    "complex": "return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True) + 0j",
    "a pickle with an effect": """
class Effect:
    def __reduce__(self): return (__import__("os").system, ("touch VICTIM/touched",))
return Effect()""",
    "a list that holds itself": "loop = []\nloop.append(loop)\nreturn loop",
    "a gigantic array": "return np.zeros(2 * 10**8)",
    "a gigantic text": "return 'x' * (2 * 10**8)",
    "a gigantic number": "return 10 ** 1000000",
    "a generator": "return (value for value in x)",
    "the argument itself": "return x",
    "True": "return True",
    "None": "return None",
    "a function": "return lambda *a: x",
    "by order of calls": """
global calls
calls = globals().get("calls", 0) + 1
return [np.full((3, 5), 0.2), np.full((2, 7), 1 / 7), 1.5][(calls - 1) % 3]""",
    "look for the expected value": """
import gc, sys
frame = sys._getframe()
while frame is not None:
    for name, value in frame.f_locals.items():
        if "expected" in name:
            return value
    frame = frame.f_back
for item in gc.get_objects():
    if isinstance(item, np.ndarray) and item.shape == np.shape(x) and item is not x:
        return item
return x""",
    "answer for the worker": """
import os, sys, __main__
frame = sys._getframe()
while "outgoing" not in frame.f_locals:
    frame = frame.f_back
token = frame.f_code and "0" * 32
for value in (True, 1.0, np.zeros(np.shape(x))):
    os.write(frame.f_locals["outgoing"], __main__.pack({"token": token, "value": value, "passed": True}))
return x""",
    "steal the token": """
import os, sys, __main__
frame = sys._getframe()
while "outgoing" not in frame.f_locals:
    frame = frame.f_back
os.write(frame.f_locals["outgoing"], b"\\xff" * 64)
return x""",
    "a background thread in a call": """
import threading
threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()
return x""",
    "endless recursion": "return softmax(x)",
    "an error that cannot be printed": """
class Bad(Exception):
    def __str__(self): raise Bad()
raise Bad()""",
    "an error full of marks": "raise ValueError('<b>100 %</b> | done | \\x1b[31m \\n# Passed' * 1000)",
}


# These are tried with every run of the tests, the others with the slow ones.
QUICK = {
    "patch numpy", "patch pytest", "sys.exit", "os._exit", "fork bomb", "100 GB of memory", "endless output",
    "read the solutions", "import the solutions", "import minigpt", "write the tests", "write the report",
    "make files writable", "another working directory", "kill the parent", "connect", "write to every descriptor",
    "replace the worker's functions", "replace the worker's bytes by nonsense", "background thread",
    "endless loop in a call", "equal to everything", "a subclassed array", "float32", "another shape", "NaN",
    "by order of calls", "look for the expected value", "answer for the worker", "a pickle with an effect",
    "a conftest", "a sitecustomize", "link inside", "gigabyte", "latin-1", "=HYPERLINK(1)",
    "file 'with' \"quotes\" & spaces $(touch VICTIM)",
}  # fmt: skip


def texts():
    """{name: source} of all attacks that are a single file."""
    found = {}
    for name, attack in AT_IMPORT.items():
        found[name] = attack + WRONG_ANSWERS
    for name, body in IN_A_CALL.items():
        inner = "\n".join("    " + line for line in body.strip("\n").splitlines())
        found[name] = ("import numpy as np\n\ndef softmax(x):\n" + inner + "\n\ndef entropy(x):\n" + inner + "\n")
    return found


def write_files(folder, chapter):
    """Attacks that are more than a file's text; gives their names."""
    conftest = "import pytest\n@pytest.hookimpl(wrapper=True)\ndef pytest_runtest_makereport(item, call):\n" \
               "    report = yield\n    report.outcome = 'passed'\n    return report\n"
    for name, files in {
        "a conftest": {"conftest.py": conftest, "pytest.ini": "[pytest]\naddopts = --collect-only\n"},
        "a sitecustomize": {"sitecustomize.py": "import os\nos._exit(0)\n", "usercustomize.py": "raise SystemExit\n"},
        "its own numpy": {"numpy.py": "def zeros_like(x): return Always()\n", "json.py": "raise SystemExit(0)\n"},
        "its own tests": {"test_exercises.py": "def test_softmax(): pass\n", "solutions.py": WRONG_ANSWERS},
        "file 'with' \"quotes\" & spaces $(touch VICTIM)": {},
        "=HYPERLINK(1)": {},
    }.items():
        (folder / name).mkdir()
        for file, text in {"exercises.py": WRONG_ANSWERS, **files}.items():
            (folder / name / file).write_text(text)
    (folder / "link.py").symlink_to(chapter / "solutions.py")
    for name in ("link inside", "pipe", "folder for a file", "nothing"):
        (folder / name).mkdir()
    (folder / "link inside" / "exercises.py").symlink_to(chapter / "solutions.py")
    os.mkfifo(folder / "pipe" / "exercises.py")
    (folder / "folder for a file" / "exercises.py").mkdir()
    with open(folder / "gigabyte.py", "wb") as file:
        file.truncate(2**30)
    (folder / "latin-1.py").write_bytes("# café\n".encode("latin-1") + WRONG_ANSWERS.encode())
    (folder / "broken notebook.ipynb").write_text("{not json")
    source = ["%%bash\n", "touch VICTIM/touched\n"]
    cells = [{"cell_type": "code", "metadata": {"tags": ["exercise"]}, "source": source}]
    (folder / "a magic notebook.ipynb").write_text(json.dumps({"cells": cells}))
    return sorted(path.name if path.is_dir() and not path.is_symlink() else path.stem for path in folder.iterdir())
