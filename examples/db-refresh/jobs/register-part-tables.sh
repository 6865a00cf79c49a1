#!/bin/sh
# Step 3, once per context: every part below S3_ROOT becomes rows of the context's
# table, and a line of its list of parts.
JOB=register-part-tables
. "$(dirname "$0")/lib.sh"

fields context S3_ROOT
root=${S3_ROOT%/}
case $context in
addressable_ids | infobase_attributes) ;;
*) fail InvalidInput "there is no context $context" ;;
esac
fail_if_asked "$JOB.$context"
[ -d "$root" ] || fail PathNotFound "S3_ROOT $S3_ROOT does not exist; run the split job first"

find "$root" -name 'part-*.csv' | sort > "$scratch/files"
[ -s "$scratch/files" ] || fail PathNotFound "there are no parts below $S3_ROOT"
header=$(head -n 1 "$(head -n 1 "$scratch/files")")

{
    echo "create table parts (path text primary key, rows integer not null);"
    echo "create table $context ($header);"
    echo "create table part ($header);"
    echo "begin;"
    while read -r file; do
        echo ".import --csv --skip 1 $file part"
        echo "insert into parts select '$file', count(*) from part;"
        echo "insert into $context select * from part;"
        echo "delete from part;"
    done < "$scratch/files"
    echo "commit;"
    echo "drop table part;"
} > "$scratch/register.sql"
sqlite3 -bail "$scratch/table.db" < "$scratch/register.sql" >&2 ||
    fail SchemaError "the parts below $S3_ROOT do not fit one table"
replace "$scratch/table.db" "tables/$context.db"

say "registered $(wc -l < "$scratch/files") parts of $context"
sqlite3 "tables/$context.db" "select json_object('context', '$context', 'table', '$context',
    'parts', count(*), 'rows', sum(rows)) from parts"
