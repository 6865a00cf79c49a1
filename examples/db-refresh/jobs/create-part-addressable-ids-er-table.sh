#!/bin/sh
# Step 5: entity resolution: each addressable id with the attributes of its household.
JOB=create-part-addressable-ids-er-table
. "$(dirname "$0")/lib.sh"

[ -e tables/prepared.db ] || fail TableNotFound "the part tables are not prepared"
unknown=$(sqlite3 tables/prepared.db "select distinct id_namespace from addressable_ids
    where id_namespace not in ('email', 'phone', 'cookie', 'device') limit 1")
[ -z "$unknown" ] || fail UnknownNamespace "the id namespace $unknown has no mapping"

sqlite3 -bail "$scratch/er.db" << SQL
attach 'tables/prepared.db' as p;
create table er_addressable_ids as
    select addressable_id, household_id, id_namespace, region, age_band, income_band, segment
    from p.addressable_ids join p.infobase_attributes using (household_id)
    order by addressable_id;
SQL
replace "$scratch/er.db" tables/er.db

sqlite3 tables/er.db "
    attach 'tables/prepared.db' as p;
    select json_object('table', 'er_addressable_ids',
        'rows', (select count(*) from er_addressable_ids),
        'households', (select count(distinct household_id) from er_addressable_ids),
        'unmatched', (select count(*) from p.addressable_ids) -
            (select count(*) from er_addressable_ids))"
