#!/bin/sh
# Step 2: the Infobase attributes, split by region into parts of bounded size.
JOB=infobase-split-and-part
. "$(dirname "$0")/lib.sh"

fields rows S3_ROOT rows_per_part
root=${S3_ROOT%/}

# Household numbers have gaps: each seventh is missing. One segment is rare.
say "extracting $rows rows"
awk -v seed=19700101 -v rows="$rows" "$random_awk"'
    BEGIN {
        split("northeast midwest south west", regions, " ")
        split("18-24 25-34 35-49 50-64 65+", ages, " ")
        split("low middle high", incomes, " ")
        split("gardeners commuters gamers travellers readers cooks", segments, " ")
        print "household_id,region,age_band,income_band,segment"
        for (household = 1; made < rows; household++) {
            if (household % 7 == 0)
                continue
            made++
            segment = random(100) == 0 ? "astronauts" : segments[1 + random(6)]
            printf "H%07d,%s,%s,%s,%s\n", household, regions[1 + random(4)], ages[1 + random(5)],
                incomes[1 + random(3)], segment
        }
    }' > "$scratch/infobase_attributes.csv"

mkdir "$scratch/parts"
split_and_part "$scratch/infobase_attributes.csv" region "$scratch/parts" "$rows_per_part"
replace "$scratch/infobase_attributes.csv" source/infobase_attributes.csv
replace "$scratch/parts" "$root"
note_checksums "$root" infobase_attributes

parts=$(find "$root" -name 'part-*.csv' | wc -l)
say "$parts parts below $S3_ROOT"
printf '{"context": "infobase_attributes", "S3_ROOT": "%s", "rows": %d, "parts": %d}\n' \
    "$S3_ROOT" "$rows" "$parts"
