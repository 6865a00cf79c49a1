#!/usr/bin/env python3
"""The API as a hostile peer meets it: raw sockets against a process of its own.

Prints TAP. The first argument is api_house, which has short deadlines (500 ms for
a head or a body) and small limits (16 KiB of head, 1 MiB of body).
"""
import http.client
import json
import re
import resource
import socket
import subprocess
import sys
import time
import traceback

PATIENCE_S = 30
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
TASK = {"StartAt": "T", "States": {"T": {
    "Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "End": True}}}
TESTS = []


def test(function):
    TESTS.append(function)
    return function


class House:
    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.port = int(self.process.stdout.readline())

    def connect(self):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def status_kb(self, field):
        for line in open(f"/proc/{self.process.pid}/status", encoding="ascii"):
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(field)

    def end(self):
        self.process.stdin.close()
        return self.process.wait(PATIENCE_S)

    # -- one request --

    def say(self, data, close=False):
        """Everything the server answers until it closes."""
        s = self.connect()
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed: what it said is read below
        if close:
            s.shutdown(socket.SHUT_WR)
        return read_all(s)

    def ask(self, method, path, body=None, headers=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        c.request(method, path, None if body is None else json.dumps(body), headers or {})
        r = c.getresponse()
        text = r.read()
        c.close()
        return r.status, json.loads(text) if text else None

    def alive(self):
        status, body = self.ask("POST", "/api/v1/run", {"machine_name": "m", "definition": PASS})
        assert status == 200 and body["status"] == "completed", body


def read_all(s):
    heard = b""
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                return heard
            heard += piece
    except ConnectionResetError:
        return heard
    finally:
        s.close()


def statuses(heard):
    return [int(m) for m in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]


def post(path, body, *headers):
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def expect(heard, status, code=None):
    assert statuses(heard) == [status], heard[:500]
    if status >= 400:
        head, _, body = heard.partition(b"\r\n\r\n")
        problem = json.loads(body)
        assert problem["status"] == status and problem["detail"], problem
        assert code is None or problem["code"] == code, problem
        assert b"application/problem+json" in head, head


# ---------------------------------------------------------------- idle ones, before memory has grown

@test
def idle_connections_are_cheap(h):
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
    h.alive()
    before = h.status_kb("VmRSS")
    idle = []
    for _ in range(1000):
        s = h.connect()
        s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.append(s)
    for s in idle:
        heard = b""
        while not heard.endswith(b"}"):
            heard += s.recv(4096)
        assert statuses(heard) == [404], heard
    grown = h.status_kb("VmRSS") - before
    print(f"# 1,000 idle connections: {grown} KiB of memory")
    assert grown < 16384, grown  # sanitizers keep what was freed
    # A hundred more are the limit; then there is an answer, too.
    more, refused = [], b""
    for _ in range(200):
        s = h.connect()
        more.append(s)
        s.settimeout(0.02)
        try:
            refused = s.recv(4096)
            break
        except TimeoutError:
            pass
    expect(refused, 503, "TOO_MANY_CONNECTIONS")
    for s in idle + more:
        s.close()
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            h.alive()
            break
        except (AssertionError, OSError, http.client.HTTPException):
            assert time.monotonic() < deadline


# ---------------------------------------------------------------- heads

@test
def giant_heads(h):
    expect(h.say(b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100000 + b"\r\n\r\n"), 431, "HEAD_TOO_LARGE")
    expect(h.say(b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 2000 + b"\r\n"), 431, "TOO_MANY_HEADERS"
           if 2000 * 6 < 16384 else "HEAD_TOO_LARGE")
    expect(h.say(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n"), 414, "URL_TOO_LONG")
    expect(h.say(b"GET /" + b"a" * 1000000), 414, "URL_TOO_LONG")
    expect(h.say(b"A" * 1000000), 414)


@test
def an_endless_head(h):
    s = h.connect()
    s.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
    try:
        while True:
            s.sendall(b"X-More: and more\r\n")
    except OSError:
        pass
    heard = read_all(s)
    assert not heard or statuses(heard) == [431], heard


@test
def garbage(h):
    expect(h.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400)
    expect(h.say(b"\x00" * 4096), 400)
    expect(h.say(b"GET / HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n"), 400)
    expect(h.say(b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n"), 400)
    expect(h.say(b"GET / HTTP/1.1\nHost: x\n\n"), 400, "BARE_LINE_FEED")
    expect(h.say(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505)
    expect(h.say(b"GET /%00 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), 404)


@test
def paths_out_of_bounds(h):
    for path in ("/api/v1/executions/../run", "/api/v1/executions/%2e%2e/follow", "//", "/./", "/%",
                 "/api/v1/executions/" + "x" * 5000 + "/follow", "/api/v1/executions/%ff%fe/follow"):
        status, _ = h.ask("GET", path)
        assert status in (400, 404), (path, status)


# ---------------------------------------------------------------- lengths

@test
def lengths_that_lie(h):
    for headers in (("Content-Length: 5", "Transfer-Encoding: chunked"),
                    ("Transfer-Encoding: chunked", "Content-Length: 5"),
                    ("Content-Length: 2", "Content-Length: 3"), ("Content-Length: 2", "Content-Length: 2"),
                    ("Content-Length: -1",), ("Content-Length: 0x10",), ("Content-Length: 1 2",),
                    ("Content-Length: 99999999999999999999999",), ("Transfer-Encoding: xchunked",),
                    ("Transfer-Encoding: chunked, identity",), ("Transfer-Encoding:\tchunked\x0b",)):
        heard = h.say(post("/", b"{}GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n", *headers))
        assert statuses(heard) == [400], (headers, heard)
    expect(h.say(post("/", b"", "Transfer-Encoding: gzip, chunked")), 501, "TRANSFER_CODING")
    expect(h.say(post("/", b"", "Content-Length: 1048577")), 413, "BODY_TOO_LARGE")
    expect(h.say(post("/", b"", "Content-Length: 1048577", "Expect: 100-continue")), 413)


@test
def a_body_longer_than_it_says(h):
    body = json.dumps({"machine_name": "m", "definition": PASS}).encode()
    heard = h.say(post("/api/v1/run", body + b"and more", f"Content-Length: {len(body)}"))
    assert statuses(heard) == [200, 408], heard  # the rest is the beginning of a request


@test
def chunks_that_lie(h):
    chunked = "Transfer-Encoding: chunked"
    expect(h.say(post("/", b"zz\r\n{}\r\n0\r\n\r\n", chunked)), 400, "MALFORMED_CHUNK")
    expect(h.say(post("/", b"2\r\n{}}\r\n0\r\n\r\n", chunked)), 400)
    expect(h.say(post("/", b"ffffffffffffffff1\r\n{}\r\n", chunked)), 400, "MALFORMED_CHUNK")
    expect(h.say(post("/", b"100000\r\n" + b"x" * 0x100000 + b"\r\n1\r\nx\r\n", chunked)), 413)
    expect(h.say(post("/", b"1;" + b"e" * 100000 + b"\r\n", chunked)), 400, "MALFORMED_CHUNK")
    expect(h.say(post("/", b"0\r\n" + b"T: v\r\n" * 20000, chunked)), 400)


@test
def bodies_broken_off(h):
    for data in (post("/", b"{", "Content-Length: 100"), post("/", b"5\r\n{", "Transfer-Encoding: chunked"),
                 b"POST / HTTP/1.1\r\nHost", b"G"):
        assert h.say(data, close=True) == b""
    for _ in range(100):
        s = h.connect()
        s.sendall(post("/api/v1/run", b'{"machine_name":', "Content-Length: 1000000"))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()  # a reset
    h.alive()


# ---------------------------------------------------------------- JSON

@test
def deep_and_broken_json(h):
    for body, code in ((b"[" * 500000, "TOO_DEEP"), (b'{"a":' * 100000, "TOO_DEEP"), (b"{", "INVALID_JSON"),
                       (b'"\xff"', "INVALID_JSON"), (b"nul", "INVALID_JSON"), (b"{}{}", "INVALID_JSON"),
                       (b'{"a":1e999999999999}', "USAGE"), (b"[" + b"[]," * 300000 + b"[]]", "USAGE")):
        heard = h.say(post("/api/v1/run", body, f"Content-Length: {len(body)}", "Connection: close"))
        expect(heard, 400, code)
    heard = h.say(post("/", b"[" * 500000, "Content-Length: 500000", "Connection: close",
                       "X-Amz-Target: AWSStepFunctions.StartExecution"))
    assert statuses(heard) == [400] and b'"__type":"SerializationException"' in heard, heard


@test
def one_input_many_members(h):
    many = {f"k{i}": i for i in range(50000)}
    status, body = h.ask("POST", "/api/v1/run", {"machine_name": "m", "definition": PASS, "input": many})
    assert status == 200, body


# ---------------------------------------------------------------- time

@test
def slow_heads(h):
    s = h.connect()
    began = time.monotonic()
    s.settimeout(0.05)
    heard = b""
    for byte in b"GET / HTTP/1.1\r\nHost: " + b"x" * 1000:
        try:
            s.send(bytes([byte]))
            heard += s.recv(1000)
            break
        except TimeoutError:
            pass
    s.settimeout(PATIENCE_S)
    heard += read_all(s)
    expect(heard, 408, "HEAD_TIMEOUT")
    assert 0.4 < time.monotonic() - began < 10


@test
def slow_bodies(h):
    s = h.connect()
    began = time.monotonic()
    s.sendall(post("/", b"", "Content-Length: 100000"))
    s.settimeout(0.05)
    heard = b""
    for _ in range(1000):
        try:
            s.send(b"x")
            heard += s.recv(1000)
            break
        except TimeoutError:
            pass
    s.settimeout(PATIENCE_S)
    heard += read_all(s)
    expect(heard, 408, "BODY_TIMEOUT")
    assert 0.4 < time.monotonic() - began < 10


@test
def slow_peers_do_not_hold_others_up(h):
    slow = [h.connect() for _ in range(200)]
    for s in slow:
        s.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n")
    began = time.monotonic()
    h.alive()
    assert time.monotonic() - began < 5
    for s in slow:
        s.close()


# ---------------------------------------------------------------- many

@test
def pipelining(h):
    body = json.dumps({"machine_name": "m", "definition": PASS}).encode()
    one = post("/api/v1/run", body, f"Content-Length: {len(body)}")
    heard = h.say(one * 200 + b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert statuses(heard) == [200] * 200 + [404], statuses(heard)
    # In the order they were asked: ids grow.
    ids = [json.loads(part.split(b"\r\n\r\n")[1])["id"] for part in re.split(rb"HTTP/1\.1 \d", heard)[1:-1]]
    assert ids == sorted(ids) and len(set(ids)) == 200


@test
def bodies_without_end_do_not_fill_memory(h):
    held = []
    for _ in range(40):
        s = h.connect()
        s.settimeout(0.2)
        try:
            s.sendall(post("/", b"x" * 900000, "Content-Length: 1000000"))
        except OSError:
            pass
        held.append(s)
    grown = h.status_kb("VmHWM")
    for s in held:
        s.close()
    print(f"# peak of memory after 40 unfinished bodies of 900 KB: {grown} KiB")
    assert grown < 400 * 1024, grown  # under sanitizers; the limit itself is 16 MiB
    h.alive()


# ---------------------------------------------------------------- streams

@test
def followers_come_and_go(h):
    _, body = h.ask("POST", "/api/v1/run", {"machine_name": "t", "definition": TASK})
    path = f"/api/v1/executions/{body['id']}/follow"
    streams = []
    for _ in range(50):
        s = h.connect()
        s.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        streams.append(s)
    for s in streams:
        heard = b""
        while b'"turn":0' not in heard:
            heard += s.recv(65536)
    for s in streams[:25]:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        s.close()
    status, body = h.ask("POST", f"/api/v1/executions/{body['id']}/stop", {"cause": "enough"})
    assert status == 200 and body["status"] == "canceled", body
    for s in streams[25:]:
        heard = b""
        while not heard.endswith(b"0\r\n\r\n"):
            heard += s.recv(65536)
        assert b'{"end":{"status":"canceled"' in heard, heard
        s.close()


def main():
    house = House(sys.argv[1])
    failed = 0
    print(f"1..{len(TESTS) + 1}", flush=True)
    for number, function in enumerate(TESTS, 1):
        name = function.__name__.replace("_", " ")
        try:
            function(house)
            assert house.process.poll() is None, "the server has ended"
            print(f"ok {number} - {name}", flush=True)
        except Exception:  # noqa: BLE001 - whatever it is, the others go on
            failed += 1
            print(f"not ok {number} - {name}")
            print("# " + traceback.format_exc().replace("\n", "\n# "), flush=True)
    code = house.end()
    print(f"{'ok' if code == 0 else 'not ok'} {len(TESTS) + 1} - the server ends in order ({code})")
    return 1 if failed or code else 0


if __name__ == "__main__":
    sys.exit(main())
