#!/bin/sh
# Steps 6 and 7: a report by its job's name, as a CSV file below reports/.
#
#   data monitor  per id namespace: ids, ids matched to a household, per cent
#   cleanrooms    per region and segment: ids; groups smaller than the minimum
#                 are left out, so that nobody can be singled out
JOB=${1#*-*-*-}
. "$(dirname "$0")/lib.sh"

[ -e tables/er.db ] || fail TableNotFound "there is no ER table"
mkdir -p reports

case $JOB in
generate-data-monitor-report)
    report=reports/data-monitor.csv
    sqlite3 -header -csv -newline '
' tables/prepared.db "
        attach 'tables/er.db' as er;
        select id_namespace, count(*) as ids, count(e.addressable_id) as matched,
            printf('%.2f', 100.0 * count(e.addressable_id) / count(*)) as matched_percent
        from addressable_ids a left join er_addressable_ids e using (addressable_id, id_namespace)
        group by id_namespace order by id_namespace" > "$scratch/report.csv"
    ;;
generate-cleanrooms-report)
    report=reports/cleanrooms.csv
    fields minimum_group_size
    sqlite3 -header -csv -newline '
' tables/er.db "
        select region, segment, age_band, count(*) as ids from er_addressable_ids
        group by region, segment, age_band having count(*) >= $minimum_group_size
        order by region, segment, age_band" > "$scratch/report.csv"
    ;;
*) fail InvalidInput "there is no report $JOB" ;;
esac

replace "$scratch/report.csv" "$report"
lines=$(($(wc -l < "$report") - 1))
say "$lines lines in $report"
printf '{"report": "%s", "format": "%s", "lines": %d}\n' "$report" "$REPORT_FORMAT" "$lines"
