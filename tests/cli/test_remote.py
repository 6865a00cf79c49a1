#!/usr/bin/env python3
"""The commands that ask a server: machines, start, activities, worker, completion.
Prints TAP. $PAWL_BIN is the binary."""
import json
import os
import signal
import subprocess
import sys

from place import HELLO, PATIENCE_S, PAWL, tap_main, test, wait_until
from server import serving

GREETING = {**HELLO, "States": {"Greet": {**HELLO["States"]["Greet"], "End": True}}}
GREETING["States"]["Greet"].pop("Next")


def write(p, name, definition):
    (p.path / name).write_text(json.dumps(definition))
    return name


def reviewed(more=None):
    return {"StartAt": "Review", "States": {"Review": {
        "Type": "Task", "Resource": "arn:aws:states:us-east-1:000000000000:activity:review",
        "End": True, **(more or {})}}}


def worker(p, *arguments):
    return subprocess.Popen([PAWL, "worker", "--activity", "review", *arguments], cwd=p.path,
                            env=p.environment(), stdin=subprocess.DEVNULL, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def status(p, name):
    return json.loads(p.run("show", name, "--json").out)["execution"]["status"]


@test
def machines_are_made_shown_changed_and_compared(p):
    write(p, "a.asl.json", GREETING)
    changed = json.loads(json.dumps(GREETING).replace("$.name", "$.who"))
    write(p, "b.asl.json", changed)
    with serving(p):
        p.run("machines").has(0, "No state machines yet")
        p.run("machines", "create", "greet", "a.asl.json", "--publish").says("created", "version 1")
        p.run("machines").says("greet", "STANDARD")
        p.run("machines", "show", "greet").says("stateMachine:greet", '"Greet"')
        p.run("machines", "diff", "greet", "a.asl.json").says()
        d = p.run("machines", "diff", "greet", "b.asl.json")
        assert d.status == 1 and '+        "hello.$": "$.who"' in d.out, d.out
        p.run("machines", "update", "greet", "b.asl.json").says("updated")
        d = p.run("machines", "diff", "greet", "1")
        assert d.status == 1 and "--- greet:1" in d.out and '+        "hello.$": "$.who"' in d.out, d.out
        whole = json.loads(p.run("machines", "show", "greet", "--json").out)
        assert json.loads(whole["definition"]) == changed and whole["status"] == "ACTIVE"
        p.run("machines", "diff", "greet", "b.asl.json").says()
        p.run("machines", "delete", "greet").says("deleted")
        assert json.loads(p.run("machines", "list", "--json").out) == []


@test
def every_revision_can_be_compared(p):
    """Published or not; also what a run put there, past the catalog."""
    for name in ("one", "two", "three"):
        write(p, f"{name}.asl.json", json.loads(json.dumps(GREETING).replace("hello", name)))
    with serving(p) as s:
        p.run("machines", "create", "greet", "one.asl.json").says()
        p.run("machines", "update", "greet", "two.asl.json", "--publish").says("version 1")
        p.run("machines", "update", "greet", "three.asl.json").says()
        known = json.loads(p.run("machines", "revisions", "greet", "--json").out)
        assert [k["is_current"] for k in known] == [True, False, False], known
        assert known[2]["revision"] == "INITIAL" and len({k["definition_hash"] for k in known}) == 3, known
        second = known[1]["revision"]
        table = p.run("machines", "revisions", "greet").says("INITIAL", second, "current").out.splitlines()
        assert [row.split()[0] for row in table[1:]] == [k["revision"] for k in known], table
        d = p.run("machines", "diff", "greet", second, "--endpoint", s.url)
        assert d.status == 1 and f"--- greet:{second}" in d.out and "+++ greet" in d.out, d.out
        assert '-        "two.$"' in d.out and '+        "three.$"' in d.out, d.out
        d = p.run("machines", "diff", "greet", "INITIAL")
        assert d.status == 1 and '-        "one.$"' in d.out, d.out
        p.run("machines", "diff", "greet", known[0]["revision"]).says()
        p.run("machines", "diff", "greet", "00000000-0000-4000-8000-000000000000").has(4, "no revision")
        p.run("machines", "revisions", "great").has(4, 'did you mean "greet"?')
        p.run("start", "one.asl.json", "--machine", "greet", "--input", '{"name": 1}').says()
        now = json.loads(p.run("machines", "revisions", "greet", "--json").out)
        current = [k for k in now if k["is_current"]]
        assert len(now) == 4 and len(current) == 1, now
        assert current[0]["definition_hash"] == known[2]["definition_hash"], now
        p.run("machines", "diff", "greet", current[0]["revision"]).says()
        p.run("start", "two.asl.json", "--machine", "ran", "--input", '{"name": 1}').says()
        assert [k["revision"] for k in json.loads(p.run("machines", "revisions", "ran", "--json").out)] == ["INITIAL"]
        p.run("machines", "diff", "ran", "INITIAL").says()


@test
def files_are_checked_before_anybody_is_asked(p):
    (p.path / "bad.json").write_text('{"StartAt": "X", "States": {}}')
    for verb in ("create", "update", "diff"):
        p.run("machines", verb, "greet", "bad.json").has(1, "States")
        p.run("machines", verb, "greet", "gone.json").has(4, "gone.json")
        assert "nobody serves" not in p.run("machines", verb, "greet", "bad.json").err
    p.run("machines", "diff", "greet", "7").has(6, "nobody serves")


@test
def machines_refuse_what_does_not_fit(p):
    (p.path / "bad.json").write_text('{"StartAt": "X", "States": {}}')
    write(p, "a.asl.json", GREETING)
    with serving(p):
        p.run("machines", "create", "greet", "a.asl.json").says("created")
        p.run("machines", "shwo", "greet").has(2, 'did you mean "show"?')
        p.run("machines", "show").has(2, "pawl machines show NAME")
        p.run("machines", "show", "great").has(4, 'did you mean "greet"?')
        p.run("machines", "create", "greet2", "bad.json").has(1, "States")
        p.run("machines", "create", "gr eet", "a.asl.json").has(2, "Invalid")
        p.run("machines", "create", "greet", "b.json").has(4, "b.json")
        p.run("machines", "diff", "greet", "7").has(4, "7")
        p.run("activities", "make", "x").has(2, "create NAME")
        p.run("completion", "fish").has(2, "bash and for zsh")


@test
def starts_by_machine_and_by_file(p):
    write(p, "a.asl.json", GREETING)
    (p.path / "y.yaml").write_text(
        "StartAt: Greet\nStates: {Greet: {Type: Pass, OutputPath: $.name, End: true}}\n")
    with serving(p) as s:
        p.run("machines", "create", "greet", "a.asl.json").says()
        first = p.run("start", "greet", "--input", '{"name": "you"}', "--name", "one").says("one")
        assert first.out == "one\n" and "pawl wait one" in first.err
        again = p.run("start", "greet", "--input", '{"name": "you"}', "--name", "one")
        assert again.status == 0 or "ExecutionAlreadyExists" in again.err, again.err
        p.run("start", "greet", "--input", '{"name": "me"}', "--name", "one").has(
            2, "ExecutionAlreadyExists")
        told = json.loads(p.run("start", "a.asl.json", "--json", "--input", '{"name": 1}').out)
        assert told["machine_name"] == "a", told
        id = p.run("start", "./y.yaml", "--machine", "other", "--input", '{"name": 7}').out.strip()
        wait_until(lambda: status(p, id) == "SUCCEEDED")
        assert json.loads(p.run("show", id, "--json").out)["execution"]["output"] == 7
        by_url = p.run("start", "greet", "--input", '{"name": 2}', "--endpoint", s.url, "--data", "none")
        assert by_url.status == 0, by_url.err
        p.run("start", "grete").has(4, 'did you mean "greet"?')
        p.run("start", "greet", "--machine", "x").has(2, "--machine")
        p.run("start", "greet", "--input", "{").has(2, "--input")


@test
def executions_are_awaited_described_and_listed(p):
    write(p, "a.asl.json", GREETING)
    write(p, "fail.asl.json", {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "E", "Cause": "why"}}})
    write(p, "long.asl.json", {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": True}}})
    with serving(p) as s:
        there = ("--endpoint", s.url)
        p.run("start", "a.asl.json", "--input", '{"name": 3}', "--name", "good", *there).says("good")
        p.run("start", "fail.asl.json", "--name", "awry", *there).says("awry")
        p.run("start", "long.asl.json", "--name", "long", *there).says("long")
        d = p.run("wait", "good", *there).has(0, "SUCCEEDED after")
        assert json.loads(d.out) == {"hello": 3}, d.out
        p.run("wait", "awry", *there).has(1, "FAILED after", "E: why")
        p.run("wait", "long", "--timeout", 1).has(1, "RUNNING still after 1 s")
        p.run("wait", "none").has(4, "none")
        p.run("wait", "good", "--timeout", "x").has(2, "--timeout")
        assert json.loads(p.run("wait", "good", "--json").out)["status"] == "completed"
        p.run("describe", "awry", *there).says("FAILED", "E: why", "execution:fail:awry")
        whole = json.loads(p.run("describe", "good", "--json", *there).out)
        assert json.loads(whole["output"]) == {"hello": 3} and whole["status"] == "SUCCEEDED", whole
        wait_until(lambda: len(json.loads(p.run("ls", "--json", *there).out)) == 3)
        p.run("ls", *there).says("good", "awry", "long", "SUCCEEDED", "FAILED", "RUNNING")
        names = [e["name"] for e in json.loads(p.run("ls", "--json", "--machine", "fail", *there).out)]
        assert names == ["awry"], names
        p.run("ls", "--limit", 1, *there).has(0, "and more")
        p.run("ls", "--machine", "fial", *there).has(4, 'did you mean "fail"?')
        p.run("history", "good", *there).says("ExecutionStarted", "PassStateEntered", "Greet")
        events = json.loads(p.run("history", "good", "--json", "--reverse", *there).out)["events"]
        assert events[0]["type"] == "ExecutionSucceeded" and events[-1]["id"] == 1, events
        p.run("history", *there).has(2, "needs an ID")
        p.run("stop", "long", *there).says("ABORTED")


@test
def nobody_serves(p):
    for words in (["machines"], ["start", "x"], ["activities"], ["worker", "--activity", "a", "--", "b"]):
        p.run(*words).has(6, "nobody serves the data directory", "pawl serve", "--endpoint")
    p.run("machines", "--endpoint", "http://127.0.0.1:1").has(6, "does not answer")
    p.run("machines", "--endpoint", "ftp://x").has(2, "is no endpoint")


@test
def a_worker_does_tasks(p):
    write(p, "r.asl.json", reviewed())
    with serving(p):
        p.run("activities", "create", "review").says("created").has(0, "pawl worker --activity review")
        p.run("activities").says("review", "activity:review")
        p.run("start", "r.asl.json", "--input", '{"n": 1}', "--name", "good").says()
        p.run("start", "r.asl.json", "--input", '{"n": 2}', "--name", "bad").says()
        w = p.run("worker", "--activity", "review", "--name", "w-7", "--tasks", 2, "--", "sh", "-c",
                  'read line; case $line in *1*) echo "{\\"done\\": true}" ;; *) echo no >&2; exit 4 ;; esac')
        w.has(0, "task 1", "task 2", "Pawl.ExitStatus", "no")
        good = json.loads(p.run("show", "good", "--json").out)["execution"]
        assert good["status"] == "SUCCEEDED" and good["output"] == {"done": True}, good
        assert status(p, "bad") == "FAILED"
        history = p.run("history", "good", "--json").out
        assert '"workerName":"w-7"' in history, history
        p.run("activities", "delete", "review").says("deleted")
        p.run("worker", "--activity", "reviews", "--", "true").has(4, "no activity")


@test
def a_worker_beats_while_it_works(p):
    write(p, "r.asl.json", reviewed({"HeartbeatSeconds": 2, "TimeoutSeconds": 600}))
    with serving(p):
        p.run("activities", "create", "review").says()
        p.run("start", "r.asl.json", "--name", "slow").says()
        # Longer than a heartbeat's time: only beats keep the task.
        w = p.run("worker", "--activity", "review", "--heartbeat", 1, "--tasks", 1, "--", "sh", "-c",
                  "sleep 4; echo 5")
        w.has(0, "task 1")
        assert status(p, "slow") == "SUCCEEDED"


@test
def a_worker_ends_after_its_task(p):
    write(p, "r.asl.json", reviewed())
    with serving(p):
        p.run("activities", "create", "review").says()
        for name in ("first", "second"):
            p.run("start", "r.asl.json", "--name", name).says()
        w = worker(p, "--", "sh", "-c", "echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; echo 1")
        p.wait_for("pid")
        w.send_signal(signal.SIGTERM)
        line = w.stderr.readline()
        while "ending after this task" not in line:
            assert line, "it never says so"
            line = w.stderr.readline()
        (p.path / "go").touch()
        assert w.wait(PATIENCE_S) == 0
        w.stdout.close()
        w.stderr.close()
        assert (status(p, "first"), status(p, "second")) == ("SUCCEEDED", "RUNNING")


@test
def a_worker_stopped_twice_fails_its_task(p):
    write(p, "r.asl.json", reviewed())
    with serving(p):
        p.run("activities", "create", "review").says()
        p.run("start", "r.asl.json", "--name", "one").says()
        w = worker(p, "--", "sh", "-c", "echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done")
        p.wait_for("pid")
        w.send_signal(signal.SIGTERM)
        while "ending after this task" not in w.stderr.readline():
            pass
        w.send_signal(signal.SIGTERM)
        assert w.wait(PATIENCE_S) == 0
        w.stdout.close()
        w.stderr.close()
        assert "Pawl.WorkerStopped" in p.run("show", "one").out


@test
def a_result_waits_for_the_server(p):
    write(p, "r.asl.json", reviewed())
    with serving(p) as s:
        p.run("activities", "create", "review").says()
        p.run("start", "r.asl.json", "--name", "kept").says()
        w = worker(p, "--endpoint", s.url, "--tasks", "1", "--", "sh", "-c",
                   "echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; echo 1")
        p.wait_for("pid")
        s.process.kill()
        s.process.wait(PATIENCE_S)
        (p.path / "go").touch()
        line = w.stderr.readline()
        while "waiting:" not in line:
            assert line, "it does not wait"
            line = w.stderr.readline()
        with serving(p, "--listen", f"127.0.0.1:{s.port}"):
            assert w.wait(PATIENCE_S) == 0
            assert status(p, "kept") == "SUCCEEDED"
        w.stdout.close()
        w.stderr.close()


@test
def completion_is_a_script(p):
    script = p.run("completion", "bash").says("complete -o filenames -F _pawl pawl").out
    ask = script + """
complete_line() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _pawl; echo "${COMPREPLY[@]}"; }
complete_line pawl mach
complete_line pawl machines --pub
complete_line pawl machines --type S
complete_line pawl ls --status RUN
"""
    out = subprocess.run(["bash", "-c", ask], capture_output=True, text=True, check=True).stdout
    assert out.split() == ["machines", "--publish", "STANDARD", "RUNNING"], out
    zsh = p.run("completion", "zsh").says("#compdef pawl", "machines:").out
    if os.path.exists("/bin/zsh"):
        subprocess.run(["zsh", "-n"], input=zsh, text=True, check=True)


if __name__ == "__main__":
    sys.exit(tap_main())
