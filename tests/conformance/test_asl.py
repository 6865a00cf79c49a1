#!/usr/bin/env python3
"""Plays the recorded executions through asl_player and compares them as the shared runner does.

    test_asl.py PLAYER [TEXT]       only cases whose id contains TEXT

The cases and the comparison live in a folder beside the checkout (PAWL_SHARED, else ../shared);
where it is missing the cases are skipped. Level A is the outcome, level B the whole history. A
case that is known not to pass stands in EXPECTED.md with its reason; one that stands there and
passes fails here, so that the list can only shrink.
"""
import datetime
import importlib.util
import json
import os
import re
import subprocess
import sys
import types

HERE = os.path.dirname(os.path.abspath(__file__))
SHARED = os.environ.get("PAWL_SHARED") or os.path.join(HERE, "..", "..", "..", "shared")
TIERS = ("T1", "T2")
NOT_FOUND = ("Function not found: arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST "
             "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; "
             "Request ID: 00000000-0000-4000-8000-000000000000; Proxy: null)")
PLAYER_NOW = 1780000000  # the player's clock starts here; a case's "now" must be the same


def load_runner():
    path = os.path.join(SHARED, "conformance", "asl_conformance.py")
    spec = importlib.util.spec_from_file_location("asl_conformance", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def expected_failures():
    """EXPECTED.md's table rows: | level | case | reason |"""
    known = {}
    with open(os.path.join(HERE, "EXPECTED.md"), encoding="utf-8") as fh:
        for line in fh:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if len(cells) == 3 and cells[0] in ("A", "B"):
                known[(cells[0], cells[1].strip("`"))] = cells[2]
    return known


class PlayerClock(datetime.datetime):
    """The shared runner's idea of now."""

    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(PLAYER_NOW, tz)


class Player:
    """The shared runner's client, answered by a player process."""

    def __init__(self, runner, program):
        self.runner = runner
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, encoding="utf-8")

    def call(self, op, request, hint=None):
        self.send({"op": op, "request": request})
        while True:
            answer = self.receive()
            if "task" not in answer:
                return answer["status"], answer["body"]
            self.send(self.run_task(answer["task"]))

    def send(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            raise self.runner.Failure(f"the player died with {self.process.wait()}")
        return json.loads(line)

    def run_task(self, task):
        name = task["function"].rpartition(":")[2]
        spec = self.runner.HANDLERS.get(name.removeprefix(self.runner.PREFIX))
        if spec is None or not name.startswith(self.runner.PREFIX):
            return {"ok": False, "error": "Lambda.ResourceNotFoundException",
                    "cause": NOT_FOUND.format(name=name)}
        seconds = 0
        while spec["kind"] == "sleep":
            seconds, spec = seconds + spec["seconds"], spec["then"]
        payload, failed = self.runner.run_handler(spec, task["payload"])
        if failed:
            return {"ok": False, "error": payload["errorType"], "seconds": seconds,
                    "cause": json.dumps(payload, separators=(",", ":"))}
        return {"ok": True, "output": payload, "seconds": seconds}

    def close(self):
        self.process.stdin.close()
        if self.process.wait() != 0:
            raise self.runner.Failure(f"the player ended with {self.process.returncode}")


def chosen(runner, text):
    folder = os.path.join(SHARED, "conformance", "asl")
    return [c for c in runner.load([folder])
            if c["tier"] in TIERS and c["kind"] == "execution" and "unscored" not in c
            and text in c["id"]]


class Tap:
    def __init__(self):
        self.count, self.failed = 0, 0

    def test(self, ok, name, why="", directive=""):
        self.count += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.count} - {name}{directive}")
        if why:
            print(f"# {why}")

    def verdict(self, level, case, passed, why, known):
        reason = known.get((level, case["id"]))
        name = f"asl {level} {case['tier']} {case['id'].rpartition('::')[2]} ({case['group']})"
        name = re.sub(r"#", "_", name)
        if reason is None:
            self.test(passed, name, "" if passed else why)
        elif passed:
            self.test(False, name, "passes now: take it out of EXPECTED.md")
        else:
            self.test(True, name, f"fails as EXPECTED.md says: {reason}")


def main():
    program, text = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""
    tap = Tap()
    if not os.path.isdir(os.path.join(SHARED, "conformance", "asl")):
        tap.test(True, "asl recorded executions", directive=" # SKIP no shared folder with the cases")
        print("1..1")
        return 0
    runner = load_runner()
    runner.datetime = types.SimpleNamespace(datetime=PlayerClock, timezone=datetime.timezone,
                                            timedelta=datetime.timedelta)
    known = expected_failures()
    passed = {(tier, level): [0, 0] for tier in TIERS for level in "AB"}
    for case in chosen(runner, text):
        client = Player(runner, program)
        result = runner.Run(case, client, {"region": "us-east-1", "account": "000000000000"},
                            60).play()
        try:
            client.close()
        except runner.Failure as e:
            result.update(A=False, B=False, diff_A=[str(e)], diff_B=[str(e)])
        for level in "AB":
            if result[level] is None:
                continue
            why = (result[f"diff_{level}"] or result["diff_A"] or ["?"])[0]
            tap.verdict(level, case, bool(result[level]), why, known)
            passed[case["tier"], level][0] += bool(result[level])
            passed[case["tier"], level][1] += 1
    for (tier, level), (good, all_) in sorted(passed.items()):
        print(f"# {tier} level {level}: {good}/{all_}")
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
