#include "journal/sql.h"

#include "flow/event.h"

/* In all of this `e` is the execution and `d` its definition. `steps` and `events` make
 * one JSON array of an execution's rows and open it again: json_each(the array) is what
 * SQLite has in place of a LATERAL join. So a condition on the execution is applied
 * before its journal is read. Inside of it SQLite would neither share a common table
 * nor index it: there everything is sorted by windows and groups, and nothing joined.
 *
 * A damaged body shows no events: it must not spoil the answer about all others. */
#define EVENTS_OF_J "json_each(CASE WHEN json_valid(j.body) THEN j.body ELSE '{}' END, '$.e')"

#define TIME(ms) "strftime('%Y-%m-%dT%H:%M:%fZ', " ms " / 1000.0, 'unixepoch')"
#define SECONDS(from, to) "(" to " - " from ") / 1000.0"

/* The JSON text of a value: `slot` is an index among those of turn `turn`, or
 * [turn, index] of an earlier one. */
#define VALUE(turn, slot)                                                                          \
    "(SELECT v.body -> ('$.v[' || CASE json_type(" slot ") WHEN 'array' THEN " slot                \
    " ->> 1 ELSE " slot " END || ']') FROM journal v WHERE v.execution = e.key AND v.turn ="       \
    " CASE json_type(" slot ") WHEN 'array' THEN " slot " ->> 0 ELSE " turn " END"                 \
    " AND json_valid(v.body))"

/* What the outline says of state `s`: 0 name, 1 type, 2 apart, 3 distributed, 4 branches,
 * 5 path. */
#define STATE(s, what) "(d.outline ->> ('$[' || " s " || '][" what "]'))"
#define STATE_NAME(s) "coalesce(" STATE(s, "0") ", 'state ' || " s ")"
#define DEFINITION "LEFT JOIN definition d ON d.org = e.org AND d.hash = e.definition"

/* The numbers of the journal, in words. */
static const struct {
    unsigned number;
    const char *constant, *name, *shape;
} kinds[] = {
#define KIND_ROW(number, constant, name, details, shape) {number, #constant, #name, #shape},
    EVENT_TABLE(KIND_ROW)
#undef KIND_ROW
};

/* It would tear the SQL to pieces. */
/* clang-format off */
static const char drops[] =
    "DROP VIEW IF EXISTS executions; DROP VIEW IF EXISTS steps;\n"
    "DROP VIEW IF EXISTS events; DROP VIEW IF EXISTS logs;\n";

/* The last end, `l`: a recovery goes on after one, and notes may follow it. */
static const char executions[] =
    "CREATE VIEW executions AS -- one row an execution; docs/sql.md\n"
    "SELECT e.id, coalesce(e.name, e.id) AS name, e.status, e.machine_name AS machine,\n"
    " " TIME("e.started_at") " AS started, " TIME("e.stopped_at") " AS stopped,\n"
    " " SECONDS("e.started_at", "e.stopped_at") " AS seconds,\n"
    " " VALUE("0", "(f.body -> '$.e[0].v')") " AS input,\n"
    " CASE e.status WHEN 'SUCCEEDED' THEN " VALUE("l.turn", "(l.body -> '$.e[#-1].v')")
    " END AS output,\n"
    " CASE WHEN e.status NOT IN ('RUNNING', 'SUCCEEDED') THEN l.body ->> '$.e[#-1].e' END AS"
    " error,\n"
    " CASE WHEN e.status NOT IN ('RUNNING', 'SUCCEEDED') THEN l.body ->> '$.e[#-1].c' END AS"
    " cause,\n"
    " " TIME("e.wake_at") " AS wakes,\n"
    " (SELECT max(turn) + 1 FROM journal WHERE execution = e.key) AS turns, e.arn, e.machine_arn,"
    " e.role_arn,\n"
    " e.origin, coalesce(e.express, 0) AS express, lower(hex(e.definition)) AS definition,\n"
    " p.id AS parent, coalesce(e.redrive_count, 0) AS redrives,\n"
    " " TIME("e.redriven_at") " AS redriven, e.relation, m.id AS related,\n"
    " e.started_at AS started_ms, e.stopped_at AS stopped_ms, e.org, e.key\n"
    "FROM execution e\n"
    "LEFT JOIN journal f ON f.execution = e.key AND f.turn = 0 AND json_valid(f.body)\n"
    "LEFT JOIN journal l ON l.execution = e.key AND json_valid(l.body) AND l.turn = (\n"
    " SELECT turn FROM journal WHERE execution = e.key AND e.status <> 'RUNNING'\n"
    "  AND CASE WHEN json_valid(body) THEN body ->> '$.e[#-1].k' BETWEEN &EXECUTION_SUCCEEDED\n"
    "  AND &EXECUTION_ABORTED ELSE 1 END ORDER BY turn DESC LIMIT 1)\n"
    "LEFT JOIN execution p ON p.key = e.parent\n"
    "LEFT JOIN execution m ON m.key = e.related;\n";

/* In the texts below '@' stands for an execution's events, '@@' for those with the names
 * and shapes of their kinds, and '&NAME' for the number of a kind. `o` is their order. */
static const char events_source[] =
    "SELECT (j.turn << 32) + x.key AS o, j.turn, x.key AS position, j.at, x.value AS v,"
    " x.value ->> 'k' AS k";
static const char events_from[] =
    " FROM journal j, " EVENTS_OF_J " x WHERE j.execution = e.key";
#define IS_ENTERED "k BETWEEN &PASS_ENTERED AND &MAP_ENTERED"
#define IS_EXITED "k BETWEEN &PASS_EXITED AND &MAP_EXITED"

/* An id is the number of events of this history so far. The iterations of a distributed
 * Map have histories of their own, and their starts and ends are in none. */
static const char events[] =
    "CREATE VIEW events AS -- one row an event, in order; docs/sql.md\n"
    "SELECT e.id AS execution, r.value ->> 3 AS id, " TIME("(r.value ->> 2)") " AS time,\n"
    " r.value ->> 4 AS type, " STATE_NAME("(r.value ->> '$[7].s')") " AS state,\n"
    " CASE WHEN r.value ->> '$[7].s' IS NOT NULL THEN coalesce(r.value ->> '$[7].n', 0) + 1\n"
    " END AS step, CASE WHEN r.value ->> 6 THEN coalesce(r.value ->> '$[7].a', 1) END AS attempt,\n"
    " CASE WHEN r.value ->> 5 THEN " VALUE("r.value ->> 0", "(r.value -> '$[7].v')")
    " END AS input,\n"
    " CASE WHEN NOT r.value ->> 5 THEN " VALUE("r.value ->> 0", "(r.value -> '$[7].v')")
    " END AS output,\n"
    " r.value ->> '$[7].e' AS error, r.value ->> '$[7].c' AS cause,\n"
    " r.value ->> 0 AS turn, r.value ->> 1 AS position, r.value ->> 2 AS time_ms,\n"
    " r.value -> 7 AS event, e.org, e.key\n"
    "FROM execution e " DEFINITION ", json_each((\n"
    " SELECT json_group_array(json_array(turn, position, at, iif(counts, id, NULL), name,\n"
    "  coalesce(name GLOB '*Entered' OR name GLOB '*Started' OR name GLOB '*Scheduled', 0)\n"
    "   OR k IN (&RECOVERED, &PLACED, &STEP_RESUMED, &REVIEW_ASKED, &CANCEL_ASKED, &RERUN_BEGAN),\n"
    "  k >= 30 AND k < 100 OR k = &TASK_LOG, json(v)))\n"
    " FROM (SELECT *, sum(counts) OVER (ORDER BY o ROWS UNBOUNDED PRECEDING) AS id\n"
    "  FROM (SELECT *, shape <> 'OURS' AND (k < 10 OR NOT coalesce(" STATE("(v ->> 's')", "2")
    ", 0))\n"
    "    AND NOT (shape = 'MAP_ITERATION' AND coalesce(" STATE("(v ->> 's')", "3")
    ", 0)) AS counts\n"
    "   FROM (@@))))) r;\n";

/* The last and the first event of a group that are so: its order, then [at, turn, event,
 * kind], as one text, of which the greatest or the least is found. */
#define ORDER "printf('%019d', o)"
#define ORDERED ORDER " || json_array(at, turn, json(v), k)"
#define LAST(condition) "max(CASE WHEN " condition " THEN " ORDERED " END)"
#define FIRST(condition) "min(CASE WHEN " condition " THEN " ORDERED " END)"
#define REST(text) "substr(" text ", 20)"

/* r.value: 0 step, 1 entered or skipped, 2 exited or skipped, 3 the last beginning of its
 * branches or iterations, 4 those that ended since, 5 what gave it another input, 6 what
 * stopped it, 7 status, 8 what has its error and cause, 9 attempts, 10 generation. */
#define STOPPED_AT "coalesce(r.value ->> '$[2][0]', r.value ->> '$[6][0]')"
#define INDEX(level) "r.value ->> '$[1][2].in[" #level "][1]'"
static const char steps_columns[] =
    "CREATE VIEW steps AS -- one row a state entered, in order; docs/sql.md\n"
    "SELECT e.id AS execution, (r.value ->> 0) + 1 AS step,\n"
    " " STATE_NAME("(r.value ->> '$[1][2].s')") " AS state,\n"
    " " STATE("(r.value ->> '$[1][2].s')", "1") " AS type,\n"
    " printf(" STATE("(r.value ->> '$[1][2].s')", "5") ", " INDEX(0) ", " INDEX(1) ", " INDEX(2)
    ", " INDEX(3) ", " INDEX(4) ", " INDEX(5) ", " INDEX(6) ", " INDEX(7) ") AS path,\n"
    " r.value ->> 7 AS status, nullif(r.value ->> 9, 0) AS attempts,\n"
    " " TIME("(r.value ->> '$[1][0]')") " AS started,\n"
    " " TIME(STOPPED_AT) " AS stopped, " SECONDS("(r.value ->> '$[1][0]')", STOPPED_AT)
    " AS seconds,\n"
    " CASE WHEN r.value ->> 5 IS NOT NULL THEN "
    VALUE("r.value ->> '$[5][1]'", "(r.value -> '$[5][2].v')") "\n"
    "  WHEN r.value ->> '$[1][3]' <> &STEP_SKIPPED THEN "
    VALUE("r.value ->> '$[1][1]'", "(r.value -> '$[1][2].v')") " END AS input,\n"
    " " VALUE("r.value ->> '$[2][1]'", "(r.value -> '$[2][2].v')") " AS output,\n"
    " r.value ->> '$[8][2].e' AS error, r.value ->> '$[8][2].c' AS cause,\n"
    " CASE r.value ->> '$[3][3]' WHEN &MAP_STARTED THEN coalesce(r.value ->> '$[3][2].l', 0)\n"
    "  WHEN &PARALLEL_STARTED THEN " STATE("(r.value ->> '$[1][2].s')", "4") " END AS children,\n"
    " CASE WHEN r.value ->> 3 IS NOT NULL THEN r.value ->> 4 END AS children_done,\n"
    " (r.value ->> '$[1][2].in[#-1][0]') + 1 AS parent, r.value ->> 10 AS generation,\n"
    " r.value ->> '$[1][0]' AS started_ms, " STOPPED_AT " AS stopped_ms, e.org, e.key\n"
    "FROM execution e " DEFINITION ",\n";

/* ends.value: what stops whatever runs, wherever: an end of the execution, a cancellation,
 * a rerun that failed.
 * undone.value: of each rerun that failed, [from, to, steps before it]: of those steps it
 * leaves the earlier record. Its recovery (cause 10) is the last one before its end. */
static const char steps_ends[] =
    "json_each(json_array((SELECT json_group_array(" ORDERED ")\n"
    "  FROM (@ AND (j.body GLOB '*{\"k\":[345][,}]*' OR j.body GLOB '*{\"k\":11[35][,}]*'))\n"
    "  WHERE k IN (&EXECUTION_FAILED, &EXECUTION_TIMED_OUT, &EXECUTION_ABORTED, &CANCEL_ASKED)\n"
    "   OR k = &RERUN_ENDED AND v ->> 'i' IS NOT 1))) ends,\n"
    "json_each(json_array((SELECT nullif(json_group_array(json_array(began << 32, o,\n"
    "   (SELECT coalesce(max(v ->> 'n'), 0) + 1 FROM (@ AND j.turn < began)))), '[]')\n"
    "  FROM (SELECT CAST(substr(value, 1, 19) AS INTEGER) AS o, (SELECT max(turn) FROM journal\n"
    "    WHERE execution = e.key AND cause = 10 AND turn <= " REST("value") " ->> 1) AS began\n"
    "   FROM json_each(ends.value) WHERE " REST("value") " ->> 3 = &RERUN_ENDED)))) undone,\n";
#define UNDONE                                                                                     \
    "(undone.value IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(undone.value) u WHERE"          \
    " o BETWEEN u.value ->> 0 AND u.value ->> 1 AND coalesce(v ->> 'n', 0) < u.value ->> 2))"

/* `work` is how the last attempt went. A step that did not exit was stopped: by a
 * failure around it, which says how, or by what stops all. Then failed are those that
 * the execution's failure names: its step and those around it. */
static const char steps_rows[] =
    "json_each((SELECT json_group_array(json_array(n, json(entered), json(exited), json(opened),\n"
    "  children, json(given), json(stopped), status, json(CASE WHEN exited IS NULL\n"
    "   THEN iif(status = 'canceled', NULL, stopped) WHEN again AND NOT tried THEN retried\n"
    "   WHEN work <> 'success' THEN ended ELSE exited END), attempts, generation))\n"
    " FROM (SELECT *, CASE WHEN stopped IS NOT NULL THEN CASE stopped ->> 3\n"
    "    WHEN &EXECUTION_FAILED THEN iif(n = coalesce(stopped ->> '$[2].n', 0) OR instr(coalesce(\n"
    "     stopped -> '$[2].in', ''), '[' || n || ','), 'failure', 'canceled')\n"
    "    WHEN &EXECUTION_TIMED_OUT THEN 'timed_out' WHEN &EXECUTION_ABORTED THEN 'canceled'\n"
    "    WHEN &CANCEL_ASKED THEN 'canceled' WHEN &RERUN_ENDED THEN 'failure'\n"
    "    ELSE stopped ->> 3 END\n"
    "   WHEN exited IS NULL THEN 'running' WHEN exited ->> 3 = &STEP_SKIPPED THEN 'skipped'\n"
    "   WHEN NOT again AND work <> 'success' OR again AND tried THEN work\n"
    "   WHEN again OR exited ->> '$[2].e' IS NOT NULL THEN 'failure' ELSE 'success' END AS status\n"
    "  FROM (SELECT *, coalesce(retry > begin, 0) AS again,\n"
    "    coalesce(retried ->> '$[2].a' = coalesce(begun ->> '$[2].a', 1) + 1\n"
    "     AND fate < retry AND work <> 'success', 0) AS tried\n"
    "   FROM (SELECT n, " REST("entered") " AS entered, " REST("exited") " AS exited,\n"
    "     " REST("begun") " AS begun, " REST("ended") " AS ended, " REST("retried") " AS retried,\n"
    "     " REST("opened") " AS opened, iif(given > entered, " REST("given") ", NULL) AS given,\n"
    "     children, attempts, coalesce(" REST("started") ", '0') + 0 AS generation,\n"
    "     coalesce(begun, '') AS begin, ended AS fate, retried AS retry,\n"
    "     CASE WHEN " REST("ended") " ->> 3 IN (&LAMBDA_TIMED_OUT, &TASK_TIMED_OUT,\n"
    "       &ACTIVITY_TIMED_OUT) THEN 'timed_out'\n"
    "      WHEN " REST("ended") " ->> 3 NOT IN (&LAMBDA_SUCCEEDED, &TASK_SUCCEEDED,\n"
    "       &ACTIVITY_SUCCEEDED, &PARALLEL_SUCCEEDED, &MAP_SUCCEEDED) THEN 'failure'\n"
    "      ELSE 'success' END AS work,\n"
    "     CASE WHEN exited IS NULL THEN "
    REST("nullif(min(iif(stopped > started, stopped, '~'), coalesce(\n"
    "      (SELECT min(value) FROM json_each(ends.value) WHERE value > started), '~')), '~')")
    " END\n"
    "     AS stopped\n"
    "    FROM (SELECT n, max(entered) AS entered, max(started) AS started, max(given) AS given,\n"
    "       max(exited) AS exited, max(begun) AS begun, max(ended) AS ended,\n"
    "       max(retried) AS retried, max(opened) AS opened, max(children) AS children,\n"
    "       max(attempts) AS attempts, max(stopped) AS stopped FROM (\n";

/* What happened in the steps themselves. How one starts: 4 its state is entered, 3 it is
 * skipped, 2 it is carried out again, 1 its branches or iterations go on. Of what was
 * before the last start only the attempts count, and the children that ended well. */
static const char steps_own[] =
    "SELECT n, " LAST("start > 2") " AS entered,\n"
    " max(CASE WHEN start IN (1, 2, 4) THEN " ORDER " || coalesce(v ->> 'g', 0) END) AS started,\n"
    " " LAST("start IN (1, 2) AND v ->> 'v' IS NOT NULL") " AS given,\n"
    " " LAST("now AND (" IS_EXITED " OR start = 3)") " AS exited,\n"
    " " LAST("now AND (begins OR start = 1)") " AS begun,\n"
    " " FIRST("now AND o >= begun_at AND (begins = 2 OR k IN (&LAMBDA_SUCCEEDED, &LAMBDA_FAILED,\n"
    "  &LAMBDA_TIMED_OUT, &TASK_SUCCEEDED, &TASK_FAILED, &TASK_TIMED_OUT, &ACTIVITY_SUCCEEDED,\n"
    "  &ACTIVITY_FAILED, &ACTIVITY_TIMED_OUT, &PARALLEL_SUCCEEDED, &PARALLEL_FAILED,\n"
    "  &MAP_SUCCEEDED, &MAP_FAILED, &MAP_RUN_FAILED, &CHILD_FAILED))") " AS ended,\n"
    " " LAST("now AND k = &RETRY_ARMED") " AS retried,\n"
    " " LAST("k IN (&PARALLEL_STARTED, &MAP_STARTED) AND NOT undone AND o > anew_at")
    " AS opened,\n"
    " sum(k IN (&BRANCH_SUCCEEDED, &MAP_ITERATION_SUCCEEDED, &MAP_ITERATION_FAILED)\n"
    "  AND NOT undone AND o > begun_at AND (now OR k <> &MAP_ITERATION_FAILED)) AS children,\n"
    " count(DISTINCT CASE WHEN begins OR start = 1 OR k = &RETRY_ARMED\n"
    "  THEN (coalesce(v ->> 'g', 0) << 32) + coalesce(v ->> 'a', 1) - (k = &RETRY_ARMED) END)\n"
    " AS attempts, NULL AS stopped\n"
    "FROM (SELECT *, NOT undone AND o >= started_at AS now\n"
    " FROM (SELECT *, max(CASE WHEN start > 0 THEN o END) OVER step AS started_at,\n"
    "   max(CASE WHEN start > 1 THEN o END) OVER step AS anew_at,\n"
    "   max(CASE WHEN begins AND NOT undone THEN o END) OVER step AS begun_at\n"
    "  FROM (SELECT *, CASE WHEN undone THEN 0 WHEN " IS_ENTERED " THEN 4\n"
    "     WHEN k = &STEP_SKIPPED THEN iif(v ->> 'i' = 1 AND v ->> 'l' = 1, 0, 3)\n"
    "     WHEN k = &STEP_RESUMED THEN max(2 - coalesce(v ->> 'i', 0), 0) ELSE 0 END AS start\n"
    "   FROM (SELECT *, coalesce(v ->> 'n', 0) AS n, " UNDONE " AS undone,\n"
    "     CASE WHEN k IN (&LAMBDA_SCHEDULED, &TASK_SCHEDULED, &ACTIVITY_SCHEDULED,\n"
    "       &PARALLEL_STARTED, &MAP_STARTED) THEN 1\n"
    "      WHEN k = &REVIEW_DECIDED AND v ->> 'i' IS NOT 1 THEN 2 ELSE 0 END AS begins\n"
    "    FROM (@)))\n"
    "  WINDOW step AS (PARTITION BY n)))\n"
    "GROUP BY n\n";

/* What happened around them since their last start: for each Parallel and Map around a
 * step, the next failure of a branch of it, which stops the others too, or of the
 * iteration with the step. */
#define NEXT(kind, partition)                                                                      \
    "min(CASE WHEN k = &" kind " THEN " ORDERED " END) OVER (PARTITION BY " partition              \
    " ORDER BY o DESC ROWS UNBOUNDED PRECEDING)"

static const char steps_around[] =
    "UNION ALL SELECT n, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,\n"
    " min(substr(next, 1, 19) ||\n"
    " json_array(" REST("next") " ->> 0, " REST("next") " ->> 1, json(" REST("next") " -> 2),\n"
    "  iif(" REST("next") " ->> 3 = &CHILD_FAILED\n"
    "   AND coalesce(" REST("next") " ->> '$[2].i', 0) <> i, 'canceled', 'failure')))\n"
    "FROM (SELECT n, i, iif(branch < coalesce(iteration, '~'), branch, iteration) AS next\n"
    " FROM (SELECT n, i, " NEXT("CHILD_FAILED", "p") " AS branch,\n"
    "   " NEXT("MAP_ITERATION_FAILED", "p, i") " AS iteration\n"
    "  FROM (SELECT s.*, c.value ->> 0 AS p, c.value ->> 1 AS i\n"
    "    FROM (SELECT max(o) AS o, at, turn, v, k, coalesce(v ->> 'n', 0) AS n FROM (@)\n"
    "     WHERE (" IS_ENTERED " OR k = &STEP_RESUMED AND coalesce(v ->> 'i', 0) < 2)\n"
    "      AND v -> 'in' IS NOT NULL AND NOT " UNDONE " GROUP BY n) s, json_each(v, '$.in') c\n"
    "   UNION ALL SELECT o, at, turn, v, k, NULL, coalesce(v ->> 'n', 0),\n"
    "     coalesce(v ->> 'i', 0) FROM (@) WHERE k IN (&CHILD_FAILED, &MAP_ITERATION_FAILED))))\n"
    "WHERE n IS NOT NULL AND next IS NOT NULL GROUP BY n\n"
    ") GROUP BY n HAVING max(entered) IS NOT NULL)))))) r;\n";

static const char logs[] =
    "CREATE VIEW logs AS -- one row an attempt of a command that has ended; docs/sql.md\n"
    "SELECT e.id AS execution, coalesce(x.value ->> 'n', 0) + 1 AS step,\n"
    " " STATE_NAME("(x.value ->> 's')") " AS state, coalesce(x.value ->> 'a', 1) AS attempt,\n"
    " " TIME("j.at") " AS time, x.value ->> '$.lg.exit' AS exit,\n"
    " (x.value ->> '$.lg.ms') / 1000.0 AS seconds, x.value ->> '$.lg.out' AS stdout,\n"
    " x.value ->> '$.lg.err' AS stderr, j.at AS time_ms, e.org, e.key\n"
    "FROM execution e " DEFINITION "\n"
    "JOIN journal j ON j.execution = e.key AND instr(j.body, '\"lg\":') > 0,\n"
    " " EVENTS_OF_J " x\n"
    "WHERE x.value ->> '$.lg' IS NOT NULL;\n";

/* clang-format on */

static void append_words(struct buf *to, const char *column, bool shape)
{
    buf_append(to, STR(", CASE x.value ->> 'k'"));
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        buf_printf(to, " WHEN %u THEN '%s'", kinds[i].number,
                   shape ? kinds[i].shape : kinds[i].name);
    buf_printf(to, " ELSE 'kind ' || (x.value ->> 'k') END AS %s", column);
}

static void append_events(struct buf *to, bool in_words)
{
    buf_append(to, str_of_cstr(events_source));
    if (in_words) {
        append_words(to, "name", false);
        append_words(to, "shape", true);
    }
    buf_append(to, str_of_cstr(events_from));
}

/* Returns the length of the name. */
static size_t append_number(struct buf *to, const char *name)
{
    size_t len = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_");
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        if (str_eq(str_of_cstr(kinds[i].constant), str_of(name, len))) {
            buf_printf(to, "%u", kinds[i].number);
            return len;
        }
    }
    UNREACHABLE("name of a kind");
}

static void append(struct buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '@') {
            bool in_words = text[1] == '@';
            append_events(to, in_words);
            text += in_words;
        } else if (*text == '&') {
            text += append_number(to, text + 1);
        } else {
            buf_append_char(to, *text);
        }
    }
}

void journal_views(struct buf *to)
{
    static const char *const texts[] = {
        drops,      executions, events,       steps_columns, steps_ends,
        steps_rows, steps_own,  steps_around, logs,
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        append(to, texts[i]);
}
