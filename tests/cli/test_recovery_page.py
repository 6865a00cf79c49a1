#!/usr/bin/env python3
"""docs/recovery.md as a reader tries it: its files, its shell blocks in order by one shell, and
what they print compared with the `text` block that follows. Ids, times and durations differ.

UPDATE=1 writes what is printed into the page; review the difference. Prints TAP.
"""
import os
import pathlib
import re
import subprocess
import sys

from place import PATIENCE_S, PAWL, UUID, tap_main, test

ROOT = pathlib.Path(os.environ["PAWL_SOURCE_ROOT"])
PAGE = ROOT / "docs/recovery.md"
BLOCK = re.compile(r"(?ms)^```(\w+)\n(.*?)^```$")


def normal(text):
    text = re.sub(UUID, "ID", text)
    text = re.sub(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?", "TIME", text)
    text = re.sub(r" +(\d+h )?(\d+m )?\d+(\.\d+)?(ms|s)\b", " DURATION", text)
    return "\n".join(re.sub(r"  +", "  ", line).rstrip() for line in text.strip().splitlines())


def shell(p, text):
    done = subprocess.run(["sh", "-eu"], input=text, cwd=p.path, text=True, timeout=PATIENCE_S, check=False,
                          env=p.environment(PATH=f"{p.path}/bin:{os.environ['PATH']}"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, f"{text}\nended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


@test
def the_page_prints_what_it_says(p):
    (p.path / "bin").mkdir()
    (p.path / "bin/pawl").symlink_to(PAWL)
    page, said, wrong = PAGE.read_text("utf-8"), None, []

    def block(match):
        nonlocal said
        language, text = match.groups()
        if language == "yaml" and text.startswith("# "):
            (p.path / text[2:].splitlines()[0]).write_text(text)
        elif language == "sh":
            said = shell(p, text)
        elif language == "text":
            if normal(text) != normal(said):
                wrong.append(f"expected:\n{text}printed:\n{said}")
            return f"```text\n{said}```"
        return match[0]

    printed = BLOCK.sub(block, page)
    if os.environ.get("UPDATE"):
        PAGE.write_text(printed, "utf-8")
    else:
        assert not wrong, "\n".join(wrong)


@test
def the_fields_of_our_own_are_taken_as_they_are_shown(p):
    (example,) = re.findall(r"(?ms)^```yaml\n(.*?)^```$", (ROOT / "docs/definition-fields.md").read_text("utf-8"))
    (p.path / "fields.yaml").write_text(example)
    p.run("validate", "fields.yaml").says("is valid")


if __name__ == "__main__":
    sys.exit(tap_main())
