#!/usr/bin/env python3
"""Commands in flight when Pawl is killed: none ever runs beside its second start.

Every command holds a lock for as long as anything of it lives, and notes when it
begins, ends, or finds the lock taken. Prints TAP. $PAWL_BIN is the binary;
$PAWL_SEED and $PAWL_KILLS choose the random part,
arguments only tests whose name holds them.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

PAWL = os.environ["PAWL_BIN"]
SEED = int(os.environ.get("PAWL_SEED", "1"))
KILLS = int(os.environ.get("PAWL_KILLS", "500" if os.environ.get("PAWL_LONG") else "25"))
PATIENCE_S = 60  # for a condition that must come true; longer means it never will
LINE_SIZE = 256
TESTS = []

ONE = {"StartAt": "One", "States": {"One": {"Type": "Task", "Resource": "job", "End": True}}}
# Whoever inherits descriptor 9 holds the lock.
BEGIN = """\
exec 9>>lock-$1
flock -n 9 || {{ echo "overlap $1" >>log; exit 9; }}
echo "start $1 $$" >>log
{body}
echo "end $1 $$" >>log
echo null
"""
# The first time for ever, the second time not at all.
UNLESS_GO = "[ -e go ] || { echo $$ >up; while :; do sleep 9 9>&-; done; }"


def test(function):
    TESTS.append(function)
    return function


def wait_for(what, condition):
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: waited {PATIENCE_S} s in vain"
        time.sleep(0.005)
    return found


def start_ticks(pid):
    """When a process was started, as the kernel counts; None: there is none that lives."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


class Place:
    """A folder with a definition, the command "job" and a data directory."""

    def __init__(self, body=UNLESS_GO, definition=None):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="pawl-children-"))
        self.register = self.path / "data" / "children"
        self.running = []
        self.write("flow.json", json.dumps(definition or ONE))
        self.write("job.sh", BEGIN.format(body=body))
        self.write("pawl.yaml", 'bindings:\n  - {resource: "job", exec: [sh, job.sh, one]}\n')

    def write(self, name, text):
        (self.path / name).write_text(text)

    def start(self, *arguments, **more):
        environment = dict(os.environ, PAWL_DATA=str(self.path / "data"), NO_COLOR="1")
        process = subprocess.Popen([PAWL, *arguments], cwd=self.path, env=environment, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, **more)
        self.running.append(process)
        return process

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate(timeout=PATIENCE_S)
        return process.returncode, out, err

    def kill_in_the_middle(self, **more):
        """Starts the workflow and kills Pawl while the command runs; gives the command's pid."""
        process = self.start("run", "flow.json", **more)
        pid = int(wait_for("the command runs", lambda: self.read("up").strip()))
        process.kill()
        process.communicate(timeout=PATIENCE_S)
        (self.path / "up").unlink()
        assert start_ticks(pid) is not None, "a command outlives Pawl"
        return pid

    def resume(self):
        """Goes on until the end, now that nothing holds the command up."""
        self.write("go", "")
        status, out, err = self.run("run", "--resume", self.newest())
        assert status == 0, err
        assert not self.register.exists(), "after a clean end nothing is noted"
        return err

    def newest(self):
        return json.loads(self.run("ls", "--json", "--limit", "1")[1])[0]["id"]

    def read(self, name):
        path = self.path / name
        return path.read_text() if path.exists() else ""

    def log(self):
        return [line.split()[0] for line in self.read("log").splitlines()]

    def entry(self):
        """The only line of the register, as its words."""
        lines = [line.split() for line in self.register.read_text().splitlines() if line.strip()]
        assert len(lines) == 1, lines
        return lines[0]

    def rewrite(self, *entries):
        self.register.write_text("".join(f"{' '.join(e):{LINE_SIZE - 1}}\n" for e in entries))

    def close(self):
        for process in self.running:
            if process.poll() is None:
                process.kill()
                process.communicate()
        # Whatever a failed test left: all of it holds the folder.
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if os.readlink(proc / "cwd") == str(self.path):
                    os.kill(int(proc.name), signal.SIGKILL)
            except OSError:
                pass
        shutil.rmtree(self.path)


def killed_and_resumed(body):
    p = Place(body)
    try:
        pid = p.kill_in_the_middle()
        words = p.entry()
        assert int(words[0]) == pid and int(words[1]) == start_ticks(pid), words
        err = p.resume()
        assert "Ended 1 command that a killed pawl had left running." in err, err
        assert p.log() == ["start", "start", "end"], p.read("log")
        assert start_ticks(pid) is None
    finally:
        p.close()


# ---------------------------------------------------------------- what is ended

@test
def a_command_is_ended_before_it_runs_again():
    killed_and_resumed(UNLESS_GO)


@test
def so_are_those_that_it_started():
    killed_and_resumed("[ -e go ] || { sleep 1000 & (sleep 1000 & sleep 1000) & }\n" + UNLESS_GO)


@test
def so_are_those_that_mind_no_signal():
    killed_and_resumed("trap '' TERM HUP INT; [ -e go ] || { (while :; do sleep 9; done) & }\n" + UNLESS_GO)


@test
def so_are_those_that_left_the_group():
    killed_and_resumed("[ -e go ] || { setsid sleep 1000 & setsid sh -c 'setsid sleep 1000 & "
                       "exit' & }\n" + UNLESS_GO)


@test
def so_are_the_commands_of_a_pawl_that_is_a_command():
    p = Place("exec 9>&-; [ -e go ] || \"$PAWL_BIN\" run inner.json --data inner --config inner.yaml")
    try:
        p.write("inner.json", json.dumps(ONE))
        p.write("inner.yaml", 'bindings:\n  - {resource: "job", exec: [sh, inner.sh, inner]}\n')
        p.write("inner.sh", BEGIN.format(body=UNLESS_GO))
        pid = p.kill_in_the_middle()
        # The inner directory is not opened again: only the marks tell.
        p.write("job.sh", BEGIN.format(body="flock -n lock-inner true || echo overlap >>log"))
        p.resume()
        assert start_ticks(pid) is None
        assert "overlap" not in p.log(), p.read("log")
    finally:
        p.close()


# ---------------------------------------------------------------- what is left alone

@test
def a_number_that_was_given_to_another_is_left_alone():
    p = Place()
    bystander = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        pid = p.kill_in_the_middle()
        words = p.entry()
        os.killpg(pid, signal.SIGKILL)
        wait_for("the command is gone", lambda: start_ticks(pid) is None)
        now = str(start_ticks(bystander.pid))
        p.rewrite([str(bystander.pid), str(int(now) - 1), *words[2:]],
                  [str(bystander.pid), now, "00000000-0000-4000-8000-000000000000", *words[3:]])
        err = p.resume()
        assert "Ended" not in err, err
        assert bystander.poll() is None
        assert p.log() == ["start", "start", "end"], p.read("log")
    finally:
        bystander.kill()
        bystander.wait()
        p.close()


@test
def a_damaged_register_is_told_of_and_dropped():
    p = Place()
    try:
        pid = p.kill_in_the_middle()
        os.killpg(pid, signal.SIGKILL)
        wait_for("the command is gone", lambda: start_ticks(pid) is None)
        p.register.write_bytes(random.Random(SEED).randbytes(5000))
        err = p.resume()
        assert "children was damaged: a command that a killed pawl left running may not" in err, err
    finally:
        p.close()


@test
def what_is_no_register_is_refused():
    p = Place()
    try:
        (p.path / "data").mkdir()
        p.register.mkdir()
        status, _, err = p.run("run", "flow.json")
        assert status == 6 and "children" in err, (status, err)
        assert p.register.is_dir() and not p.log()
    finally:
        p.close()


@test
def a_command_cannot_go_on_with_its_own_run():
    p = Place("[ -e go ] || { echo $$ >up; while [ ! -e again ]; do sleep 0.02; done; "
              "\"$PAWL_BIN\" run --resume $PAWL_RUN_ID 2>inner-err; echo $? >inner; }")
    try:
        pid = p.kill_in_the_middle()
        p.write("again", "")
        wait_for("it has been refused", lambda: p.read("inner").strip())
        assert p.read("inner").strip() == "5", p.read("inner-err")
        assert "start pawl from elsewhere" in p.read("inner-err"), p.read("inner-err")
        wait_for("the command is over", lambda: start_ticks(pid) is None)
        assert p.entry()[0] == str(pid), "nothing was forgotten"
        assert "Ended" not in p.resume()
    finally:
        p.close()


# ---------------------------------------------------------------- ends

@test
def nothing_is_noted_after_an_end():
    p = Place()
    try:
        process = p.start("run", "flow.json")
        wait_for("the command runs", lambda: p.read("up").strip())
        p.entry()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        assert not p.register.exists()
        assert "Ended" not in p.resume()
    finally:
        p.close()


@test
def one_that_ignores_the_ends_of_children_may_start_pawl():
    p = Place()
    try:
        p.write("go", "")
        process = p.start("run", "flow.json",
                          preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, err
    finally:
        p.close()


# ---------------------------------------------------------------- at any time

ITEMS = 60
MANY = {"StartAt": "All", "States": {"All": {
    "Type": "Map", "ItemsPath": "$", "MaxConcurrency": 20, "End": True, "ItemProcessor": {
        "StartAt": "One",
        "States": {"One": {"Type": "Task", "Resource": "job", "End": True}}}}}}


def kill_somewhere(p, arguments, rng):
    """One life: killed while commands begin and end, or while those of before are ended."""
    before = len(p.log())
    process = p.start(*arguments)
    if rng.random() < 0.75:
        wait_for("a command begins", lambda: len(p.log()) > before or process.poll() is not None)
    time.sleep(rng.random() * 0.05)  # not for luck: any moment will do
    process.kill()
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (0, -signal.SIGKILL), err
    return process.returncode != 0


def kill_until_all_have_ended(seed, kills_max):
    """Gives how often it was killed, and how many commands began again."""
    rng = random.Random(seed)
    p = Place("", MANY)
    try:
        p.write("pawl.yaml", 'bindings:\n  - {resource: "job", exec: [sh, item.sh]}\n')
        p.write("item.sh", "read i; set -- $i\n" + BEGIN.format(
            body="sleep 0.$(($1 % 4)) & [ $(($1 % 3)) = 0 ] && setsid sleep 0.3 & wait"))
        arguments = ["run", "flow.json", "--name", "all", "--input", json.dumps(list(range(ITEMS)))]
        kills = 0
        while kills < kills_max and kill_somewhere(p, arguments, rng):
            kills += 1
        status, _, err = p.run(*arguments)
        assert status == 0, err
        log = p.read("log").splitlines()
        assert not [line for line in log if line.startswith("overlap")], (seed, log)
        ends = {line.split()[1] for line in log if line.startswith("end")}
        assert ends == {str(i) for i in range(ITEMS)}, ends
        assert not p.register.exists()
        return kills, sum(line.startswith("start") for line in log) - ITEMS
    finally:
        p.close()


@test
def killed_at_any_time_none_overlaps():
    seed = SEED
    totals = (0, 0)
    while totals[0] < KILLS:
        totals = tuple(map(sum, zip(totals, kill_until_all_have_ended(seed, KILLS - totals[0]))))
        seed += 1
    print("# seeds {} to {}: {} kills, {} commands began again, 0 overlapped".format(
        SEED, seed - 1, *totals))


def tap_main():
    failed = 0
    wanted = [f for f in TESTS if all(word in f.__name__ for word in sys.argv[1:])]
    print(f"1..{len(wanted)}", flush=True)
    for number, function in enumerate(wanted, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(tap_main())
