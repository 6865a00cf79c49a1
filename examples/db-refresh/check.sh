#!/bin/sh
# Checks what a refresh has left in its work folder, by other means than the jobs
# used: sort, join and awk over the files instead of SQL over the tables.
#
#   check.sh [OUTPUT]   OUTPUT: a file with the execution's output, whose numbers
#                       are compared too ("-": standard input)
set -eu
export LC_ALL=C
case ${1-} in
"" | -) output=${1-} ;;
*) output=$(realpath "$1") ;;
esac
minimum=$(sqlite3 :memory: "select json_extract(
    cast(readfile('$(dirname "$0")/execution-input.json') as text), '\$.minimum_group_size')")
cd "${PAWL_DEMO_DIR:-${TMPDIR:-/tmp}/pawl-db-refresh}"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
wrong=0

# equal WHAT EXPECTED FOUND
equal() {
    if [ "$2" = "$3" ]; then
        echo "ok    $1: $3"
    else
        echo "WRONG $1: expected $2, found $3"
        wrong=1
    fi
}

# same WHAT FILE FILE
same() {
    if cmp -s "$2" "$3"; then
        echo "ok    $1: $(($(wc -l < "$2"))) lines"
    else
        echo "WRONG $1"
        diff "$2" "$3" | head -n 5
        wrong=1
    fi
}

rows() { # FILE...: the rows of CSV files, without their headers, sorted
    for file; do
        tail -n +2 "$file"
    done | sort
}

# Steps 1 and 2: nothing was lost or added, and each part holds one value.
for context in addressable_ids infobase_attributes; do
    rows "source/$context.csv" > "$scratch/$context"
    find "split_part/$context" -name 'part-*.csv' > "$scratch/files"
    # shellcheck disable=SC2046
    rows $(cat "$scratch/files") > "$scratch/$context.parts"
    same "rows of $context in all parts" "$scratch/$context" "$scratch/$context.parts"
done
equal "addressable ids in a part of another namespace" 0 "$(
    find split_part/addressable_ids -name 'part-*.csv' | while read -r file; do
        space=${file#*=}
        rows "$file" | grep -cv ",${space%%/*}," || true
    done | awk '{ sum += $1 } END { print sum }')"

# Step 3: the tables hold the rows.
for context in addressable_ids infobase_attributes; do
    sqlite3 -csv -newline '
' "tables/$context.db" "select * from $context" | sort > "$scratch/$context.table"
    same "rows of table $context" "$scratch/$context" "$scratch/$context.table"
done

# Step 4: duplicates are gone.
sort -u "$scratch/addressable_ids" > "$scratch/unique"
sqlite3 -csv -newline '
' tables/prepared.db "select * from addressable_ids" | sort > "$scratch/prepared"
same "prepared addressable ids" "$scratch/unique" "$scratch/prepared"

# Step 5: the join, by join(1).
sort -t, -k2,2 "$scratch/unique" > "$scratch/by_household"
join -t, -1 2 -2 1 -o 1.1,0,1.3,2.2,2.3,2.4,2.5 "$scratch/by_household" \
    "$scratch/infobase_attributes" | sort > "$scratch/joined"
sqlite3 -csv -newline '
' tables/er.db "select * from er_addressable_ids" | sort > "$scratch/er"
same "ER table" "$scratch/joined" "$scratch/er"

# Steps 6 and 7: the reports, counted by awk.
awk -F, '
    NR == FNR { matched[$3]++; next }
    { ids[$3]++ }
    END {
        for (space in ids)
            printf "%s,%d,%d,%.2f\n", space, ids[space], matched[space],
                100 * matched[space] / ids[space]
    }' "$scratch/joined" "$scratch/unique" | sort > "$scratch/monitor"
rows reports/data-monitor.csv > "$scratch/monitor.report"
same "data monitor report" "$scratch/monitor" "$scratch/monitor.report"

awk -F, -v minimum="$minimum" '
    { ids[$4 "," $7 "," $5]++ }
    END {
        for (group in ids)
            if (ids[group] >= minimum)
                print group "," ids[group]
    }' "$scratch/joined" | sort > "$scratch/cleanrooms"
rows reports/cleanrooms.csv > "$scratch/cleanrooms.report"
same "cleanrooms report" "$scratch/cleanrooms" "$scratch/cleanrooms.report"

# What the execution said of itself.
if [ -n "$output" ]; then
    cat "$output" > "$scratch/output"
    said() {
        sqlite3 :memory: "select json_extract(cast(readfile('$scratch/output') as text), '\$.$1')"
    }
    lines() {
        echo $(($(wc -l < "$1")))
    }
    equal "output: addressable ids split" "$(lines "$scratch/addressable_ids")" \
        "$(said split.addressable_ids.rows)"
    equal "output: attributes registered" "$(lines "$scratch/infobase_attributes")" \
        "$(said register.infobase_attributes.rows)"
    equal "output: ids prepared" "$(lines "$scratch/unique")" "$(said prepare.addressable_ids)"
    equal "output: ER rows" "$(lines "$scratch/joined")" "$(said er.rows)"
    equal "output: ER households" "$(cut -d, -f2 "$scratch/joined" | sort -u | wc -l | tr -d ' ')" \
        "$(said er.households)"
    equal "output: cleanrooms lines" "$(lines "$scratch/cleanrooms")" "$(said cleanrooms.lines)"
fi

[ "$wrong" -eq 0 ] || echo "The refresh is wrong."
exit "$wrong"
