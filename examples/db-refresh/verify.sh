#!/bin/sh
# Whether what a step left is still there: the definition's x-verify commands. They read, and
# change nothing; what is wrong is said on stderr, with exit status 1.
#
#   verify.sh checksums CONTEXT   the parts of a context are those that the split job wrote
#   verify.sh rows CONTEXT        the table of a context holds the rows of all its parts
#   verify.sh file PATH           there is such a file, and something in it
set -eu
cd "${PAWL_DEMO_DIR:-${TMPDIR:-/tmp}/pawl-db-refresh}"

wrong() {
    echo "$*" >&2
    exit 1
}

case $1 in
checksums)
    [ -s "source/$2.sha256" ] || wrong "source/$2.sha256 is gone"
    sha256sum --check --quiet --strict "source/$2.sha256" >&2
    ;;
rows)
    [ -s "tables/$2.db" ] || wrong "tables/$2.db is gone"
    found=$(sqlite3 -readonly "tables/$2.db" "select count(*) from $2")
    expected=$(sqlite3 -readonly "tables/$2.db" "select sum(rows) from parts")
    [ "$found" = "$expected" ] || wrong "table $2 has $found rows, its parts have $expected"
    ;;
file)
    [ -s "$2" ] || wrong "$2 is gone, or empty"
    ;;
*) wrong "there is no check $1" ;;
esac
