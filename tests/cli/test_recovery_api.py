#!/usr/bin/env python3
"""Recovery and control over HTTP, on `pawl serve`: RedriveExecution, /api/v1, /admin/jobs.
Prints TAP. $PAWL_BIN is the binary."""
import contextlib
import hashlib
import http.client
import json
import os
import re
import sqlite3
import sys

from asking import ROLE, create, problem, quoted
from place import tap_main, test, wait_until
from server import serving

CONFIG = """\
bindings:
  - {resource: "note-*", exec: [sh, -c, "echo {name} >> ran; cat"]}
  - {resource: "now", exec: [sh, -c, "echo now >> ran; echo $(wc -l < ran)"]}
  - {resource: "broken", exec: [sh, -c, "echo broken >> ran; [ -e fixed ] || { echo no route >&2; exit 3; }; cat"]}
  - {resource: "hold", exec: [sh, -c, "echo hold >> ran; while [ ! -e go ]; do sleep 0.02; done; cat"]}
"""


def chain(*steps):
    """A machine of tasks one after the other: (name, resource, fields...)."""
    states = {}
    for i, (name, resource, *more) in enumerate(steps):
        after = {"Next": steps[i + 1][0]} if i + 1 < len(steps) else {"End": True}
        states[name] = {"Type": "Task", "Resource": resource, "ResultPath": "$." + name, **after, **(more[0] if more else {})}
    return {"StartAt": steps[0][0], "States": states}


JOB = chain(("One", "note-one"), ("Two", "now"), ("Three", "broken"), ("Four", "note-four"))
GOOD = chain(("One", "note-one"), ("Two", "now"), ("Three", "now"), ("Four", "note-four"), ("Five", "now"))
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:"
EXECUTION = "arn:aws:states:us-east-1:000000000000:execution:"


class Job:
    """An execution that has ended, at a server."""

    def __init__(self, s, machine, name, **body):
        self.s, self.name = s, name
        self.arn = f"{EXECUTION}{machine}:{name}"
        status, answer = s.ask("POST", f"/api/v1/workflows/{machine}/executions?wait=60", {"name": name, **body})
        assert status == 201, answer
        self.first = answer

    def ask(self, verb, body=None):
        return self.s.ask("POST", f"/api/v1/executions/{self.name}/{verb}", body if body is not None else {})

    def state(self, wait=0):
        status, state = self.s.ask("GET", f"/api/v1/executions/{self.name}?wait={wait}")
        assert status == 200, state
        return state

    def steps(self):
        return self.s.ask("GET", f"/api/v1/executions/{self.name}/steps")[1]["steps"]

    def history(self, arn=None):
        events, token = [], None
        while True:
            status, page = self.s.operation("GetExecutionHistory", {"executionArn": arn or self.arn, "maxResults": 7,
                                                               **({"nextToken": token} if token else {})})
            assert status == 200, page
            events += page["events"]
            token = page.get("nextToken")
            if not token:
                return events

    def everything(self):
        """What may not change by what is refused."""
        own = self.s.ask("GET", f"/api/v1/executions/{self.name}/history")
        return json.dumps([self.state(), self.steps(), self.history(), own, self.describe(), self.s.p.ran()])

    def describe(self, arn=None):
        status, described = self.s.operation("DescribeExecution", {"executionArn": arn or self.arn})
        assert status == 200, described
        return described

    def ended(self, status):
        state = self.state(60)
        assert state["status"] == status, state
        return state


def types(events):
    return [e["type"] for e in events]


def check_ids(events):
    assert [e["id"] for e in events] == list(range(1, len(events) + 1)), [e["id"] for e in events]
    assert all(e["previousEventId"] < e["id"] for e in events)


def serve(p, *arguments, settings=""):
    (p.path / "pawl.yaml").write_text(CONFIG + settings)
    return serving(p, *arguments)


def fix(p):
    (p.path / "fixed").write_text("")


def plan_of(answer):
    status, plan = answer
    assert status == 200, plan
    return {s["name"]: s["action"] for s in plan["steps"]}


# ---- RedriveExecution ----

@test
def a_failed_execution_is_redriven(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        assert job.first["status"] == "failed" and job.first["current_step"]["index"] == 2, job.first
        assert job.first["current_step"]["label"] == "Three", job.first
        before, described = job.history(), job.describe()
        assert described["redriveStatus"] == "REDRIVABLE" and described["redriveCount"] == 0, described
        assert "redriveDate" not in described and "redriveStatusReason" not in described
        fix(p)
        status, answer = s.operation("RedriveExecution", {"executionArn": job.arn, "clientToken": "once"})
        assert status == 200 and list(answer) == ["redriveDate"], answer
        job.ended("completed")
        after, described = job.history(), job.describe()
        check_ids(after)
        assert after[:len(before)] == before, "what has been stays"
        assert types(after[len(before):]) == [
            "ExecutionRedriven", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
            "TaskStateExited", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted",
            "LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"], types(after)
        assert after[len(before)]["executionRedrivenEventDetails"] == {"redriveCount": 1}
        assert p.ran() == ["note-one", "now", "broken", "broken", "note-four"]
        assert described["status"] == "SUCCEEDED" and described["redriveCount"] == 1, described
        assert described["redriveDate"] == answer["redriveDate"] > described["startDate"]
        assert (described["redriveStatus"], described["redriveStatusReason"]) == (
            "NOT_REDRIVABLE", "Execution is SUCCEEDED and cannot be redriven")
        state = job.state()
        assert state["redrive_count"] == 1 and state["redriven_at"], state
        # The same call again has the same answer; another one is refused.
        again = s.operation("RedriveExecution", {"executionArn": job.arn, "clientToken": "once"})
        assert again == (200, answer), again
        for token in ({}, {"clientToken": "twice"}):
            status, refused = s.operation("RedriveExecution", {"executionArn": job.arn, **token})
            assert (status, refused["__type"], refused["message"]) == (
                400, "ExecutionNotRedrivable", "Execution is SUCCEEDED and cannot be redriven"), refused
        assert job.history() == after


@test
def a_token_is_known_after_a_crash(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        _, answer = s.operation("RedriveExecution", {"executionArn": job.arn, "clientToken": "t"})
        job.ended("failed")
        s.process.kill()
        s.process.wait()
    with serve(p) as s:
        job.s = s
        assert s.operation("RedriveExecution", {"executionArn": job.arn, "clientToken": "t"}) == (200, answer)
        assert job.describe()["redriveCount"] == 1
        status, other = s.operation("RedriveExecution", {"executionArn": job.arn, "clientToken": "u"})
        assert status == 200 and other != answer, other
        job.ended("failed")
        assert job.describe()["redriveCount"] == 2


@test
def what_cannot_be_redriven(p):
    with serve(p) as s:
        create(s, "job", JOB)
        create(s, "hold", chain(("Hold", "hold")))
        job = Job(s, "job", "a")
        s.ask("POST", "/api/v1/workflows/hold/executions", {"name": "h"})
        p.wait_for("ran")
        for arn, kind, message in (
                (EXECUTION + "hold:h", "ExecutionNotRedrivable", "Execution is RUNNING and cannot be redriven"),
                (EXECUTION + "job:none", "ExecutionDoesNotExist", f"Execution Does Not Exist: '{EXECUTION}job:none'"),
                (MACHINE + "job", "InvalidArn", "Resource type not valid in this context"),
                ("x", "InvalidArn", "Invalid Arn: 'Invalid ARN prefix: x'")):
            status, refused = s.operation("RedriveExecution", {"executionArn": arn})
            assert (status, refused["__type"]) == (400, kind) and message in refused["message"], refused
        for body in ({}, {"executionArn": job.arn, "clientToken": ""}, {"executionArn": job.arn, "clientToken": "a b"},
                     {"executionArn": job.arn, "clientToken": "x" * 65}):
            status, refused = s.operation("RedriveExecution", body)
            assert (status, refused["__type"]) == (400, "ValidationException"), refused
        assert job.describe()["redriveCount"] == 0


# Goes round four events a time, as often as the input says.
LOOP = {"StartAt": "More", "States": {
    "More": {"Type": "Choice", "Default": "Stop",
             "Choices": [{"Variable": "$.n", "NumericGreaterThan": 0, "Next": "Less"}]},
    "Less": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, -1)"}, "Next": "More"},
    "Stop": {"Type": "Fail", "Error": "Stopped"}}}
# Two events an item, which stand in histories of their own.
ITEMS = {"StartAt": "Each", "States": {
    "Each": {"Type": "Map", "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "Item", "States": {"Item": {"Type": "Pass", "End": True}}}, "Next": "Stop"},
    "Stop": {"Type": "Fail", "Error": "Stopped"}}}


@test
def a_history_without_room_is_told_of_before(p):
    with serve(p, settings="aws_limits: strict\n") as s:
        for name, definition in (("loop", LOOP), ("items", ITEMS)):
            create(s, name, definition)
        # 5 + 4n events; the limit is 25,000, of which a redrive takes two.
        for machine, name, data, full in (("loop", "room", {"n": 6248}, False), ("loop", "none", {"n": 6249}, True),
                                          ("items", "apart", list(range(13000)), False)):
            arn = f"{EXECUTION}{machine}:{name}"
            status, started = s.operation("StartExecution", {"stateMachineArn": MACHINE + machine, "name": name,
                                                             "input": json.dumps(data)})
            assert status == 200 and started["executionArn"] == arn, started
            assert s.ask("GET", f"/api/v1/executions/{quoted(arn)}?wait=60")[1]["status"] == "failed"
            status, told = s.operation("DescribeExecution", {"executionArn": arn})
            why = ("NOT_REDRIVABLE", "Execution history event limit exceeded") if full else ("REDRIVABLE", None)
            assert (told["redriveStatus"], told.get("redriveStatusReason")) == why, (name, told)
            status, done = s.operation("RedriveExecution", {"executionArn": arn})
            assert (status == 400 and done["__type"] == "ExecutionNotRedrivable" and why[1] in done["message"]
                    if full else status == 200), done


@test
def lists_by_what_was_redriven(p):
    with serve(p) as s:
        machine = create(s, "job", JOB)
        for name in "abcdef":
            Job(s, "job", name)
        for name in "bde":
            s.operation("RedriveExecution", {"executionArn": f"{EXECUTION}job:{name}"})
            wait_until(lambda: s.operation("DescribeExecution", {"executionArn": f"{EXECUTION}job:{name}"})[1]["status"] == "FAILED")  # pylint: disable=cell-var-from-loop
        fix(p)
        s.operation("RedriveExecution", {"executionArn": f"{EXECUTION}job:d"})
        wait_until(lambda: s.operation("DescribeExecution", {"executionArn": f"{EXECUTION}job:d"})[1]["status"] == "SUCCEEDED")

        def names(**more):
            found, token = [], {}
            while True:
                status, page = s.operation("ListExecutions", {"stateMachineArn": machine, **more, **token})
                assert status == 200, page
                assert all(e["redriveCount"] == (2 if e["name"] == "d" else e["name"] in "be") for e in page["executions"])
                assert all(("redriveDate" in e) == (e["name"] in "bde") for e in page["executions"])
                found += [e["name"] for e in page["executions"]]
                if "nextToken" not in page:
                    return "".join(found)
                token = {"nextToken": page["nextToken"]}
        for size in ({}, {"maxResults": 1}, {"maxResults": 2}):
            assert names(**size) == "fedcba"
            assert names(redriveFilter="REDRIVEN", **size) == "edb"
            assert names(redriveFilter="NOT_REDRIVEN", **size) == "fca"
            assert names(redriveFilter="REDRIVEN", statusFilter="FAILED", **size) == "eb"
            assert names(redriveFilter="NOT_REDRIVEN", statusFilter="SUCCEEDED", **size) == ""
        status, page = s.operation("ListExecutions", {"stateMachineArn": machine, "redriveFilter": "REDRIVEN", "maxResults": 1})
        status, refused = s.operation("ListExecutions", {"stateMachineArn": machine, "redriveFilter": "NOT_REDRIVEN",
                                                    "nextToken": page["nextToken"]})
        assert refused["__type"] == "InvalidToken", refused


# ---- resume and retry ----

@test
def a_dry_run_changes_nothing_and_says_what_would_happen(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        before = job.everything()
        assert plan_of(job.ask("resume", {"dry_run": True})) == {"One": "kept", "Two": "kept", "Three": "run", "Four": "run"}
        assert plan_of(job.ask("retry", {"dry_run": True, "from_step": 1, "trigger_data": {"x": 1}})) == {
            "One": "kept", "Two": "rerun", "Three": "run", "Four": "run"}
        assert plan_of(job.ask("resume", {"dry_run": True, "skip_steps": [2], "set_output": {"Three": {"n": 1}}})) == {
            "One": "kept", "Two": "kept", "Three": "skipped", "Four": "run"}
        assert plan_of(job.ask("rerun-step", {"dry_run": True, "step_index": 1}))["Two"] == "rerun"
        assert set(plan_of(job.ask("restart", {"dry_run": True})).values()) == {"run"}
        status, plan = s.ask("POST", "/api/v1/workflows/job/executions", {"dry_run": True})
        assert status == 200 and len(plan["steps"]) == 4 and plan["saved_ms"] == 0, plan
        status, plan = s.ask("POST", "/api/v1/workflows/job/executions", {"dry_run": True, "reuse": "a", "from_step": 2})
        assert status == 200 and [x["action"] for x in plan["steps"]] == ["kept", "kept", "run", "run"], plan
        assert plan["saved_ms"] > 0 and plan.keys() >= {"kind", "problems", "expected_ms", "ends_known"}, plan
        assert plan["diagnostics"] == [], plan
        assert job.everything() == before
        assert len(s.operation("ListExecutions", {"stateMachineArn": MACHINE + "job"})[1]["executions"]) == 1


@test
def resume_skips_goes_back_and_takes_outputs(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        status, answer = job.ask("resume", {"skip_steps": "2", "set_output": {"Three": {"given": True}}, "by": "ada"})
        assert status == 200 and answer["status"] == "running", answer
        state = job.ended("completed")
        assert state["output"] == {"given": True, "Four": {"given": True}}, state
        steps = job.steps()
        assert [x["status"] for x in steps] == ["success", "success", "skipped", "success"], steps
        assert p.ran() == ["note-one", "now", "broken", "note-four"]
        other = Job(s, "job", "b")
        fix(p)
        status, answer = other.ask("retry", {"trigger_data": {"n": 7}, "from_step": 0})
        assert status == 200, answer
        state = other.ended("completed")
        assert state["output"]["n"] == 7, state
        steps = other.steps()
        assert [x["generation"] for x in steps] == [1, 1, 1, 0], steps
        assert [a["generation"] for a in steps[1]["attempts"]] == [0, 1], steps[1]
        assert [a["number"] for a in steps[1]["attempts"]] == [1, 2], steps[1]


@test
def a_resume_is_seen_by_whoever_follows(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        fix(p)
        job.ask("resume")
        job.ended("completed")
        c, lines = follow(s, "a")
        c.close()
        assert lines[-1]["end"]["status"] == "completed" and sum("end" in x for x in lines) == 1, lines
        numbers = [e["number"] for x in lines if "turn" in x for e in x["events"]]
        assert numbers == list(range(1, len(numbers) + 1)), numbers
        last = {}
        for x in lines:
            for step in x.get("steps", []):
                last[step["state"]] = step
        assert {n: x["status"] for n, x in last.items()} == dict.fromkeys(["One", "Two", "Three", "Four"], "success"), last


def follow(s, name):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=60)
    c.request("GET", f"/api/v1/executions/{name}/follow")
    return c, [json.loads(line) for line in c.getresponse().read().splitlines() if line.strip()]


# ---- rerun of one step ----

PATH = ["UpdateJobStatus", "CheckAction", "ProcessStep", "CheckStepResultSingleStep", "FinalizeJob"]


@test
def one_step_runs_again_and_nothing_else(p):
    with serve(p) as s:
        create(s, "lead", GOOD)
        job = Job(s, "lead", "job_01K9TR7WXEC3X17YA4MNBSMQ9S", trigger_data={"topic": "bees"})
        status, before = s.ask("GET", "/admin/jobs/job_01K9TR7WXEC3X17YA4MNBSMQ9S")
        assert status == 200 and before.keys() >= {
            "job_id", "workflow_id", "status", "created_at", "updated_at", "completed_at", "execution_steps"}, before
        assert (before["job_id"], before["workflow_id"], before["status"]) == (job.name, "lead", "completed"), before
        history, ran = job.history(), p.ran()
        status, answer = s.ask("POST", f"/admin/jobs/{job.name}/rerun-step", {"step_index": 2})
        assert status == 202 and answer["execution_arn"] == job.arn + ".rerun-1", answer
        assert (answer["job_id"], answer["step_index"], answer["status"]) == (job.name, 2, "processing"), answer
        arn = answer["execution_arn"]
        wait_until(lambda: job.describe(arn)["status"] != "RUNNING")
        assert p.ran() == ran + ["now"], "only that step"
        status, after = s.ask("GET", f"/admin/jobs/{job.name}")
        assert after["status"] == "completed" and len(after["execution_steps"]) == 5, after
        assert after["output"] == before["output"], "its result is not the job's output"
        for i, (old, new) in enumerate(zip(before["execution_steps"], after["execution_steps"])):
            if i == 2:
                assert new["generation"] == 1 and [a["generation"] for a in new["attempts"]] == [0, 1], new
                assert new["attempts"][0] == old["attempts"][0] and new["data_in"] == old["data_in"], new
                assert new["data_out"]["Three"] != old["data_out"]["Three"], new
            else:
                assert new.pop("stale", False) == (i > 2), new
                assert json.dumps(new) == json.dumps(old), "others keep theirs to the byte"
        now = job.history()
        check_ids(now)
        assert now[:len(history)] == history and types(now[len(history):]) == [
            "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
            "TaskStateExited", "ExecutionSucceeded"], types(now)
        # The rerun by its own ARN.
        events, described = job.history(arn), job.describe(arn)
        check_ids(events)
        assert types(events) == [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ChoiceStateEntered", "ChoiceStateExited",
            "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted", "LambdaFunctionSucceeded",
            "TaskStateExited", "ChoiceStateEntered", "ChoiceStateExited", "PassStateEntered", "PassStateExited",
            "ExecutionSucceeded"], types(events)
        assert [e["stateEnteredEventDetails"]["name"] for e in events if e["type"].endswith("StateEntered")] == PATH
        entered = next(e for e in events if e["type"] == "TaskStateEntered")["stateEnteredEventDetails"]
        assert json.loads(entered["input"]) == before["execution_steps"][2]["data_in"], "the steps before it"
        assert (described["executionArn"], described["name"], described["status"]) == (arn, job.name + ".rerun-1", "SUCCEEDED")
        assert described["stateMachineArn"] == MACHINE + "lead" and described["startDate"] <= described["stopDate"]
        assert json.loads(described["output"]) == after["execution_steps"][2]["data_out"], described
        assert json.loads(described["input"])["step_index"] == 2, described
        backwards = s.operation("GetExecutionHistory", {"executionArn": arn, "reverseOrder": True})[1]["events"]
        assert backwards == events[::-1]
        bare = s.operation("GetExecutionHistory", {"executionArn": arn, "includeExecutionData": False})[1]["events"]
        assert types(bare) == types(events) and "input" not in json.dumps(bare)
        page = s.operation("GetExecutionHistory", {"executionArn": arn, "maxResults": 3})[1]
        assert page["events"] == events[:3]
        refused = s.operation("GetExecutionHistory", {"executionArn": job.arn, "nextToken": page["nextToken"]})[1]
        assert refused["__type"] == "InvalidToken", refused
        for number in ("2", "0", "01", "-1", "x", ""):
            status, refused = s.operation("DescribeExecution", {"executionArn": f"{job.arn}.rerun-{number}"})
            assert refused["__type"] == "ExecutionDoesNotExist" and refused["message"].endswith(f".rerun-{number}'"), refused
        # A real execution of that name is itself.
        Job(s, "lead", job.name + ".rerun-1")
        assert job.describe(arn)["startDate"] != described["startDate"]


@test
def a_rerun_holds_the_execution_meanwhile(p):
    with serve(p) as s:
        (p.path / "go").write_text("")
        create(s, "hold", chain(("One", "note-one"), ("Hold", "hold"), ("Three", "note-three")))
        job = Job(s, "hold", "a")
        os.unlink(p.path / "go")
        status, answer = job.ask("rerun-step", {"step": "Hold"})
        assert status == 202 and answer["rerun_arn"] == job.arn + ".rerun-1" and answer["execution_arn"] == job.arn, answer
        wait_until(lambda: p.ran().count("hold") == 2)
        state = job.state()
        assert state["status"] == "running" and state["rerun_step"] == 1 and state["current_step"]["index"] == 1, state
        assert s.ask("GET", "/admin/jobs/a")[1]["status"] == "processing"
        assert job.describe()["status"] == "RUNNING" and job.describe(answer["rerun_arn"])["status"] == "RUNNING"
        assert "stopDate" not in job.describe() and "stopDate" not in job.describe(answer["rerun_arn"])
        assert types(job.history(answer["rerun_arn"]))[-1] == "LambdaFunctionStarted"
        before = job.everything()
        problem(job.ask("rerun-step", {"step_index": 0}), 409, "CONFLICT", "step 2 of execution a is being run again")
        problem(job.ask("resume"), 409, "CONFLICT")
        problem(job.ask("retry", {"trigger_data": {}}), 409, "CONFLICT")
        assert job.everything() == before
        (p.path / "go").write_text("")
        job.ended("completed")
        status, answer = job.ask("rerun-step", {"step_index": 0})
        assert status == 202 and answer["rerun_arn"] == job.arn + ".rerun-2", answer
        job.ended("completed")
        assert job.describe(job.arn + ".rerun-1")["status"] == job.describe(job.arn + ".rerun-2")["status"] == "SUCCEEDED"


@test
def a_rerun_that_fails_leaves_the_earlier_record(p):
    with serve(p) as s:
        fix(p)
        create(s, "job", JOB)
        job = Job(s, "job", "a")
        before = job.steps()
        os.unlink(p.path / "fixed")
        status, answer = job.ask("rerun-step", {"step_index": 2})
        assert status == 202, answer
        arn = answer["rerun_arn"]
        wait_until(lambda: job.describe(arn)["status"] != "RUNNING")
        described = job.describe(arn)
        assert described["status"] == "FAILED" and described["error"] == "Pawl.ExitStatus" and "no route" in described["cause"], described
        assert types(job.history(arn))[-2:] == ["LambdaFunctionFailed", "ExecutionFailed"]
        check_ids(job.history(arn))
        after = job.ended("completed")
        assert after["output"] == job.first["output"]
        steps = job.steps()
        assert len(steps[2]["attempts"]) == 2 and steps[2]["status"] == "success", steps[2]
        for name in ("data_in", "data_out", "started_at", "completed_at", "generation"):
            assert steps[2][name] == before[2][name], (name, steps[2], before[2])
        assert [steps[i] for i in (0, 1, 3)] == [before[i] for i in (0, 1, 3)]


@test
def steps_inside_of_a_parallel_and_a_map_run_again(p):
    definition = {"StartAt": "Split", "States": {
        "Split": {"Type": "Parallel", "Next": "Leads", "Branches": [
            {"StartAt": "Load", "x-label": "left", "States": {
                "Load": {"Type": "Task", "Resource": "note-load", "Next": "Register"},
                "Register": {"Type": "Task", "Resource": "now", "End": True}}},
            {"StartAt": "Other", "x-label": "right", "States": {"Other": {"Type": "Task", "Resource": "now", "End": True}}}]},
        "Leads": {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "Enrich", "States": {
            "Enrich": {"Type": "Task", "Resource": "now", "End": True}}}}}}
    with serve(p) as s:
        create(s, "split", definition)
        job = Job(s, "split", "a")
        for number, (step, changed, invocations) in enumerate((
                ("Split/left/Register", ["Split/0/Register"], 1),
                ("Leads[1]/Enrich", ["Leads/1/Enrich"], 1),
                ("Split", ["Split", "Split/0/Load", "Split/1/Other", "Split/0/Register"], 3)), 1):
            before = {x["path"]: {**x, "stale": 0} for x in job.steps()}
            status, answer = job.ask("rerun-step", {"step": step})
            assert status == 202 and answer["rerun_arn"] == f"{job.arn}.rerun-{number}", answer
            job.ended("completed")
            events = job.history(answer["rerun_arn"])
            check_ids(events)
            assert types(events).count("LambdaFunctionScheduled") == invocations, types(events)
            after = {x["path"]: {**x, "stale": 0} for x in job.steps()}
            assert after.keys() == before.keys() and {n for n in after if after[n] != before[n]} == set(changed), step
        check_ids(job.history())
        # Each event of a branch follows one of the same branch, or what began them all.
        entered = {e["id"]: e["stateEnteredEventDetails"]["name"] for e in events if e["type"] == "TaskStateEntered"}
        began = next(e["id"] for e in events if e["type"] == "ParallelStateStarted")
        assert {e["previousEventId"] for e in events if entered.get(e["id"]) in ("Load", "Other")} == {began}, events


@test
def the_last_step_gives_the_output(p):
    with serve(p) as s:
        create(s, "lead", GOOD)
        job = Job(s, "lead", "a")
        job.ask("rerun-step", {"step": 4})
        state = job.ended("completed")
        assert state["output"]["Five"] > job.first["output"]["Five"], state
        job.ask("rerun-step", {"step": 1, "cascade": True})
        state = job.ended("completed")
        assert p.ran()[-4:] == ["now", "now", "note-four", "now"] and not any("stale" in x for x in job.steps())
        assert [x["generation"] for x in job.steps()] == [0, 1, 1, 1, 2]


# ---- control while it runs ----

@test
def pause_and_go_on(p):
    with serve(p) as s:
        create(s, "hold", chain(("One", "note-one"), ("Hold", "hold"), ("Three", "note-three")))
        s.ask("POST", "/api/v1/workflows/hold/executions", {"name": "a"})
        wait_until(lambda: "hold" in p.ran())
        status, state = s.ask("POST", "/api/v1/executions/a/pause", {"reason": "lunch", "by": "ada"})
        assert status == 200 and state["status"] == "running", state
        assert state["paused"] == {"why": "asked", "reason": "lunch", "quiet": False}, state
        problem(s.ask("POST", "/api/v1/executions/a/pause", {}), 409, "CONFLICT", "about to pause")
        (p.path / "go").write_text("")
        wait_until(lambda: s.ask("GET", "/api/v1/executions/a")[1]["status"] == "paused")
        assert s.ask("GET", "/admin/jobs/a")[1]["status"] == "processing"
        assert s.operation("DescribeExecution", {"executionArn": EXECUTION + "hold:a"})[1]["status"] == "RUNNING"
        assert p.ran() == ["note-one", "hold"]
        problem(s.ask("POST", "/api/v1/executions/a/resume", {"from_step": 0}), 409, "CONFLICT", "paused")
        status, state = s.ask("POST", "/api/v1/executions/a/resume", {})
        assert status == 200, state
        status, state = s.ask("GET", "/api/v1/executions/a?wait=60")
        assert state["status"] == "completed" and "paused" not in state and p.ran() == ["note-one", "hold", "note-three"], state
        problem(s.ask("POST", "/api/v1/executions/a/pause", {}), 409, "CONFLICT", "has ended")


@test
def a_start_stops_at_a_phase_or_a_step(p):
    with serve(p) as s:
        phases = chain(("One", "note-one", {"x-phase": "gather"}), ("Two", "note-two", {"x-phase": "delivery"}),
                       ("Three", "note-three", {"x-phase": "signature"}))
        create(s, "phases", phases)
        s.ask("POST", "/api/v1/workflows/phases/executions", {"name": "a", "until_phase": "delivery"})
        wait_until(lambda: s.ask("GET", "/api/v1/executions/a")[1]["status"] == "paused")
        state = s.ask("GET", "/api/v1/executions/a")[1]
        assert state["paused"] == {"why": "until_phase", "phase": "delivery", "quiet": True}, state
        assert p.ran() == ["note-one", "note-two"]
        s.ask("POST", "/api/v1/executions/a/resume", {})
        assert s.ask("GET", "/api/v1/executions/a?wait=60")[1]["status"] == "completed"
        s.ask("POST", "/api/v1/workflows/phases/executions", {"name": "b", "until_step": "One"})
        wait_until(lambda: s.ask("GET", "/api/v1/executions/b")[1]["status"] == "paused")
        assert s.ask("GET", "/api/v1/executions/b")[1]["paused"]["step"] == "One"
        problem(s.ask("POST", "/api/v1/workflows/phases/executions", {"until_phase": "nowhere"}), 400, "INVALID_INPUT", "nowhere")
        problem(s.ask("POST", "/api/v1/workflows/phases/executions", {"until_step": 17}), 400, "INVALID_INPUT", "17")
        assert len(s.operation("ListExecutions", {"stateMachineArn": MACHINE + "phases"})[1]["executions"]) == 2


REVIEW = {"StartAt": "One", "States": {
    "One": {"Type": "Task", "Resource": "note-one", "Next": "Look"},
    "Look": {"Type": "Pass", "x-review": {"message": "good?"}, "Next": "Two"},
    "Two": {"Type": "Task", "Resource": "note-two", "End": True}}}


@test
def a_person_decides(p):
    with serve(p) as s:
        create(s, "review", REVIEW)
        for name in "abc":
            s.ask("POST", "/api/v1/workflows/review/executions", {"name": name, "trigger_data": {"to": "old"}})
            wait_until(lambda: s.ask("GET", f"/api/v1/executions/{name}")[1]["status"] == "needs_review")  # pylint: disable=cell-var-from-loop
        state = s.ask("GET", "/api/v1/executions/a")[1]
        assert state["reviews"][0]["message"] == "good?" and state["reviews"][0]["step_name"] == "Look", state
        assert s.ask("GET", "/admin/jobs/a")[1]["status"] == "processing"
        path = "/api/v1/executions/a/resume"
        problem(s.ask("POST", path, {}), 409, "CONFLICT")
        problem(s.ask("POST", path, {"approved": "yes"}), 400, "USAGE", "approved")
        problem(s.ask("POST", path, {"approved": True, "changes": 7}), 400, "USAGE", "changes")
        problem(s.ask("POST", path, {"approved": True, "error": "E"}), 400, "USAGE", "error")
        problem(s.ask("POST", path, {"approved": False, "changes": {}}), 400, "USAGE", "changes")
        problem(s.ask("POST", path, {"approved": True, "from_step": 1}), 400, "USAGE", "from_step")
        problem(s.ask("POST", path, {"approved": True, "step": "Two"}), 404, "NOT_FOUND", "Look")
        problem(s.ask("POST", path, {"approved": True, "step": 0}), 404, "NOT_FOUND", "Look")
        problem(s.ask("POST", path, {"approved": True, "step": 1, "numbers": "order"}), 404, "NOT_FOUND", "Look")
        problem(s.ask("POST", path, {"approved": True, "step": "1-2"}), 400, "INVALID_INPUT", "more than one")
        problem(s.ask("POST", path, {"approved": True, "step": -1}), 400, "INVALID_INPUT", "step")
        problem(s.ask("POST", path, {"approved": True, "numbers": "old"}), 400, "INVALID_INPUT", "numbers")
        status, state = s.ask("POST", path, {"approved": True, "changes": {"to": "new"}, "by": "ada"})
        assert status == 200, state
        assert s.ask("GET", "/api/v1/executions/a?wait=60")[1]["output"] == {"to": "new"}
        own = s.ask("GET", "/api/v1/executions/a/history")[1]["events"]
        decided = next(e for e in own if e["type"] == "PawlReviewDecided")
        assert decided["signal"] == "resume_after_review", decided
        problem(s.ask("POST", path, {"approved": True}), 409, "CONFLICT")
        s.ask("POST", "/api/v1/executions/b/resume", {"approved": False})
        state = s.ask("GET", "/api/v1/executions/b?wait=60")[1]
        assert (state["status"], state["error"]) == ("failed", "Pawl.ReviewRejected"), state
        s.ask("POST", "/api/v1/executions/c/resume", {"approved": False, "error": "Not.Good", "cause": "no"})
        state = s.ask("GET", "/api/v1/executions/c?wait=60")[1]
        assert (state["error"], state["cause"]) == ("Not.Good", "no"), state


@test
def a_review_is_called_as_any_step(p):
    def branch(label, number):
        return {"x-label": label, "StartAt": f"Look{label}", "States": {
            f"Look{label}": {"Type": "Pass", "x-review": True, "x-step": number, "End": True}}}
    branches = [branch("a", 7), branch("b", 8), branch("c", 8), branch("d", 9), branch("e", 5)]
    with serve(p) as s:
        create(s, "many", {"StartAt": "All", "States": {"All": {"Type": "Parallel", "End": True, "Branches": branches}}})
        s.ask("POST", "/api/v1/workflows/many/executions", {"name": "a"})

        def waiting():
            return [r["step_name"] for r in s.ask("GET", "/api/v1/executions/a")[1].get("reviews", [])]

        def decide(step, **more):
            return s.ask("POST", "/api/v1/executions/a/resume", {"approved": True, "step": step, **more})
        wait_until(lambda: len(waiting()) == 5)
        problem(decide(8, numbers="order"), 409, "AMBIGUOUS", "All/b/Lookb, All/c/Lookc")
        problem(decide(1, numbers="order"), 404, "NOT_FOUND", "All/a/Looka")
        assert len(waiting()) == 5
        for step, more, left in ((9, {"numbers": "order"}, ["Looka", "Lookb", "Lookc", "Looke"]),
                                 ("All/c/Lookc", {}, ["Looka", "Lookb", "Looke"]),
                                 ("8", {"numbers": "order"}, ["Looka", "Looke"]),
                                 (1, {}, ["Looke"]), ("Looke", {}, [])):
            status, answer = decide(step, **more)
            assert status == 200, answer
            assert sorted(waiting()) == left, step
        assert s.ask("GET", "/api/v1/executions/a?wait=60")[1]["status"] == "completed"


@test
def a_graceful_end_cleans_up(p):
    with serve(p) as s:
        definition = chain(("One", "note-one"), ("Hold", "hold"))
        definition["States"]["Sweep"] = {"Type": "Task", "Resource": "note-sweep", "End": True}
        create(s, "hold", {**definition, "x-on-cancel": "Sweep"})
        s.ask("POST", "/api/v1/workflows/hold/executions", {"name": "a"})
        wait_until(lambda: "hold" in p.ran())
        status, state = s.ask("POST", "/api/v1/executions/a/cancel", {"reason": "User requested cancellation"})
        assert status == 200, state
        state = s.ask("GET", "/api/v1/executions/a?wait=60")[1]
        assert (state["status"], state["error"], state["cause"]) == (
            "canceled", "Pawl.Canceled", "User requested cancellation"), state
        assert p.ran() == ["note-one", "hold", "note-sweep"]
        own = s.ask("GET", "/api/v1/executions/a/history")[1]["events"]
        assert [e["type"] for e in own if e.get("signal") == "cancel"] == ["PawlCancelAsked"], own
        assert s.ask("GET", "/admin/jobs/a")[1]["status"] == "canceled"
        problem(s.ask("POST", "/api/v1/executions/a/cancel", {}), 409, "CONFLICT", "has ended")


# ---- new executions made of old ones ----

@test
def restart_and_reuse_name_each_other(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a", trigger_data={"n": 1})
        fix(p)
        status, answer = job.ask("restart", {"name": "b"})
        assert status == 201 and answer["name"] == "b" and answer["restarts"] == job.arn, answer
        state = s.ask("GET", "/api/v1/executions/b?wait=60")[1]
        assert state["status"] == "completed" and state["trigger_data"] == {"n": 1}, state
        assert [(r["relation"], r["name"]) for r in state["related"]] == [("restarts", "a")], state
        ran = p.ran()
        status, state = s.ask("POST", "/api/v1/workflows/job/executions?wait=60", {"name": "c", "reuse": "a", "from_step": 2})
        assert status == 201 and state["status"] == "completed" and state["trigger_data"] == {"n": 1}, state
        assert [(r["relation"], r["name"], r["execution_arn"]) for r in state["related"]] == [("reuses", "a", job.arn)], state
        assert p.ran() == ran + ["broken", "note-four"]
        assert [(r["relation"], r["name"]) for r in job.state()["related"]] == [("restarted_by", "b"), ("reused_by", "c")]
        problem(job.ask("restart", {"name": "b"}), 409, "CONFLICT", "b")
        problem(s.ask("POST", "/api/v1/workflows/job/executions", {"reuse": "nobody"}), 404, "NOT_FOUND", "nobody")


@test
def a_definition_takes_over_what_another_execution_had_done(p):
    with serve(p) as s:
        create(s, "job", JOB)
        job = Job(s, "job", "a", trigger_data={"n": 1})
        mended = chain(("One", "note-one"), ("Two", "now"), ("Three", "note-mended"), ("Four", "note-four"))
        body = {"definition": mended, "machine_name": "job", "name": "b", "reuse": "a", "from_step": 2}
        status, plan = s.ask("POST", "/api/v1/run", {**body, "dry_run": True})
        assert status == 200 and [x["action"] for x in plan["steps"]] == ["kept", "kept", "run", "run"], plan
        status, answer = s.ask("POST", "/api/v1/run", body)
        assert status == 200 and answer["already"] is False, answer
        state = s.ask("GET", "/api/v1/executions/b?wait=60")[1]
        assert state["status"] == "completed" and state["output"]["n"] == 1, state
        assert p.ran() == ["note-one", "now", "broken", "note-mended", "note-four"]
        assert [(r["relation"], r["name"]) for r in state["related"]] == [("reuses", "a")], state
        assert [(x["status"], x.get("taken_over")) for x in s.ask("GET", "/api/v1/executions/b/steps")[1]["steps"]] == [
            ("skipped", True), ("skipped", True), ("success", None), ("success", None)]
        before = job.everything()
        lost = chain(("Uno", "note-one"), ("Four", "note-four"))
        answer = s.ask("POST", "/api/v1/run", {**body, "name": "c", "definition": lost})
        assert answer[0] in (400, 409) and "One" in answer[1]["detail"], answer
        problem(s.ask("POST", "/api/v1/run", {**body, "reuse": "nobody"}), 404, "NOT_FOUND", "nobody")
        problem(s.ask("POST", "/api/v1/run", {**body, "cascade": True}), 400, "USAGE", "cascade")
        assert job.everything() == before


# ---- what is wrong changes nothing ----

@test
def bad_input_is_refused_and_changes_nothing(p):
    with serve(p) as s:
        create(s, "job", JOB)
        create(s, "lead", GOOD)
        failed, good = Job(s, "job", "failed"), Job(s, "lead", "good")
        both = failed.everything(), good.everything()
        for job, verb, body, code, part in (
                (failed, "resume", {"from_step": 17}, "INVALID_INPUT", "17"),
                (failed, "resume", {"from_step": "Nowhere"}, "INVALID_INPUT", "Nowhere"),
                (failed, "resume", {"from_step": -1}, "INVALID_INPUT", "from_step"),
                (failed, "resume", {"from_step": 1.5}, "INVALID_INPUT", "from_step"),
                (failed, "resume", {"skip_steps": "9"}, "INVALID_INPUT", "9"),
                (failed, "resume", {"skip_steps": "3-1"}, "INVALID_INPUT", "ends before it begins"),
                (failed, "resume", {"skip_steps": "2"}, "CONFLICT", "Three"),  # whose output is missing
                (failed, "resume", {"until_phase": "nowhere"}, "INVALID_INPUT", "nowhere"),
                (failed, "resume", {"until_step": "Nowhere"}, "INVALID_INPUT", "Nowhere"),
                (failed, "resume", {"only": "context=nowhere"}, "INVALID_INPUT", "nowhere"),
                (failed, "resume", {"set_output": []}, "INVALID_INPUT", "set_output"),
                (failed, "resume", {"set_output": {"Nowhere": 1}}, "INVALID_INPUT", "Nowhere"),
                (failed, "resume", {"cascade": True}, "USAGE", "cascade"),
                (failed, "resume", {"dry_run": "yes"}, "INVALID_INPUT", "dry_run"),
                (failed, "resume", [], "USAGE", "object"),
                (failed, "retry", {"from_step": 17}, "INVALID_INPUT", "17"),
                (failed, "retry", {"trigger_data": {}, "input": {}}, "INVALID_INPUT", "mean the same"),
                (failed, "retry", {"approved": True}, "USAGE", "approved"),
                (failed, "rerun-step", {"step_index": 4}, "INVALID_INPUT", "4"),
                (failed, "rerun-step", {"step_index": 3}, "INVALID_INPUT", "3"),  # it never ran
                (failed, "rerun-step", {"step": "Nowhere"}, "INVALID_INPUT", "Nowhere"),
                (failed, "rerun-step", {}, "USAGE", "step_index"),
                (failed, "rerun-step", {"step": 1, "step_index": 1}, "INVALID_INPUT", "mean the same"),
                (failed, "rerun-step", {"step": 1, "context": "old"}, "INVALID_INPUT", "context"),
                (failed, "rerun-step", {"step": 1, "skip_steps": 1}, "USAGE", "skip_steps"),
                (failed, "restart", {"from_step": 1}, "USAGE", "from_step"),
                (failed, "restart", {"name": 7}, "USAGE", "name"),
                (failed, "restart", {"name": "a b"}, "INVALID_INPUT", "name"),
                (good, "pause", {"why": 1}, "USAGE", "why"),
                (good, "cancel", {"reason": 1}, "USAGE", "reason")):
            problem(job.ask(verb, body), 409 if code == "CONFLICT" else 400, code, part)
        problem(good.ask("resume"), 409, "CONFLICT", "has succeeded")
        problem(good.ask("pause"), 409, "CONFLICT", "has ended")
        problem(good.ask("cancel"), 409, "CONFLICT", "has ended")
        for verb in ("resume", "retry", "rerun-step", "restart", "pause", "cancel"):
            problem(s.ask("POST", f"/api/v1/executions/nobody/{verb}", {"step": 1} if verb == "rerun-step" else {}),
                    404, "NOT_FOUND", "nobody")
        problem(s.ask("POST", "/admin/jobs/nobody/rerun-step", {"step_index": 1}), 404, "NOT_FOUND", "nobody")
        problem(s.ask("GET", "/admin/jobs/nobody"), 404, "NOT_FOUND", "nobody")
        problem(s.ask("POST", "/admin/jobs/good/rerun-step", {"step_index": 5}), 400, "INVALID_INPUT", "5")
        for body, part in (({"reuse": 7}, "reuse"), ({"skip": "1"}, "skip"), ({"cascade": True}, "cascade")):
            problem(s.ask("POST", "/api/v1/workflows/job/executions", body), 400, "USAGE", part)
        problem(s.ask("POST", "/api/v1/workflows/job/executions", {"reuse": "failed", "skip_steps": "2"}),
                409, "CONFLICT", "Three")
        assert (failed.everything(), good.everything()) == both
        assert p.ran() == ["note-one", "now", "broken", "note-one", "now", "now", "note-four", "now"]
        status, refused = failed.ask("resume", {"skip_steps": "2"})
        assert refused["plan"]["problems"][0]["what"] and refused["plan"]["problems"][0]["remedy"], refused


@test
def an_express_execution_can_only_be_restarted(p):
    with serve(p) as s:
        _, made = s.operation("CreateStateMachine", {"name": "x", "definition": json.dumps(JOB), "roleArn": ROLE, "type": "EXPRESS"})
        _, started = s.operation("StartExecution", {"stateMachineArn": made["stateMachineArn"], "name": "n"})
        path = "/api/v1/executions/" + started["executionArn"].rsplit(":", 1)[1]
        wait_until(lambda: s.ask("GET", path)[1]["status"] == "failed")
        job = s.ask("GET", path.replace("/api/v1/executions", "/admin/jobs"))[1]
        assert job["status"] == "failed" and job["completed_at"] and job["job_id"] == "n", job
        problem(s.ask("POST", path + "/resume", {}), 409, "NOT_REDRIVABLE", "Express")
        problem(s.ask("POST", path + "/rerun-step", {"step": 1}), 409, "NOT_REDRIVABLE", "Express")
        status, refused = s.operation("RedriveExecution", {"executionArn": started["executionArn"]})
        assert (status, refused["__type"]) == (400, "InvalidArn"), refused
        status, answer = s.ask("POST", path + "/restart", {})
        assert status == 201 and answer["restarts"] == started["executionArn"], answer


@test
def an_express_machine_of_an_earlier_release_asks_nobody(p):
    """It was taken when x-review said nothing; now none is that has it."""
    before = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
    old = json.dumps({"StartAt": "P", "States": {"P": {"Type": "Pass", "x-review": True, "End": True}}})
    asked = {"name": "quick", "roleArn": ROLE, "type": "EXPRESS"}
    with serve(p) as s:
        status, refused = s.operation("CreateStateMachine", {**asked, "definition": old})
        assert (status, refused["__type"]) == (400, "InvalidDefinition"), refused
        assert s.operation("CreateStateMachine", {**asked, "definition": json.dumps(before)})[0] == 200
        s.end()
    digest = hashlib.sha256(old.encode()).digest()
    with contextlib.closing(sqlite3.connect(p.path / ".pawl/pawl.db")) as db, db:
        db.execute("insert into definition (org, hash, text) values (0, ?, ?)", (digest, old))
        assert db.execute("update machine set definition = ?", (digest,)).rowcount == 1
    with serve(p) as s:
        status, done = s.operation("StartSyncExecution", {"stateMachineArn": MACHINE + "quick", "input": '{"n": 1}'})
        assert status == 200 and (done["status"], done["output"]) == ("SUCCEEDED", '{"n":1}'), done


@test
def a_running_execution_is_let_run(p):
    with serve(p) as s:
        create(s, "hold", chain(("Hold", "hold")))
        s.ask("POST", "/api/v1/workflows/hold/executions", {"name": "a"})
        p.wait_for("ran")
        for verb, body in (("resume", {}), ("resume", {"from_step": 0}), ("resume", {"dry_run": True}), ("retry", {}),
                           ("rerun-step", {"step": 0}), ("resume", {"approved": True})):
            problem(s.ask("POST", f"/api/v1/executions/a/{verb}", body), 409, "CONFLICT", "execution a")
        status, state = s.ask("POST", "/api/v1/executions/a/resume", {"already": True})
        assert status == 200 and state["status"] == "running", state
        assert p.ran() == ["hold"]
        (p.path / "go").write_text("")
        assert s.ask("GET", "/api/v1/executions/a?wait=60")[1]["status"] == "completed"


# ---- words ----

@test
def the_documented_table_of_words_is_that_of_the_code(p):  # pylint: disable=unused-argument
    root = os.environ["PAWL_SOURCE_ROOT"]
    with open(os.path.join(root, "src/api/status.h"), encoding="utf-8") as f:
        code = re.findall(r'X\(\w+, (\w+), "(\w+)", "(\w+)"\)', f.read())
    with open(os.path.join(root, "docs/recovery.md"), encoding="utf-8") as f:
        page = re.findall(r"^\| ([A-Z_]+) \| (\w+) \| (\w+) \|", f.read(), re.M)
    assert len(code) == 7 and code == page, (code, page)


if __name__ == "__main__":
    sys.exit(tap_main())
