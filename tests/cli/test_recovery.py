#!/usr/bin/env python3
"""Recovery and control by the command line: resume, retry, rerun, restart, pause, cancel,
what is planned and what is shown. Prints TAP. $PAWL_BIN is the binary.

Steps note that they ran, and fail until a file is there; so what ran again is known.
"""
import contextlib
import copy
import hashlib
import json
import re
import signal
import sqlite3
import sys

from place import PATIENCE_S, PAWL, UUID, tap_main, test, wait_until
from server import serving

STEPS = ("Fetch", "Split", "Register", "Deliver")


def task(resource, following=None, **more):
    return {"Type": "Task", "Resource": resource, **({"Next": following} if following else {"End": True}), **more}


def line(**gates):
    """Four steps; those named wait for their file, or fail without it."""
    states = {name: task(gates.get(name, f"note-{name}"), following)
              for name, following in zip(STEPS, [*STEPS[1:], None])}
    return {"StartAt": STEPS[0], "States": states}


# Two contexts of one step, of which the second fails, once it is let.
CONTEXTS = {"StartAt": "Fetch", "States": {
    "Fetch": task("note-Fetch", "Both"),
    "Both": {"Type": "Parallel", "Next": "Deliver", "Branches": [
        {"x-label": "addressable_ids", "StartAt": "RegisterA", "States": {
            "RegisterA": task("note-RegisterA", Parameters={"S3_ROOT": "split_part/addressable_ids/"}, **{"x-step": 3})}},
        {"x-label": "infobase_attributes", "StartAt": "RegisterB", "States": {
            "RegisterB": task("late-RegisterB", Parameters={"S3_ROOT": "split_part/infobase_attributes/"},
                              **{"x-step": 3})}}]},
    "Deliver": task("note-Deliver")}}


def prepare(p, name="line", definition=None):
    """note-X notes X; need-X too, and fails when it was not given X; hold-X waits for it, and
    late-X for the file late-X, to fail then."""
    (p.path / f"{name}.asl.json").write_text(json.dumps(definition or line(Register="need-Register")))
    (p.path / "pawl.yaml").write_text(f"""\
bindings:
  - resource: "note-*"
    exec: [sh, -c, "echo {{name}} >> {p.path}/ran; cat"]
  - resource: "need-*"
    exec: [sh, -c, "echo {{name}} >> {p.path}/ran; if [ -e {p.path}/{{name}} ]; then cat; else echo 'no {{name}}' >&2; exit 3; fi"]
  - resource: "late-*"
    exec: [sh, -c, "echo {{name}} >> {p.path}/ran; while [ ! -e {p.path}/{{name}} ]; do sleep 0.02; done; [ -s {p.path}/{{name}} ] && cat"]
  - resource: "hold-*"
    exec: [sh, -c, "echo {{name}} >> {p.path}/ran; while [ ! -e {p.path}/{{name}} ]; do sleep 0.02; done; cat"]
""")


def give(p, *names):
    for name in names:
        for kind in ("need", "hold"):
            (p.path / f"{kind}-{name}").write_text("")


def take(p, *names):
    for name in names:
        for kind in ("need", "hold"):
            (p.path / f"{kind}-{name}").unlink()


def ran(p):
    """What ran since it was asked last."""
    done = [name.split("-", 1)[1] for name in p.ran()]
    with contextlib.suppress(FileNotFoundError):
        (p.path / "ran").unlink()
    return done


def failed(p, name="one", definition=None, **more):
    prepare(p, definition=definition)
    p.run("run", "line.asl.json", "--input", '{"n": 1}', "--name", name, **more).has(1, "FAILED")
    ran(p)


def stored(p):
    """All that the store has of executions, to the byte."""
    with contextlib.closing(sqlite3.connect(f"file:{p.path}/.pawl/pawl.db?mode=ro", uri=True)) as db:
        tables = [t for (t,) in db.execute("select name from sqlite_master where type = 'table' order by name")
                  if t not in ("shards", "shard")]
        return {t: db.execute(f'select * from "{t}"').fetchall() for t in tables}


def unchanged(p, *arguments, status=0):
    """What a command says that changes and calls nothing."""
    before = stored(p)
    done = p.run(*arguments)
    assert done.status == status, (done.status, done.out, done.err)
    after = stored(p)
    assert after == before, [t for t in after if after[t] != before.get(t)]
    assert not ran(p), "something ran"
    return done


def plan_of(p, *arguments, status=0):
    plan = json.loads(unchanged(p, *arguments, "--dry-run", "--json", status=status).out)
    return {step["path"]: step["action"] for step in plan["steps"]}, plan


def shown(p, name="one"):
    return json.loads(p.run("show", name, "--json").says().out)


def made_before(p):
    """Everything here is of a definition that says what earlier releases passed over."""
    old = line(Register="need-Register")
    old["States"]["Split"].update({"x-step": "two", "x-phase": 7, "x-type": [], "x-review": "ask", "x-verify": "test -s it"})
    text = json.dumps(old)
    digest = hashlib.sha256(text.encode()).digest()
    with contextlib.closing(sqlite3.connect(p.path / ".pawl/pawl.db")) as db, db:
        db.execute("insert into definition (org, hash, text) values (0, ?, ?)", (digest, text))
        for table in ("execution", "machine"):
            assert db.execute(f"update {table} set definition = ?", (digest,)).rowcount == 1
    return text


# ---- resume ----

@test
def a_failed_execution_is_resumed_where_it_failed(p):
    failed(p)
    actions, plan = plan_of(p, "resume", "one")
    assert actions == {"Fetch": "kept", "Split": "kept", "Register": "run", "Deliver": "run"}, actions
    assert plan["problems"] == [] and plan["saved_ms"] > 0, plan
    page = unchanged(p, "resume", "one", "--dry-run")
    page.says("STEP", "kept", "Time saved", "Time expected")
    page.has(0, "pawl resume one\n")
    p.run("resume", "one").has(1, "Register", "pawl resume", "--dry-run")
    assert ran(p) == ["Register"]
    give(p, "Register")
    p.run("resume", "one").has(0, "2 kept", "✔    3  Register", "✔    4  Deliver", "SUCCEEDED")
    assert ran(p) == ["Register", "Deliver"]
    now = shown(p)
    assert now["execution"]["status"] == "SUCCEEDED" and now["execution"]["redriveCount"] == 2, now["execution"]
    assert [s["generation"] for s in now["steps"]] == [0, 0, 2, 0]
    assert [a["status"] for a in now["steps"][2]["attempts"]] == ["failure", "failure", "success"]


@test
def what_an_earlier_release_took_goes_on(p):
    failed(p)
    text = made_before(p)
    give(p, "Register")
    p.run("show", "one").says("Register", "FAILED")
    assert plan_of(p, "resume", "one")[0] == {"Fetch": "kept", "Split": "kept", "Register": "run", "Deliver": "run"}
    with serving(p) as s:
        p.run("logs", "one", "--level", "ok", "--endpoint", s.url).says("Register")
        p.run("resume", "one", "--endpoint", s.url).has(0, "SUCCEEDED")
        p.run("start", "line", "--name", "two", "--endpoint", s.url).has(0)
        p.run("wait", "two", "--endpoint", s.url).has(0, "SUCCEEDED")
        # What is made now has to be right, even while the old one is in memory.
        status, answer = s.ask("POST", "/api/v1/run", {"definition": text, "machine_name": "line"})
        assert status == 400 and "x-step" in answer["detail"], answer
    p.run("rerun", "one", "--step", "Split").has(0, "was run again")


@test
def steps_are_skipped_by_number_name_and_range(p):
    failed(p)
    for given in (["--skip-steps", "1,2"], ["--skip-steps=1-2"], ["--skip-steps", "1, 2"], ["--skip-steps", "1 2"],
                  ["--skip-steps", "Fetch, Split"]):
        actions, _ = plan_of(p, "resume", "one", *given)
        assert actions == {"Fetch": "skipped", "Split": "skipped", "Register": "run", "Deliver": "run"}, (given, actions)
    p.run("resume", "one", "--skip-steps", "3", "--set-output", '3={"given": true}').has(0, "Register", "skipped", "1 skipped")
    assert ran(p) == ["Deliver"]
    now = shown(p)
    assert now["execution"]["output"] == {"given": True}, now["execution"]
    assert now["steps"][2]["status"] == "skipped"


@test
def a_step_to_go_on_from_and_one_to_stop_after(p):
    failed(p)
    give(p, "Register")
    actions, _ = plan_of(p, "resume", "one", "--from-step", "2", "--until-step", "3")
    assert (actions["Split"], actions["Register"]) == ("rerun", "run"), actions
    p.run("resume", "one", "--from-step", "2", "--until-step", "Register").has(0, "paused after step Register", "pawl resume")
    assert ran(p) == ["Split", "Register"]
    page = p.run("show", "one").says("paused", "pawl resume")
    assert re.search(r"Go on with: pawl resume " + UUID, page.out), page.out
    p.run("resume", "one").has(0, "SUCCEEDED")
    assert ran(p) == ["Deliver"]


@test
def a_phase_to_stop_after(p):
    definition = line(Register="need-Register")
    for name, phase in zip(STEPS, ("prepare", "prepare", "delivery", "report")):
        definition["States"][name]["x-phase"] = phase
    failed(p, definition=definition)
    give(p, "Register")
    p.run("resume", "one", "--until-phase", "delivery").has(0, "paused after phase delivery")
    assert ran(p) == ["Register"]
    p.run("resume", "one", "--until-phase", "nowhere").has(5, "paused")
    p.run("resume", "one").has(0, "SUCCEEDED")
    assert ran(p) == ["Deliver"]
    p.run("run", "line.asl.json", "--name", "two", "--until-phase", "prepare").has(0, "paused after phase prepare")
    assert ran(p) == ["Fetch", "Split"]


@contextlib.contextmanager
def contexts(p):
    """The second context fails when the first is done."""
    prepare(p, definition=CONTEXTS)
    with p.running("run", "line.asl.json", "--name", "one") as run:
        wait_until(lambda: "late-RegisterB" in p.ran() and "note-RegisterA" in p.ran())
        wait_until(lambda: [s["status"] for s in shown(p)["steps"] if s["state"] == "RegisterA"] == ["success"])
        give_late(p, "")
        yield run


def give_late(p, text):
    (p.path / "late-RegisterB").write_text(text)


@test
def only_the_context_that_failed(p):
    with contexts(p) as run:
        run.communicate(timeout=PATIENCE_S)
    ran(p)
    page = p.run("show", "one").says("context addressable_ids  S3_ROOT=split_part/addressable_ids/",
                                     "context infobase_attributes  S3_ROOT=split_part/infobase_attributes/")
    assert page.out.count("   3  ") == 2, page.out
    give_late(p, "well")
    p.run("resume", "one", "--only", "context=nowhere", "--dry-run").has(2)
    p.run("resume", "one", "--only", "context=infobase_attributes").has(0, "SUCCEEDED")
    assert ran(p) == ["RegisterB", "Deliver"]


@test
def the_failure_names_its_context(p):
    with contexts(p) as run:
        _, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 1 and "Failed in step 3 RegisterB, context infobase_attributes" in err, err


@test
def another_input_for_what_goes_on(p):
    failed(p)
    give(p, "Register")
    (p.path / "input.json").write_text('{"n": 2}')
    actions, _ = plan_of(p, "retry", "one", "--input", '{"n": 2}')
    assert actions["Register"] == "run", actions
    p.run("retry", "one", "--input", "@input.json").has(0, "SUCCEEDED")
    assert ran(p) == ["Register", "Deliver"]
    assert shown(p)["execution"]["output"] == {"n": 2}


@test
def a_corrected_definition_makes_a_new_execution(p):
    failed(p)
    (p.path / "fixed.asl.json").write_text(json.dumps(line(Register="note-Register")))
    actions, plan = plan_of(p, "resume", "one", "--definition", "fixed.asl.json")
    assert plan["kind"] == "fork" and actions["Split"] == "kept" and actions["Register"] == "run", plan
    p.run("resume", "one", "--definition", "fixed.asl.json").has(0, "SUCCEEDED")
    assert ran(p) == ["Register", "Deliver"]
    old, new = shown(p), json.loads(p.run("show", "--json").out)
    assert old["execution"]["status"] == "FAILED"
    assert [r["id"] for r in old["execution"]["related"]] == [new["execution"]["id"]]
    assert [r["id"] for r in new["execution"]["related"]] == [old["execution"]["id"]]
    p.run("show", "one").says("taken over by")
    p.run("resume", "one", "--revision", "nonesuch").has(4, "nonesuch")
    gone = line(Register="note-Register")
    gone["StartAt"] = "Split"
    del gone["States"]["Fetch"]
    (p.path / "gone.asl.json").write_text(json.dumps(gone))
    before = stored(p)
    refused = p.run("resume", "one", "--definition", "gone.asl.json")
    assert refused.status not in (0, 1) and "step Fetch" in refused.err, refused.err
    assert stored(p) == before and not ran(p)


@test
def a_start_takes_over_from_another(p):
    failed(p)
    give(p, "Register")
    actions, _ = plan_of(p, "run", "line.asl.json", "--reuse", "one", "--from-step", "3")
    assert actions == {"Fetch": "kept", "Split": "kept", "Register": "run", "Deliver": "run"}, actions
    p.run("run", "line.asl.json", "--reuse", "one", "--from-step", "3", "--name", "two").has(
        0, "↷    1  Fetch            -  taken over\n", "↷    2  Split            -  taken over\n", "SUCCEEDED")
    assert ran(p) == ["Register", "Deliver"]
    assert shown(p, "two")["execution"]["input"] == {"n": 1}
    p.run("show", "two").says("Fetch            -  taken over\n", "Split            -  taken over\n", "takes over from")
    assert [step.get("takenOver") for step in shown(p, "two")["steps"]] == [True, True, None, None]
    p.run("logs", "two", "--level", "ok").says("taken over")
    assert plan_of(p, "rerun", "two", "--step", "Deliver")[1]["steps"][0]["why"] == "it was taken over"
    actions, _ = plan_of(p, "run", "line.asl.json")
    assert set(actions.values()) == {"run"}, actions


@test
def the_same_once_more(p):
    failed(p)
    give(p, "Register")
    actions, _ = plan_of(p, "restart", "one")
    assert set(actions.values()) == {"run"}, actions
    p.run("restart", "one", "--name", "two").has(0, "SUCCEEDED")
    assert ran(p) == list(STEPS)
    assert shown(p, "two")["execution"]["input"] == {"n": 1}
    p.run("show", "one").says("restarted as", "two")
    p.run("show", "two").says("restarted from", "one")


# ---- rerun ----

@test
def one_step_again_and_nothing_else(p):
    failed(p)
    give(p, "Register")
    p.run("resume", "one").has(0)
    ran(p)
    before = shown(p)
    for step in ("2", "Split"):
        actions, _ = plan_of(p, "rerun", "one", "--step", step)
        assert actions == {"Fetch": "kept", "Split": "rerun", "Register": "kept", "Deliver": "kept"}, actions
    p.run("rerun", "one", "--step", "2").has(0, "step 2 was run again", "SUCCEEDED, as it was")
    assert ran(p) == ["Split"]
    now = shown(p)
    assert len(now["steps"]) == len(before["steps"])
    for i in (0, 2, 3):
        assert {**now["steps"][i], "stale": None} == {**before["steps"][i], "stale": None}, i
    assert now["steps"][1]["generation"] == 1 and len(now["steps"][1]["attempts"]) == 2
    assert [s["stale"] for s in now["steps"]] == [False, False, True, True]
    p.run("show", "one").says("stale", "--cascade")
    p.run("rerun", "one", "--step", "2", "--cascade").has(0, "SUCCEEDED")
    assert ran(p) == ["Split", "Register", "Deliver"]
    now = shown(p)["steps"]
    assert len(now) == 4 and not any(s["stale"] for s in now), now


@test
def a_rerun_that_fails_leaves_what_was(p):
    failed(p)
    give(p, "Register")
    p.run("resume", "one").has(0)
    take(p, "Register")
    ran(p)
    before = shown(p)
    p.run("rerun", "one", "--step", "Register").has(1, "was run again and failed", "earlier record stays", "SUCCEEDED, as it was")
    assert ran(p) == ["Register"]
    now = shown(p)
    assert now["execution"]["status"] == "SUCCEEDED" and now["execution"]["output"] == before["execution"]["output"]
    assert now["steps"][2]["output"] == before["steps"][2]["output"]
    assert len(now["steps"][2]["attempts"]) == len(before["steps"][2]["attempts"]) + 1


@test
def a_rerun_with_another_input_or_the_recorded_one(p):
    prepare(p, definition=line())
    p.run("run", "line.asl.json", "--name", "one", "--input", '{"n": 1}').has(0)
    p.run("rerun", "one", "--step", "4", "--input", '{"n": 7}').has(0)
    assert shown(p)["execution"]["output"] == {"n": 7}
    p.run("rerun", "one", "--step", "4", "--context", "recorded").has(0)
    p.run("rerun", "one", "--step", "4", "--context", "current").has(0)
    assert shown(p)["execution"]["output"] == {"n": 1}


# ---- control ----

@test
def a_resume_with_what_the_step_had(p):
    """Whatever became of the steps before it since."""
    prepare(p)
    p.run("run", "line.asl.json", "--input", '{"n": 1}', "--name", "one").has(1, "FAILED")
    with serving(p) as s:
        at = ["--endpoint", s.url]
        p.run("rerun", "one", "--step", "Split", "--input", '{"n": 2}', *at).has(0)
        for verb in ("resume", "retry"):
            for where in ([], at):
                p.run(verb, "one", "--context", "recorded", *where).has(1, "Register")
                assert shown(p)["steps"][2]["input"] == {"n": 1}, verb
    give(p, "Register")
    p.run("resume", "one", "--context", "recorded").has(0, "SUCCEEDED")
    assert shown(p)["execution"]["output"] == {"n": 1}


@contextlib.contextmanager
def held(p, *arguments):
    """A run that stands at Split until the file Split is there."""
    prepare(p, definition=line(Split="hold-Split"))
    with p.running("run", "line.asl.json", "--name", "one", *arguments) as holder:
        wait_until(lambda: "hold-Split" in p.ran())
        yield holder


@test
def a_pause_and_what_lifts_it_through_the_holder(p):
    with held(p) as holder:
        p.run("pause", "one", "--reason", "the warehouse moves").says("pauses at the next step")
        give(p, "Split")
        out, err = holder.communicate(timeout=PATIENCE_S)
        assert holder.returncode == 0 and "paused as asked: the warehouse moves" in err and out == "", (out, err)
    assert ran(p) == ["Fetch", "Split"]
    p.run("show", "one").says("the warehouse moves", "pawl resume")
    p.run("run", "--resume", "one").has(0, "paused", "pawl resume")
    p.run("resume", "one").has(0, "SUCCEEDED")
    assert ran(p) == ["Register", "Deliver"]


@test
def what_runs_cannot_be_resumed(p):
    with held(p) as holder:
        p.run("resume", "one").has(5, "runs")
        p.run("rerun", "one", "--step", "1").has(5, "has not ended")
        p.end(holder, signal.SIGINT)
    p.run("resume", "one").has(5, "interrupted", "pawl run --resume")


@test
def a_graceful_end_cleans_up(p):
    definition = line(Split="hold-Split")
    definition["x-on-cancel"] = "Clean"
    definition["States"]["Clean"] = task("note-Clean")
    prepare(p, definition=definition)
    with p.running("run", "line.asl.json", "--name", "one") as holder:
        wait_until(lambda: "hold-Split" in p.ran())
        p.run("cancel", "one", "--reason", "called off").has(0)
        _, err = holder.communicate(timeout=PATIENCE_S)
        assert holder.returncode == 1 and "ABORTED" in err and "called off" in err, err
    assert ran(p)[-1] == "Clean"
    p.run("cancel", "one").has(5, "has ended as ABORTED")
    p.run("pause", "one").has(5, "has ended as ABORTED")


@test
def a_cancel_of_what_was_interrupted(p):
    definition = line(Split="hold-Split")
    definition["x-on-cancel"] = "Clean"
    definition["States"]["Clean"] = task("note-Clean")
    prepare(p, definition=definition)
    with p.running("run", "line.asl.json", "--name", "one") as holder:
        wait_until(lambda: "hold-Split" in p.ran())
        p.end(holder, signal.SIGINT)
    ran(p)
    p.run("cancel", "one", "--reason", "called off").says("ABORTED")
    again = ran(p)
    assert again == ["Clean"], again


@test
def a_review_is_decided(p):
    definition = line()
    definition["States"]["Register"]["x-review"] = {"message": "Register it?"}
    prepare(p, definition=definition)
    for name, decision, status in (("yes", ["--approve", "--changes", '{"discount": 5}'], 0),
                                   ("no", ["--reject", "--error", "Declined", "--cause", "over the limit"], 1)):
        with p.running("run", "line.asl.json", "--name", name, "--input", '{"n": 1}') as holder:
            wait_until(lambda n=name: "Register it?" in p.run("show", n).out)
            p.run("show", name).says("pawl resume", "--approve, or --reject")
            p.run("resume", name).has(5)
            p.run("resume", name, *decision).has(status)
            out, err = holder.communicate(timeout=PATIENCE_S)
            assert holder.returncode == status, err
            assert "waits for a person to decide: Register it?" in err, err
            assert json.loads(out) == {"n": 1, "discount": 5} if status == 0 else "Declined" in err, (out, err)
        ran(p)


def waiting(p, name="one"):
    """How many reviews; none before there is a store."""
    said = p.run("show", name, "--json")
    return len(json.loads(said.out)["execution"]["reviews"]) if said.status == 0 else 0


@test
def one_of_two_reviews_is_decided(p):
    branches = [{"StartAt": name, "States": {name: task(f"note-{name}", **{"x-review": True})}} for name in ("Left", "Right")]
    prepare(p, definition={"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "End": True, "Branches": branches}}})
    with p.running("run", "line.asl.json", "--name", "one") as holder:
        wait_until(lambda: waiting(p) == 2)
        p.run("resume", "one", "--approve").has(5)
        p.run("resume", "one", "--approve", "--step", "Nowhere").has(4, "Nowhere")
        with p.running("resume", "one", "--approve", "--step", "Right") as first:
            wait_until(lambda: waiting(p) == 1)
            p.run("resume", "one", "--approve", "--step", "2").has(0, "SUCCEEDED")
            first.communicate(timeout=PATIENCE_S)
            assert first.returncode == 0
        holder.communicate(timeout=PATIENCE_S)


@test
def a_review_is_called_as_it_is_shown(p):
    """By x-step or its path: where nobody holds the directory, at a holder and at a server."""
    branches = [{"x-label": name.lower(), "StartAt": name, "States": {
        name: task(f"note-{name}", **{"x-review": True, "x-step": number})}} for name, number in (("Left", 7), ("Right", 5))]
    both = {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "End": True, "Branches": branches}}}

    def decide(name, *at):
        p.run("resume", name, "--approve", "--step", "1", *at).has(4, "Both/left/Left, Both/right/Right")
        with p.running("resume", name, "--approve", "--step", "5", *at) as first:
            wait_until(lambda: waiting(p, name) == 1)
            p.run("show", name).says("step 7 Left")
            p.run("resume", name, "--approve", "--step", "Both/left/Left", *at).has(0, "SUCCEEDED")
            first.communicate(timeout=PATIENCE_S)
    prepare(p, definition=both)
    with p.running("run", "line.asl.json", "--name", "one") as holder:
        wait_until(lambda: waiting(p) == 2)
        p.end(holder, signal.SIGINT)
    decide("one")
    with serving(p) as s:
        for name, at in (("two", []), ("three", ["--endpoint", s.url])):
            p.run("start", "line.asl.json", "--name", name).has(0)
            wait_until(lambda n=name: waiting(p, n) == 2)
            decide(name, *at)


# ---- a holder, a server ----

@test
def the_same_at_a_server(p):
    failed(p)
    with serving(p) as s:
        at = ["--endpoint", s.url]
        for where in ([], at):
            actions, _ = plan_of(p, "resume", "one", *where)
            assert actions == {"Fetch": "kept", "Split": "kept", "Register": "run", "Deliver": "run"}, actions
            p.run("resume", "one", *where).has(1, "Register")
            assert ran(p) == ["Register"]
            p.run("resume", "one", "--skip-steps", "99", *where).has(2, "99")
        give(p, "Register")
        p.run("resume", "one", *at).has(0, "2 kept", "Deliver", "SUCCEEDED")
        assert ran(p) == ["Register", "Deliver"]
        p.run("resume", "one", *at).has(5, "succeeded")
        p.run("rerun", "one", "--step", "2", *at).has(0, "step 2 was run again")
        assert ran(p) == ["Split"]
        p.run("rerun", "one", "--step", "2").has(0, "step 2 was run again")
        assert ran(p) == ["Split"]
        done = p.run("restart", "one", "--name", "two", "--detach", *at)
        assert re.fullmatch(UUID + "\n", done.out), (done.out, done.err)
        p.run("wait", "two").has(0)
        assert ran(p) == list(STEPS)


@test
def a_new_execution_of_an_old_one_at_a_server(p):
    failed(p)
    (p.path / "fixed.asl.json").write_text(json.dumps(line(Register="note-Register")))
    with serving(p) as s:
        at = ["--endpoint", s.url]
        give(p, "Register")
        actions, plan = plan_of(p, "resume", "one", "--definition", "fixed.asl.json", *at)
        assert plan["kind"] == "fork" and actions["Split"] == "kept", plan
        p.run("resume", "one", "--definition", "fixed.asl.json", *at).has(0, "taken over\n", "SUCCEEDED")
        assert ran(p) == ["Register", "Deliver"]
        revisions = p.run("machines", "revisions", "line", "--json", *at).says()
        newest = re.search(r'"revision": "([^"]+)"', revisions.out)[1]
        p.run("resume", "one", "--revision", newest, *at).has(0, "SUCCEEDED")
        assert ran(p) == ["Register", "Deliver"]
        p.run("resume", "one", "--revision", "nonesuch", *at).has(4, "nonesuch")
        for what in (["run", "line.asl.json"], ["start", "line.asl.json"], ["start", "line"]):
            actions, _ = plan_of(p, *what, "--reuse", "one", "--from-step", "3", *at)
            assert actions["Split"] == "kept" and actions["Register"] == "run", (what, actions)
            actions, _ = plan_of(p, *what, *at)
            assert set(actions.values()) == {"run"}, (what, actions)
            done = p.run(*what, "--reuse", "one", "--from-step", "3", *at).has(0)
            p.run("wait", done.out.strip() if what[0] == "start" else json.loads(p.run("ls", "--json").out)[0]["id"]).has(0)
            assert ran(p) == ["Register", "Deliver"], what
        p.run("start", "line", "--reuse", "nobody", *at).has(4, "nobody")
        p.run("start", "line", "--skip-steps", "3", *at).has(5, "--set-output")
        p.run("start", "line", "--until-phase", "nowhere", "--dry-run", *at).has(2)


@test
def control_at_a_server(p):
    prepare(p, definition=line(Split="hold-Split"))
    with serving(p) as s:
        at = ["--endpoint", s.url]
        with p.running("run", "line.asl.json", "--name", "one", *at) as run:
            wait_until(lambda: "hold-Split" in p.ran())
            p.run("pause", "one", *at).says("pauses at the next step")
            give(p, "Split")
            _, err = run.communicate(timeout=PATIENCE_S)
            assert run.returncode == 0 and "paused" in err, err
        p.run("resume", "one", *at).has(0, "SUCCEEDED")
        take(p, "Split")
        ran(p)
        with p.running("run", "line.asl.json", "--name", "two", *at) as run:
            wait_until(lambda: "hold-Split" in p.ran())
            p.run("cancel", "two", "--reason", "called off", *at).has(0)
            _, err = run.communicate(timeout=PATIENCE_S)
            assert run.returncode == 1 and "called off" in err, err


# ---- checks of what is kept ----

LOOK = "echo >> looked; while [ -e busy ]; do sleep 0.02; done; [ ! -e gone ]"


def checked(**gates):
    definition = line(Register="need-Register", **gates)
    definition["States"]["Fetch"]["x-verify"] = {"command": ["sh", "-c", LOOK]}
    return definition


def looked(p):
    return len((p.path / "looked").read_text().splitlines()) if (p.path / "looked").exists() else 0


@test
def what_was_kept_is_checked_again_before_it_is_over(p):
    failed(p, definition=checked(Deliver="hold-Deliver"))
    give(p, "Register", "Deliver")
    p.run("resume", "one").has(0, "SUCCEEDED", "checked again: what 1 kept step left still holds")
    assert looked(p) == 2
    p.run("show", "one").says("checked", "what 1 kept step left still holds")
    take(p, "Register", "Deliver")
    failed(p, "two", definition=checked(Deliver="hold-Deliver"))
    give(p, "Register")
    with p.running("resume", "two") as run:
        wait_until(lambda: "hold-Deliver" in p.ran())
        (p.path / "gone").touch()
        give(p, "Deliver")
        _, err = run.communicate(timeout=PATIENCE_S)
        assert run.returncode == 0 and "checked again: what Fetch left does not hold any more" in err, err


@test
def a_check_that_is_due_is_made_by_whoever_comes_next(p):
    failed(p, definition=checked(Deliver="hold-Deliver"))
    give(p, "Register")
    with p.running("resume", "one") as run:
        wait_until(lambda: "hold-Deliver" in p.ran())
        p.end(run, signal.SIGKILL)
    give(p, "Deliver")
    p.run("run", "--resume", shown(p)["execution"]["id"]).has(0, "checked again: what 1 kept step left still holds")
    assert looked(p) == 2


def notes(p):
    """How often it was noted how checks went, once more."""
    with contextlib.closing(sqlite3.connect(f"file:{p.path}/.pawl/pawl.db?mode=ro", uri=True)) as db:
        return db.execute("select count(*) from journal where cause = 15").fetchone()[0]


def interrupted(p, *command):
    """The execution has ended, and its second check is under way when the process dies."""
    before = looked(p)
    take(p, "Deliver")
    ran(p)
    with p.running(*command) as run:
        wait_until(lambda: "hold-Deliver" in p.ran())
        (p.path / "busy").touch()
        give(p, "Deliver")
        wait_until(lambda: looked(p) == before + 2)
        p.end(run, signal.SIGKILL)
    (p.path / "busy").unlink()
    assert shown(p)["execution"]["status"] == "SUCCEEDED"
    ran(p)


@test
def a_check_that_was_interrupted_is_made_by_whoever_comes_next(p):
    failed(p, definition=checked(Deliver="hold-Deliver"))
    give(p, "Register", "Deliver")
    interrupted(p, "resume", "one")
    unchanged(p, "restart", "one", "--dry-run")
    assert looked(p) == 2 and notes(p) == 0
    (p.path / "other.asl.json").write_text(json.dumps(line(Split="hold-Split")))
    with p.running("run", "other.asl.json") as run:
        wait_until(lambda: notes(p) == 1)
        p.end(run, signal.SIGINT)
    assert looked(p) == 3
    p.run("show", "one").says("checked", "what 1 kept step left still holds")
    interrupted(p, "rerun", "one", "--step", "4")
    with serving(p):
        p.run("show", "one").says()
    assert notes(p) == 1
    with (p.path / "pawl.yaml").open("a") as config:
        config.write("verify: on\n")
    with serving(p):
        wait_until(lambda: notes(p) == 2)
    assert looked(p) == 6


@test
def the_second_check_runs_where_the_first_one_did(p):
    prepare(p, "other", definition=line(Split="hold-Split"))
    guest, data = copy.copy(p), p.path / ".pawl"
    guest.path = p.path / "elsewhere"
    guest.path.mkdir()
    failed(guest, definition=checked(), PAWL_DATA=str(data))
    give(guest, "Register")
    with p.running("run", "other.asl.json") as holder:
        wait_until(lambda: "hold-Split" in p.ran())
        guest.run("resume", "one", PAWL_DATA=str(data)).has(0, "SUCCEEDED")
        wait_until(lambda: notes(p) == 1)
        p.end(holder, signal.SIGINT)
    assert looked(guest) == 2 and looked(p) == 0


# ---- static checks ----

@test
def a_plan_says_what_the_static_checks_say(p):
    definition = line(Register="need-Register")
    definition["States"]["Split"]["Parameters"] = {"n": "$.n"}
    failed(p, definition=definition)
    give(p, "Register")
    (p.path / "fixed.asl.json").write_text(json.dumps(line(Register="note-Register")))
    said = json.loads(p.run("validate", "line.asl.json", "--json").says().out)[0]["diagnostics"]
    assert [(d["severity"], d["code"]) for d in said] == [("warning", "NO_DOLLAR")], said
    with serving(p) as s:
        for at in ([], ["--endpoint", s.url]):
            for what in (["resume", "one"], ["retry", "one"], ["rerun", "one", "--step", "2"], ["restart", "one"],
                         ["run", "line.asl.json"], ["start", "line.asl.json"],
                         ["run", "line.asl.json", "--reuse", "one", "--from-step", "3"]):
                if what[0] == "start" and not at:
                    continue
                page = unchanged(p, *what, "--dry-run", *at)
                page.says("The static checks say of the definition:", f"! {said[0]['line']}:{said[0]['column']}: NO_DOLLAR: ",
                          said[0]["message"], said[0]["remedy"])
                assert "NO_DOLLAR" not in page.err, page.err
                assert plan_of(p, *what, *at)[1]["diagnostics"] == said, what
            _, plan = plan_of(p, "resume", "one", "--definition", "fixed.asl.json", *at)
            assert plan["diagnostics"] == [], plan
            fixed = unchanged(p, "resume", "one", "--definition", "fixed.asl.json", "--dry-run", *at)
            assert "static checks" not in fixed.out, fixed.out


# ---- lines of a log ----

@test
def a_server_is_not_waited_for_where_it_stands(p):
    definition = line()
    definition["States"]["Register"].update({"x-review": {"message": "Register it?"}, "x-phase": "last"})
    prepare(p, definition=definition)
    with serving(p) as s:
        at = ["--endpoint", s.url]
        p.run("start", "line.asl.json", "--name", "one", "--until-step", "Split", *at).has(0)
        p.run("wait", "one", *at).has(1, "paused", "pawl resume", s.url)
        p.run("resume", "one", *at).has(0, "Register it?", "needs a review", "--approve, or --reject")
        p.run("wait", "one", *at).has(1, "needs a review", "--approve, or --reject")
        p.run("describe", "one", *at).says("Register: Register it?")
        p.run("run", "--resume", "one", *at).has(0, "needs a review", "pawl describe", "--approve, or --reject")
        p.run("resume", "one", "--approve", *at).has(0, "SUCCEEDED")
        assert ran(p) == list(STEPS)
        p.run("run", "line.asl.json", "--name", "two", *at).has(0, "needs a review")
        p.run("resume", "two", "--reject", *at).has(1, "FAILED")


@test
def what_happened_as_lines(p):
    failed(p)
    give(p, "Register")
    p.run("resume", "one").has(0)
    ok = p.run("logs", "one", "--level", "ok").says("begins", "step 2 Split  done in", "begins again", "SUCCEEDED").out
    assert re.search(r"^\S+Z error one  step 3 Register  failed after .*exit status 3", ok, re.M), ok
    errors = p.run("logs", "one", "--level", "error").says().out.splitlines()
    assert errors and all(" error " in e for e in errors), errors
    lines = [json.loads(e) for e in p.run("logs", "--workflow", "line", "--grep", "step [34]", "--json").says().out.splitlines()]
    assert {e["state"] for e in lines} == {"Register", "Deliver"}, lines
    assert all(e["workflow"] == "line" and e["name"] == "one" for e in lines)
    p.run("logs", "one", "--grep", "(").has(2, "regular expression")
    p.run("logs", "one", "--level", "loud").has(2, "ok warn error")
    p.run("logs", "--workflow", "nowhere").has(4, "nowhere")
    p.run("logs", "one", "--workflow", "line").has(2)
    p.run("logs", "one", "--follow", "--step", "1").has(2)


@test
def a_rerun_names_its_step_and_its_context(p):
    prepare(p, definition=line())
    p.run("run", "line.asl.json", "--name", "one").has(0)
    p.run("rerun", "one", "--step", "3").has(0)
    p.run("logs", "one", "--level", "ok").says(
        "step 3 Register is run again; in its context: step 1 Fetch, step 2 Split", "the rerun ended well")


def follows(p, *arguments):
    """What is printed while a run is let go on, here and at a server alike."""
    with p.running("logs", *arguments) as logs:
        said = ""
        while "step 2 Split  begins" not in said:
            said += logs.stdout.readline()
        give(p, "Split")
        out, err = logs.communicate(timeout=PATIENCE_S) if "--workflow" not in arguments else ("", "")
        while "--workflow" in arguments and "SUCCEEDED" not in out:
            out += logs.stdout.readline()
        return said + out, err


@test
def what_happens_as_it_happens(p):
    for arguments in (["one", "--follow"], ["--workflow", "line", "--follow"]):
        with held(p) as holder:
            said, err = follows(p, *arguments)
            assert "step 4 Deliver  done" in said and "SUCCEEDED" in said, (said, err)
            assert holder.wait(PATIENCE_S) == 0
        take(p, "Split")
        p.run("stop", "one")
        for file in (p.path / ".pawl").iterdir():
            file.unlink()
        ran(p)


@test
def a_server_that_is_away_for_a_moment(p):
    prepare(p, definition=line(Split="hold-Split"))
    with serving(p) as first:
        p.run("start", "line.asl.json", "--name", "one", "--endpoint", first.url).has(0)
        wait_until(lambda: "hold-Split" in p.ran())
        with p.running("logs", "one", "--follow", "--endpoint", first.url) as logs:
            said = ""
            while "step 2 Split  begins" not in said:
                said += logs.stdout.readline()
            first.end(signal.SIGKILL)
            port = first.port
            give(p, "Split")
            with serving(p, "--listen", f"127.0.0.1:{port}"):
                out, err = logs.communicate(timeout=PATIENCE_S)
            said += out
    assert said.count("step 1 Fetch  done") == 1 and said.count("SUCCEEDED") == 1, (said, err)


# Waits for a decision, unless it is quick; no step of it takes a process.
MANY = {"StartAt": "First", "States": {
    "First": {"Type": "Choice", "Choices": [{"Variable": "$.quick", "BooleanEquals": True, "Next": "Last"}], "Default": "Look"},
    "Look": {"Type": "Pass", "x-review": True, "Next": "Last"},
    "Last": {"Type": "Pass", "End": True}}}


def start_many(s, names, quick=False):
    for name in names:
        status, answer = s.ask("POST", "/api/v1/workflows/line/executions", {"name": name, "trigger_data": {"quick": quick}})
        assert status == 201, answer


@test
def all_executions_of_a_workflow_at_a_server(p):
    """More than one page of a list, those that end at once, and over a crash: each line once."""
    prepare(p, definition=MANY)
    waiting, quick = [f"w{i}" for i in range(105)], [f"q{i}" for i in range(20)]
    seen = []

    def ended():
        return [e["name"] for e in seen if "SUCCEEDED" in e["message"]]

    def read(logs, until):
        while not until():
            seen.append(json.loads(logs.stdout.readline()))
    with serving(p) as first:
        p.run("start", "line.asl.json", "--name", "past", "--input", '{"quick": true}').has(0)
        p.run("wait", "past").has(0)
        start_many(first, waiting)
        with p.running("logs", "--workflow", "line", "--follow", "--json", "--endpoint", first.url) as logs:
            read(logs, lambda: {e["name"] for e in seen if e.get("state") == "Look"} == set(waiting))
            start_many(first, quick, quick=True)
            read(logs, lambda: len(ended()) == len(quick))
            first.end(signal.SIGKILL)
            with serving(p, "--listen", f"127.0.0.1:{first.port}") as second:
                for name in waiting:
                    assert second.ask("POST", f"/api/v1/executions/{name}/resume", {"approved": True})[0] == 200
                start_many(second, ["later"], quick=True)
                read(logs, lambda: len(ended()) == len(quick) + len(waiting) + 1)
    assert sorted(ended()) == sorted([*waiting, *quick, "later"])
    lines = [json.dumps(e) for e in seen]
    assert len(set(lines)) == len(lines), "something was told twice"
    for name in (*waiting, *quick):
        assert [e["state"] for e in seen if e["name"] == name and e["message"].startswith("done")] == (
            ["First", "Look", "Last"] if name in waiting else ["First", "Last"])


def more_executions_than_can_be_followed(p):
    prepare(p, definition=MANY)
    with serving(p) as s:
        p.run("machines", "create", "line", "line.asl.json", "--endpoint", s.url).has(0)
        names = [f"w{i}" for i in range(1001)]
        start_many(s, names)
        done = p.run("logs", "--workflow", "line", "--json", "--endpoint", s.url).has(0, "followed_max")
        assert done.err.count("followed_max") == 1, done.err
        assert {json.loads(e)["name"] for e in done.out.splitlines()} == set(names[1:])


if not any(f"/{build}/" in PAWL for build in ("asan", "tsan")):  # where a thousand of them take minutes
    test(more_executions_than_can_be_followed)


# ---- what is refused ----

@test
def bad_input_changes_nothing(p):
    failed(p)
    for status, part, *arguments in (
            (2, "99", "resume", "one", "--skip-steps", "99"),
            (2, "nowhere", "resume", "one", "--from-step", "nowhere"),
            (2, "ends before it begins", "resume", "one", "--skip-steps", "3-1"),
            (2, "between two commas", "resume", "one", "--skip-steps", "1,,2"),
            (2, "--set-output", "resume", "one", "--set-output", "nothing"),
            (2, "given an output before", "resume", "one", "--set-output", "3=1", "--set-output", "3=2"),
            (2, "--set-output:1:2", "resume", "one", "--set-output", "3={"),
            (2, "not both", "resume", "one", "--approve", "--reject"),
            (2, "--approve", "resume", "one", "--changes", "{}"),
            (2, "--reject", "resume", "one", "--cause", "x"),
            (2, "object", "resume", "one", "--approve", "--changes", "1"),
            (2, "--step", "rerun", "one"),
            (2, "current recorded", "rerun", "one", "--step", "1", "--context", "old"),
            (2, "--input", "rerun", "one", "--step", "1", "--context", "recorded", "--input", "1"),
            (2, "--input", "retry", "one", "--context", "recorded", "--input", "1"),
            (2, "leave one of them out", "resume", "one", "--context", "recorded", "--definition", "line.asl.json"),
            (2, "--dry-run", "resume", "one", "--mocks", "pawl.yaml"),
            (4, "no execution", "resume", "nobody"),
            (4, "no execution", "pause", "nobody"),
            (2, "needs ID", "resume"),
            (5, "--approve", "resume", "one", "--approve"),
            (6, "--detach", "resume", "one", "--detach"),
            (2, "not both", "resume", "one", "--definition", "line.asl.json", "--revision", "x"),
            (2, "pawl resume", "run", "--resume", "one", "--dry-run")):
        before = stored(p)
        p.run(*arguments).has(status, part)
        assert stored(p) == before and not ran(p), arguments
    unchanged(p, "resume", "one", "--mocks", "nowhere.json", "--dry-run", status=4)
    page = unchanged(p, "resume", "one", "--skip-steps", "3", "--dry-run", status=5)
    assert "This cannot be done" in page.out and "--set-output" in page.out, page.out


@test
def a_dry_run_exits_as_the_refusal_does(p):
    failed(p)
    with serving(p) as s:
        for at in ([], ["--endpoint", s.url]):
            for status, *words in ((2, "resume", "one", "--skip-steps", "99"), (2, "resume", "one", "--until-phase", "nowhere"),
                                   (2, "retry", "one", "--from-step", "Nowhere"), (5, "resume", "one", "--skip-steps", "3"),
                                   (2, "resume", "one", "--skip-steps", "3,99"), (2, "rerun", "one", "--step", "9"),
                                   (5, "start", "line", "--skip-steps", "3"), (4, "resume", "none")):
                real = unchanged(p, *words, *at, status=status)
                dry = unchanged(p, *words, "--dry-run", *at, status=status)
                assert real.err and (dry.out or dry.err), words
    # Nobody holds the directory.
    for status, more in ((2, ["--skip-steps", "99"]), (5, ["--skip-steps", "3"])):
        unchanged(p, "resume", "one", *more, status=status)
        unchanged(p, "resume", "one", *more, "--dry-run", status=status)


@test
def mocks_look_ahead(p):
    definition = {"StartAt": "Look", "States": {
        "Look": task("need-Look", "Which"),
        "Which": {"Type": "Choice", "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "Left"}], "Default": "Right"},
        "Left": task("note-Left"), "Right": task("note-Right")}}
    failed(p, definition=definition)
    for go, way in ((True, "Left"), (False, "Right")):
        (p.path / "mocks.json").write_text(json.dumps({"Look": {"go": go}}))
        actions, plan = plan_of(p, "resume", "one", "--mocks", "mocks.json")
        assert actions.get(way) == "run" and plan["ends_known"], (way, plan)


@test
def the_plan_fits_its_terminal(p):
    definition = line(Register="need-Register")
    text = json.dumps(definition).replace('"Register"', '"Register all of the tables that are there at last"')
    failed(p, definition=json.loads(text))
    for columns in (40, 80, 120):
        status, said = p.terminal("resume", "one", "--dry-run", columns=columns, NO_COLOR="1")
        assert status == 0, said
        rows = [row.rstrip("\r") for row in said.split("\n") if re.match(r"^[✔▸·]", row)]
        assert len(rows) == 4 and all(len(row) <= max(columns, 60) for row in rows), (columns, rows)
    _, said = p.terminal("resume", "one", "--dry-run")
    assert "\033[32m" in said, said


@test
def help_teaches(p):
    for verb in ("resume", "retry", "rerun", "restart", "pause", "cancel", "logs", "run"):
        page = p.run(verb, "--help").says(f"pawl {verb}", "--data").out
        assert "--help" in p.run("completion", "bash").says(f"    {verb}) options=").out
        assert re.search(rf"^ +pawl {verb} \S", page, re.M), page


if __name__ == "__main__":
    sys.exit(tap_main())
