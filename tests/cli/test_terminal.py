#!/usr/bin/env python3
"""`pawl run` on a terminal: its steps, drawn in place.

A small terminal stands at the other end of a pty. It knows the escapes that the
drawing uses and no other: an unknown one fails the test. Nothing waits for a time
to pass: what a test looks at is held open by a command that waits for a file.

Prints TAP. $PAWL_BIN is the binary.
"""
import codecs
import contextlib
import fcntl
import json
import os
import re
import select
import struct
import sys
import termios
import time

from place import PATIENCE_S, PAWL, UUID, gone, tap_main, test

TURNING = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
ESCAPE = re.compile(r"\x1b\[(?:(?P<up>\d+)F|(?P<below>J)|\?7(?P<wrap>[lh])|(?P<style>\d+)m)")


class Screen:
    """What a terminal of this size shows after what was written to it."""

    def __init__(self, columns, lines):
        self.columns, self.lines = columns, lines
        self.rows = [""] * lines
        self.row = self.column = 0
        self.wrap = True
        self.above = []  # scrolled out
        self.wrapped = []  # lines that did not fit
        self.frames = self.styles = 0
        self.rest = ""  # an escape that is not complete

    def write(self, text):
        text, self.rest = self.rest + text, ""
        at = 0
        while at < len(text):
            c = text[at]
            if c != "\x1b":
                self.put(c)
                at += 1
                continue
            escape = ESCAPE.match(text, at)
            if not escape:
                self.rest = text[at:]
                assert re.fullmatch(r"\x1b(\[(\d*|\?7?))?", self.rest), f"unknown escape: {self.rest!r}"
                return
            self.obey(escape)
            at = escape.end()

    def obey(self, escape):
        if escape["up"]:
            self.row, self.column = max(0, self.row - int(escape["up"])), 0
        elif escape["below"]:
            self.rows[self.row] = self.rows[self.row][:self.column]
            self.rows[self.row + 1:] = [""] * (self.lines - self.row - 1)
        elif escape["wrap"]:
            self.wrap = escape["wrap"] == "h"
            self.frames += self.wrap
        else:
            self.styles += 1

    def put(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.down()
        else:
            assert c >= " ", f"control character {c!r}"
            if self.column == self.columns and self.wrap:
                self.wrapped.append(self.rows[self.row])
                self.column = 0
                self.down()
            self.column = min(self.column, self.columns - 1)
            row = self.rows[self.row].ljust(self.column)
            self.rows[self.row] = row[:self.column] + c + row[self.column + 1:]
            self.column += 1

    def down(self):
        if self.row + 1 < self.lines:
            self.row += 1
        else:
            self.above.append(self.rows.pop(0))
            self.rows.append("")

    def resize(self, columns, lines):
        """Cuts what is too wide, and scrolls so far that the cursor stays in view."""
        while self.row >= lines:
            self.above.append(self.rows.pop(0))
            self.row -= 1
        self.rows = [row[:columns] for row in (self.rows + [""] * lines)[:lines]]
        self.columns, self.lines = columns, lines
        self.column = min(self.column, columns)

    def text(self):
        return "\n".join(self.above + self.rows)

    def with_step(self, name, everywhere=True):
        """The lines in view, or all, in which a step of this name stands."""
        rows = self.above + self.rows if everywhere else self.rows
        return [row for row in rows if re.match(rf"\S\s+(\d+\s+)?{re.escape(name)}(\s|$)", row)]


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, place, *arguments, columns=80, lines=24, **more):
        self.screen = Screen(columns, lines)
        self.raw = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()
        self.master, slave = os.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self.master)
            os.login_tty(slave)
            os.chdir(place.path)
            os.execve(PAWL, [PAWL, *map(str, arguments)], place.environment(**more))
        os.close(slave)

    def take(self):
        """False: the last process at the terminal is gone."""
        assert select.select([self.master], [], [], PATIENCE_S)[0], f"nothing more comes: {self.screen.text()}"
        data = b""
        with contextlib.suppress(OSError):
            data = os.read(self.master, 65536)
        text = self.decoder.decode(data)
        self.raw += text
        self.screen.write(text)
        return bool(data)

    def until(self, condition):
        deadline = time.monotonic() + PATIENCE_S
        while not condition(self.screen):
            assert time.monotonic() < deadline, f"it never shows: {self.screen.text()}"
            assert self.take(), f"ended before it shows: {self.screen.text()}"

    def more_frames(self, count=2):
        """The second frame from now was begun after now."""
        wanted = self.screen.frames + count
        self.until(lambda s: s.frames >= wanted)

    def resize(self, columns, lines):
        self.screen.resize(columns, lines)
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.more_frames()

    def end(self):
        while self.take():
            pass
        os.close(self.master)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def chain(*states):
    """A definition of Task states, each (name, resource)."""
    definition = {"StartAt": states[0][0], "States": {}}
    for (name, resource), following in zip(states, [*states[1:], None]):
        definition["States"][name] = {"Type": "Task", "Resource": resource,
                                      **({"Next": following[0]} if following else {"End": True})}
    return definition


def write(p, definition):
    (p.path / "flow.json").write_text(json.dumps(definition))


def once(screen, names, everywhere=True):
    """Each of these steps stands in one line, in this order; no line of a step wrapped."""
    found = [screen.with_step(name, everywhere) for name in names]
    assert all(len(lines) == 1 for lines in found), f"{names}:\n{screen.text()}"
    places = [(screen.above + screen.rows if everywhere else screen.rows).index(lines[0]) for lines in found]
    assert places == sorted(places), f"not in order: {names}\n{screen.text()}"
    assert not [row for row in screen.wrapped if any(name in row for name in names)], screen.wrapped
    return [lines[0] for lines in found]


# Twelve steps, the last but one of which waits.
LONG = [(f"Step-number-{i:02}-of-the-twelve", "block" if i == 11 else "echo") for i in range(1, 13)]
LONG_NAMES = [name for name, _ in LONG]


@test
def the_last_drawing_stays(p):
    echo = {"Type": "Task", "Resource": "echo", "End": True}
    write(p, {"StartAt": "First", "States": {
        "First": {"Type": "Pass", "Result": [1, 2, 3], "Next": "Both"},
        "Both": {"Type": "Parallel", "ResultPath": None, "Next": "Each", "Branches": [
            {"StartAt": "Left", "States": {"Left": echo}}, {"StartAt": "Right", "States": {"Right": echo}}]},
        "Each": {"Type": "Map", "Next": "Last", "ItemProcessor": {"StartAt": "In", "States": {"In": echo}}},
        "Last": {"Type": "Task", "Resource": "upper", "End": True}}})
    t = Terminal(p, "run", "flow.json")
    assert t.end() == 0, t.raw
    rows = once(t.screen, ["First", "Both", "Left", "Right", "Each", "Last"])
    assert all(row.startswith("✔ ") for row in rows), rows
    assert [row.split()[1] for row in rows] == ["1", "2", "3", "4", "5", "9"], rows
    assert rows[1].endswith("2 of 2") and rows[4].endswith("3 of 3"), rows
    assert "  … 3 more steps, not shown" in t.screen.text(), t.screen.text()
    assert re.search(r"^✔ SUCCEEDED after \S+, 9 steps$", t.screen.text(), re.M), t.screen.text()
    assert t.screen.text().rstrip().endswith("3\n]"), t.screen.text()


@test
def a_failed_step_is_marked(p):
    t = Terminal(p, "run", "failing.asl.json")
    t.until(lambda s: any("attempt 2" in row or "Pawl.ExitStatus" in row for row in s.with_step("Two")))
    assert t.end() == 1, t.raw
    one, two = once(t.screen, ["One", "Two"])
    assert one.startswith("✔ ") and two.startswith("✘    2  Two") and "Pawl.ExitStatus" in two, (one, two)


@test
def a_running_step_shows_while_it_runs(p):
    t = Terminal(p, "run", "blocked.asl.json")
    t.until(lambda s: s.with_step("Second"))
    p.wait_for("pid")
    seen = set()

    def turned(screen):
        seen.update(row[0] for row in screen.with_step("Second"))
        return len(seen) > 2

    t.until(turned)
    assert seen <= set(TURNING), seen
    first, _ = once(t.screen, ["First", "Second"])
    assert first.startswith("✔    1  First"), first
    assert not t.screen.with_step("Third"), t.screen.text()
    assert t.screen.column == 0 or not t.screen.wrap, "between drawings the cursor is below them"
    (p.path / "go").write_text("")
    assert t.end() == 0, t.raw
    rows = once(t.screen, ["First", "Second", "Third"])
    assert all(row.startswith("✔ ") for row in rows), rows


@test
def a_map_shows_its_bar(p):
    (p.path / "c.yaml").write_text(
        "bindings:\n  - resource: gate\n"
        "    exec: [sh, -c, 'i=$(cat); while [ ! -e go-$i ]; do sleep 0.02; done; echo $i']\n")
    write(p, {"StartAt": "Each", "States": {"Each": {"Type": "Map", "End": True, "ItemProcessor": {
        "StartAt": "Item", "States": {"Item": {"Type": "Task", "Resource": "gate", "End": True}}}}}})
    t = Terminal(p, "run", "flow.json", "--input", "[0,1,2,3]", "--config", "c.yaml")
    for done, bar in enumerate(["░░░░░░░░░░", "██░░░░░░░░", "█████░░░░░", "███████░░░"]):
        t.until(lambda s, want=f"{bar}  {done} of 4": any(want in row for row in s.with_step("Each")))
        t.until(lambda s, left=4 - done: len(s.with_step("  Item")) == left)
        once(t.screen, ["Each"])
        (p.path / f"go-{done}").write_text("")
    assert t.end() == 0, t.raw
    assert once(t.screen, ["Each"])[0].endswith("4 of 4"), t.screen.text()


@test
def narrow_terminals_wrap_no_line(p):
    write(p, chain(*LONG))
    t = Terminal(p, "run", "flow.json", columns=30)
    t.until(lambda s: any(row[0] in TURNING for row in s.rows if row))
    t.more_frames()
    shown = [row for row in t.screen.rows if re.match(r"\S +\d+  Step", row)]
    assert len(shown) == 11, t.screen.text()
    (p.path / "go").write_text("")
    assert t.end() == 0, t.raw
    assert not [row for row in t.screen.wrapped if "Step" in row], t.screen.wrapped
    numbers = [row.split()[1] for row in t.screen.text().splitlines() if re.match(r"✔ +\d+  Step", row)]
    assert numbers == [str(i) for i in range(1, 13)], t.screen.text()


@test
def low_terminals_repeat_no_line(p):
    write(p, chain(*LONG))
    t = Terminal(p, "run", "flow.json", lines=5)
    t.until(lambda s: s.with_step(LONG_NAMES[10]))
    t.more_frames()
    once(t.screen, LONG_NAMES[8:11])
    assert t.screen.rows[0] == "  … 8 more steps, not shown", t.screen.rows
    (p.path / "go").write_text("")
    assert t.end() == 0, t.raw
    once(t.screen, LONG_NAMES[9:])
    assert t.screen.text().count("more steps, not shown") == 1, t.screen.text()


@test
def a_resize_is_met_by_the_next_drawing(p):
    write(p, chain(*LONG))
    t = Terminal(p, "run", "flow.json")
    t.until(lambda s: s.with_step(LONG_NAMES[10]))
    for columns, lines, shown in ((48, 24, 11), (80, 5, 3), (120, 40, 11), (50, 6, 4), (80, 24, 11)):
        t.resize(columns, lines)
        once(t.screen, LONG_NAMES[11 - shown:11], everywhere=False)
        assert max(map(len, t.screen.rows)) <= columns
    (p.path / "go").write_text("")
    assert t.end() == 0, t.raw
    assert all(row.startswith("✔ ") for row in once(t.screen, LONG_NAMES, everywhere=False))


@test
def no_color_draws_without_colours(p):
    t = Terminal(p, "run", "failing.asl.json", NO_COLOR="1")
    assert t.end() == 1 and t.screen.styles == 0 and t.screen.frames > 1, t.raw
    once(t.screen, ["One", "Two"])
    t = Terminal(p, "run", "failing.asl.json")
    assert t.end() == 1 and t.screen.styles > 0


@test
def ctrl_c_leaves_a_clean_terminal(p):
    t = Terminal(p, "run", "blocked.asl.json")
    t.until(lambda s: s.with_step("Second"))
    p.wait_for("pid")
    child = int((p.path / "pid").read_text())
    os.write(t.master, b"\x03")
    assert t.end() == 130, t.raw
    once(t.screen, ["First", "Second"])
    assert "^C" not in t.screen.text(), "the drawing takes its place"
    assert t.screen.wrap and t.screen.column == 0 and not t.screen.rows[t.screen.row], t.screen.text()
    assert "‖ interrupted by Ctrl-C" in t.screen.text() and gone(child)
    resume = re.search(f"Go on with: pawl run (--resume {UUID})$", t.screen.text(), re.M)
    (p.path / "go").write_text("")
    t = Terminal(p, "run", *resume[1].split())
    assert t.end() == 0, t.raw
    once(t.screen, ["First", "Second", "Third"])


@test
def a_run_in_another_process_is_drawn_as_one_here(p):
    each = {"Type": "Task", "Resource": "echo", "End": True}
    write(p, {"StartAt": "Items", "States": {
        "Items": {"Type": "Pass", "Result": [1, 2, 3], "Next": "Each"},
        "Each": {"Type": "Map", "ResultPath": None, "Next": "Wait-here",
                 "ItemProcessor": {"StartAt": "In", "States": {"In": each}}},
        "Wait-here": {"Type": "Task", "Resource": "block", "End": True}}})
    shown = []
    for held in (False, True):
        (p.path / "go").unlink(missing_ok=True)
        (p.path / "pid").unlink(missing_ok=True)
        with p.running("run", "blocked.asl.json") if held else contextlib.nullcontext() as holder:
            if held:
                p.wait_for("pid")
            t = Terminal(p, "run", "flow.json", "--name", "there" if held else "here")
            t.until(lambda s: s.with_step("Wait-here"))
            t.resize(60, 9)
            rows = once(t.screen, ["Each", "Wait-here"], everywhere=False)
            assert rows[0].startswith("✔") and rows[1][0] in TURNING and t.screen.styles > 0, rows
            t.more_frames()
            (p.path / "go").write_text("")
            assert t.end() == 0, t.raw
            shown.append(re.sub(rf"{UUID}| +[0-9.]+m?s", "", t.screen.text()))
            if held:
                assert p.end(holder, 0).status == 0
    assert shown[0] == shown[1], "\n---\n".join(shown)


@test
def a_drawing_goes_on_when_the_other_process_is_gone(p):
    write(p, chain(("One", "echo"), ("Two", "block"), ("Three", "echo")))
    with p.running("run", "blocked.asl.json") as holder:
        p.wait_for("pid")
        t = Terminal(p, "run", "flow.json")
        t.until(lambda s: s.with_step("Two"))
        holder.kill()
        t.until(lambda s: "had left running" in s.text())
        t.more_frames()
        (p.path / "go").write_text("")
        assert t.end() == 0, t.raw
        once(t.screen, ["One", "Two", "Three"])
        assert t.screen.wrap and t.screen.column == 0


@test
def ctrl_c_detaches_from_another_process(p):
    with p.running("run", "blocked.asl.json") as holder:
        p.wait_for("pid")
        (p.path / "pid").unlink()
        write(p, chain(("Fourth", "block")))
        t = Terminal(p, "run", "flow.json")
        t.until(lambda s: s.with_step("Fourth"))
        p.wait_for("pid")
        os.write(t.master, b"\x03")
        assert t.end() == 130, t.raw
        once(t.screen, ["Fourth"])
        assert f"goes on in process {holder.pid}" in t.screen.text(), t.screen.text()
        assert not gone(int((p.path / "pid").read_text())), "it belongs to the holder"


@test
def what_is_no_terminal_gets_no_escape(p):
    done = p.run("run", "failing.asl.json")
    assert "\x1b" not in done.out + done.err and "\r" not in done.out + done.err
    t = Terminal(p, "run", "failing.asl.json", TERM="dumb")
    assert t.end() == 1 and "\x1b" not in t.raw, t.raw
    assert [row[0] for row in t.screen.with_step("One")] == ["▸", "✔"], t.screen.text()


if __name__ == "__main__":
    sys.exit(tap_main())
