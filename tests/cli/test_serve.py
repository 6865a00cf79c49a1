#!/usr/bin/env python3
"""`pawl serve`: how it begins, what it says, how it ends. Prints TAP. $PAWL_BIN is
the binary."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import subprocess
import sys

from place import PATIENCE_S, tap_main, test, wait_until
from server import bind, serving, task

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}


@test
def one_line_says_where(p):
    with serving(p, "--listen", "[::1]:0", "--listen", "unix:my.sock", "--data", "d") as s:
        assert re.fullmatch(rf"pawl listens on http://127\.0\.0\.1:\d+, http://\[::1\]:\d+, unix:my\.sock; "
                            rf"its data is in {re.escape(str(p.path))}/d\n", s.line), s.line
        assert s.ask("GET", "/healthz") == (200, {"status": "ok"})
        wait_until(lambda: s.ask("GET", "/readyz") == (200, {"status": "ready"}))
        for path in ("my.sock", "d/pawl.sock"):
            c = socket.socket(socket.AF_UNIX)
            os.chdir(p.path)
            c.connect(path)
            c.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert b"200 OK" in c.recv(4096)
            assert os.stat(path).st_mode & 0o777 == 0o600
            c.close()
        assert "info    listening  http://127.0.0.1" in s.said()
        assert s.end() == 0
        assert not (p.path / "my.sock").exists() and not (p.path / "d/pawl.sock").exists()


@test
def only_loopback_without_authentication(p):
    for address in ("0.0.0.0:0", "10.0.0.1:8083", "[::]:0", "192.168.1.1:80", "[::ffff:127.0.0.1]:0", "127.0.0.1.evil:0"):
        done = p.run("serve", "--listen", address)
        done.has(2, address.rsplit(":", 1)[0].strip("[]"))
        assert "loopback" in done.err or "no IP address" in done.err, done.err
    for bad in ("", "8083", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "unix:", "127.0.0.1:-1"):
        p.run("serve", "--listen", bad).has(2, "nothing to listen on")
    p.run("serve", "--auth", "on").has(2, "--auth takes one of off")
    with serving(p, "--auth", "off"):
        pass


@test
def what_it_cannot_do_is_said(p):
    (p.path / "file").write_text("mine")
    p.run("serve", "--listen", "unix:file").has(2, "there is a file, no socket")
    assert (p.path / "file").read_text() == "mine"
    p.run("serve", "--config", "nowhere.yaml").has(4, "nowhere.yaml")
    (p.path / "bad.yaml").write_text("bindings: 7\n")
    p.run("serve", "--config", "bad.yaml").has(2, "bad.yaml:1:11")
    p.run("serve", "--log-file", "no/such/log").has(4, "no/such/log")
    with serving(p, "--listen", "unix:x.sock") as s:
        p.run("serve", "--data", "e", "--listen", "unix:x.sock").has(5, "listens on unix:x.sock already")
        p.run("serve", "--data", "e", "--listen", f"127.0.0.1:{s.port}").has(5, "127.0.0.1")
        p.run("serve", "--listen", "127.0.0.1:0").has(5, f"process {s.process.pid}")
    with serving(p, "--listen", "unix:x.sock"):  # a dead one left its socket
        pass


@test
def it_advances_what_it_finds(p):
    bind(p, slow="echo at >> ran; while [ ! -e go ]; do sleep 0.02; done; cat")
    with serving(p) as s:
        status, started = s.start(task("slow"), name="one")
        assert status == 200 and started["status"] == "running", started
        p.wait_for("ran")
        s.process.kill()
        s.process.wait()
    with serving(p) as s:
        wait_until(lambda: p.ran() == ["at", "at"])
        assert "commands-ended  1 commands" in s.said()
        (p.path / "go").write_text("")
        wait_until(lambda: "SUCCEEDED" in p.run("ls").out)


@test
def it_is_not_ready_while_it_recovers(p):
    """What may be in memory at once is taken by Express executions, which cannot wait on disk: so what
    was under way besides is not found before one of them has ended."""
    hold = "while [ ! -e {} ]; do sleep 0.02; done; cat"
    bind(p, hold=f"echo at >> ran; {hold.format('go')}", after=f"echo after >> ran; {hold.format('go')}")
    ready, recovering = (200, {"status": "ready"}), (503, {"status": "not ready", "reason": "recovering"})
    with serving(p) as s:
        for kind in ("EXPRESS", "STANDARD"):
            status, made = s.operation("CreateStateMachine", {
                "name": kind, "type": kind, "roleArn": "arn:aws:iam::000000000000:role/r",
                "definition": json.dumps(task("hold" if kind == "EXPRESS" else "after"))})
            assert status == 200, made
            for _ in range(16 if kind == "EXPRESS" else 3):
                status, told = s.operation("StartExecution", {"stateMachineArn": made["stateMachineArn"]})
                assert status == 200, told
        wait_until(lambda: len(p.ran()) == 19)
        assert s.ask("GET", "/readyz") == ready
        s.process.kill()
        s.process.wait()
    (p.path / "ran").unlink()
    with (p.path / "pawl.yaml").open("a") as config:
        config.write("limits: {runs_live_max: 16, express_live_max: 16}\n")
    with serving(p) as s:
        assert s.ask("GET", "/readyz") == recovering
        wait_until(lambda: p.ran().count("at") == 16)
        assert s.ask("GET", "/readyz") == recovering and "after" not in p.ran()
        assert s.ask("GET", "/healthz") == (200, {"status": "ok"})
        (p.path / "go").touch()
        wait_until(lambda: s.ask("GET", "/readyz") == ready)
        wait_until(lambda: json.loads(p.run("ls", "--json", "--status", "SUCCEEDED", "--machine", "STANDARD").out) != [])
        assert s.end() == 0


@test
def it_is_not_ready_while_its_disk_is_full(p):
    """On a disk of its own, which only it and whoever looks through it can see."""
    bind(p, hold="echo at >> ran; while [ ! -e go ]; do sleep 0.02; done; cat")
    (p.path / "data").mkdir()
    alone = ["unshare", "--map-root-user", "--mount", "sh", "-c",
             "mount -t tmpfs -o size=4m none data && exec \"$@\"", "sh"]
    if subprocess.run([*alone, "true"], cwd=p.path, capture_output=True, check=False).returncode:
        print("# no right to mount a tmpfs here: not tested")
        return
    with serving(p, "--data", "data", before=alone) as s:
        s.start(task("hold"), name="one")
        p.wait_for("ran")
        assert s.ask("GET", "/readyz") == (200, {"status": "ready"})
        filling = pathlib.Path(f"/proc/{s.process.pid}/root{p.path}/data/filling")
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        (p.path / "go").touch()
        refused = (503, {"status": "not ready", "reason": "the store refuses what is to be written"})
        wait_until(lambda: s.ask("GET", "/readyz") == refused)
        assert "refused" in s.said() and "DISK_FULL" in s.said(), s.said()
        assert s.ask("GET", "/api/v1/executions/one")[1]["status"] == "running"
        filling.unlink()
        wait_until(lambda: s.ask("GET", "/readyz") == (200, {"status": "ready"}))
        wait_until(lambda: s.ask("GET", "/api/v1/executions/one")[1]["status"] == "completed")
        assert s.end() == 0


@test
def sigterm_drains(p):
    """What runs may end; nothing else begins; then it is gone, with 0."""
    bind(p, slow="echo at >> ran; while [ ! -e go ]; do sleep 0.02; done; cat", after="echo after >> ran; cat")
    two = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "slow", "Next": "U"},
                                      "U": {"Type": "Task", "Resource": "after", "End": True}}}
    with serving(p) as s:
        s.start(two)
        p.wait_for("ran")
        s.process.send_signal(signal.SIGTERM)
        wait_until(lambda: s.ask("GET", "/readyz") == (503, {"status": "not ready", "reason": "draining"}))
        assert s.ask("GET", "/healthz")[0] == 200
        (p.path / "go").write_text("")
        assert s.process.wait(PATIENCE_S) == 0
        assert "draining" in s.said() and "stopped" in s.said()
    assert p.ran() == ["at"], p.ran()
    p.run("show").says("✔    1  T", "▸    2  U")
    with serving(p) as s:
        wait_until(lambda: "SUCCEEDED" in p.run("ls").out)
    assert p.ran() == ["at", "after"], p.ran()


@test
def a_second_signal_waits_no_longer(p):
    bind(p, slow="echo at >> ran; while :; do sleep 0.02; done")
    for number in (signal.SIGTERM, signal.SIGINT):
        (p.path / "ran").unlink(missing_ok=True)
        with serving(p) as s:
            s.start(task("slow"))
            p.wait_for("ran")
            s.process.send_signal(number)
            wait_until(lambda: "draining" in s.said())
            assert s.end(number) == 0


@test
def sighup_reads_the_configuration_again(p):
    bind(p, say="echo '\"old\"'", slow="echo at >> ran; while [ ! -e go ]; do sleep 0.02; done; echo '\"slow old\"'")
    def output(name):
        return json.loads(p.run("show", name, "--json").out)["execution"].get("output")
    with serving(p) as s:
        s.start(task("slow"), name="slow")
        p.wait_for("ran")
        s.start(task("say"), name="one")
        wait_until(lambda: output("one") == "old")
        bind(p, say="echo '\"new\"'", slow="echo '\"slow new\"'")
        s.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "reloaded  2 bindings of ./pawl.yaml" in s.said())
        s.start(task("say"), name="two")
        wait_until(lambda: output("two") == "new")
        (p.path / "pawl.yaml").write_text("bindings:\n  - {resource: say, exec: 7}\n")
        s.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "not-reloaded" in s.said())
        assert "./pawl.yaml:2:" in s.said() and "stay as they were" in s.said(), s.said()
        s.start(task("say"), name="three")
        wait_until(lambda: output("three") == "new")
        (p.path / "go").write_text("")
        wait_until(lambda: output("slow") == "slow old")  # it began before
        assert s.end() == 0


@test
def the_log_is_lines_of_json_and_is_reopened(p):
    with serving(p, "--log-file", "log", "--log-format", "json") as s:
        os.rename(p.path / "log", p.path / "log.1")
        s.process.send_signal(signal.SIGHUP)
        wait_until(lambda: (p.path / "log").exists() and (p.path / "log").read_text())
        assert s.end() == 0
        assert s.said() == ""
    lines = [json.loads(line) for name in ("log.1", "log") for line in (p.path / name).read_text().splitlines()]
    assert [line["event"] for line in lines] == ["listening", "reloaded", "draining", "stopped"], lines
    assert all(line.keys() == {"time", "level", "event", "message"} for line in lines), lines
    with serving(p, "--log-file", "log") as s:
        assert s.end() == 0
    assert len((p.path / "log").read_text().splitlines()) == 6, "appended to"


WORKER = r"""
import json, os, sys, urllib.request
base = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
while True:
    with urllib.request.urlopen(base + "invocation/next") as task:
        name, event = task.headers["Lambda-Runtime-Aws-Request-Id"], json.load(task)
    print("got", json.dumps(event), flush=True)
    print("x" * 5000, "bell", file=sys.stderr, flush=True)
    print("\1" * 4000, file=sys.stderr, flush=True)
    urllib.request.urlopen(base + f"invocation/{name}/response", json.dumps({"ok": 1}).encode())
"""


@test
def what_workers_write_joins_the_log(p):
    (p.path / "worker.py").write_text(WORKER)
    (p.path / "pawl.yaml").write_text("bindings:\n  - {resource: warm, runtime: {command: [python3, worker.py]}}\n")
    with serving(p, "--log-file", "log", "--log-format", "json") as s:
        s.start(task("warm"), name="one", input={"n": 7})
        wait_until(lambda: "SUCCEEDED" in p.run("ls").out)
        def lines():
            return [json.loads(line) for line in (p.path / "log").read_text().splitlines()]
        wait_until(lambda: len([e for e in lines() if e["event"] == "worker-error"]) == 3)
        said = [e["message"] for e in lines() if e["event"].startswith("worker")]
        assert 'warm: got {"n": 7}' in said, said
        parts = [m.removeprefix("warm: ") for m in said if "got" not in m]
        assert [len(part) for part in parts] == [4096, 5000 - 4096 + 5, 4000] and parts[1].endswith("x bell"), parts
        assert parts[2] == "\1" * 4000
        assert s.end() == 0


def log_lines(p, name="log"):
    return [json.loads(line) for line in (p.path / name).read_text().splitlines()]


@test
def what_commands_write_joins_the_log(p):
    """By lines, with whose they are and nothing else; in the new file once that is opened."""
    (p.path / "pawl.yaml").write_text(
        "bindings:\n  - resource: tell\n    environment: {PASSWORD: swordfish}\n"
        "    exec: [sh, -c, \"printf 'one\\r\\ntwo\\n' >&2; echo $$ > pid; "
        "while [ ! -e go ]; do sleep 0.02; done; printf 'three' >&2; cat\"]\n")
    with serving(p, "--log-file", "log", "--log-format", "json") as s:
        started = s.start(task("tell"), name="good", input={"n": "payload"})[1]
        wait_until(lambda: len([e for e in log_lines(p) if e["event"] == "command"]) == 2)
        os.rename(p.path / "log", p.path / "log.1")
        s.process.send_signal(signal.SIGHUP)
        wait_until(lambda: (p.path / "log").exists() and (p.path / "log").read_text())
        (p.path / "go").touch()
        wait_until(lambda: "SUCCEEDED" in p.run("ls").out)
        assert s.end() == 0
    before = [e for e in log_lines(p, "log.1") if e["event"] == "command"]
    after = [e for e in log_lines(p) if e["event"] == "command"]
    assert [e["message"] for e in before + after] == ["one", "two", "three"], (before, after)
    assert len(after) == 1, after
    for e in before + after:
        assert e.keys() == {"time", "level", "event", "message", "execution", "machine", "step", "attempt"}, e
        assert (e["execution"], e["machine"], e["step"], e["attempt"]) == (started["id"], "m", "T", 1), e
    whole = (p.path / "log.1").read_text() + (p.path / "log").read_text()
    assert "swordfish" not in whole and "payload" not in whole, whole
    p.run("logs", "good").says("one", "two", "three")


@test
def commands_in_a_log_of_text(p):
    bind(p, fail="printf 'no \\033[31mroute' >&2; exit 3")
    retried = {"StartAt": "T", "States": {"T": {
        "Type": "Task", "Resource": "fail", "End": True,
        "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]}}}
    with serving(p) as s:
        id = s.start(retried, name="bad")[1]["id"]
        wait_until(lambda: "FAILED" in p.run("ls").out)
        told = [line for line in s.said().splitlines() if " command  " in line]
        assert [line.split(" command  ")[1] for line in told] == [
            f"no  [31mroute  execution={id}  machine=m  step=T  attempt={n}" for n in (1, 2)], s.said()
        assert s.end() == 0


@test
def a_command_that_writes_without_end_does_not_fill_the_log(p):
    bind(p, flood="i=0; while [ $i -lt 1500 ]; do printf '%1023d\\n' $i >&2; i=$((i + 1)); done; cat")
    with serving(p, "--log-file", "log", "--log-format", "json") as s:
        s.start(task("flood"), name="one")
        wait_until(lambda: "SUCCEEDED" in p.run("ls").out)
        assert s.end() == 0
    told = [e["message"] for e in log_lines(p) if e["event"] == "command"]
    assert [int(line) for line in told[:-1]] == list(range(1025)), (len(told), told[-2:])
    assert told[-1] == f"{(1500 - 1025) * 1023} bytes more are not in this log (limit task_logged_max)", told[-1]


@test
def a_replaced_binding_ends_its_worker(p):
    """Idle, though a task of the same configuration still runs; the next worker is the new one's."""
    (p.path / "worker.py").write_text(WORKER.replace('{"ok": 1}', '[os.getpid(), os.environ["GENERATION"]]'))
    def configure(generation):
        (p.path / "pawl.yaml").write_text(
            "bindings:\n"
            "  - resource: warm\n"
            "    runtime: {command: [python3, worker.py]}\n"
            f"    environment: {{GENERATION: {generation}}}\n"
            "  - {resource: slow, exec: [sh, -c, 'echo at >> ran; while [ ! -e go ]; do sleep 0.02; done']}\n")
    def output(name):
        return json.loads(p.run("show", name, "--json").out)["execution"].get("output")
    configure("old")
    with serving(p) as s:
        s.start(task("slow"), name="slow")
        p.wait_for("ran")
        s.start(task("warm"), name="one")
        wait_until(lambda: output("one"))
        old, generation = output("one")
        assert generation == "old" and os.path.exists(f"/proc/{old}")
        configure("new")
        s.process.send_signal(signal.SIGHUP)
        wait_until(lambda: not os.path.exists(f"/proc/{old}"))
        s.start(task("warm"), name="two")
        wait_until(lambda: output("two"))
        new, generation = output("two")
        assert generation == "new" and new != old
        (p.path / "go").write_text("")
        wait_until(lambda: "SUCCEEDED" in p.run("show", "slow").out)
        assert s.end() == 0
    assert not os.path.exists(f"/proc/{new}")


@test
def a_run_beside_it_works_through_it(p):
    bind(p, say="echo '\"by the server\"'")
    (p.path / "flow.json").write_text(json.dumps(task("say")))
    with serving(p) as s:
        bind(p, say="echo '\"not by the server\"'")
        done = p.run("run", "flow.json").has(0, "Tasks are carried out as the server's configuration says", "SUCCEEDED")
        assert done.out == '"by the server"\n'
        assert p.run("run", "flow.json", "--endpoint", s.url).has(0).out == '"by the server"\n'
        assert p.run("run", "flow.json", PAWL_ENDPOINT=s.url).has(0).out == '"by the server"\n'
        p.run("run", "flow.json", "--config", "pawl.yaml").has(5, "by its own configuration")
        p.run("run", "flow.json", "--config", "pawl.yaml", "--endpoint", s.url).has(2, "leave --config out")
        status, problem = s.ask("POST", "/api/v1/run", {
            "definition": PASS, "machine_name": "m", "config": {"text": "", "folder": "/"}})
        assert (status, problem["code"]) == (403, "PERMISSION"), problem


def answers(s):
    with contextlib.suppress(ConnectionError):
        return s.ask("GET", "/healthz")[0] == 200
    return False


@test
def only_hosts_of_its_own_are_answered(p):
    """What a page asks under a name that its owner lets lead here has that name as its Host."""
    with (p.path / "pawl.yaml").open("a") as config:
        config.write("hosts: [pawl.test]\n")
    own = ["127.0.0.1", "127.0.0.1:1", "localhost:8083", "LocalHost", "localhost.", "states.localhost:80", "[::1]:8083",
           "sync-localhost:8083", "sync-127.0.0.1:8083", "192.168.1.7", "pawl.test", "Pawl.Test:443", "sync-pawl.test"]
    foreign = ["evil.example", "evil.example:8083", "localhost.evil.example", "127.0.0.1.evil.example", "sync-evil.example",
               "notlocalhost", "x.pawl.test", "127.1", "[::1", "[evil.example]:80", "x" * 300]
    machine = json.dumps({"name": "planted", "definition": json.dumps(PASS), "roleArn": "arn:aws:iam::000000000000:role/r"})
    with serving(p, "--listen", "unix:my.sock") as s:
        def ask(host, method="GET", path="/healthz", body=None, **headers):
            c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=PATIENCE_S)
            c.request(method, path, body, {"Host": host, **headers})
            answer = c.getresponse()
            text = answer.read()
            c.close()
            return answer.status, json.loads(text)
        for host in own:
            assert ask(host) == (200, {"status": "ok"}), host
        for host in foreign:
            status, problem = ask(host)
            assert status == 403 and problem["code"] == "FOREIGN_HOST" and "hosts" in problem["detail"], (host, problem)
        status, problem = ask("evil.example", "POST", "/", machine, **{"X-Amz-Target": "AWSStepFunctions.CreateStateMachine"})
        assert (status, problem["code"]) == (403, "FOREIGN_HOST"), problem
        assert s.operation("ListStateMachines", {}) == (200, {"stateMachines": []})
        os.chdir(p.path)
        with socket.socket(socket.AF_UNIX) as c:  # only this user can knock there, by whatever name
            c.connect("my.sock")
            c.sendall(b"GET /healthz HTTP/1.1\r\nHost: pawl\r\nConnection: close\r\n\r\n")
            assert b"200 OK" in c.recv(4096)
    for bad in ("hosts: x", "hosts: [Pawl.test]", "hosts: ['http://pawl.test']", "hosts: ['pawl.test:80']", "hosts: [7]", "hosts: ['']"):
        (p.path / "pawl.yaml").write_text(bad + "\n")
        p.run("serve", "--listen", "127.0.0.1:0").has(2, "pawl.yaml:1:", "host")


@test
def few_descriptors_do_not_end_it(p):
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    with serving(p, limit=few) as s:
        crowd = []
        for _ in range(80):
            c = socket.create_connection(("127.0.0.1", s.port))
            crowd.append(c)
        for c in crowd:
            c.close()
        wait_until(lambda: answers(s))  # what came before it may still be turned away
        assert s.start(PASS)[0] == 200
        assert s.end() == 0


@test
def lists_come_from_a_projection_that_may_be_deleted(p):
    def failed():
        return [e["name"] for e in json.loads(p.run("ls", "--status", "failed", "--machine", "m", "--json").out)]

    fail = {"StartAt": "F", "States": {"F": {"Type": "Fail"}}}
    projection = p.path / ".pawl" / "visibility.db"
    with serving(p) as s:
        for n in range(6):
            assert s.start(fail if n % 2 else PASS, name=f"n{n}")[0] == 200
        wait_until(lambda: failed() == ["n5", "n3", "n1"])
        assert projection.exists()
        assert s.end() == 0
    assert failed() == ["n5", "n3", "n1"]
    projection.unlink()
    assert failed() == ["n5", "n3", "n1"]
    projection.write_text("this is no database")
    with serving(p) as s:
        assert s.start(fail, name="n7")[0] == 200
        wait_until(lambda: failed() == ["n7", "n5", "n3", "n1"])
        assert s.end() == 0
    assert projection.read_bytes().startswith(b"SQLite format 3")


if __name__ == "__main__":
    sys.exit(tap_main())
