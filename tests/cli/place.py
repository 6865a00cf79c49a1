"""What tests of the pawl binary share: a folder to run it in, and TAP.

$PAWL_BIN is the binary.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import traceback

PAWL = os.environ["PAWL_BIN"]
TESTS = []
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
PATIENCE_S = 60  # for a condition that must come true; longer means it never will

HELLO = {"StartAt": "Greet", "States": {
    "Greet": {"Type": "Pass", "Parameters": {"hello.$": "$.name"}, "Next": "Work"},
    "Work": {"Type": "Task", "Resource": "upper", "End": True}}}
FAILING = {"StartAt": "One", "States": {
    "One": {"Type": "Task", "Resource": "echo", "Next": "Two"},
    "Two": {"Type": "Task", "Resource": "broken", "End": True,
            "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]}}}
# Notes that it ran, then waits until the file "go" exists.
BLOCKED = {"StartAt": "First", "States": {
    "First": {"Type": "Task", "Resource": "note-first", "Next": "Second"},
    "Second": {"Type": "Task", "Resource": "block", "Next": "Third"},
    "Third": {"Type": "Task", "Resource": "note-third", "End": True}}}
CONFIG = """\
bindings:
  - {resource: "upper", exec: [sh, -c, "tr a-z A-Z"]}
  - {resource: "echo", echo: true}
  - resource: "broken"
    exec: [sh, -c, "echo one >&2; echo 'no route to host' >&2; exit 3"]
  - resource: "note-*"
    exec: [sh, -c, "echo {name} >> ran; cat"]
  - resource: "block"
    exec: [sh, -c, "echo block >> ran; echo $$ > pid; while [ ! -e go ]; do sleep 0.02; done; cat"]
"""


def test(function):
    """Run by tap_main, each in a Place of its own."""
    TESTS.append(function)
    return function


class Done:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err

    def has(self, status, *parts):
        """The status, and these texts on stderr."""
        text = f"status {self.status}\n--- out\n{self.out}\n--- err\n{self.err}"
        assert self.status == status, f"expected {status}: {text}"
        for part in parts:
            assert part in self.err, f"{part!r} is missing: {text}"
        return self

    def says(self, *parts):
        """These texts on stdout, and success."""
        assert self.status == 0, f"status {self.status}: {self.err}"
        for part in parts:
            assert part in self.out, f"{part!r} is missing: {self.out}"
        return self


class Place:
    """A folder with definitions, a configuration and a data directory."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="pawl-cli-"))
        for name, definition in (("hello", HELLO), ("failing", FAILING), ("blocked", BLOCKED)):
            (self.path / f"{name}.asl.json").write_text(json.dumps(definition))
        (self.path / "pawl.yaml").write_text(CONFIG)

    def environment(self, **more):
        keep = {k: v for k, v in os.environ.items()
                if k not in ("PAWL_DATA", "NO_COLOR") and not k.startswith("LC_")}
        return {**keep, "TERM": "xterm", **more}

    def run(self, *arguments, stdin="", **more):
        p = subprocess.run([PAWL, *map(str, arguments)], cwd=self.path, input=stdin, text=True,
                           capture_output=True, env=self.environment(**more), check=False,
                           timeout=PATIENCE_S)
        return Done(p.returncode, p.stdout, p.stderr)

    @contextlib.contextmanager
    def running(self, *arguments):
        p = subprocess.Popen([PAWL, *map(str, arguments)], cwd=self.path, text=True,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env=self.environment())
        try:
            yield p
        finally:
            if p.poll() is None:
                p.kill()
                p.communicate()

    def end(self, p, number):
        p.send_signal(number)
        out, err = p.communicate(timeout=PATIENCE_S)
        return Done(p.returncode, out, err)

    def terminal(self, *arguments, columns=80, **more):
        """Everything that is printed on a terminal, with what it exits with."""
        pid, fd = pty.fork()
        if pid == 0:
            os.chdir(self.path)
            os.execve(PAWL, [PAWL, *map(str, arguments)], self.environment(**more))
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        text = b""
        with contextlib.suppress(OSError):  # the terminal is gone with its last process
            while select.select([fd], [], [], PATIENCE_S)[0]:
                some = os.read(fd, 65536)
                if not some:
                    break
                text += some
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()

    def ran(self):
        file = self.path / "ran"
        return file.read_text().split() if file.exists() else []

    def wait_for(self, name):
        wait_until(lambda: (self.path / name).exists() and (self.path / name).read_text())

    def only_id(self):
        return json.loads(self.run("ls", "--json").out)[0]["id"]


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state == "Z"


def tap_main():
    wanted = sys.argv[1:]
    chosen = [t for t in TESTS if not wanted or any(w in t.__name__ for w in wanted)]
    failed = False
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        place = Place()
        try:
            function(place)
            verdict = "ok"
        except Exception:  # pylint: disable=broad-except
            verdict, failed = "not ok", True
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
        finally:
            shutil.rmtree(place.path, ignore_errors=True)
        print(f"{verdict} {number} - {function.__name__.replace('_', ' ')}", flush=True)
    return 1 if failed else 0
