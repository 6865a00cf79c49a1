#!/usr/bin/env python3
"""A damaged row as a person meets it: what the binary says of the execution, and
that it goes on with all others.

Prints TAP. $PAWL_BIN is the binary.
"""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import traceback

PAWL = os.environ["PAWL_BIN"]
CORRUPT = 7  # exit status
TESTS = []
DEFINITION = {"StartAt": "A", "States": {
    "A": {"Type": "Task", "Resource": "echo", "Next": "B"},
    "B": {"Type": "Task", "Resource": "echo", "Next": "C"},
    "C": {"Type": "Pass", "End": True}}}
NAMES = ("first", "second", "third")
VICTIM = "second"


def test(function):
    TESTS.append(function)
    return function


def pawl(folder, *arguments):
    """Exit status and all that it said."""
    done = subprocess.run([PAWL, *arguments, "--data", folder / "data"], cwd=folder, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, check=False)
    return done.returncode, done.stdout


def run(folder, name):
    return pawl(folder, "run", "m.asl.json", "--name", name, "--input", json.dumps({"name": name}))


def change(folder, sql):
    """Another hand in the file: plain SQL about the victim, whose key is :key."""
    with sqlite3.connect(folder / "data/pawl.db") as database:
        key, = database.execute("SELECT key FROM execution WHERE name = ?", (VICTIM,)).fetchone()
        before = database.total_changes
        database.execute("PRAGMA ignore_check_constraints = ON")
        database.execute(sql, {"key": key})
        assert database.total_changes > before, f"changed nothing: {sql}"
    database.close()
    return key


def check(folder, sql, *named):
    """What was asked for is refused with these words; all others are shown, and new ones
    run."""
    key = change(folder, sql)
    for command in (("show", VICTIM), ("history", VICTIM)):
        status, said = pawl(folder, *command)
        assert status == CORRUPT, f"{command}: exit {status}: {said}"
        for word in named:
            assert word.format(key=key) in said, f"{command}: says not {word}: {said}"
    for name in NAMES:
        if name != VICTIM:
            status, said = pawl(folder, "show", name)
            assert status == 0 and "SUCCEEDED" in said, said
    status, said = run(folder, "new")
    assert status == 0, said
    status, said = pawl(folder, "show", "new")
    assert status == 0 and "SUCCEEDED" in said, said


@test
def a_changed_body(folder):
    check(folder, "UPDATE journal SET body = replace(body, 'second', 'fecond')"
                  " WHERE execution = :key AND turn = 0", "turn 0")


@test
def a_body_cut_short(folder):
    check(folder, "UPDATE journal SET body = substr(body, 1, length(body) - 7)"
                  " WHERE execution = :key AND turn = 1", "turn 1")


@test
def a_changed_checksum(folder):
    check(folder, "UPDATE journal SET checksum = checksum + 1"
                  " WHERE execution = :key AND turn = 1", "turn 1")


@test
def a_lost_turn(folder):
    check(folder, "DELETE FROM journal WHERE execution = :key AND turn = 1", "turn 1", "{key}")


@test
def a_turn_of_no_cause(folder):
    check(folder, "UPDATE journal SET cause = 256 WHERE execution = :key AND turn = 1",
          "turn 1", "{key}", "journal")


@test
def an_execution_of_no_status(folder):
    check(folder, "UPDATE execution SET status = 'LOST' WHERE key = :key", "{key}", "status")


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, function in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory(prefix="pawl-row-") as name:
            folder = pathlib.Path(name)
            (folder / "m.asl.json").write_text(json.dumps(DEFINITION), "utf-8")
            (folder / "pawl.yaml").write_text("bindings: [{resource: echo, echo: true}]\n", "utf-8")
            ok = True
            try:
                for start in NAMES:
                    status, said = run(folder, start)
                    assert status == 0, said
                function(folder)
            except Exception:  # every failure is reported, whatever it is
                ok = False
                for line in traceback.format_exc().splitlines():
                    print("#", line)
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {number} - {function.__name__}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
