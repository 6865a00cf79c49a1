#!/usr/bin/env python3
"""Checks, against a server, that rerunning one step of a finished job runs that step and nothing
else, in seven parts, each of which it prints.

    test-step-rerun.py JOB_ID STEP_INDEX [TENANT_ID]

STEP_INDEX counts from 0. Settings:

    API_TOKEN      the bearer token to ask with. Required
    TENANT_ID      whose job it is, where the argument does not say it
    PAWL_ENDPOINT  the server; http://127.0.0.1:8083 without it

Exit status: 0 passed, 1 failed, 2 asked wrongly or not set up.
"""
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

LINE = "=" * 80
WAIT_S = 300  # for the rerun's end
POLL_S = 0.25
SINGLE_STEP_PATH = ["UpdateJobStatus", "CheckAction", "ProcessStep", "CheckStepResultSingleStep", "FinalizeJob"]
FULL_PATH = ["InitializeSteps", "ComputeStepsLength", "ResolveDependencies", "SetupStepLoop"]
INVOCATIONS = ("LambdaFunctionScheduled", "TaskScheduled", "ActivityScheduled")
# Computed when they are looked at, so no part of what is kept.
COMPUTED = ("stale",)


class Failed(Exception):
    """The check failed; says why."""


class Misused(Exception):
    """Nothing was checked; says what to do."""


class Server:
    def __init__(self, endpoint, token, tenant):
        self.endpoint = endpoint.rstrip("/")
        self.headers = {"Authorization": "Bearer " + token, "X-Organization-ID": tenant}

    def ask(self, method, path, body=None, **headers):
        """The status and the parsed body of an answer."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **self.headers, **headers}
        request = urllib.request.Request(self.endpoint + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            text = e.read().decode("utf-8", "replace")
            try:
                return e.code, json.loads(text)
            except ValueError:
                return e.code, {"detail": text}
        except (OSError, urllib.error.URLError) as e:
            raise Misused(f"{self.endpoint} does not answer: {e}\n"
                          "   Start a server with `pawl serve`, or set PAWL_ENDPOINT to the address of one.") from e

    def job(self, job_id):
        status, job = self.ask("GET", "/admin/jobs/" + urllib.parse.quote(job_id, safe=""))
        if status != 200:
            raise Misused(f"There is no job {job_id}: {said(status, job)}")
        return job

    def step_functions(self, operation, arguments):
        status, answer = self.ask("POST", "/", arguments, **{
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": "AWSStepFunctions." + operation})
        if status != 200:
            raise Failed(f"{operation} answered {said(status, answer)}")
        return answer

    def history(self, arn):
        events, token = [], None
        while True:
            page = self.step_functions("GetExecutionHistory", {
                "executionArn": arn, "maxResults": 1000, **({"nextToken": token} if token else {})})
            events += page["events"]
            token = page.get("nextToken")
            if not token:
                return events


def said(status, answer):
    words = [answer.get("detail") or answer.get("message") or answer.get("title"), answer.get("remedy")]
    return f"{status} " + " ".join(w for w in words if w)


def settings(arguments):
    if len(arguments) not in (2, 3):
        raise Misused("usage: test-step-rerun.py JOB_ID STEP_INDEX [TENANT_ID]")
    job_id, index = arguments[:2]
    if not index.isdecimal():
        raise Misused(f"STEP_INDEX is a whole number from 0, not {index}")
    token = os.environ.get("API_TOKEN")
    tenant = arguments[2] if len(arguments) == 3 else os.environ.get("TENANT_ID")
    if not token:
        raise Misused("API_TOKEN is not set.\n   export API_TOKEN=... to the token that the server takes; "
                      "one that asks for none takes any.")
    if not tenant:
        raise Misused("TENANT_ID is not set.\n   export TENANT_ID=... to whose job it is, "
                      "or give it as the third argument.")
    return job_id, int(index), Server(os.environ.get("PAWL_ENDPOINT") or "http://127.0.0.1:8083", token, tenant)


def kept(step):
    return {name: value for name, value in step.items() if name not in COMPUTED}


def step_at(job, index):
    steps = job["execution_steps"]
    for step in steps:
        if step["step_index"] == index:
            return step
    raise Misused(f"There is no step {index}: the job has {len(steps)} steps, 0 to {len(steps) - 1}.")


# ---- the seven parts ----

def get_initial_state(server, job_id):
    print("\nStep 1: Getting initial job state...")
    job = server.job(job_id)
    if job["status"] == "processing":
        raise Misused(f"The job is still processing.\n   Wait for its end, or end it with `pawl stop {job_id}`.")
    print(f"✅ Job found: {job['status']}")
    print(f"   Initial execution steps: {len(job['execution_steps'])}")
    print(f"   Workflow ID: {job['workflow_id']}")
    return job


def check_step(job, index):
    print(f"\nStep 2: Checking step {index}...")
    step = step_at(job, index)
    print(f"✅ Step {index} found: {step['step_name']}")
    return step


def call_rerun(server, job_id, index):
    print(f"\nStep 3: Calling rerun API for step {index}...")
    status, answer = server.ask("POST", f"/admin/jobs/{urllib.parse.quote(job_id, safe='')}/rerun-step",
                                {"step_index": index})
    if status not in (200, 201, 202):
        raise Failed(f"The rerun was refused: {said(status, answer)}")
    print("✅ Started Step Functions execution for step rerun")
    print(f"   Execution ARN: {answer['execution_arn']}")
    return answer["execution_arn"]


def wait_for_end(server, arn):
    print("\nStep 4: Waiting for step rerun to complete...")
    print("   (This may take 30-60 seconds)")
    deadline = time.monotonic() + WAIT_S
    while True:
        execution = server.step_functions("DescribeExecution", {"executionArn": arn})
        if execution["status"] != "RUNNING":
            break
        if time.monotonic() > deadline:
            raise Failed(f"The rerun has not ended after {WAIT_S} seconds")
        time.sleep(POLL_S)
    if execution["status"] != "SUCCEEDED":
        raise Failed(f"Step Functions execution completed: {execution['status']}, "
                     f"{execution.get('error', 'no error')}: {execution.get('cause', 'no cause')}")
    print(f"✅ Step Functions execution completed: {execution['status']}")


def check_history(server, arn):
    print("\nStep 5: Checking execution history...")
    events = server.history(arn)
    invocations = sum(event["type"] in INVOCATIONS for event in events)
    print(f"   Lambda invocations: {invocations}")
    if invocations != 1:
        raise Failed(f"A rerun of one step invokes one task once, not {invocations} times")
    return [event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")]


def check_final_state(server, job_id, before):
    print("\nStep 6: Checking final job state...")
    job = server.job(job_id)
    good = job["status"] == before["status"]
    print(f"{'✅' if good else '❌'} Final job status: {job['status']}")
    print(f"   Final execution steps: {len(job['execution_steps'])}")
    if not good:
        raise Failed(f"The job was {before['status']} and is now {job['status']}")
    if len(job["execution_steps"]) != len(before["execution_steps"]):
        raise Failed("Steps were added or lost: a rerun replaces the step's record")
    return job


def verify(before, after, index, entered):
    print("\nStep 7: Verifying results...")
    print(f"✅ Job is {after['status']}")
    old, new = step_at(before, index), step_at(after, index)
    print(f"✅ Found rerun step: {new['step_name']}")
    print(f"   Step order: {new['step_order']}")
    print(f"   Step type: {new['step_type']}")
    if kept(new) == kept(old):
        raise Failed(f"Step {index} is as it was: it did not run again")
    changed = [s["step_name"] for s in before["execution_steps"]
               if s["step_index"] != index and kept(step_at(after, s["step_index"])) != kept(s)]
    if changed:
        raise Failed("Other steps changed, too: " + ", ".join(changed))
    print(f"✅ Previous steps preserved: {index} steps")
    full = [name for name in entered if name in FULL_PATH]
    if full or [name for name in entered if name in SINGLE_STEP_PATH] != SINGLE_STEP_PATH:
        raise Failed("Execution went through " + " → ".join(entered))
    print("✅ Execution went through CheckAction (single-step path)")


def check(job_id, index, server):
    print(f"{LINE}\nTest: Step Rerun Functionality\n{LINE}\nJob ID: {job_id}\nStep Index: {index}")
    before = get_initial_state(server, job_id)
    check_step(before, index)
    arn = call_rerun(server, job_id, index)
    wait_for_end(server, arn)
    entered = check_history(server, arn)
    after = check_final_state(server, job_id, before)
    verify(before, after, index, entered)
    print(f"\n{LINE}\n✅ TEST PASSED: Step rerun functionality works correctly\n{LINE}")


def main():
    try:
        check(*settings(sys.argv[1:]))
    except Misused as e:
        print(f"❌ {e}", file=sys.stderr)
        return 2
    except Failed as e:
        print(f"❌ {e}\n\n{LINE}\n❌ TEST FAILED\n{LINE}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
