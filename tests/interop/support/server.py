"""`pawl serve` as a process of its own, Debian's AWS command line, and TAP.

$PAWL_BIN is the binary.
"""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

# By its path: another `aws` may come first in PATH.
AWS = "/usr/bin/aws"
PATIENCE_S = 60  # for a condition that must come true; longer means it never will
ROLE = "arn:aws:iam::000000000000:role/pawl"
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"
CONFIG = f"""\
bindings:
  - {{resource: "{LAMBDA}upper", exec: [sh, -c, "tr a-z A-Z"]}}
"""
TESTS = []


def test(function):
    """Run by tap_main, in the order of the file."""
    TESTS.append(function)
    return function


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


class Server:
    def __init__(self, listen="127.0.0.1:0"):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pawl-interop-"))
        (self.dir / "pawl.yaml").write_text(CONFIG)
        self.log = open(self.dir / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.environ["PAWL_BIN"], "serve", "--listen", listen, "--data", str(self.dir / "data"),
             "--config", str(self.dir / "pawl.yaml")],
            cwd=self.dir, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.endpoint = wait_until(self.told)

    def said(self):
        return (self.dir / "log").read_text("utf-8")

    def told(self):
        """Where it says that it listens."""
        if self.process.poll() is not None:
            raise AssertionError(f"pawl serve ended with {self.process.returncode}: {self.said()}")
        place = re.search(r"http://127\.0\.0\.1:\d+", self.said())
        return place and place[0]

    def environment(self):
        """Of its clients: credentials that nobody checks, and no settings of whoever runs this."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        return {**mine, "HOME": str(self.dir), "AWS_ACCESS_KEY_ID": "test", "AWS_PAGER": "",
                "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        said = self.said()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)
        assert status == 0, f"pawl serve ended with {status}: {said}"


class Cli:
    """aws stepfunctions OPERATION --option VALUE..."""

    def __init__(self, server):
        self.server, self.used = server, set()

    def __call__(self, operation, *flags, **options):
        """What it prints, as JSON; None when it prints nothing."""
        status, out, err = self.run(operation, *flags, **options)
        assert status == 0, f"aws {operation}: status {status}: {err}"
        return json.loads(out) if out.strip() else None

    def refused(self, operation, code, **options):
        """How it tells an error of the service."""
        status, out, err = self.run(operation, **options)
        assert status == 254, f"aws {operation}: status {status}: {out}{err}"
        assert f"An error occurred ({code}) when calling the " in err, err
        return err

    def run(self, operation, *flags, **options):
        self.used.add(operation)
        words = [AWS, "--endpoint-url", self.server.endpoint, "stepfunctions", operation, *flags]
        for name, value in options.items():
            words += ["--" + name.replace("_", "-"), *(value if isinstance(value, list) else [value])]
        done = subprocess.run(words, cwd=self.server.dir, env=self.server.environment(), text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False,
                              timeout=2 * PATIENCE_S)
        return done.returncode, done.stdout, done.stderr


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE_S
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.05)


def tap_main(*arguments):
    """Runs the tests, each with these arguments; a word on the command line chooses."""
    chosen = [t for t in TESTS if all(word in t.__name__ for word in sys.argv[1:])]
    failed = False
    print(f"1..{len(chosen)}")
    for number, function in enumerate(chosen, 1):
        verdict, skip = "ok", ""
        try:
            function(*arguments)
        except Skip as reason:
            skip = f" # SKIP {reason}"
        except Exception:  # pylint: disable=broad-except
            verdict, failed = "not ok", True
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()), end="")
        print(f"{verdict} {number} - {function.__name__.replace('_', ' ')}{skip}", flush=True)
    return 1 if failed else 0
