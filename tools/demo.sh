#!/bin/sh
# ./dev demo: runs examples/db-refresh with build/pawl on a fresh store under
# build/demo, kills the engine in the middle, goes on, lets its fourth step fail, looks at it
# as a person would, resumes it, and checks what the jobs left behind. Then the same through a
# server, whose jobs are done by worker processes.
set -eu
cd "$(dirname "$0")/.."

example=examples/db-refresh
machine=$example/omc-flywheel-dev-db-refresh.asl.json
# A test runs it with another binary and elsewhere.
pawl=${PAWL_BIN:-build/pawl}
place=${PAWL_DEMO_PLACE:-build/demo}
data=$place/data
rm -rf "$place"
mkdir -p "$place/work/hold" "$place/work/fail"
PAWL_DEMO_DIR=$(realpath "$place")/work
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
"$pawl" run "$machine" --input "@$example/execution-input.json" --name demo --data "$data" \
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
step "$pawl" show demo --data "$data"

say "3. It goes on where it was, with what had finished. This time its fourth step fails."
echo "the catalog is locked by another job" >"$PAWL_DEMO_DIR/fail/prepare-part-tables"
rm "$PAWL_DEMO_DIR/hold/prepare-part-tables"
printf '\n$ build/pawl run --resume demo --config %s/pawl.yaml --data %s\n' "$example" "$data"
if "$pawl" run --resume demo --config "$example/pawl.yaml" --data "$data"; then
    echo "the demo ends here: the fourth step did not fail" >&2
    exit 1
fi
step "$pawl" show demo --data "$data"

say "4. The lock is gone. What would resuming do, and save? A dry run says it and does nothing."
rm "$PAWL_DEMO_DIR/fail/prepare-part-tables"
step "$pawl" resume demo --dry-run --config "$example/pawl.yaml" --data "$data"

say "5. It is resumed: steps 1 to 3 stay as they are, 4 to 7 run."
printf '\n$ build/pawl resume demo --config %s/pawl.yaml --data %s > %s/output.json\n' \
    "$example" "$data" "$place"
"$pawl" resume demo --config "$example/pawl.yaml" --data "$data" >"$place/output.json"
step "$example/check.sh" "$place/output.json"

say "6. How often each job was started: only what was killed, and then failed, ran again."
sort "$PAWL_DEMO_DIR/started" | uniq -c
if [ "$(started prepare-part-tables)" != 3 ] || [ "$(sort "$PAWL_DEMO_DIR/started" | uniq -d | wc -l)" -gt 2 ]; then
    echo "a finished step ran again" >&2
    exit 1
fi

# ---- the same, at a server ----

server_data=$place/server-data
PAWL_DEMO_DIR=$(realpath "$place")/server-work
PAWL_DATA=$server_data
export PAWL_DATA
mkdir -p "$PAWL_DEMO_DIR/hold"
prefix=omc-flywheel-dev
jobs='addressable-split-and-part infobase-split-and-part register-part-tables
prepare-part-tables create-part-addressable-ids-er-table'
processes=

# The server and the workers end with the demo, whatever happens.
end_processes() {
    trap - EXIT
    for process in $processes; do
        kill "$process" 2>/dev/null || :
    done
    wait
}
trap end_processes EXIT
trap 'exit 130' INT TERM

serve() {
    printf '\n$ build/pawl serve --config %s/pawl.yaml &\n' "$example"
    : >"$place/serve.out"
    "$pawl" serve --listen 127.0.0.1:0 --config "$example/pawl.yaml" --log-file "$place/serve.log" \
        >"$place/serve.out" 2>&1 &
    server=$!
    processes="$processes $server"
    while [ ! -s "$place/serve.out" ]; do
        kill -0 "$server" 2>/dev/null || {
            echo "the demo ends here: the server ended" >&2
            exit 1
        }
        sleep 0.1
    done
    cat "$place/serve.out"
}

say "7. The same refresh at a server: five of its jobs are activities now, done by workers,
   processes of their own. The two reports stay commands that the server starts."
printf '\n$ export PAWL_DATA=%s\n' "$server_data"
serve
sed 's/"Resource": "arn:aws:lambda:\([^"]*\):function:/"Resource": "arn:aws:states:\1:activity:/' \
    "$machine" >"$place/refresh.asl.json"
for job in $jobs; do
    "$pawl" activities create "$prefix-$job" >"$place/create.log" 2>&1 || {
        cat "$place/create.log" >&2
        exit 1
    }
    printf '$ build/pawl worker --activity %s -- %s/jobs/%s.sh &\n' "$prefix-$job" "$example" "$job"
    "$pawl" worker --activity "$prefix-$job" -- "$example/jobs/$job.sh" >>"$place/worker.log" 2>&1 &
    processes="$processes $!"
done
touch "$PAWL_DEMO_DIR/hold/prepare-part-tables"
step "$pawl" start "$place/refresh.asl.json" --name nightly --input "@$example/execution-input.json"

say "8. While a worker is at the fourth step, the server is killed, and started again."
tries=600
while [ "$(started prepare-part-tables)" != 1 ]; do
    tries=$((tries - 1))
    if [ "$tries" = 0 ]; then
        cat "$place/serve.log" "$place/worker.log" >&2
        echo "the demo ends here: no worker came to the fourth step" >&2
        exit 1
    fi
    sleep 0.1
done
printf '\n$ kill -9 %s\n' "$server"
kill -9 "$server"
wait "$server" 2>/dev/null || :
serve

say "9. The worker never noticed: its answer is taken by the new server. Every job ran once."
rm "$PAWL_DEMO_DIR/hold/prepare-part-tables"
printf '\n$ build/pawl wait nightly > %s/server-output.json\n' "$place"
"$pawl" wait nightly --timeout 60 >"$place/server-output.json"
"$example/check.sh" "$place/server-output.json" >"$place/check.log" || {
    cat "$place/check.log" >&2
    exit 1
}
step "$pawl" show nightly
sort "$PAWL_DEMO_DIR/started" | uniq -c
if [ "$(started prepare-part-tables)" != 1 ]; then
    echo "a step that a worker had in hand was given out again" >&2
    exit 1
fi
end_processes

cat <<END

Each step was on disk, in $data, before the next began, so nothing that had
finished was lost or done twice. (The two contexts of step 3 are one job with two
inputs.) check.sh compared the tables and reports with what other tools make of
the same sources.

Try next:
  build/pawl show demo --data $data --verbose   inputs, outputs and logs of the steps
  build/pawl history demo --data $data          its history, event by event
  build/pawl rerun demo --step 7 --data $data \\
      --config $example/pawl.yaml      one step again, and no other
  build/pawl ls --data $data                    all runs in this store
  build/pawl validate $machine
  build/pawl serve                              for AWS's clients: docs/clients.md
  build/pawl help
END
