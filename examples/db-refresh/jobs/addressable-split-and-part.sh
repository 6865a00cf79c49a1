#!/bin/sh
# Step 1: the addressable ids, split by id namespace into parts of bounded size.
JOB=addressable-split-and-part
. "$(dirname "$0")/lib.sh"

fields rows households S3_ROOT rows_per_part
root=${S3_ROOT%/}

# Each 50th row comes twice, as late deliveries do; about one household in four is
# not in Infobase.
say "extracting $rows rows"
awk -v seed=20260301 -v rows="$rows" -v households="$households" "$random_awk"'
    BEGIN {
        print "addressable_id,household_id,id_namespace,captured_on"
        for (i = 1; i <= rows; i++) {
            if (i % 50 != 0) {
                pick = random(100)
                space = pick < 45 ? "email" : pick < 70 ? "phone" : pick < 85 ? "cookie" : "device"
                row = sprintf("A%08d,H%07d,%s,2026-02-%02d", i, 1 + random(households * 1.2),
                              space, 1 + random(28))
            }
            print row
        }
    }' > "$scratch/addressable_ids.csv"

mkdir "$scratch/parts"
split_and_part "$scratch/addressable_ids.csv" id_namespace "$scratch/parts" "$rows_per_part"
replace "$scratch/addressable_ids.csv" source/addressable_ids.csv
replace "$scratch/parts" "$root"
note_checksums "$root" addressable_ids

parts=$(find "$root" -name 'part-*.csv' | wc -l)
say "$parts parts below $S3_ROOT"
printf '{"context": "addressable_ids", "S3_ROOT": "%s", "rows": %d, "parts": %d}\n' \
    "$S3_ROOT" "$rows" "$parts"
