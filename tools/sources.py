"""What the checks of ./dev lint share: the list of files, and C without its comments."""
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent


def tracked(*patterns):
    """Paths, relative to the root, of the files git knows or would add."""
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, text=True)
    return sorted(name for name in set(listed.split("\0")) if name and (ROOT / name).is_file())


_NOISE = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)


def code_only(text):
    """C with comments blanked and literals emptied, every line in its place."""
    def blank(match):
        token = match[0]
        return '""' if token[0] == '"' else "0" if token[0] == "'" else "\n" * token.count("\n")
    return _NOISE.sub(blank, text)


def calls(code, names):
    """(line number, name) of each call of one of the names in code_only() text."""
    if not names:
        return
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(map(re.escape, sorted(names))) + r")\s*\(")
    for number, line in enumerate(code.splitlines(), 1):
        for match in pattern.finditer(line):
            yield number, match[1]


def functions():
    """(file, first line, last line, name) of every function in the C sources."""
    files = tracked("*.c", "*.h")
    listed = subprocess.check_output(
        ["ctags", "-x", "--_xformat=%{input}\t%{line}\t%{end}\t%{name}", "--kinds-C=f",
         "--language-force=C", "-I", "MUST_CHECK,UNUSED,PRINTF_LIKE+", "-f", "-", *files],
        cwd=ROOT, text=True)
    for entry in listed.splitlines():
        name, first, last, function = entry.split("\t")
        if last.isdigit():
            yield name, int(first), int(last), function
