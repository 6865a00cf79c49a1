#!/usr/bin/env python3
"""The pawl binary as a person meets it: every command, every way to get it wrong.

Prints TAP. $PAWL_BIN is the binary.
"""
import fcntl
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys

from place import HELLO, PATIENCE_S, PAWL, UUID, gone, tap_main, test


# ---------------------------------------------------------------- help

@test
def help_is_there_for_newcomers(p):
    p.run("help").says("Usage", "Exit status", "Commands", "run ", "show ", "history ", "ls ", "validate ")
    p.run("--help").says("Usage")
    p.run().has(2, "Usage", "Commands")
    for command in ("run", "serve", "stop", "show", "logs", "history", "ls", "validate", "version", "help"):
        text = p.run(command, "--help").says("Usage", "Options", "Examples", f"pawl {command}").out
        assert p.run("help", command).out == text
        assert p.run(command, "-h").out == text
        assert max(map(len, text.splitlines())) <= 96, command
    p.run("version").says("pawl 0.")
    p.run("--version").says("pawl 0.")


@test
def mistakes_get_a_suggestion(p):
    p.run("rnu").has(2, 'no command "rnu"', 'did you mean "run"?', "pawl help")
    p.run("zzzzzz").has(2, 'no command "zzzzzz"')
    p.run("help", "shwo").has(2, 'did you mean "show"?')
    p.run("run", "hello.asl.json", "--inptu", "1").has(2, "no option --inptu", "did you mean --input?",
                                                      "pawl run --help")
    p.run("run", "hello.asl.json", "--zzzzzzzz").has(2, "no option --zzzzzzzz")
    p.run("ls", "--jsno").has(2, "did you mean --json?")
    p.run("ls", "--json=1").has(2, "--json takes no value")
    p.run("ls", "--json", "--json").has(2, "--json is given twice")
    p.run("ls", "--status").has(2, "--status needs a value")
    p.run("ls", "--status", "done").has(2, "takes one of RUNNING SUCCEEDED")
    p.run("ls", "--limit", "many").has(2, "--limit takes a number", '"many"')
    p.run("ls", "extra").has(2, '"extra" is one argument too many')
    p.run("run").has(2, "needs the FILE of a definition")
    p.run("run", "a", "b").has(2, '"b" is one argument too many')
    p.run("run", "a", "--resume", "b").has(2, "give no FILE")
    p.run("validate").has(2, "needs FILE")


# ---------------------------------------------------------------- run

@test
def run_prints_the_output_alone(p):
    done = p.run("run", "hello.asl.json", "--input", '{"name": "you"}')
    assert json.loads(done.says().out) == {"HELLO": "YOU"}, done.out
    done.has(0, "hello  ", "Greet", "Work", "SUCCEEDED after", "2 steps")
    assert re.search(r"^✔ +1  Greet +\d+ms$", done.err, re.M), done.err
    assert re.search(r"^▸ +2  Work$", done.err, re.M), done.err
    assert re.search(r"^✔ +2  Work +\d+", done.err, re.M), done.err
    assert "\x1b" not in done.out + done.err


@test
def run_takes_input_from_anywhere(p):
    (p.path / "in.json").write_text('{"name": "file"}')
    assert json.loads(p.run("run", "hello.asl.json", "--input", "@in.json").out) == {"HELLO": "FILE"}
    assert json.loads(p.run("run", "hello.asl.json", "--input=-", stdin='{"name":"pipe"}').out) == {
        "HELLO": "PIPE"}
    (p.path / "echo.yaml").write_text("StartAt: A\nStates: {A: {Type: Pass, End: true}}\n")
    assert p.run("run", "echo.yaml").out == "{}\n"
    assert p.run("run", "echo.yaml", "--input", "-1.50").out == "-1.50\n"
    p.run("run", "-", "--input", '{"name":"x"}', stdin=json.dumps(HELLO)).says("X").has(0, "stdin  ")
    p.run("run", "-", "--input", "-", stdin=json.dumps(HELLO)).has(2, "cannot both be stdin")


@test
def run_says_why_it_failed(p):
    done = p.run("run", "failing.asl.json").has(
        1, "FAILED after", "attempt 1 failed: Pawl.ExitStatus; again in 1.0s",
        "The command ended with an error.", "Pawl.ExitStatus: ", "│ no route to host", "pawl show ")
    assert done.out == ""
    p.run("show", re.search(f"pawl show ({UUID})", done.err)[1]).says("✘    2  Two", "2 attempts")


@test
def an_unbound_function_says_what_to_do(p):
    (p.path / "other.json").write_text(json.dumps(
        {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": "nobody", "End": True}}}))
    p.run("run", "other.json").has(1, "Add a binding for it to pawl.yaml.",
                                   "Lambda.ResourceNotFoundException")


@test
def machine_and_execution_have_names(p):
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", "order-1", "--machine", "shop")
    row = json.loads(p.run("ls", "--json").out)[0]
    assert (row["name"], row["machine"], row["status"]) == ("order-1", "shop", "SUCCEEDED"), row
    assert row["arn"] == "arn:aws:states:us-east-1:000000000000:execution:shop:order-1"
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", "order-1", "--machine",
          "shop").has(5, 'named "order-1"', "exists already (SUCCEEDED")
    p.run("run", "hello.asl.json", "--name", "a/b").has(2, "the execution's name", "see character 2")
    p.run("run", "hello.asl.json", "--machine", "x" * 81).has(2, "1 to 80 characters")


# ---------------------------------------------------------------- bad input

@test
def malformed_texts_are_located(p):
    (p.path / "bad.json").write_text('{"StartAt": "A",\n "States": }')
    (p.path / "bad.yaml").write_text("StartAt: A\nStates: [\n")
    for command in ("run", "validate"):
        for name, place in (("bad.json", "bad.json:2:12: "), ("bad.yaml", "bad.yaml:3:1: ")):
            done = p.run(command, name)
            assert done.status == 1 and place in done.out + done.err, done.out + done.err
    p.run("run", "hello.asl.json", "--input", '{"a":}').has(2, "--input:1:6: ")
    (p.path / "in.json").write_text('{"a": 1,\n"a" 2}')
    p.run("run", "hello.asl.json", "--input", "@in.json").has(2, "in.json:2:5: ")
    p.run("run", "hello.asl.json", "--input", "-", stdin="[1,").has(2, "(stdin):1:4: ")
    (p.path / "c.yaml").write_text("bindings:\n  - resource: x\n    exce: [a]\n")
    p.run("run", "hello.asl.json", "--config", "c.yaml").has(2, "c.yaml:3:5: ", 'did you mean "exec"?')
    (p.path / "c.yaml").write_text("bindings: [\n")
    p.run("run", "hello.asl.json", "--config", "c.yaml").has(2, "c.yaml:2:1: ")
    assert not (p.path / ".pawl").exists(), "nothing may be made for what cannot run"


@test
def wrong_definitions_are_explained(p):
    (p.path / "d.json").write_text(json.dumps({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Next": "Bee"}, "Be": {"Type": "Wat", "End": True}}}, indent=1))
    done = p.run("run", "d.json").has(1, "d.json:6:12: error: MISSING_TRANSITION_TARGET", "^")
    assert "Wat" in done.err and done.out == ""
    done = p.run("validate", "d.json", "hello.asl.json")
    assert done.status == 1
    assert "✘ d.json has" in done.out and "✔ hello.asl.json is valid" in done.out, done.out
    files = json.loads(p.run("validate", "--json", "d.json", "hello.asl.json").out)
    assert [f["valid"] for f in files] == [False, True], files
    assert {"line", "column", "code", "message"} <= files[0]["diagnostics"][0].keys(), files
    p.run("validate", "hello.asl.json").says("is valid")
    p.run("validate", "-", stdin=json.dumps(HELLO)).says("is valid")


@test
def strict_definitions_are_of_the_documented_level(p):
    (p.path / "newer.json").write_text(json.dumps({"QueryLanguage": "JSONata", "StartAt": "A", "States": {
        "A": {"Type": "Pass", "Output": {"v": "{% $states.input.a ?? 7 %}"}, "End": True}}}, indent=1))
    p.run("validate", "newer.json").says("is valid")
    done = p.run("validate", "--strict", "newer.json").has(1)
    for text in ("error: NEWER_JSONATA", "$states.input.a ?? 7", "aws_limits: strict", "has 1 error"):
        assert text in done.out, done.out
    p.run("validate", "--strict", "hello.asl.json").says("is valid")
    p.run("run", "newer.json").says('"v": 7')
    (p.path / "strict.yaml").write_text("aws_limits: strict\n")
    done = p.run("run", "newer.json", "--name", "refused", "--config", "strict.yaml")
    assert done.has(1, "error: NEWER_JSONATA").out == ""
    assert "refused" not in p.run("ls").says("newer").out


@test
def what_is_too_large_or_too_deep_is_refused(p):
    (p.path / "deep.json").write_text("[" * 200000)
    p.run("run", "hello.asl.json", "--input", "@deep.json").has(2, "deep.json:1:513: ", "512")
    nested = '{"StartAt":"A","States":{"A":{"Type":"Parallel","End":true,"Branches":['
    (p.path / "d.json").write_text(nested * 5000 + "]}}}" * 5000)
    done = p.run("run", "d.json")
    assert done.status == 1 and "deep" in done.err, done.err
    (p.path / "big.json").write_text('"' + "x" * (65 << 20) + '"')
    p.run("run", "hello.asl.json", "--input", "@big.json").has(2, "big.json", "67108864")
    (p.path / "huge.json").write_text(" " * ((1 << 20) + 1) + json.dumps(HELLO))
    p.run("validate", "huge.json").has(2, "huge.json", "1048576")
    p.run("run", "huge.json").has(2, "huge.json", "1048576")
    (p.path / "c.yaml").write_text("#" * ((1 << 20) + 2))
    p.run("run", "hello.asl.json", "--config", "c.yaml").has(2, "c.yaml", "1048576")


@test
def hostile_texts_do_not_reach_the_terminal(p):
    evil = "\x1b]0;owned\x07\u202eB"
    (p.path / "evil.json").write_text(json.dumps({"StartAt": evil, "States": {
        evil: {"Type": "Fail", "Error": evil, "Cause": evil}}}))
    for arguments in (("run", "evil.json"), ("show",), ("history",), ("validate", "evil.json"),
                      ("show", evil), ("ls", evil), (evil,), ("run", evil)):
        status, text = p.terminal(*arguments, NO_COLOR="1")
        text = re.sub(r"\x1b\[(\?7[lh]|\?25[lh]|\d+F|J)", "", text)  # our own: drawing in place
        assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text, (arguments, text)
        assert status in (0, 1, 2, 4), (arguments, status)


# ---------------------------------------------------------------- the data directory

@test
def places_that_cannot_be_used(p):
    (p.path / "file").write_text("")
    p.run("run", "hello.asl.json", "--data", "file/x").has(6, "file/x", "help:")
    p.run("run", "hello.asl.json", "--data", "no/x").has(4, "no/x", "does not exist")
    for command in ("ls", "show", "logs", "history"):
        p.run(command).has(4, "there is no data directory .pawl")
        p.run(command, "--data", "nowhere").has(4, "there is no data directory nowhere")
    p.run("run", "nofile.json").has(4, "nofile.json")
    p.run("run", "hello.asl.json", "--input", "@nofile").has(4, "nofile")
    p.run("run", "hello.asl.json", "--config", "nofile").has(4, "nofile")
    p.run("validate", "nofile").has(4, "nofile")
    (p.path / "d").mkdir()
    (p.path / "d" / "pawl.db").write_text("this is no database, and long enough to be looked at\n" * 30)
    done = p.run("ls", "--data", "d")
    assert done.status == 7 and "pawl.db" in done.err, done.err


@test
def the_data_directory_is_chosen(p):
    p.run("run", "hello.asl.json", "--input", '{"name":1}', PAWL_DATA="here").has(0)
    assert (p.path / "here").is_dir() and not (p.path / ".pawl").exists()
    p.run("ls", PAWL_DATA="here").says("hello")
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--data", "there", PAWL_DATA="here")
    assert (p.path / "there").is_dir()
    assert (p.path / "there").stat().st_mode & 0o777 == 0o700


@test
def one_writer_and_any_reader(p):
    with p.running("run", "blocked.asl.json") as writer:
        p.wait_for("pid")
        p.run("ls").says("RUNNING", "blocked")
        p.run("show").says("✔    1  First", "▸    2  Second", "pawl run --resume")
        p.run("history").says("LambdaFunctionStarted")
        p.run("logs").says("✔    1  First", "▸    2  Second", "attempt 1  running", "kept when it ends")
        (p.path / "go").write_text("")
        out, err = writer.communicate(timeout=PATIENCE_S)
        assert writer.returncode == 0 and out == "{}\n", err
    assert p.ran() == ["note-first", "block", "note-third"]


# ---------------------------------------------------------------- interruption

@test
def ctrl_c_detaches_and_resume_goes_on(p):
    for number in (signal.SIGINT, signal.SIGTERM):
        with p.running("run", "blocked.asl.json") as writer:
            p.wait_for("pid")
            child = int((p.path / "pid").read_text())
            done = p.end(writer, number).has(130, "stays RUNNING", "pawl run --resume ")
        assert gone(child), "the command still runs"
        resume = re.search(f"pawl run (--resume {UUID})$", done.err, re.M)[1].split()
        (p.path / "go").write_text("")
        done = p.run("run", *resume).has(0, "goes on", "SUCCEEDED")
        assert done.out == "{}\n"
        assert p.ran() == ["note-first", "block", "block", "note-third"], p.ran()
        p.run("run", *resume).has(0, "ended before", "SUCCEEDED").says("{}")
        for name in ("go", "pid", "ran"):
            (p.path / name).unlink()


@test
def a_stubborn_command_is_ended_too(p):
    (p.path / "c.yaml").write_text(
        "bindings:\n  - resource: '*'\n    exec: [sh, -c, \"trap '' TERM; echo $$ > pid; "
        "while :; do sleep 0.05; done\"]\n")
    with p.running("run", "hello.asl.json", "--input", '{"name":1}', "--config", "c.yaml") as writer:
        p.wait_for("pid")
        child = int((p.path / "pid").read_text())
        writer.send_signal(signal.SIGINT)
        p.end(writer, signal.SIGINT).has(130, "--config c.yaml")
    assert gone(child)


@test
def a_killed_process_loses_no_finished_step(p):
    with p.running("run", "blocked.asl.json", "--name", "job") as writer:
        p.wait_for("pid")
        child = int((p.path / "pid").read_text())
        p.end(writer, signal.SIGKILL)
        os.killpg(child, signal.SIGKILL)  # nobody was left to end it
    (p.path / "go").write_text("")
    p.run("run", "blocked.asl.json", "--name", "job", "--input", "[1]").has(5, "with another input")
    done = p.run("run", "blocked.asl.json", "--name", "job").has(0, "goes on", "SUCCEEDED")
    assert done.out == "{}\n"
    assert p.ran() == ["note-first", "block", "block", "note-third"], p.ran()
    assert len(json.loads(p.run("ls", "--json").out)) == 1


@test
def resume_needs_something_to_resume(p):
    p.run("run", "--resume", "x").has(4, "no execution has")
    p.run("run", "failing.asl.json")
    p.run("run", "--resume", p.only_id()).has(1, "ended before", "FAILED", "Pawl.ExitStatus")


# ---------------------------------------------------------------- nested executions

def nest(p, name="top"):
    """A machine whose task starts "blocked", which the directory has, and waits for it."""
    (p.path / "go").write_text("")
    p.run("run", "blocked.asl.json").has(0, "SUCCEEDED")
    for left in ("go", "pid", "ran"):
        (p.path / left).unlink()
    (p.path / f"{name}.asl.json").write_text(json.dumps({"StartAt": "N", "States": {"N": {
        "Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": True,
        "Parameters": {"StateMachineArn": MACHINE_ARN + "blocked", "Input.$": "$"},
        "ResultSelector": {"child.$": "$.Output"}}}}))


MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:"


def statuses(p):
    return {x["machine"]: x["status"] for x in reversed(json.loads(p.run("ls", "--json").out))}


@test
def a_killed_parent_finds_its_child_again(p):
    nest(p)
    with p.running("run", "top.asl.json", "--name", "job", "--input", "[1]") as writer:
        p.wait_for("pid")
        p.end(writer, signal.SIGKILL)
    assert statuses(p) == {"top": "RUNNING", "blocked": "RUNNING"}, statuses(p)
    (p.path / "go").write_text("")
    done = p.run("run", "--resume", "job").has(0, "goes on", "SUCCEEDED")
    assert json.loads(done.out) == {"child": [1]}, done.out
    assert p.ran() == ["note-first", "block", "block", "note-third"], p.ran()
    assert len(json.loads(p.run("ls", "--json").out)) == 3


@test
def stop_reaches_the_child(p):
    nest(p)
    with p.running("run", "top.asl.json", "--name", "job") as writer:
        p.wait_for("pid")
        p.end(writer, signal.SIGKILL)
    p.run("stop", "job").says("– ABORTED after")
    assert statuses(p) == {"top": "ABORTED", "blocked": "ABORTED"}, statuses(p)


@test
def a_time_out_reaches_the_child(p):
    nest(p)
    definition = json.loads((p.path / "top.asl.json").read_text())
    definition["States"]["N"]["TimeoutSeconds"] = 1
    (p.path / "top.asl.json").write_text(json.dumps(definition))
    p.run("run", "top.asl.json").has(1, "FAILED", "States.Timeout")
    assert statuses(p) == {"top": "FAILED", "blocked": "ABORTED"}, statuses(p)


@test
def a_missing_machine_says_what_to_do(p):
    nest(p)
    text = (p.path / "top.asl.json").read_text().replace(":blocked", ":nobody")
    (p.path / "top.asl.json").write_text(text)
    p.run("run", "top.asl.json").has(1, "StepFunctions.StateMachineDoesNotExistException",
                                     "no state machine of this name")


# ---------------------------------------------------------------- stopping

@test
def stop_ends_an_execution_for_good(p):
    with p.running("run", "blocked.asl.json", "--name", "job") as writer:
        p.wait_for("pid")
        child = int((p.path / "pid").read_text())
        p.end(writer, signal.SIGKILL)
    p.run("stop", "job", "--error", "Recalled", "--cause", "called off").says("– ABORTED after", "blocked")
    assert gone(child), "what a killed process left running is ended too"
    execution = json.loads(p.run("show", "job", "--json").out)["execution"]
    assert (execution["status"], execution["error"], execution["cause"]) == (
        "ABORTED", "Recalled", "called off"), execution
    before = p.run("history").out
    p.run("stop", "job").says("– ABORTED after").has(0, "ended before; nothing was changed")
    assert p.run("history").out == before
    p.run("run", "--resume", "job").has(1, "ended before", "ABORTED")
    assert p.ran() == ["note-first", "block"], p.ran()


@test
def stop_says_what_it_cannot_do(p):
    p.run("stop").has(2, "needs ID")
    p.run("stop", "x").has(4, "there is no data directory .pawl")
    assert not (p.path / ".pawl").exists()
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", "done")
    p.run("stop", "x").has(4, 'no execution has the id or name "x"', "done")
    p.run("stop", "done").says("✔ SUCCEEDED after").has(0, "ended before; nothing was changed")
    p.run("stop", "done", "--error", "x" * 257).has(2, "--error takes at most 256 characters")
    p.run("stop", "done", "--cause", b"\xff".decode("utf-8", "surrogateescape")).has(2, "not valid UTF-8")


# ---------------------------------------------------------------- looking

@test
def show_tells_everything(p):
    p.run("run", "failing.asl.json", "--input", '{"a": [1]}')
    text = p.run("show").says("✘ failing  FAILED after", "input    {\"a\":[1]}", "✔    1  One",
                              "attempt 1: failure", "attempt 2: failure", "no route to host",
                              "The command ended with an error.", "pawl history ").out
    assert text.count("no route to host") == 2, text  # the cause and the last attempt's stderr
    assert p.run("show", "--verbose").says("output   {\"a\":[1]}").out.count("│ one") == 2
    value = json.loads(p.run("show", "--json").out)
    assert value["execution"]["status"] == "FAILED" and value["execution"]["input"] == {"a": [1]}
    assert value["execution"]["error"] == "Pawl.ExitStatus"
    two = value["steps"][1]
    assert (two["number"], two["path"], two["type"], two["status"]) == (2, "Two", "Task", "failure")
    assert [a["status"] for a in two["attempts"]] == ["failure", "failure"]
    assert two["attempts"][0]["log"]["exit"] == 3, two


@test
def steps_are_set_in_and_numbered(p):
    task = {"Type": "Task", "Resource": "echo", "End": True}
    (p.path / "n.json").write_text(json.dumps({"StartAt": "Each", "States": {
        "Each": {"Type": "Map", "ItemsPath": "$", "Next": "Both", "ItemProcessor": {
            "StartAt": "a/b", "States": {"a/b": {"Type": "Map", "ItemsPath": "$", "End": True,
                "ItemProcessor": {"StartAt": "In", "States": {"In": {**task, "x-step": 7}}}}}}},
        "Both": {"Type": "Parallel", "End": True, "Branches": [
            {"StartAt": "L", "x-step": 8, "States": {"L": task}},
            {"StartAt": "R", "States": {"R": {"Type": "Pass", "End": True}}}]}}}))
    done = p.run("run", "n.json", "--input", "[[1],[2,3]]")
    for text in (done.has(0).err, p.run("show").out):
        rows = {re.sub(r"\s+[0-9.]+m?s.*", "", line).strip("✔ \n").strip()
                for line in text.splitlines() if "✔ " in line}
        assert {"Each", "a/b [1]", "7      In [1][1]", "7      In [0][0]", "8    L", "R", "Both"} <= rows, rows


@test
def logs_tell_what_each_attempt_said(p):
    p.run("run", "failing.asl.json")
    text = p.run("logs").says("✔    1  One  attempt 1  success, ", "attempt 2  failure, ", ", exit 3, ",
                              "         stderr\n         │ one\n         │ no route to host\n").out
    assert text.count("│ no route to host") == 2, text
    for form in ("2", "Two"):
        attempts = json.loads(p.run("logs", p.only_id(), "--step", form, "--json").out)
        assert [(a["step"], a["attempt"], a["exit"]) for a in attempts] == [(2, 1, 3), (2, 2, 3)], attempts
        assert attempts[0]["stderr"] == "one\nno route to host\n" and attempts[0]["durationMs"] >= 0
        assert attempts[0].keys() >= {"startedAt", "stoppedAt", "error", "cause", "state", "path"}
    assert p.run("logs", "--step", "2", "--attempt", "2").says("attempt 2").out.count("│ one") == 1
    p.run("logs", "--step", "Three").has(4, 'no step "Three"', "✔    1  One", "✘    2  Two")
    p.run("logs", "--step", "Two", "--attempt", "3").has(4, "no attempt 3", "it had 2")
    p.run("logs", "--attempt", "x").has(2, "--attempt takes a number", '"x"')
    p.run("run", "hello.asl.json", "--input", '{"name":1}')
    p.run("logs", "--step", "Greet").has(4, '"Greet" is a Pass state')
    assert [a["stdout"] for a in json.loads(p.run("logs", "--json").out)] == ['{"HELLO":1}']


@test
def history_is_aws_shaped(p):
    p.run("run", "hello.asl.json", "--input", '{"name":"x"}')
    lines = p.run("history").says("ExecutionStarted", "PassStateEntered").out.splitlines()
    assert lines[0].split() == ["ID", "TIME", "TYPE", "STATE", "DETAIL"], lines[0]
    events = json.loads(p.run("history", "--json").out)["events"]
    assert [e["id"] for e in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "ExecutionStarted"
    assert json.loads(events[0]["executionStartedEventDetails"]["input"]) == {"name": "x"}
    assert len(lines) == len(events) + 1
    back = json.loads(p.run("history", "--json", "--reverse").out)["events"]
    assert back == events[::-1]


@test
def ids_in_every_form(p):
    for i in range(3):
        p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", f"n{i}").has(0)
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", "n0", "--machine", "other")
    rows = json.loads(p.run("ls", "--json").out)
    newest, oldest = rows[0], rows[-1]
    for form in (oldest["id"], oldest["id"].upper(), oldest["arn"]):
        assert json.loads(p.run("show", form, "--json").out)["execution"]["id"] == oldest["id"]
    assert json.loads(p.run("show", "n1", "--json").out)["execution"]["name"] == "n1"
    assert json.loads(p.run("show", "--json").out)["execution"]["id"] == newest["id"]
    p.run("show", "n0").has(4, '"n0" may be any of 2 executions', "These fit:", oldest["id"], "other")
    p.run("show", oldest["id"][:4]).has(4, "may be any of 4 executions")
    unique = next(oldest["id"][:n] for n in range(4, 37)
                  if sum(r["id"].startswith(oldest["id"][:n]) for r in rows) == 1)
    assert json.loads(p.run("show", unique, "--json").out)["execution"]["id"] == oldest["id"]
    p.run("history", "nope").has(4, 'no execution has the id or name "nope"', "The newest are:", "n2")
    p.run("show", "0" * 8 + oldest["id"][8:]).has(4, "no execution has")
    p.run("show", oldest["arn"] + "x").has(4, "no execution has")
    p.run("show", "").has(4, "no execution")


@test
def ls_filters_and_limits(p):
    p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", "good")
    p.run("run", "failing.asl.json", "--name", "awry")
    lines = p.run("ls").says("ID", "NAME", "MACHINE", "STATUS", "STARTED", "DURATION").out.splitlines()
    assert len(lines) == 3 and "awry" in lines[1] and "good" in lines[2], lines
    assert "awry" not in p.run("ls", "--status", "succeeded").says("good").out
    assert json.loads(p.run("ls", "--status", "ABORTED", "--json").out) == []
    p.run("ls", "--status", "aborted").has(0, "No execution is ABORTED")
    p.run("ls", "--limit", "1").says("awry").has(0, "and more")
    assert [e["name"] for e in json.loads(p.run("ls", "--machine", "hello", "--json").out)] == ["good"]
    p.run("ls", "--machine", "failing", "--status", "succeeded").has(0, "No execution of that machine is SUCCEEDED")
    p.run("ls", "--machine", "helo").has(4, 'no state machine is named "helo"; did you mean "hello"?')
    for i in range(3):
        p.run("run", "hello.asl.json", "--input", '{"name":1}', "--name", f"more-{i}")
    done = p.run("ls", "--machine", "hello", "--limit", "2").says("more-2", "more-1").has(0, "and more: --limit 20")
    assert "more-0" not in done.out and "good" not in done.out, done.out
    assert "more" not in p.run("ls", "--machine", "hello", "--limit", "4").says("good").err


# ---------------------------------------------------------------- pipes and terminals

@test
def colours_only_on_a_terminal(p):
    status, text = p.terminal("run", "hello.asl.json", "--input", '{"name":1}')
    assert status == 0 and "\x1b[32m" in text and "SUCCEEDED" in text, text
    for arguments in (("show",), ("ls",), ("history",), ("help",), ("validate", "hello.asl.json")):
        assert "\x1b[" in p.terminal(*arguments)[1], arguments
        assert "\x1b" not in p.terminal(*arguments, NO_COLOR="1")[1], arguments
        assert "\x1b" not in p.terminal(*arguments, TERM="dumb")[1], arguments
        assert "\x1b" not in p.run(*arguments).out, arguments
    assert "\x1b[" in p.terminal(*arguments, NO_COLOR="")[1], "an empty NO_COLOR counts as unset"


@test
def tables_fit_the_terminal(p):
    (p.path / "long.json").write_text(json.dumps({"StartAt": "A", "States": {
        "A": {"Type": "Pass", "Result": "x" * 500, "End": True}}}))
    p.run("run", "long.json")
    for line in p.terminal("history", columns=100, NO_COLOR="1")[1].splitlines():
        assert len(line) <= 100, line


@test
def a_closed_pipe_is_no_crash(p):
    p.run("run", "hello.asl.json", "--input", '{"name":1}')
    for arguments in (["history", "--json"], ["help"], ["run", "hello.asl.json", "--input", '{"name":1}']):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run([PAWL, *arguments], cwd=p.path, stdout=write, stderr=write,
                              env=p.environment(), check=False, timeout=PATIENCE_S)
        os.close(write)
        assert done.returncode == 0, (arguments, done.returncode)


@test
def a_store_of_an_older_release_is_brought_forward(p):
    data = p.path / ".pawl"
    data.mkdir()
    golden = os.path.join(os.environ["PAWL_SOURCE_ROOT"], "tests", "golden", "store", "schema1.sql")
    db = sqlite3.connect(data / "pawl.db")
    with open(golden, encoding="utf-8") as text:
        db.executescript(text.read())
    db.close()
    with open(data / "lock", "w", encoding="utf-8") as lock:  # an older release at work
        fcntl.lockf(lock, fcntl.LOCK_EX)
        fcntl.flock(lock, fcntl.LOCK_EX)
        p.run("ls").has(6, "schema 1", "stop what still writes to it")
    assert not (data / "pawl.db.schema-1").exists()
    p.run("ls").says("monday", "machine-0")
    assert (data / "pawl.db.schema-1").exists()
    p.run("ls", "--status", "succeeded").says("monday")


if __name__ == "__main__":
    sys.exit(tap_main())
