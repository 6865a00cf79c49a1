#!/usr/bin/env python3
"""The server killed again and again under starts, activity tasks and timers of real clients.

AWS's own client library (that of Debian's awscli) starts executions, polls for the tasks of
two activities and answers them, while `pawl serve` gets SIGKILL at random times and is started
anew. Then nothing more is started, and in the end
  - every acknowledged start is an execution, which has ended;
  - every step was entered once and ended once, in the order of its machine;
  - every answer that was acknowledged stands in exactly one history, and no task was given to
    two workers;
  - no timer fired early.
Prints TAP. $PAWL_BIN is the binary, $PAWL_KILLS and $PAWL_SEED choose how often and when.
"""
import importlib
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SYSTEM_PYTHON = "/usr/bin/python3"  # which has what Debian's awscli brings


def load_client():
    for place in ("awscli.botocore", "botocore"):
        try:
            return tuple(importlib.import_module(f"{place}.{part}")
                         for part in ("session", "config", "exceptions"))
        except ModuleNotFoundError:
            continue
    if os.access(SYSTEM_PYTHON, os.X_OK) and not os.environ.get("PAWL_REEXECUTED"):
        os.environ["PAWL_REEXECUTED"] = "1"
        os.execv(SYSTEM_PYTHON, [SYSTEM_PYTHON, *sys.argv])
    print("1..0 # SKIP awscli is not installed")
    sys.exit(0)


SESSION, CONFIG, ERRORS = load_client()
PAWL = os.environ["PAWL_BIN"]
SEED = int(os.environ.get("PAWL_SEED", "1"))
SANITIZED = any(f"/{name}/" in PAWL for name in ("asan", "tsan", "msan"))  # and slow
KILLS = int(os.environ.get("PAWL_KILLS", "500" if os.environ.get("PAWL_LONG")
                           else "10" if SANITIZED else "50"))
PATIENCE_S = 120
STARTERS, WORKERS = 2, 4
LIFE_S = (0.05, 0.7)  # of a server
WAIT_S = 1
TASK_TIMEOUT_S = 4


def activity(name, following):
    return {"Type": "Task", "Resource": name, "TimeoutSeconds": TASK_TIMEOUT_S,
            "Retry": [{"ErrorEquals": ["States.Timeout"], "IntervalSeconds": 1, "MaxAttempts": 99,
                       "BackoffRate": 1.0}], **following}


def machines(one, two):
    timer = {"Type": "Wait", "Seconds": WAIT_S}
    return {
        "work": {"StartAt": "First", "States": {
            "First": activity(one, {"Next": "Between"}),
            "Between": {"Type": "Pass", "Next": "Second"},
            "Second": activity(two, {"End": True})}},
        "timer": {"StartAt": "Tick", "States": {
            "Tick": {**timer, "Next": "Tock"}, "Tock": {**timer, "Next": "Done"},
            "Done": {"Type": "Succeed"}}},
        "both": {"StartAt": "Split", "States": {
            "Split": {"Type": "Parallel", "Next": "Last", "Branches": [
                {"StartAt": "Tick", "States": {"Tick": {**timer, "End": True}}},
                {"StartAt": "First", "States": {"First": activity(one, {"End": True})}}]},
            "Last": activity(two, {"End": True})}},
    }


class Server:
    """One life after the other, on one data directory."""

    def __init__(self, folder):
        self.folder = folder
        self.session = SESSION.Session()
        self.process = self.aws = None
        self.lives = 0

    def start(self):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [PAWL, "serve", "--listen", "127.0.0.1:0", "--data", str(self.folder / "data"),
             "--log-file", str(self.folder / "log")],
            cwd=self.folder, stdout=subprocess.PIPE, text=True)
        line = self.process.stdout.readline()
        assert "http://" in line, f"the server does not come up: {self.log()}"
        endpoint = "http://" + line.split("http://")[1].split(";")[0].strip()
        self.aws = self.session.create_client(
            "stepfunctions", region_name="us-east-1", endpoint_url=endpoint,
            aws_access_key_id="any", aws_secret_access_key="any",
            config=CONFIG.Config(retries={"max_attempts": 0}, max_pool_connections=32,
                                 connect_timeout=5, read_timeout=70))
        self.lives += 1

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    def log(self):
        file = self.folder / "log"
        return file.read_text()[-4000:] if file.exists() else ""


def compact(value):
    return json.dumps(value, separators=(",", ":"))


def code_of(error):
    return error.response["Error"]["Code"]


class Clients:
    """What they did, and what they were told."""

    def __init__(self, server, arns, activities):
        self.server, self.arns, self.activities = server, arns, activities
        self.lock = threading.Lock()
        self.starting, self.working = True, True
        self.started = {}   # ARN -> machine
        self.tokens = set()
        self.answered = []  # what was acknowledged
        self.late = self.broken = 0
        self.problems = []
        self.threads = [threading.Thread(target=self.guard, args=(self.starter, i))
                        for i in range(STARTERS)]
        self.threads += [threading.Thread(target=self.guard, args=(self.worker, i))
                         for i in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def guard(self, function, number):
        try:
            function(number)
        except Exception:  # pylint: disable=broad-except
            self.problems.append(traceback.format_exc())

    def call(self, operation, **arguments):
        """The answer, or None when the server went away: whether it was done nobody knows."""
        try:
            return getattr(self.server.aws, operation)(**arguments)
        except (ERRORS.HTTPClientError, ERRORS.ConnectionError, OSError):
            with self.lock:
                self.broken += 1
            time.sleep(0.01)
            return None

    def starter(self, number):
        rng = random.Random(f"{SEED} starter {number}")
        count = 0
        while self.starting:
            machine, name = rng.choice(list(self.arns)), f"s{number}-{count}"
            count += 1
            arn = None
            while not arn:  # asked again under the same name, as a client would
                try:
                    answer = self.call("start_execution", stateMachineArn=self.arns[machine],
                                       name=name, input=json.dumps({"name": name}))
                    arn = answer and answer["executionArn"]
                except ERRORS.ClientError as error:
                    # It was started before the connection broke, and has ended since.
                    if code_of(error) != "ExecutionAlreadyExists":
                        raise
                    arn = str(error).split("'")[1]
            with self.lock:
                self.started[arn] = machine
            time.sleep(rng.random() * 0.02)

    def worker(self, number):
        rng = random.Random(f"{SEED} worker {number}")
        while self.working:
            task = self.call("get_activity_task", workerName=f"w{number}",
                             activityArn=self.activities[number % len(self.activities)])
            token = task and task.get("taskToken")
            if not token:
                continue
            with self.lock:
                assert token not in self.tokens, f"{token} was given twice"
                self.tokens.add(token)
            time.sleep(rng.random() * 0.05)
            self.answer(token, rng)

    def answer(self, token, rng):
        output = compact({"token": token, "n": rng.random()})
        asked = False
        while True:
            try:
                told = self.call("send_task_success", taskToken=token, output=output)
            except ERRORS.ClientError as error:
                # Too late, or it counted when the connection broke.
                assert code_of(error) == "TaskTimedOut", error
                with self.lock:
                    self.late += not asked
                return
            if told is not None:
                with self.lock:
                    self.answered.append(output)
                return
            asked = True

    def stop(self):
        self.working = False
        for thread in self.threads[STARTERS:]:
            thread.join(PATIENCE_S)

    def check(self):
        assert not self.problems, self.problems[0]


def history_of(aws, arn):
    pages = aws.get_paginator("get_execution_history").paginate(executionArn=arn)
    return [event for page in pages for event in page["events"]]


def details(event, kind):
    return event.get(f"{kind}EventDetails", {})


EXPECTED = {"work": ["First", "Between", "Second"], "timer": ["Tick", "Tock", "Done"],
            "both": ["Split", "Tick", "First", "Last"]}


def check_history(machine, events):
    """The outputs of its tasks."""
    entered = [details(e, "stateEntered")["name"] for e in events
               if e["type"].endswith("StateEntered")]
    exited = [details(e, "stateExited")["name"] for e in events
              if e["type"].endswith("StateExited")]
    assert entered == EXPECTED[machine], f"entered {entered}"
    assert sorted(exited) == sorted(entered), f"exited {exited}"
    assert events[-1]["type"] == "ExecutionSucceeded", events[-1]
    assert [e["id"] for e in events] == list(range(1, len(events) + 1)), "the ids have gaps"
    succeeded = [e for e in events if e["type"] == "ActivitySucceeded"]
    tasks = [name for name in entered if name in ("First", "Second", "Last")]
    assert len(succeeded) == len(tasks), f"{len(succeeded)} results of {len(tasks)} tasks"
    scheduled = sum(e["type"] == "ActivityScheduled" for e in events)
    started = sum(e["type"] == "ActivityStarted" for e in events)
    assert started <= scheduled, f"{started} starts of {scheduled} tasks"
    waits = {}
    for event in events:
        if event["type"] == "WaitStateEntered":
            waits[details(event, "stateEntered")["name"]] = event["timestamp"]
        elif event["type"] == "WaitStateExited":
            took = event["timestamp"] - waits[details(event, "stateExited")["name"]]
            assert took.total_seconds() >= WAIT_S, f"a timer of {WAIT_S} s fired after {took}"
    return [compact(json.loads(details(e, "activitySucceeded")["output"])) for e in succeeded]


def wait_for_ends(clients, aws):
    deadline = time.monotonic() + PATIENCE_S
    waiting = list(clients.started)
    while waiting:
        waiting = [arn for arn in waiting
                   if aws.describe_execution(executionArn=arn)["status"] == "RUNNING"]
        clients.check()
        assert time.monotonic() < deadline, f"{len(waiting)} never end, such as {waiting[0]}"


def kill_again_and_again(server, clients):
    rng = random.Random(SEED)
    for _ in range(KILLS):
        time.sleep(rng.uniform(*LIFE_S))
        clients.check()
        server.kill()
        server.start()


def play(server):
    server.start()
    activities = [server.aws.create_activity(name=name)["activityArn"] for name in ("one", "two")]
    arns = {name: server.aws.create_state_machine(
        name=name, definition=json.dumps(definition),
        roleArn="arn:aws:iam::000000000000:role/any")["stateMachineArn"]
            for name, definition in machines(*activities).items()}
    clients = Clients(server, arns, activities)
    try:
        kill_again_and_again(server, clients)
        clients.starting = False
        for thread in clients.threads[:STARTERS]:
            thread.join(PATIENCE_S)
        wait_for_ends(clients, server.aws)
        outputs, steps = [], 0
        for arn, machine in clients.started.items():
            events = history_of(server.aws, arn)
            try:
                outputs += check_history(machine, events)
            except AssertionError as error:
                raise AssertionError(f"{arn}: {error}") from error
            steps += len(EXPECTED[machine])
        assert len(outputs) == len(set(outputs)), "an answer stands in two histories"
        lost = set(clients.answered) - set(outputs)
        assert not lost, f"{len(lost)} acknowledged answers are lost, such as {lost.pop()}"
        print(f"# seed={SEED} kills={server.lives - 1} executions={len(clients.started)} "
              f"steps={steps} tasks given={len(clients.tokens)} "
              f"answers acknowledged={len(clients.answered)} too late={clients.late} "
              f"calls broken off={clients.broken}")
    finally:
        clients.starting = clients.working = False
        server.kill()  # which ends the polls
        clients.stop()
    clients.check()


def main():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pawl-killed-"))
    server = Server(folder)
    verdict = "ok"
    print("1..1")
    try:
        play(server)
    except Exception:  # pylint: disable=broad-except
        verdict = "not ok"
        text = traceback.format_exc() + "--- log\n" + server.log()
        print("".join("# " + line + "\n" for line in text.splitlines()), end="")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(f"{verdict} 1 - a server that is killed loses nothing it acknowledged and does nothing twice")
    return verdict != "ok"


if __name__ == "__main__":
    sys.exit(main())
