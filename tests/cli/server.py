"""`pawl serve` for tests: started in a Place, on a port of its own."""
import contextlib
import http.client
import json
import os
import re
import select
import signal
import subprocess

from place import PATIENCE_S, PAWL


def task(name):
    return {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": name, "End": True}}}


def bind(p, **commands):
    lines = [f"  - {{resource: {name}, exec: [sh, -c, {json.dumps(command)}]}}\n" for name, command in commands.items()]
    (p.path / "pawl.yaml").write_text("bindings:\n" + "".join(lines))


class Server:
    def __init__(self, p, *arguments, before=(), limit=None):
        self.p = p
        self.log = open(p.path / "err", "wb")  # pylint: disable=consider-using-with
        self.process = subprocess.Popen(  # pylint: disable=consider-using-with
            [*before, PAWL, "serve", "--listen", "127.0.0.1:0", *arguments], cwd=p.path, env=p.environment(),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
            preexec_fn=limit)
        assert select.select([self.process.stdout], [], [], PATIENCE_S)[0], "it never listens"
        self.line = os.read(self.process.stdout.fileno(), 4096).decode()
        assert self.line, self.said()
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+)", self.line)[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def said(self):
        return (self.p.path / "err").read_text()

    def ask(self, method, path, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        c.request(method, path, json.dumps(body) if body is not None else None)
        answer = c.getresponse()
        text = answer.read()
        c.close()
        return answer.status, json.loads(text)

    def operation(self, name, arguments):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        c.request("POST", "/", json.dumps(arguments), {"X-Amz-Target": "AWSStepFunctions." + name,
                                                       "Content-Type": "application/x-amz-json-1.0"})
        answer = c.getresponse()
        text = answer.read()
        c.close()
        return answer.status, json.loads(text)

    def start(self, definition, **more):
        return self.ask("POST", "/api/v1/run", {"definition": definition, "machine_name": "m", **more})

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)


@contextlib.contextmanager
def serving(p, *arguments, **more):
    server = Server(p, *arguments, **more)
    try:
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.process.stdout.close()
        server.log.close()
