#!/bin/sh
# ./dev demo: runs examples/db-refresh with build/pawl on a fresh store under
# build/demo, kills the engine in the middle, goes on, looks at it as a person
# would, and checks what the jobs left behind.
set -eu
cd "$(dirname "$0")/.."

example=examples/db-refresh
machine=$example/omc-flywheel-dev-db-refresh.asl.json
place=build/demo
data=$place/data
rm -rf "$place"
mkdir -p "$place/work/hold"
PAWL_DEMO_DIR=$PWD/$place/work
export PAWL_DEMO_DIR

bold='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$(printf '\033[1m') plain=$(printf '\033[0m')
fi

say() {
    printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# step COMMAND...: shows a command as one would type it and runs it.
step() {
    printf '\n$ %s\n' "$*"
    "$@" && return
    status=$?
    echo "the demo ends here: that had exit status $status" >&2
    exit "$status"
}

# started JOB: how often the job was started.
started() {
    grep -c "^$1\$" "$PAWL_DEMO_DIR/started" 2>/dev/null || :
}

say "1. A seven-step job is started, and its fourth step is made to take long."
touch "$PAWL_DEMO_DIR/hold/prepare-part-tables"
printf '\n$ build/pawl run %s --input @%s --name demo --data %s\n' \
    "$machine" "$example/execution-input.json" "$data"
build/pawl run "$machine" --input "@$example/execution-input.json" --name demo --data "$data" \
    >"$place/output.json" 2>"$place/run.log" &
engine=$!
while [ "$(started prepare-part-tables)" != 1 ]; do
    kill -0 "$engine" 2>/dev/null || {
        cat "$place/run.log" >&2
        echo "the demo ends here: the run ended before its fourth step" >&2
        exit 1
    }
    sleep 0.1
done

say "2. In the middle of it the engine is killed, as a power cut would."
printf '\n$ kill -9 %s\n' "$engine"
kill -9 "$engine"
wait "$engine" 2>/dev/null || :
step build/pawl show demo --data "$data"

say "3. It goes on where it was. What had finished is kept."
rm "$PAWL_DEMO_DIR/hold/prepare-part-tables"
printf '\n$ build/pawl run --resume demo --config %s/pawl.yaml --data %s > %s/output.json\n' \
    "$example" "$data" "$place"
build/pawl run --resume demo --config "$example/pawl.yaml" --data "$data" >"$place/output.json"
step "$example/check.sh" "$place/output.json"

say "4. How often each job was started: only the one that was killed ran again."
sort "$PAWL_DEMO_DIR/started" | uniq -c
if [ "$(started prepare-part-tables)" != 2 ] || [ "$(sort "$PAWL_DEMO_DIR/started" | uniq -d | wc -l)" -gt 2 ]; then
    echo "a finished step ran again" >&2
    exit 1
fi

cat <<END

Each step was on disk, in $data, before the next began, so nothing that had
finished was lost or done twice. (The two contexts of step 3 are one job with two
inputs.) check.sh compared the tables and reports with what other tools make of
the same sources.

Try next:
  build/pawl show demo --data $data --verbose   inputs, outputs and logs of the steps
  build/pawl history demo --data $data          its history, event by event
  build/pawl ls --data $data                    all runs in this store
  build/pawl validate $machine
  build/pawl help
END
