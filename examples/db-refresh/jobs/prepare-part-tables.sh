#!/bin/sh
# Step 4: what is registered is compared with the files, and late duplicates go.
JOB=prepare-part-tables
. "$(dirname "$0")/lib.sh"

for context in addressable_ids infobase_attributes; do
    [ -e "tables/$context.db" ] || fail TableNotFound "$context is not registered"
    sqlite3 -separator ' ' "tables/$context.db" "select rows, path from parts order by path" \
        > "$scratch/registered"
    while read -r rows path; do
        [ -e "$path" ] || fail PartitionMissing "$path is registered but gone"
        found=$(($(wc -l < "$path") - 1))
        [ "$found" -eq "$rows" ] ||
            fail PartitionChanged "$path has $found rows, registered are $rows"
    done < "$scratch/registered"
    say "all parts of $context are as registered"
done

sqlite3 -bail "$scratch/prepared.db" << SQL
attach 'tables/addressable_ids.db' as a;
attach 'tables/infobase_attributes.db' as i;
begin;
create table addressable_ids as select distinct * from a.addressable_ids order by addressable_id;
create table infobase_attributes as select distinct * from i.infobase_attributes order by household_id;
create unique index addressable_id on addressable_ids (addressable_id);
create unique index household_id on infobase_attributes (household_id);
commit;
SQL
replace "$scratch/prepared.db" tables/prepared.db

sqlite3 tables/prepared.db "
    attach 'tables/addressable_ids.db' as a;
    select json_object(
        'addressable_ids', (select count(*) from main.addressable_ids),
        'infobase_attributes', (select count(*) from infobase_attributes),
        'duplicates_removed', (select count(*) from a.addressable_ids) -
            (select count(*) from main.addressable_ids))"
