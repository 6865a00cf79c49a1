# What every job does: find its folder, read its payload, fail in Lambda's words.
# Sourced by a job that has set JOB. Progress goes to stderr, the result to stdout.
#
#   WORK_DIR  where files and tables lie: $PAWL_DEMO_DIR, else a folder below
#             the system's temporary one. Jobs name everything relative to it.
#
# To see a recovery, put a file named like a job (of step 3 also JOB.CONTEXT) into
# $WORK_DIR/fail: the job fails for good, with the file's text as the reason, until
# the file is removed. A file whose name ends in .once is removed by the failure,
# which is one that a retry helps. While there is a file in $WORK_DIR/hold, the job
# of that name waits. Every start of a job is a line in $WORK_DIR/started.

set -eu
export LC_ALL=C

WORK_DIR=${PAWL_DEMO_DIR:-${TMPDIR:-/tmp}/pawl-db-refresh}
mkdir -p "$WORK_DIR"
cd "$WORK_DIR"

scratch=$(mktemp -d job-XXXXXX)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 143' TERM
cat > "$scratch/payload"

say() {
    echo "$JOB: $*" >&2
}

# fail TYPE MESSAGE: the error object that Lambda functions answer with.
fail() {
    printf '%s' "$2" > "$scratch/message"
    sqlite3 :memory: "select json_object('errorType', '$1', 'errorMessage',
        cast(readfile('$scratch/message') as text))"
    say "$2"
    exit 1
}

# fields NAME...: members of the payload as variables. They have to be there, and
# to be plain: they become parts of paths and queries.
fields() {
    for name; do
        value=$(sqlite3 :memory: \
            "select json_extract(cast(readfile('$scratch/payload') as text), '\$.$name')") ||
            fail InvalidInput "the payload is no JSON object"
        case $value in
        "") fail InvalidInput "the payload has no $name" ;;
        /* | *[!A-Za-z0-9_/-]*) fail InvalidInput "$name cannot be $value" ;;
        esac
        eval "$name=\$value"
    done
}

# replace NEW OLD: what is there is whole at any time, so a job may run again.
replace() {
    mkdir -p "$(dirname "$2")"
    rm -rf "$2"
    mv "$1" "$2"
}

# note_checksums FOLDER CONTEXT: of its parts, for verify.sh.
note_checksums() {
    find "$1" -name 'part-*.csv' | sort | xargs sha256sum > "$scratch/checksums"
    replace "$scratch/checksums" "source/$2.sha256"
}

# fail_if_asked NAME: see above.
fail_if_asked() {
    if [ -e "fail/$1" ]; then
        fail JobFailed "$(cat "fail/$1")"
    fi
    if [ -e "fail/$1.once" ]; then
        reason=$(cat "fail/$1.once")
        rm "fail/$1.once"
        fail JobInterrupted "$reason"
    fi
}
echo "$JOB" >> started
fail_if_asked "$JOB"
while [ -e "hold/$JOB" ]; do
    sleep 0.1
done

# The generator of the sample rows: the same rows from every awk (Park and Miller's
# numbers stay below 2^53).
random_awk='
    function random(bound) {
        seed = seed * 16807 % 2147483647
        return seed % bound
    }'

# split_and_part CSV COLUMN FOLDER ROWS_PER_PART: one folder per value of the
# column (a name of the header), in it files of at most so many rows.
split_and_part() {
    awk -F, -v column="$2" -v root="$3" -v most="$4" '
        NR == 1 {
            header = $0
            for (i = 1; i <= NF; i++)
                if ($i == column)
                    key = i
            next
        }
        {
            if (rows[$key]++ % most == 0) {
                folder = root "/" column "=" $key
                if (!($key in file))
                    system("mkdir -p \"" folder "\"")
                else
                    close(file[$key])
                file[$key] = sprintf("%s/part-%05d.csv", folder, parts[$key]++)
                print header > file[$key]
            }
            print > file[$key]
        }' "$1"
}
