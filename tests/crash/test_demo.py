#!/usr/bin/env python3
"""The demo, whole: it kills an engine and a server, and ends well only when nothing that had
finished was done again and the results are what other tools make of the sources.
"""
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(os.environ["PAWL_SOURCE_ROOT"])


def main():
    print("1..1")
    with tempfile.TemporaryDirectory(prefix="pawl-demo-") as place:
        done = subprocess.run([ROOT / "tools/demo.sh"], env={**os.environ, "PAWL_DEMO_PLACE": place + "/demo"},
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False)
    good = done.returncode == 0 and "Every job ran once." in done.stdout
    if not good:
        print("".join(f"# {line}\n" for line in done.stdout.splitlines()), end="")
    print(f"{'ok' if good else 'not ok'} 1 - demo")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
