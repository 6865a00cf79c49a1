#!/bin/sh
# ./dev demo: runs examples/db-refresh with build/pawl on a fresh store under
# build/demo, looks at it as a person would, and checks what the jobs left behind.
set -eu
cd "$(dirname "$0")/.."

example=examples/db-refresh
place=build/demo
data=$place/data
rm -rf "$place"
mkdir -p "$place"
PAWL_DEMO_DIR=$PWD/$place/work
export PAWL_DEMO_DIR

# step FILE COMMAND...: shows a command as one would type it and runs it; what it prints
# goes to the file, or is shown when that is "-".
step() {
    file=$1
    shift
    if [ "$file" = - ]; then
        printf '\n$ %s\n' "$*"
        "$@" && return
    else
        printf '\n$ %s > %s\n' "$*" "$file"
        "$@" >"$file" && return
    fi
    status=$?
    echo "the demo ends here: that had exit status $status" >&2
    exit "$status"
}

step "$place/output.json" build/pawl run "$example/omc-flywheel-dev-db-refresh.asl.json" \
    --input "@$example/execution-input.json" --config "$example/pawl.yaml" \
    --name demo --data "$data"
step - build/pawl show demo --data "$data"
step - "$example/check.sh" "$place/output.json"

cat <<END

What happened: build/pawl ran the seven steps of
  $example/omc-flywheel-dev-db-refresh.asl.json
as durable steps: each was on disk, in $data, before the next began. The jobs wrote
real files and tables under $place/work, and check.sh has compared them with what
other tools make of the same sources.

Try next:
  build/pawl show demo --data $data --verbose   inputs, outputs and logs of the steps
  build/pawl history demo --data $data          its history, event by event
  build/pawl ls --data $data                    all runs in this store
  build/pawl validate $example/omc-flywheel-dev-db-refresh.asl.json
  build/pawl help
END
