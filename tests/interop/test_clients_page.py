#!/usr/bin/env python3
"""Runs a page about clients: its shell blocks by one shell, its programs by Node and Python,
in the order of the page, and compares what they print with the `text` block that follows.
Only these differ here: the port, where pawl lies, and times and ids. Prints TAP.

    test_clients_page.py PAGE [HEADING]     only what stands below this heading
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

from support.server import AWS, PATIENCE_S, TESTS, Server, Skip, tap_main

ROOT = pathlib.Path(os.environ["PAWL_SOURCE_ROOT"])
CLIENTS = ROOT / "build/clients"
PAGE = sys.argv[1]
HEADING = sys.argv[2] if len(sys.argv) > 2 else None
SERVE = re.compile(r"build/pawl serve( &)?\n")
ENDPOINT = "http://127.0.0.1:8083"
NOT_RUN = {"hcl"}  # Terraform cannot be installed where these tests run
DONE = "-- done --"


def blocks():
    """(language, text, what it prints or None) of each block of the page."""
    page = (ROOT / PAGE).read_text("utf-8")
    if HEADING:
        page = re.split(r"(?m)^## ", page.split(f"\n## {HEADING}\n")[1])[0]
    found = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", page)
    for (language, text), after in zip(found, found[1:] + [("", "")]):
        if language != "text":
            yield language, text, after[1] if after[0] == "text" else None


def normal(text):
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+\+00:00", "TIME", text)
    return re.sub(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", "ID", text)


class Reader:
    """Somebody who types what the page says: one shell for all of its blocks."""

    def __init__(self, server):
        self.server = server
        self.dir = server.dir / "reader"
        (self.dir / "bin").mkdir(parents=True)
        (self.dir / "bin/aws").symlink_to(AWS)
        (self.dir / "node_modules").symlink_to(CLIENTS / "node_modules")
        kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
        self.environment = {**kept, "HOME": str(self.dir), "AWS_PAGER": "",
                            "PAWL_DATA": str(server.dir / "data"),
                            "PATH": f"{self.dir}/bin:{kept['PATH']}"}
        self.errors = open(self.dir / "errors", "w+", encoding="utf-8")
        self.shell = subprocess.Popen(["sh", "-eu"], cwd=ROOT, env=self.environment, text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors)

    def run(self, language, text):
        text = text.replace(ENDPOINT, self.server.endpoint).replace("build/pawl", os.environ["PAWL_BIN"])
        if re.search(r"(?m)^curl ", text) and not shutil.which("curl"):
            raise Skip("curl is not installed")
        return self.type(text) if language == "sh" else self.program(language, text)

    def type(self, text):
        # A command of the block must not read what comes after it.
        # What it prints may end without a newline.
        self.shell.stdin.write("{\n" + text + f"}} </dev/null\nprintf '\\n{DONE}\\n'\n")
        self.shell.stdin.flush()
        said = ""
        for line in self.shell.stdout:
            if line == DONE + "\n":
                return said[:-1]
            said += line
        raise AssertionError(f"the shell ended: {said}{(self.dir / 'errors').read_text('utf-8')}")

    def program(self, language, text):
        name, runner = {"js": ("block.mjs", CLIENTS / "node"), "python": ("block.py", "/usr/bin/python3")}[language]
        if language == "js" and not (CLIENTS / ".installed").exists():
            raise Skip("the AWS SDK for JavaScript could not be installed")
        (self.dir / name).write_text(text, "utf-8")
        done = subprocess.run([runner, name], cwd=self.dir, env=self.environment, text=True, check=False,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=3 * PATIENCE_S)
        assert done.returncode == 0, f"status {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    def leave(self):
        self.shell.stdin.close()
        self.shell.wait(PATIENCE_S)
        self.shell.stdout.close()
        self.errors.close()


def add_test(number, language, text, expected):
    def body(reader):
        said = reader.run(language, text)
        if expected is not None:
            assert normal(said) == normal(expected), f"it printed:\n{said}\ninstead of:\n{expected}"
    body.__name__ = f"{PAGE} block {number} {language}"
    TESTS.append(body)


def main():
    listed = [block for block in blocks() if block[0] not in NOT_RUN]
    # The first line starts the server; here it listens elsewhere, so that two can run at once.
    language, first, expected = listed[0]
    assert SERVE.match(first), f"{PAGE} begins with {first}"
    listed[0] = language, SERVE.sub("", first, count=1), expected
    for number, (language, text, expected) in enumerate(listed, 1):
        if text:
            add_test(number, language, text, expected)
    assert len(TESTS) >= 2, f"{PAGE} has lost its blocks"
    del sys.argv[1:]
    server = Server()
    reader = Reader(server)
    status = tap_main(reader)
    reader.leave()
    server.stop()
    return status


if __name__ == "__main__":
    sys.exit(main())
