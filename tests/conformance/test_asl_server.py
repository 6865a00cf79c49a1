#!/usr/bin/env python3
"""Plays the recorded cases against a running server, as the shared runner does.

    test_asl_server.py [TEXT]       only cases whose id contains TEXT

A real `pawl serve` on a store of its own, on a port that is free, with the functions of the
cases behind a binding of pawl.yaml; the client is the shared runner's. Cases, levels and the
list of what is known not to pass: see test_asl.py. Cases whose definitions wait longer than
WAIT_MAX_S are played with PAWL_LONG set only.
"""
import concurrent.futures
import http.server
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading

import test_asl

TIERS = ("T1", "T2", "T3", "T4")
NOT_BUILT = ("test_state", "map_run")  # groups of operations that a later release has
WAIT_MAX_S = 15
CASE_S = 60  # patience with one case, beyond what it waits by itself
AT_ONCE = 8
LISTENS = re.compile(r"http://127\.0\.0\.1:(\d+)")


class Server:
    """pawl serve, and the functions that its bindings call."""

    def __init__(self, runner, folder):
        self.functions = http.server.ThreadingHTTPServer(("127.0.0.1", 0), runner.LambdaServer)
        threading.Thread(target=self.functions.serve_forever, daemon=True).start()
        with open(os.path.join(folder, "pawl.yaml"), "w", encoding="utf-8") as fh:
            fh.write('aws_limits: strict\nbindings:\n  - resource: "aslconf_*"\n    http: "http://127.0.0.1:'
                     f'{self.functions.server_port}/2015-03-31/functions/{{name}}/invocations"\n')
        self.log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.environ["PAWL_BIN"], "serve", "--listen", "127.0.0.1:0",
             "--data", os.path.join(folder, "data"), "--config", os.path.join(folder, "pawl.yaml")],
            stdout=subprocess.PIPE, stderr=self.log, text=True)
        line = self.process.stdout.readline()
        found = LISTENS.search(line)
        if not found:
            raise RuntimeError(f"pawl serve said {line!r}, then: {self.said()}")
        self.endpoint = found[0]

    def said(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()[-2000:]

    def stop(self):
        """The exit status; not 0 is a failure of its own."""
        self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = f"none within 60 s of SIGTERM; {self.process.wait()}"
        self.functions.shutdown()
        return status


def chosen(runner, text):
    long = bool(os.environ.get("PAWL_LONG"))
    return [c for c in runner.load([os.path.join(test_asl.SHARED, "conformance", "asl")])
            if c["tier"] in TIERS and c["group"] not in NOT_BUILT and "unscored" not in c
            and text in c["id"]
            and (long or c.get("seconds", 0) <= WAIT_MAX_S)]


def play(runner, server, cases):
    client = runner.Client(server.endpoint)
    place = runner.probe(client)
    cases.sort(key=lambda c: -c.get("seconds", 0))  # the slow ones first
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        results = pool.map(lambda c: runner.Run(c, client, place, CASE_S).play(), cases)
        return list(zip(cases, results))


def main():
    text = sys.argv[1] if len(sys.argv) > 1 else ""
    tap = test_asl.Tap()
    if not os.path.isdir(os.path.join(test_asl.SHARED, "conformance", "asl")):
        tap.test(True, "asl against a server", directive=" # SKIP no shared folder with the cases")
        print("1..1")
        return 0
    runner = test_asl.load_runner()
    known = test_asl.expected_failures()
    passed = {(tier, level): [0, 0] for tier in TIERS for level in "AB"}
    with tempfile.TemporaryDirectory() as folder:
        server = Server(runner, folder)
        try:
            played = play(runner, server, chosen(runner, text))
        finally:
            status = server.stop()
        for case, result in sorted(played, key=lambda p: (p[0]["tier"], p[0]["id"])):
            for level in "AB":
                if result[level] is None:
                    continue
                why = (result[f"diff_{level}"] or result["diff_A"] or ["?"])[0]
                tap.verdict(level, case, bool(result[level]), why, known)
                passed[case["tier"], level][0] += bool(result[level])
                passed[case["tier"], level][1] += 1
        tap.test(status == 0, "asl the server ends well",
                 "" if status == 0 else f"exit status {status}: {server.said()}")
    for (tier, level), (good, all_) in sorted(passed.items()):
        print(f"# {tier} level {level}: {good}/{all_}")
    print(f"1..{tap.count}")
    return 1 if tap.failed else 0


if __name__ == "__main__":
    sys.exit(main())
