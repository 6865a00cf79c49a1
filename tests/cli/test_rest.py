#!/usr/bin/env python3
"""REST v1 of `pawl serve`: starting, waiting, looking. Prints TAP. $PAWL_BIN is the
binary."""
import http.client
import json
import re
import resource
import socket
import sys
import threading
import time

from asking import ROLE, create, problem, quoted
from place import PATIENCE_S, PAWL, UUID, tap_main, test, wait_until
from server import bind, serving, task

PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Parameters": {"got.$": "$"}, "End": True}}}
HOLD = "echo at >> ran; while [ ! -e go ]; do sleep 0.02; done; cat"


@test
def a_start_and_its_end_in_one_request(p):
    with serving(p) as s:
        arn = create(s, "greet", PASS)
        for place in ("greet", quoted(arn)):
            status, state = s.ask("POST", f"/api/v1/workflows/{place}/executions?wait=30", {"trigger_data": {"n": 1}})
            assert status == 201 and state["status"] == "completed", state
            assert state["output"] == {"got": {"n": 1}} and state["trigger_data"] == {"n": 1}, state
            assert state["machine_name"] == "greet" and re.fullmatch(UUID, state["id"]), state
            assert "error" not in state and "error_human" not in state and state["stopped_at"]
            assert s.ask("GET", f"/api/v1/executions/{state['id']}") == (200, state)
        status, state = s.ask("POST", "/api/v1/workflows/greet/executions", {"name": "seventeen"})
        assert status == 201 and state["trigger_data"] == {} and state["name"] == "seventeen", state
        wait_until(lambda: s.ask("GET", "/api/v1/executions/seventeen")[1]["status"] == "completed")
        problem(s.ask("POST", "/api/v1/workflows/greet/executions", {"name": "seventeen"}), 409, "CONFLICT", "seventeen")


@test
def a_wait_ends_with_the_execution_or_with_the_time(p):
    bind(p, slow=HOLD)
    with serving(p) as s:
        create(s, "slow", task("slow"))
        begin = time.monotonic()
        status, state = s.ask("POST", "/api/v1/workflows/slow/executions?wait=1", {"name": "one"})
        assert status == 201 and state["status"] == "running" and "output" not in state, state
        assert time.monotonic() - begin >= 0.9
        status, state = s.ask("POST", "/api/v1/workflows/slow/executions?wait=1", {"name": "one"})
        assert status == 200 and state["status"] == "running", "the same start again"
        answers = []
        def wait():
            answers.append(s.ask("GET", "/api/v1/executions/one?wait=60"))
        threads = [threading.Thread(target=wait) for _ in range(5)]
        for t in threads:
            t.start()
        p.wait_for("ran")
        (p.path / "go").write_text("")
        for t in threads:
            t.join(PATIENCE_S)
        assert len(answers) == 5 and all(a == (200, answers[0][1]) for a in answers), answers
        assert answers[0][1]["status"] == "completed" and answers[0][1]["output"] == {}
        assert s.ask("GET", "/api/v1/executions/one?wait=60") == answers[0], "it has ended already"


# Holds until the file "go" is there, then waits for a decision.
STANDS = {"StartAt": "Hold", "States": {
    "Hold": {"Type": "Task", "Resource": "slow", "Next": "Look"},
    "Look": {"Type": "Pass", "x-review": {"message": "good?"}, "x-phase": "look", "Next": "Last"},
    "Last": {"Type": "Pass", "End": True}}}


class Waiting(threading.Thread):
    """One ?wait=60, whose answer comes long before the time is over."""

    def __init__(self, s, name):
        super().__init__()
        self.s, self.name_asked, self.answer = s, name, None
        self.start()

    def run(self):
        begin = time.monotonic()
        status, state = self.s.ask("GET", f"/api/v1/executions/{self.name_asked}?wait=60")
        self.answer = (status, state.get("status"), time.monotonic() - begin < 30)

    def gives(self, status):
        self.join(2 * PATIENCE_S)
        assert self.answer == (200, status, True), self.answer


@test
def a_wait_ends_where_the_execution_stands(p):
    bind(p, slow=HOLD)
    with serving(p) as s:
        create(s, "stands", STANDS)
        s.ask("POST", "/api/v1/workflows/stands/executions", {"name": "one"})
        p.wait_for("ran")
        waiting = [Waiting(s, "one") for _ in range(5)]
        assert s.ask("POST", "/api/v1/executions/one/pause", {"reason": "lunch"})[0] == 200
        assert s.ask("GET", "/api/v1/executions/one")[1]["status"] == "running", "its task is at work"
        (p.path / "go").write_text("")
        for w in waiting:
            w.gives("paused")
        Waiting(s, "one").gives("paused")
        assert s.ask("POST", "/api/v1/executions/one/resume", {})[0] == 200
        for _ in range(2):
            Waiting(s, "one").gives("needs_review")
        assert s.ask("POST", "/api/v1/executions/one/resume", {"approved": True})[0] == 200
        Waiting(s, "one").gives("completed")
        # From the start on, and to the end when it is let go on meanwhile.
        begin = time.monotonic()
        for name, more, status in (("two", {}, "needs_review"), ("three", {"until_step": "Hold"}, "paused")):
            answer = s.ask("POST", "/api/v1/workflows/stands/executions?wait=60", {"name": name, **more})
            assert answer[0] == 201 and answer[1]["status"] == status, answer
        assert time.monotonic() - begin < 30


@test
def a_wait_never_misses_an_end(p):
    """Executions that end at once, waited for from the moment they are known."""
    with serving(p) as s:
        create(s, "greet", PASS)
        def many(number):
            c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=PATIENCE_S)
            for i in range(100):
                c.request("POST", "/api/v1/workflows/greet/executions" + ("?wait=60" if i % 2 else ""),
                          json.dumps({"trigger_data": {"n": [number, i]}}))
                state = json.loads(c.getresponse().read())
                c.request("GET", f"/api/v1/executions/{state['id']}?wait=60")
                state = json.loads(c.getresponse().read())
                assert state["output"] == {"got": {"n": [number, i]}}, state
            done.append(number)
        done = []
        begin = time.monotonic()
        threads = [threading.Thread(target=many, args=(n,)) for n in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(PATIENCE_S)
        assert sorted(done) == list(range(8)) and time.monotonic() - begin < 60, done


@test
def steps_are_told_as_documented(p):
    bind(p, good="cat", bad="echo 'no route' >&2; exit 3")
    with serving(p) as s:
        create(s, "steps", {"StartAt": "One", "States": {
            "One": {"Type": "Task", "Resource": "good", "x-type": "dump", "x-step": 7, "Next": "Two"},
            "Two": {"Type": "Task", "Resource": "bad", "End": True,
                    "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 1, "IntervalSeconds": 1}]}}})
        status, state = s.ask("POST", "/api/v1/workflows/steps/executions?wait=60", {"trigger_data": {"a": 1}})
        assert status == 201 and state["status"] == "failed" and state["error"] and state["error_human"], state
        status, answer = s.ask("GET", f"/api/v1/executions/{quoted(state['execution_arn'])}/steps")
        assert status == 200, answer
        one, two = answer["steps"]
        assert one["step_index"] == 0 and one["step_order"] == 1 and one["step_name"] == "One", one
        assert one["step_type"] == "dump" and one["x_step"] == 7 and one["status"] == "success", one
        assert one["data_in"] == {"a": 1} == one["data_out"] and one["started_at"] <= one["completed_at"]
        assert "error_human" not in one and len(one["attempts"]) == 1
        assert two["step_type"] == "Task" and two["status"] == "failure" and "data_out" not in two, two
        assert [a["status"] for a in two["attempts"]] == ["failure", "failure"], two
        assert two["attempts"][0]["log"]["err"] == "no route\n" and two["attempts"][0]["error_tech"]
        assert two["error_human"] and state["error"] in two["error_tech"], two


@test
def history_comes_in_pages(p):
    with serving(p) as s:
        create(s, "greet", PASS)
        _, state = s.ask("POST", "/api/v1/workflows/greet/executions?wait=60", {})
        whole = s.ask("GET", f"/api/v1/executions/{state['id']}/history")[1]
        assert [e["type"] for e in whole["events"]] == [
            "ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"], whole
        assert "next" not in whole
        paged, at = [], 0
        while at is not None:
            _, page = s.ask("GET", f"/api/v1/executions/{state['id']}/history?limit=3&from={at}")
            paged += page["events"]
            at = page.get("next")
        assert paged == whole["events"]
        for query in ("limit=0", "limit=1001", "from=-1", "from=x"):
            problem(s.ask("GET", f"/api/v1/executions/{state['id']}/history?{query}"), 400, "USAGE")


@test
def what_is_wrong_is_a_problem(p):
    with serving(p) as s:
        create(s, "greet", PASS)
        start = "/api/v1/workflows/greet/executions"
        problem(s.ask("POST", "/api/v1/workflows/nobody/executions", {}), 404, "NOT_FOUND", "nobody")
        problem(s.ask("POST", f"/api/v1/workflows/{'n' * 200}/executions", {}), 404, "NOT_FOUND")
        arn = "arn:aws:states:us-east-1:000000000000:stateMachine:nobody"
        problem(s.ask("POST", f"/api/v1/workflows/{quoted(arn)}/executions", {}), 404, "NOT_FOUND", arn)
        arn = "arn:aws:states:us-east-1:000000000000:stateMachine:greet:7"
        problem(s.ask("POST", f"/api/v1/workflows/{quoted(arn)}/executions", {}), 404, "NOT_FOUND", arn)
        problem(s.ask("POST", f"/api/v1/workflows/{quoted('arn:aws:s3:::x')}/executions", {}), 404, "NOT_FOUND")
        for body, part in (({"trigger_data": 7}, "trigger_data"), ({"trigger_data": []}, "trigger_data"),
                           ({"input": {}}, "it takes trigger_data"), ({"name": 7}, "name"), ([], "object"), ("x", "object")):
            problem(s.ask("POST", start, body), 400, "USAGE", part)
        problem(s.ask("POST", start, {"name": "a b"}), 400, "INVALID_INPUT", "name")
        for wait in ("-1", "61", "x", "1.5"):
            problem(s.ask("POST", f"{start}?wait={wait}", {}), 400, "USAGE", "wait")
        for path in ("", "/steps", "/history", "/definition"):
            problem(s.ask("GET", "/api/v1/executions/nobody" + path), 404, "NOT_FOUND", "nobody")
        problem(s.ask("GET", "/api/v1/executions/x?wait=61"), 400, "USAGE", "wait")
        assert s.ask("PUT", "/api/v1/executions/x")[0] == 405


@test
def an_execution_is_found_by_whatever_the_command_line_takes(p):
    with serving(p) as s:
        create(s, "greet", PASS)
        _, one = s.ask("POST", "/api/v1/workflows/greet/executions?wait=60", {"name": "one"})
        _, two = s.ask("POST", "/api/v1/workflows/greet/executions?wait=60", {})
        common = 0
        while one["id"][common] == two["id"][common]:
            common += 1
        for known in (one["id"], one["id"].upper(), one["id"][:common + 1], "one", quoted(one["execution_arn"])):
            assert s.ask("GET", f"/api/v1/executions/{known}") == (200, one), known
        problem(s.ask("GET", f"/api/v1/executions/{one['id'][:max(common, 4)]}"), 409, "AMBIGUOUS")
        assert s.ask("GET", f"/api/v1/executions/{two['id'][:common + 1]}") == (200, two)
        problem(s.ask("GET", f"/api/v1/executions/{one['id'][:3]}"), 404, "NOT_FOUND")
        problem(s.ask("GET", "/api/v1/executions/ffff"), 404, "NOT_FOUND")


@test
def waiting_costs_little(p):
    """Two thousand connections that wait: what each takes of memory is bounded."""
    waiters = 2000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, waiters + 200), hard))
    bind(p, slow=HOLD)
    with serving(p) as s:
        create(s, "slow", task("slow"))
        _, state = s.ask("POST", "/api/v1/workflows/slow/executions", {"name": "one"})
        before = rss(s)
        crowd = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(waiters)]
        for c in crowd:
            c.sendall(b"GET /api/v1/executions/one?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        # Answered in order of arrival: so all of them are in when this one is out.
        assert s.ask("GET", "/api/v1/executions/one")[0] == 200
        each = (rss(s) - before) / waiters
        (p.path / "go").write_text("")
        for c in crowd:
            c.settimeout(PATIENCE_S)
            assert b"completed" in c.recv(65536)
            c.close()
        print(f"# {each:.0f} bytes for each of {waiters} that wait")
        sanitized = re.search(rb"__[at]san_init", open(PAWL, "rb").read())  # whose memory is not ours
        assert sanitized or 5000 * each < 64 << 20  # 5,000 that wait take less than 64 MiB
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def rss(s):
    text = open(f"/proc/{s.process.pid}/status", encoding="ascii").read()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1]) * 1024


@test
def a_stop_answers_who_waits(p):
    bind(p, slow=HOLD)
    with serving(p) as s:
        create(s, "slow", task("slow"))
        s.ask("POST", "/api/v1/workflows/slow/executions", {"name": "one"})
        c = socket.create_connection(("127.0.0.1", s.port))
        c.settimeout(PATIENCE_S)
        c.sendall(b"GET /api/v1/executions/one?wait=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        p.wait_for("ran")
        s.process.terminate()
        wait_until(lambda: "draining" in s.said())
        assert s.end() == 0
        assert b"503" in c.recv(65536)


@test
def revisions_by_pages(p):
    def variant(n):
        return {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": n, "End": True}}}
    with serving(p) as s:
        arn = create(s, "greet", variant(0))
        ids = ["INITIAL"]
        for n in range(1, 6):
            status, told = s.operation("UpdateStateMachine", {"stateMachineArn": arn, "definition": json.dumps(variant(n))})
            assert status == 200, told
            ids.append(told["revisionId"])
        seen, after = [], ""
        while True:
            status, page = s.ask("GET", f"/api/v1/workflows/greet/revisions?limit=2{after}")
            assert status == 200 and len(page["revisions"]) == 2, page
            seen += page["revisions"]
            if "next" not in page:
                break
            after = f"&after={page['next']}"
        assert [r["revision"] for r in seen] == sorted(ids), seen
        assert [r["revision"] for r in seen if r["is_current"]] == [ids[5]], seen
        assert s.ask("GET", f"/api/v1/workflows/{quoted(arn)}/revisions") == (200, {"revisions": seen})
        for n, id in enumerate(ids):
            status, one = s.ask("GET", f"/api/v1/workflows/greet/revisions/{id}")
            assert status == 200 and json.loads(one["definition"]) == variant(n), one
            assert one["machine_arn"] == arn and one["is_current"] == (n == 5), one
        problem(s.ask("GET", "/api/v1/workflows/greet/revisions/none"), 404, "NOT_FOUND", '"none"')
        problem(s.ask("GET", "/api/v1/workflows/gone/revisions"), 404, "NOT_FOUND", "gone")
        problem(s.ask("GET", f"/api/v1/workflows/{quoted(arn + ':1')}/revisions"), 404, "NOT_FOUND", "greet:1")
        other = quoted(arn.replace("us-east-1", "eu-west-1"))
        problem(s.ask("GET", f"/api/v1/workflows/{other}/revisions/INITIAL"), 404, "NOT_FOUND", "eu-west-1")
        for query in ("limit=0", "limit=1001", "limit=x", "after=" + "x" * 81):
            problem(s.ask("GET", f"/api/v1/workflows/greet/revisions?{query}"), 400, "USAGE", "limit")


if __name__ == "__main__":
    sys.exit(tap_main())
