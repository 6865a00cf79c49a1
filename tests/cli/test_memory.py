#!/usr/bin/env python3
"""`pawl serve` under a memory_max that is far below what its clients send at once: all are
answered, and small requests go by meanwhile. Prints TAP. $PAWL_BIN is the binary."""
import http.client
import json
import re
import socket
import sys
import threading

from place import PATIENCE_S, PAWL, tap_main, test
from server import serving

ROLE = "arn:aws:iam::000000000000:role/r"
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
MIB = 1 << 20
MEMORY_MAX = 64 * MIB
IDLE = 400


def keeps_what_is_freed():
    """So does a sanitizer, for a while, or it shadows what there is."""
    with open(PAWL, "rb") as f:
        program = f.read()
    return b"__asan_init" in program or b"__tsan_init" in program


# Enough to fill the memory several times; under a sanitizer each takes seconds.
PAYLOADS = 12 if keeps_what_is_freed() else 48


def aws(s, operation, arguments):
    c = http.client.HTTPConnection("127.0.0.1", s.port, timeout=PATIENCE_S)
    c.request("POST", "/", json.dumps(arguments), {"X-Amz-Target": "AWSStepFunctions." + operation,
                                                   "Content-Type": "application/x-amz-json-1.0"})
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return answer.status, json.loads(text)


def most_memory(s):
    with open(f"/proc/{s.process.pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmHWM:\s+(\d+)", f.read())[1]) * 1024


@test
def large_payloads_take_their_turns(p):
    (p.path / "pawl.yaml").write_text("limits: {memory_max: 64MiB}\n")
    item = {"id": 1047, "name": "one of many", "paid": True}
    payload = json.dumps([item] * (2 * MIB // len(json.dumps(item))))
    with serving(p) as s:
        status, machine = aws(s, "CreateStateMachine", {"name": "m", "definition": json.dumps(PASS), "roleArn": ROLE})
        assert status == 200, machine
        idle = [socket.create_connection(("127.0.0.1", s.port)) for _ in range(IDLE)]
        before = most_memory(s)
        started = []

        def send(text):
            started.append(aws(s, "StartExecution", {"stateMachineArn": machine["stateMachineArn"], "input": text}))

        threads = [threading.Thread(target=send, args=(payload,)) for _ in range(PAYLOADS)]
        for thread in threads:
            thread.start()
        small = 0
        while any(thread.is_alive() for thread in threads):
            status, _ = aws(s, "StartExecution", {"stateMachineArn": machine["stateMachineArn"], "input": "{}"})
            assert status == 200
            small += 1
        assert [status for status, _ in started] == [200] * PAYLOADS, started[-1]
        assert small > 0
        status, found = aws(s, "DescribeExecution", {"executionArn": started[0][1]["executionArn"]})
        assert (status, found["status"]) == (200, "SUCCEEDED"), found["status"]
        assert json.loads(found["input"]) == json.loads(payload)
        most = most_memory(s)
        print(f"# {PAYLOADS} payloads of {len(payload) // MIB} MiB and {small} small requests: "
              f"{most // MIB} MiB at most, {before // MIB} MiB before")
        # All at once they take nearly five times that (measured without the waiting).
        assert most < 2 * MEMORY_MAX or keeps_what_is_freed(), most
        for c in idle:
            c.close()
        assert s.end() == 0


if __name__ == "__main__":
    sys.exit(tap_main())
