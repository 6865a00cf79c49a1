#!/usr/bin/env python3
"""`pawl eval`: three languages, the spot of an error, lines of a batch, a conversation.

Prints TAP. $PAWL_BIN is the binary.
"""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import termios
import time

from place import PATIENCE_S, PAWL, tap_main, test, wait_until

ORDER = '{"items": [{"sku": "A", "price": 2.5, "qty": 4}, {"sku": "B", "price": 10, "qty": 1}]}'


# ---------------------------------------------------------------- one expression

@test
def a_result_is_printed_as_json(p):
    assert p.run("eval", "$sum(items.(price * qty))", "--input", ORDER).says().out == "20\n"
    assert p.run("eval", "items[0]", "--input", ORDER).says().out == \
        '{\n  "sku": "A",\n  "price": 2.5,\n  "qty": 4\n}\n'
    assert p.run("eval", "{% 1 + 1 %}").says().out == "2\n"
    assert p.run("eval", "--", "-2").says().out == "-2\n"


@test
def the_input_comes_from_anywhere(p):
    (p.path / "order.json").write_text(ORDER)
    assert p.run("eval", "items.sku", "--input", "@order.json").says().out == '[\n  "A",\n  "B"\n]\n'
    assert p.run("eval", "$count(items)", "--input", "-", stdin=ORDER).says().out == "2\n"
    p.run("eval", "a", "--input", "@nowhere.json").has(4, "nowhere.json")
    p.run("eval", "a", "--input", "{").has(2, "--input")


@test
def undefined_prints_nothing(p):
    done = p.run("eval", "nothing", "--input", ORDER).has(0, "undefined")
    assert done.out == ""
    assert p.run("eval", "$exists($)").says().out == "false\n"
    assert p.run("eval", "$sum").has(0, "a function").out == ""


@test
def variables_are_given(p):
    (p.path / "states.json").write_text('{"input": {"n": 20}}')
    done = p.run("eval", "$states.input.n + $more", "--var", "states=@states.json", "--var", "$more=3")
    assert done.says().out == "23\n"
    p.run("eval", "$x", "--var", "x").has(2, "--var takes NAME=JSON")
    p.run("eval", "$x", "--var", "x={").has(2, "--var x")


@test
def other_languages_are_evaluated(p):
    assert p.run("eval", "--jsonpath", "$.items[?(@.qty > 1)].sku", "--input", ORDER).says().out == \
        '[\n  "A"\n]\n'
    assert p.run("eval", "--intrinsic", "States.Format('{}!', $.a)", "--input", '{"a": "x"}').says().out == '"x!"\n'
    assert p.run("eval", "--jsonpath", "$v", "--var", "v=7").says().out == "7\n"
    p.run("eval", "--jsonpath", "$.no.way", "--input", "{}").has(1, "States.Runtime", "Missing property")
    p.run("eval", "--intrinsic", "States.MathAdd('a', 1)").has(1, "States.IntrinsicFailure")
    p.run("eval", "--intrinsic", "States.No()").has(2)


def spot(done):
    """What the carets stand under."""
    line, carets = done.err.splitlines()[1:3]
    at, end = carets.index("^"), carets.rindex("^") + 1
    assert carets.strip() == "^" * (end - at), carets
    return line[at:end]


@test
def an_error_shows_the_spot(p):
    assert spot(p.run("eval", "1 + 'a' - 2").has(1, "error: T2002: ")) == "+"
    assert spot(p.run("eval", "items.(price ! 2)", "--input", ORDER).has(2, "error: S0202: ")) == "!"
    assert spot(p.run("eval", "'äöü😀' + 1").has(1, "error: T2001: ")) == "+"
    assert spot(p.run("eval", "'😀' & $sum('a')").has(1, "error: T0412: ")) == "sum"
    assert spot(p.run("eval", "(\n  1;\n  2 + true\n)").has(1, "T2002")) == "+"
    assert spot(p.run("eval", "--jsonpath", "$.a[").has(2)) in ("[", " ", "^")
    # What is missing at the end stands behind it.
    for text in ("items[price > 5", "1 +"):
        line, caret = p.run("eval", text).has(2, "end of expression").err.splitlines()[1:3]
        assert line.strip() == text and caret.index("^") == len(line), (line, caret)
    # Of a long line the part around it.
    done = p.run("eval", f"{'1 + ' * 200}'a' + {'1 + ' * 200}1").has(1, "T2002", "…")
    assert spot(done) == "+" and max(map(len, done.err.splitlines())) < 120, done.err


@test
def the_page_tells_what_happens(p):
    """docs/expressions.md: each block of shell prints the block of text behind it."""
    page = (pathlib.Path(os.environ["PAWL_SOURCE_ROOT"]) / "docs/expressions.md").read_text("utf-8")
    blocks = re.findall(r"(?ms)^```(\w+)\n(.*?)^```$", page)
    assert [language for language, _ in blocks] == ["sh", "text"] * (len(blocks) // 2) and len(blocks) > 8
    (p.path / "bin").mkdir()
    (p.path / "bin/pawl").symlink_to(os.path.abspath(PAWL))
    environment = dict(os.environ, PATH=f"{p.path}/bin:{os.environ['PATH']}")
    for (_, commands), (_, due) in zip(blocks[::2], blocks[1::2]):
        done = subprocess.run(["sh", "-c", commands], cwd=p.path, env=environment, text=True, timeout=PATIENCE_S,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        assert done.stdout == due, f"{commands}\n--- prints\n{done.stdout}\n--- instead of\n{due}"


@test
def levels_differ(p):
    assert p.run("eval", "a ?? 5").says().out == "5\n"
    p.run("eval", "a ?? 5", "--level", "2.0.6").has(2, "error: S0")
    p.run("eval", "a ?? 5", "--step-functions").has(2, "error: S0")
    assert p.run("eval", "$partition([1,2,3], 2)[1]", "--step-functions").says().out == "[\n  3\n]\n"
    p.run("eval", "$partition([1,2,3], 2)").has(1, "T1006")
    assert p.run("eval", "$eval('1 + 1')").says().out == "2\n"
    p.run("eval", "$eval('1 + 1')", "--step-functions").has(1)


@test
def endless_expressions_end(p):
    p.run("eval", "($f := function() { $f() }; $f())", "--step-functions").has(1, "error: ")
    p.run("eval", "($f := function($n) { 1 + $f($n) }; $f(1))").has(1, "error: ")
    p.run("eval", "($f := function($s) { $f($s & $s) }; $f('xxxxxxxxxxxxxxxx'))").has(1, "error: ")


@test
def mistakes_are_explained(p):
    p.run("eval").has(2, "needs an EXPRESSION", "pawl eval --help")
    p.run("eval", "1", "2").has(2, '"2" is one argument too many')
    p.run("eval", "1", "--jsonpath", "--intrinsic").has(2, "two languages")
    p.run("eval", "$", "--jsonpath", "--level", "2.2").has(2, "about JSONata")
    p.run("eval", "1", "--batch").has(2, "come from stdin")
    p.run("eval", "--batch", "-i").has(2, "give one")
    p.run("eval", "--batch", "--input", "{}").has(2, "its own")
    p.run("eval", "-i", "--input", "-").has(2, "stdin")
    p.run("eval", "1", "--level", "3").has(2, "2.0.6 2.2")


@test
def marks_of_a_definition_come_in_pairs(p):
    for text in ("{% 1", "{%", "{%}"):
        p.run("eval", text).has(2, "must end with '%}'")


@test
def no_control_character_reaches_the_terminal(p):
    done = p.run("eval", "'\x1b[31m' + 1").has(1)
    assert "\x1b" not in done.err


# ---------------------------------------------------------------- a batch

@test
def a_batch_is_answered_line_by_line(p):
    lines = [{"id": "a", "expr": "x + $y", "data": {"x": 1}, "bindings": {"y": 2}},
             {"id": ["b"], "expr": "nothing"},
             {"id": 3, "expr": "1 + 'a'"},
             {"expr": "null"},
             {"id": 5, "expr": "$sum"}]
    done = p.run("eval", "--batch", stdin="".join(json.dumps(x) + "\n" for x in lines))
    answers = [json.loads(line) for line in done.says().out.splitlines()]
    assert answers[0] == {"id": "a", "result": 3}
    assert answers[1] == {"id": ["b"], "undefined": True}
    assert answers[2]["error"]["code"] == "T2002" and answers[2]["error"]["token"] == "+", answers
    assert answers[2]["error"]["position"] == 3 and answers[2]["error"]["value"] == "a", answers
    assert answers[3] == {"id": None, "result": None}
    assert answers[4] == {"id": 5, "function": True}


@test
def an_answer_comes_before_the_next_question(p):
    command = subprocess.Popen([PAWL, "eval", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               cwd=p.path, env=p.environment())
    for n in range(3):
        command.stdin.write(json.dumps({"id": n, "expr": f"{n} * 2"}).encode() + b"\n")
        command.stdin.flush()
        assert select.select([command.stdout], [], [], PATIENCE_S)[0]
        assert json.loads(command.stdout.readline()) == {"id": n, "result": n * 2}
    command.stdin.close()
    command.stdout.close()
    assert command.wait(PATIENCE_S) == 0


@test
def budgets_of_a_line_hold(p):
    lines = [{"id": 1, "expr": "($f := function() { $f() }; $f())", "timelimit": 50},
             {"id": 2, "expr": "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(100))", "depth": 100},
             {"id": 3, "expr": "($f := function($n) { $n = 0 ? 0 : 1 + $f($n - 1) }; $f(10))", "depth": 100}]
    done = p.run("eval", "--batch", stdin="".join(json.dumps(x) + "\n" for x in lines)).says()
    first, second, third = map(json.loads, done.out.splitlines())
    assert first["error"]["code"] == second["error"]["code"] == "U1001", done.out
    assert third == {"id": 3, "result": 10}


@test
def a_line_that_is_no_question_is_answered_too(p):
    done = p.run("eval", "--batch", stdin='no json\n\n{"id": 2}\n{"id": 3, "expr": "1"}\n').has(2)
    first, second, third = map(json.loads, done.out.splitlines())
    assert first["id"] is None and "line 1" in first["error"]["message"], done.out
    assert second["id"] == 2 and "line 3" in second["error"]["message"], done.out
    assert third == {"id": 3, "result": 1}


# ---------------------------------------------------------------- a conversation

@test
def a_conversation_without_a_terminal(p):
    typed = ':input {"a": [1, 2, 3]}\n$sum(a)\n$_ + 1\n:let b $_ * 2\n$b\n(\n  1 +\n  2\n)\n:vars\n'
    done = p.run("eval", "-i", stdin=typed).says()
    assert done.out == '6\n7\n14\n3\n{\n  "_": 3,\n  "b": 14\n}\n', done.out
    assert p.run("eval", "-i", "--input", '{"a": 4}', stdin="a\n:quit\nnever\n").says().out == "4\n"
    p.run("eval", "-i", stdin="1 + 'a'\n").has(1, "T2002")
    p.run("eval", "-i", stdin="(1\n\n:no\n2\n").has(0, "S0203", "no command :no")
    assert p.run("eval", "-i", "--jsonpath", "--input", '{"a": 4}', stdin="$.a").says().out == "4\n"
    p.run("eval", "-i", stdin=":let 5\n:input {\n:input @nowhere\n").has(4, ":let takes a name", "nowhere")
    p.run("eval", "-i", stdin=":help\n").says(":input", ":let", ":quit")


class Conversation:
    """pawl eval -i on a terminal."""

    def __init__(self, p, *arguments):
        self.said = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(p.path)
            os.execve(PAWL, [PAWL, "eval", "-i", *arguments], p.environment(HOME=str(p.path)))

    def until(self, pattern):
        """Waits for it, and forgets everything up to its end."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            text = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", self.said).replace("\r", "")
            found = re.search(pattern, text)
            if found:
                self.said = text[found.end():]
                return found
            assert time.monotonic() < deadline, f"{pattern!r} never comes: {self.said!r}"
            assert select.select([self.fd], [], [], PATIENCE_S)[0], f"{pattern!r} never comes: {self.said!r}"
            self.said += os.read(self.fd, 65536).decode()

    def type(self, text):
        # The prompt may be there before the terminal hands over key by key.
        wait_until(lambda: not termios.tcgetattr(self.fd)[3] & termios.ICANON)
        os.write(self.fd, text.encode())

    def end(self):
        with contextlib.suppress(OSError):
            while os.read(self.fd, 65536):
                pass
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@test
def a_conversation_on_a_terminal(p):
    talk = Conversation(p, "--input", '{"a": 20}')
    talk.until(r":help\n")
    talk.until("pawl> ")
    talk.type("a + 1\n")
    talk.until(r"\n21\n")
    talk.until("pawl> ")
    talk.type("\x1b[A\x7f2\n")  # the line before, its last character taken away
    talk.until(r"\n22\n")
    talk.until("pawl> ")
    talk.type("(1 +\n")
    talk.until(r" \.\.\.  ")
    talk.type("\x03")  # Ctrl-C throws it away
    talk.until("pawl> ")
    talk.type("'ä' & 'ö'\n")
    talk.until('\n"äö"\n')
    talk.until("pawl> ")
    talk.type("\x04")  # Ctrl-D
    assert talk.end() == 0


@test
def what_was_typed_is_there_the_next_time(p):
    talk = Conversation(p)
    talk.until("pawl> ")
    talk.type("40 + 2\n")
    talk.until(r"\n42\n")
    talk.until("pawl> ")
    talk.type(":quit\n")
    assert talk.end() == 0
    history = p.path / ".pawl_history"
    assert history.stat().st_mode & 0o077 == 0, oct(history.stat().st_mode)
    talk = Conversation(p)
    talk.until("pawl> ")
    talk.type("\x1b[A\x1b[A\n")
    talk.until(r"\n42\n")
    talk.type("\x04")
    assert talk.end() == 0


if __name__ == "__main__":
    sys.exit(tap_main())
