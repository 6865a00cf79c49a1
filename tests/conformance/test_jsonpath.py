#!/usr/bin/env python3
"""Plays the shared JSONPath cases through jsonpath_player; prints TAP.

usage: test_jsonpath.py PLAYER

The cases lie outside the repository: in $PAWL_SHARED, else in ../shared beside
the checkout. Those of Step Functions must give what they say (of several
versions of the library, the oldest); those of RFC 9535, which is another
dialect, must be answered at all.
"""
import json
import os
import pathlib
import subprocess
import sys


def shared_folder():
    root = pathlib.Path(__file__).resolve().parents[2]
    return pathlib.Path(os.environ.get("PAWL_SHARED") or root.parent / "shared")


def load(name):
    path = shared_folder() / "conformance" / "jsonpath" / name
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None


def play(player, cases):
    """The player's answers to (path, document) pairs, in order."""
    text = "".join(json.dumps({"path": p, "document": d}) + "\n" for p, d in cases)
    run = subprocess.run([player], input=text, capture_output=True, text=True, encoding="utf-8")
    if run.returncode != 0:
        print(f"# the player ended with {run.returncode}: {run.stderr[-2000:]}")
    answers = [json.loads(line) for line in run.stdout.splitlines()]
    return answers + [{"error": "no answer"}] * (len(cases) - len(answers))


def expected(case):
    if "varies" in case:
        return case["varies"][min(case["varies"], key=lambda v: [int(n) for n in v.split(".")])]
    return case


def strict_equal(a, b):
    """JSON equality: unlike Python's, it tells true from 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(strict_equal, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(strict_equal(a[k], b[k]) for k in a)
    return a == b


def agrees(want, got):
    if "error" in want or "error" in got:
        return want.get("error") == got.get("error")
    if "definite" in want and want["definite"] != got["definite"]:
        return False
    return strict_equal(want["result"], got["result"])


def report(number, ok, name, note=""):
    print(f"{'ok' if ok else 'not ok'} {number} - {name}")
    if not ok and note:
        print(f"#   {note}")
    return ok


def main():
    dialect, rfc = load("stepfunctions.json"), load("rfc9535-open.json")
    if not dialect or not rfc:
        print("1..1\nok 1 - jsonpath cases # SKIP no shared folder")
        return 0
    player = sys.argv[1]
    cases = dialect["cases"]
    print(f"1..{len(cases) + len(rfc['cases'])}")
    answers = play(player, [(c["selector"], dialect["documents"][c["document"]]) for c in cases])
    passed = 0
    for i, (case, got) in enumerate(zip(cases, answers), 1):
        want = expected(case)
        note = f"want {json.dumps(want)[:300]} got {json.dumps(got)[:300]}"
        passed += report(i, agrees(want, got), f"{case['id']} {case['selector']!r}", note)
    answers = play(player, [(c["selector"], c.get("document")) for c in rfc["cases"]])
    for i, (case, got) in enumerate(zip(rfc["cases"], answers), len(cases) + 1):
        answered = got.get("error") not in ("no answer", "request")
        passed += report(i, answered, f"rfc {case['id']}".replace("#", "number"), json.dumps(got))
    return 0 if passed == len(cases) + len(rfc["cases"]) else 1


if __name__ == "__main__":
    sys.exit(main())
