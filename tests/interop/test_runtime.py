#!/usr/bin/env python3
"""Warm workers under AWS's own runtime client for Node.js, unmodified, with handlers as
people write them for Lambda. The example of examples/warm runs here, too.
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import traceback

PAWL = os.environ["PAWL_BIN"]
ROOT = pathlib.Path(os.environ["PAWL_SOURCE_ROOT"])
CLIENT = ROOT / "build/runtime-client"
PATIENCE_S = 120  # for what must come true; longer means it never will

APP = """\
let served = 0;

export const count = async (event, context) => {
    console.log(`serving ${event.n}`);
    console.error("a warning");
    return {
        served: ++served, pid: process.pid, n: event.n,
        name: context.functionName, version: context.functionVersion,
        memory: context.memoryLimitInMB, arn: context.invokedFunctionArn,
        id: context.awsRequestId, left: context.getRemainingTimeInMillis(),
        region: process.env.AWS_REGION, root: process.env.LAMBDA_TASK_ROOT,
        trace: process.env._X_AMZN_TRACE_ID ?? null,
    };
};

class OutOfStock extends Error {
    constructor(message) { super(message); this.name = "OutOfStock"; }
}

export const fail = async (event) => {
    if (event.how === "throw") throw new OutOfStock("none left");
    if (event.how === "exit") process.exit(7);
    if (event.how === "hang") await new Promise((go) => setTimeout(go, 1e6));
    if (event.how === "large") return "x".repeat(17 << 20);
    return process.pid;
};

export const callback = (event, context, done) => done(null, event.n + 1);
"""


class Place:
    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="pawl-runtime-"))
        (self.path / "app.mjs").write_text(APP)
        bindings = []
        for name in ("count", "fail", "callback", "missing"):
            bindings.append({
                "resource": name, "timeout_seconds": 3 if name == "fail" else 60,
                "runtime": {"command": [str(CLIENT / "node"),
                                        str(CLIENT / "node_modules/aws-lambda-ric/index.mjs"),
                                        f"app.{name}"],
                            "handler": f"app.{name}", "memory_mb": 256}})
        (self.path / "pawl.yaml").write_text(json.dumps({"bindings": bindings}))

    def run(self, definition, payload, status=0):
        (self.path / "m.asl.json").write_text(json.dumps(definition))
        done = subprocess.run([PAWL, "run", "m.asl.json", "--input", json.dumps(payload)],
                              cwd=self.path, text=True, capture_output=True, check=False,
                              timeout=PATIENCE_S)
        assert done.returncode == status, f"{done.returncode}: {done.stdout}{done.stderr}"
        return done

    def output(self, definition, payload):
        return json.loads(self.run(definition, payload).stdout)

    def logs(self):
        done = subprocess.run([PAWL, "ls", "--json"], cwd=self.path, text=True,
                              capture_output=True, check=True)
        newest = json.loads(done.stdout)
        newest = newest[0] if isinstance(newest, list) else newest["executions"][0]
        return subprocess.run([PAWL, "logs", newest["id"]], cwd=self.path, text=True,
                              capture_output=True, check=True).stdout


def machine(*tasks):
    """A chain of tasks, each caught: the failure is the output."""
    states = {}
    for i, (name, payload) in enumerate(tasks):
        states[f"S{i}"] = {
            "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": name, "Payload": payload},
            "ResultSelector": {"got.$": "$.Payload"}, "ResultPath": f"$.s{i}",
            "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": f"$.s{i}",
                       "Next": f"S{i + 1}"}],
            "Next": f"S{i + 1}"}
    states[f"S{len(tasks)}"] = {"Type": "Succeed"}
    return {"StartAt": "S0", "States": states}


def test_warm():
    place = Place()
    out = place.output(machine(*[("count", {"n": i}) for i in range(5)]), {})
    answers = [out[f"s{i}"]["got"] for i in range(5)]
    assert [a["n"] for a in answers] == list(range(5)), answers
    assert [a["served"] for a in answers] == [1, 2, 3, 4, 5], answers
    assert len({a["pid"] for a in answers}) == 1, answers
    assert len({a["id"] for a in answers}) == 5, answers
    first = answers[0]
    assert first["name"] == "count" and first["version"] == "$LATEST", first
    assert first["memory"] in ("256", 256), first
    assert first["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:count", first
    assert 0 < first["left"] <= 60000 and first["region"] == "us-east-1", first
    assert first["root"] == str(place.path), first
    logs = place.logs()
    for i in range(5):
        assert logs.count(f"serving {i}") == 1, logs


def test_failures():
    out = Place().output(machine(
        ("fail", {"how": "not"}), ("fail", {"how": "throw"}), ("fail", {"how": "not"}),
        ("fail", {"how": "exit"}), ("fail", {"how": "hang"}), ("fail", {"how": "large"}),
        ("fail", {"how": "not"})), {})
    assert out["s1"]["Error"] == "OutOfStock", out["s1"]
    cause = json.loads(out["s1"]["Cause"])
    assert cause["errorMessage"] == "none left" and cause["trace"], cause
    assert out["s0"] == out["s2"], "the worker did not outlive an error of its handler"
    assert out["s3"]["Error"] == "Runtime.ExitError", out["s3"]
    assert "Runtime exited with error: exit status 7" in out["s3"]["Cause"], out["s3"]
    assert out["s4"]["Error"] == "Sandbox.Timedout", out["s4"]
    assert "Task timed out after 3.00 seconds" in out["s4"]["Cause"], out["s4"]
    assert out["s5"]["Error"] == "Function.ResponseSizeTooLarge", out["s5"]["Error"]
    assert out["s6"]["got"] != out["s0"]["got"], out


def test_init_errors():
    """A handler that is not there, and one of a kind that this client no longer takes."""
    out = Place().output(machine(("missing", {}), ("callback", {"n": 1})), {})
    assert out["s0"]["Error"] == "Runtime.HandlerNotFound", out["s0"]
    assert "app.missing" in out["s0"]["Cause"], out["s0"]
    assert out["s1"]["Error"] == "Runtime.CallbackHandlerDeprecated", out["s1"]


def test_killed_pawl_leaves_no_worker():
    place = Place()
    (place.path / "m.asl.json").write_text(json.dumps(machine(
        ("count", {"n": 1}), ("fail", {"how": "hang"}))))
    p = subprocess.Popen([PAWL, "run", "m.asl.json", "--input", "{}", "--name", "killed"],
                         cwd=place.path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    register = place.path / ".pawl/children"
    deadline = time.monotonic() + PATIENCE_S
    while True:  # until both workers are noted
        lines = register.read_text().split("\n") if register.exists() else []
        noted = [int(text.split()[0]) for text in "".join(lines).split("  ") if text.strip()]
        workers = [pid for pid in noted if os.path.exists(f"/proc/{pid}/cmdline")
                   and b"aws-lambda-ric" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
        if len(workers) == 2:
            break
        assert p.poll() is None and time.monotonic() < deadline, (p.poll(), lines)
        time.sleep(0.02)
    p.send_signal(signal.SIGKILL)
    p.communicate()
    assert all(os.path.exists(f"/proc/{pid}") for pid in workers)
    done = place.run({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}, {})
    assert "2" in done.stderr, done.stderr  # that it ended two commands
    left = [pid for pid in workers if os.path.exists(f"/proc/{pid}")
            and b"aws-lambda-ric" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert not left, left


def test_example():
    data = tempfile.mkdtemp(prefix="pawl-warm-")
    done = subprocess.run([PAWL, "run", str(ROOT / "examples/warm/warm.asl.json"), "--input", "{}",
                           "--data", data], text=True, capture_output=True, check=False,
                          timeout=PATIENCE_S)
    assert done.returncode == 0 and done.stdout.strip() == "3", done.stdout + done.stderr


def main():
    install = subprocess.run([ROOT / "tools/runtime-client"], text=True, capture_output=True,
                             check=False)
    why = install.stdout.strip() or install.stderr.strip() if install.returncode else ""
    tests = [test_example, test_warm, test_failures, test_init_errors,
             test_killed_pawl_leaves_no_worker]
    failed = 0
    print(f"1..{len(tests)}")
    for i, test in enumerate(tests, 1):
        if why and test is not test_example:
            print(f"ok {i} - {test.__name__} # SKIP AWS's runtime client: {why}")
            continue
        try:
            test()
            print(f"ok {i} - {test.__name__}", flush=True)
        except Exception:
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {i} - {test.__name__}", flush=True)
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
