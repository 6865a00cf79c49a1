#!/usr/bin/env python3
"""Definitions that the real service took or refused: do we take and refuse the same ones?

    asl_definitions.py PROGRAM     PROGRAM is asl_definitions (asl_definitions.c)

Every definition in JSONPath of the recorded cases is compiled: those of executions and of
calls that went well must compile, those that were refused must be refused, and where the
service's message was recorded, ours must be the same. The cases lie in the folder that
PAWL_SHARED names, else in ../shared beside the sources; without it there is one skip.
"""
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get("PAWL_SOURCE_ROOT", pathlib.Path(__file__).parents[2]))
CASES = pathlib.Path(os.environ.get("PAWL_SHARED", ROOT / ".." / "shared")) / "conformance" / "asl"

FILLED = {"region": "us-east-1", "account": "000000000000", "partition": "aws"}
RECORDED = re.compile(r"Invalid State Machine Definition: '(\w+): (.*) at (/.*)'$", re.S)
# What this release says that it does not support, and so refuses.
LATER = {"QUERY_LANGUAGE_UNSUPPORTED", "UNSUPPORTED_FIELD"}


def fill(text):
    """Puts something in the place of what the recordings leave open."""
    text = re.sub(r"\{\{(region|account)\}\}", lambda m: FILLED[m[1]], text)
    text = re.sub(r"<(region|account|partition)>", lambda m: FILLED[m[1]], text)
    return re.sub(r"\{\{[\w.]*[aA]ctivityArn\}\}",
                  "arn:aws:states:us-east-1:000000000000:activity:a", text)


class Wanted:
    """A definition, and what the service made of it."""

    def __init__(self, name, definition, taken, express=False, message=None):
        self.name = name
        self.definition = fill(definition)
        self.taken = taken
        self.express = express
        self.message = fill(message) if message else None


def of_machines(case):
    for index, machine in enumerate(case.get("machines", [])):
        name = f"{case['id']} machine {index}"
        yield Wanted(name, machine["definition"], True, machine.get("type") == "EXPRESS")


def of_step(case, step):
    request = step.get("request", {})
    error = step.get("error") or {}
    definition = request.get("definition")
    name = f"{case['id']} {step.get('op')} {step.get('step')}"
    express = request.get("type") == "EXPRESS"
    if not isinstance(definition, str):
        return
    if step["op"] == "TestState":
        # Only its refusals of definitions speak of what we do here.
        if not RECORDED.match(error.get("message", "")):
            return
        if "States" not in json.loads(definition):
            definition = '{"StartAt":"StateName","States":{"StateName":%s}}' % definition
    if step["op"] == "ValidateStateMachineDefinition":
        for diagnostic in [d for e in step["expect"] for d in e["value"].get("diagnostics", [])]:
            syntax = diagnostic["code"] == "INVALID_JSON_DESCRIPTION"
            yield Wanted(name, definition, False, express, None if syntax else diagnostic["message"])
            return
        yield Wanted(name, definition, True, express)
    elif error.get("code") == "InvalidDefinition":
        recorded = RECORDED.match(error["message"])
        yield Wanted(name, definition, False, express, recorded[2] if recorded else None)
    elif not error and not step.get("raises"):
        yield Wanted(name, definition, True, express)


def wanted():
    for path in sorted(CASES.glob("*.json")):
        for case in json.loads(path.read_text("utf-8")):
            if case.get("query_language") != "JSONPath" or case.get("upstream") == "needs_fixing":
                continue
            yield from of_machines(case)
            for step in case.get("setup", []) + case.get("steps", []):
                if step.get("op") in ("CreateStateMachine", "UpdateStateMachine", "TestState",
                                      "ValidateStateMachineDefinition"):
                    yield from of_step(case, step)


def judge(want, diagnostics):
    """What is wrong with our answer, or None; the second value is a reason to skip."""
    errors = [d for d in diagnostics if d["severity"] == "error"]
    later = LATER & {d["code"] for d in errors}
    if want.taken:
        if later:
            return None, "uses what this release says that it does not support"
        return (f"refused: {errors[0]['code']}: {errors[0]['message']}" if errors else None), None
    if not errors:
        return "taken, but the service refused it", None
    if want.message and want.message not in [d["message"] for d in errors]:
        return f"said {errors[0]['message']!r}, the service {want.message!r}", None
    return None, None


def main():
    if not CASES.is_dir():
        print("1..0 # SKIP the recorded cases are not there")
        return 0
    wants = list(wanted())
    lines = "".join(json.dumps({"definition": w.definition, "express": w.express}) + "\n"
                    for w in wants)
    answers = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True,
                             check=True).stdout.splitlines()
    assert len(answers) == len(wants), (len(answers), len(wants))
    print(f"1..{len(wants)}")
    failed = 0
    for number, (want, answer) in enumerate(zip(wants, answers), 1):
        problem, skip = judge(want, json.loads(answer))
        # A '#' would begin a TAP directive.
        name = want.name.encode("unicode_escape").decode().replace("#", "{hash}")
        print(f"{'not ' if problem else ''}ok {number} - {name}{' # SKIP ' + skip if skip else ''}")
        if problem:
            failed += 1
            print(f"# {problem}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
