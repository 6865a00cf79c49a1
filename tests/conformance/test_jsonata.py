#!/usr/bin/env python3
"""Plays the shared JSONata cases through `pawl eval --batch`; prints TAP.

    test_jsonata.py [TEXT]       only cases whose id contains TEXT

The cases and the comparison live in a folder beside the checkout (PAWL_SHARED, else ../shared);
where it is missing they are skipped. A case that is known not to pass stands in EXPECTED.md
with its reason; one that stands there and passes fails here, so that the list can only shrink.
The cases that the older level cannot pass are asked at that level too: refused, not misread.
"""
import importlib.util
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("PAWL_SHARED") or os.path.join(HERE, "..", "..", "..", "shared")
PAWL = os.environ["PAWL_BIN"]
ANSWER_S = 60  # for one case; the sanitizers are slow
NEW_OPERATORS = ("??", "?:")


def load_runner():
    path = os.path.join(SHARED, "conformance", "jsonata_conformance.py")
    spec = importlib.util.spec_from_file_location("jsonata_conformance", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name):
    with open(os.path.join(SHARED, "conformance", "jsonata", name), encoding="utf-8") as file:
        return json.load(file)


def expected_failures():
    """EXPECTED.md's table rows: | level | case | reason |"""
    known = {}
    with open(os.path.join(HERE, "EXPECTED.md"), encoding="utf-8") as file:
        for line in file:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) == 3 and cells[0] == "JSONata":
                known[cells[1].strip("`")] = cells[2]
    return known


class Tap:
    def __init__(self):
        self.count = self.failed = 0

    def test(self, ok, name, why=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name.replace('#', ' number ')}")
        if why:
            print(f"# {why}", flush=True)


def question_of(case, datasets):
    question = {"id": case["id"], "expr": case["expr"]}
    if "data" in case:
        question["data"] = case["data"]
    elif "dataset" in case:
        question["data"] = datasets[case["dataset"]]
    question.update((k, case[k]) for k in ("bindings", "timelimit", "depth") if k in case)
    return question


def play(runner, cases, datasets, known, tap):
    """Returns how many pass, and how many with every member of their errors."""
    program = runner.Program([PAWL, "eval", "--batch"])
    passed = strict = 0
    for case in cases:
        answer, why = program.ask(question_of(case, datasets), ANSWER_S)
        if answer is not None:
            why = runner.judge(case, answer, False)
            strict += runner.judge(case, answer, True) is None
        passed += why is None
        name = f"jsonata {case['id']}"
        if case["id"] in known and why is None:
            tap.test(False, name, "passes now: take it out of EXPECTED.md")
        elif case["id"] in known:
            tap.test(True, name, f"fails as EXPECTED.md says: {known[case['id']]}")
        else:
            told = f"{why}: {json.dumps(case['expr'])[:300]} want " \
                   f"{json.dumps(runner.expected(case))[:300]} got {json.dumps(answer)[:300]}"
            tap.test(why is None, name, "" if why is None else told)
    program.finish()
    return passed, strict


def refuse(runner, cases, datasets, tap):
    program = runner.Program([PAWL, "eval", "--batch", "--level", "2.0.6"])
    for case in cases:
        answer, why = program.ask(question_of(case, datasets), ANSWER_S)
        code = (answer or {}).get("error", {}).get("code", "")
        tap.test(code.startswith("S0"), f"level 2.0.6 refuses {case['id']}", why or json.dumps(answer))
    program.finish()


def main():
    text = sys.argv[1] if len(sys.argv) > 1 else ""
    if not os.path.isdir(os.path.join(SHARED, "conformance", "jsonata")):
        print("1..1\nok 1 - jsonata cases # SKIP no shared folder with the cases")
        return 0
    runner, datasets, tap = load_runner(), load("datasets.json"), Tap()
    cases = [c for c in load("open.json")["cases"] if text in c["id"]]
    newer = set(load("newer-than-2.0.6.json")["ids"])
    newer = [c for c in cases if c["id"] in newer and any(o in c["expr"] for o in NEW_OPERATORS)]
    passed, strict = play(runner, cases, datasets, expected_failures(), tap)
    refuse(runner, newer, datasets, tap)
    print(f"# passed {passed}/{len(cases)}; with token, message and value of errors {strict}")
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
