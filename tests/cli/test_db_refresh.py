#!/usr/bin/env python3
"""The scripts of examples/db-refresh as somebody uses them. Prints TAP. $PAWL_BIN is the binary.
"""
import os
import pathlib
import subprocess
import sys

from place import PATIENCE_S, PAWL, Done, tap_main, test

DB_REFRESH = pathlib.Path(os.environ["PAWL_SOURCE_ROOT"]) / "examples/db-refresh"


class Refresh:
    """The refresh scripts, with files and store of their own."""

    def __init__(self, p):
        self.path = p.path / "work"
        self.path.mkdir()
        keep = {k: v for k, v in os.environ.items() if not k.startswith(("PAWL_", "AWS_"))}
        self.environment = {**keep, "PAWL_BIN": PAWL, "PAWL_DEMO_DIR": str(self.path)}

    def run(self, which, *options, stdin="", **more):
        p = subprocess.run([DB_REFRESH / f"run-{which}-db-refresh.sh", *options], input=stdin, capture_output=True,
                           text=True, timeout=PATIENCE_S * 4, check=False, env={**self.environment, **more})
        return Done(p.returncode, p.stdout, p.stderr)

    def pawl(self, *arguments):
        p = subprocess.run([PAWL, *arguments, "--data", self.path / "store"], capture_output=True, text=True,
                           timeout=PATIENCE_S, check=False, env=self.environment)
        return Done(p.returncode, p.stdout, p.stderr)

    def started(self):
        """How often each job was, the numbers of its steps in the order of the steps."""
        file = self.path / "started"
        lines = file.read_text().split() if file.exists() else []
        return [lines.count(job) for job in (
            "addressable-split-and-part", "infobase-split-and-part", "register-part-tables", "prepare-part-tables",
            "create-part-addressable-ids-er-table", "generate-data-monitor-report", "generate-cleanrooms-report")]

    def fail(self, job):
        (self.path / "fail").mkdir(exist_ok=True)
        (self.path / "fail" / job).write_text("the catalog is locked")

    def repair(self, job):
        (self.path / "fail" / job).unlink()


@test
def the_scripts_ask_before_they_start(p):
    r = Refresh(p)
    r.run("dev", stdin="n\n").has(1, "The dev database refresh", "omc-flywheel-dev-db-refresh", "flywheel-dev",
                                  "start a new one", "Go on? [y/N]", "Nothing was done.")
    r.run("prod").has(1, "omc-flywheel-prod-db-refresh", "flywheel-prod", "pawl-prod.yaml", "Nothing was done.")
    r.run("prod", AWS_PROFILE="flywheel-dev").has(2, "AWS_PROFILE is flywheel-dev", "unset it")
    r.run("dev", "--skip-step=1").has(2, "there is no option --skip-step=1")
    r.run("dev", "--skip-steps").has(2, "--skip-steps needs the steps")
    r.run("dev", "--help").says("--skip-steps=LIST", "--dry-run", "--yes")
    assert r.started() == [0] * 7


@test
def a_refresh_that_failed_goes_on(p):
    r = Refresh(p)
    r.fail("prepare-part-tables")
    r.run("dev", stdin="y\n").has(1, "Step3_PreparePartTables", "the catalog is locked")
    assert r.started() == [1, 1, 2, 1, 0, 0, 0]
    r.repair("prepare-part-tables")
    dry = r.run("dev", "--skip-steps=1,2,3", "--dry-run")
    assert dry.status == 0, dry.err
    assert "saved" in dry.out and "RegisterInfobaseAttributes" in dry.out, dry.out
    assert r.started() == [1, 1, 2, 1, 0, 0, 0]
    r.run("dev", "--skip-steps=1,2,3", "--yes").has(0, "go on with", "FAILED, without steps 1,2,3")
    assert r.started() == [1, 1, 2, 2, 1, 1, 1]
    assert r.pawl("ls").out.count("omc-flywheel-dev-db-refresh") == 1


@test
def a_new_refresh_takes_over_what_an_old_one_left(p):
    r = Refresh(p)
    refused = r.run("prod", "--skip-steps=1,2", "--yes")
    assert refused.status != 0 and not refused.out, refused.out
    assert "AddressableSplitAndPart cannot be skipped" in refused.err and "--set-output" in refused.err, refused.err
    assert r.started() == [0] * 7
    r.run("prod", "--yes").has(0, "SUCCEEDED")
    assert r.started() == [1, 1, 2, 1, 1, 1, 1]
    # The ways to write a list.
    for options in (["--skip-steps=1,2,3,4,5"], ["--skip-steps", "1-5"], ["--skip-steps", "1,", "2,", "3,", "4,", "5"]):
        r.run("prod", *options, "--dry-run").says("saved")
    assert r.started() == [1, 1, 2, 1, 1, 1, 1]
    r.run("prod", "--skip-steps=1, 2, 3, 4, 5", "--yes").has(0, "with the outputs of", "SUCCEEDED")
    assert r.started() == [1, 1, 2, 1, 1, 2, 2]
    assert r.pawl("ls").out.count("omc-flywheel-prod-db-refresh") == 2


@test
def what_a_step_left_is_looked_for_before_it_is_kept(p):
    r = Refresh(p)
    r.fail("prepare-part-tables")
    r.run("dev", "--yes").has(1)
    r.repair("prepare-part-tables")
    part = next((r.path / "split_part/addressable_ids").glob("*/part-*.csv"))
    text = part.read_text()
    part.write_text(text + "A1,H1,email,2026-02-01\n")
    for option in ("--dry-run", "--yes"):
        refused = r.run("dev", "--skip-steps=1,2,3", option)
        assert refused.status != 0, refused.out
        said = refused.out + refused.err
        assert "AddressableSplitAndPart" in said and "run the refresh again from step 1" in said, said
        assert "pawl restart" in said, said
    assert r.started() == [1, 1, 2, 1, 0, 0, 0]
    part.write_text(text)
    r.run("dev", "--skip-steps=1,2,3", "--yes").has(0)


if __name__ == "__main__":
    sys.exit(tap_main())
