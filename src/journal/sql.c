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
    "LEFT JOIN journal l ON l.execution = e.key AND json_valid(l.body)\n"
    " AND l.turn = (SELECT max(turn) FROM journal WHERE execution = e.key)\n"
    "LEFT JOIN execution p ON p.key = e.parent\n"
    "LEFT JOIN execution m ON m.key = e.related;\n";

/* An execution's events, for which '@' stands in the texts below. `o` is their order. */
static const char events_source[] =
    "SELECT (j.turn << 32) + x.key AS o, j.turn, x.key AS position, j.at, x.value AS v,"
    " x.value ->> 'k' AS k";
static const char events_from[] =
    " FROM journal j, " EVENTS_OF_J " x WHERE j.execution = e.key";

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
    "  coalesce(name GLOB '*Entered' OR name GLOB '*Started' OR name GLOB '*Scheduled', 0),\n"
    "  k >= 30 AND k < 100 OR k = 104, json(v)))\n"
    " FROM (SELECT *, sum(counts) OVER (ORDER BY o ROWS UNBOUNDED PRECEDING) AS id\n"
    "  FROM (SELECT *, shape <> 'OURS' AND (k < 10 OR NOT coalesce(" STATE("(v ->> 's')", "2")
    ", 0))\n"
    "    AND NOT (shape = 'MAP_ITERATION' AND coalesce(" STATE("(v ->> 's')", "3")
    ", 0)) AS counts\n"
    "   FROM (@))))) r;\n";

/* The last and the first event of a group that are so: its order, then [at, turn, event,
 * what], as one text, of which the greatest or the least is found. */
#define ORDERED "printf('%019d', o) || json_array(at, turn, json(v), what)"
#define LAST(condition) "max(CASE WHEN " condition " THEN " ORDERED " END)"
#define FIRST(condition) "min(CASE WHEN " condition " THEN " ORDERED " END)"
#define REST(text) "substr(" text ", 20)"

/* r.value: 0 step, 1 entered, 2 exited, 3 the last attempt's beginning, 4 branches and
 * iterations that ended since, 5 the last retry, 6 what stopped it, 7 status, 8 what has
 * its error and cause. */
#define STOPPED_AT "coalesce(r.value ->> '$[2][0]', r.value ->> '$[6][0]')"
#define INDEX(level) "r.value ->> '$[1][2].in[" #level "][1]'"
static const char steps_columns[] =
    "CREATE VIEW steps AS -- one row a state entered, in order; docs/sql.md\n"
    "SELECT e.id AS execution, (r.value ->> 0) + 1 AS step,\n"
    " " STATE_NAME("(r.value ->> '$[1][2].s')") " AS state,\n"
    " " STATE("(r.value ->> '$[1][2].s')", "1") " AS type,\n"
    " printf(" STATE("(r.value ->> '$[1][2].s')", "5") ", " INDEX(0) ", " INDEX(1) ", " INDEX(2)
    ", " INDEX(3) ", " INDEX(4) ", " INDEX(5) ", " INDEX(6) ", " INDEX(7) ") AS path,\n"
    " r.value ->> 7 AS status, nullif(max(CASE WHEN r.value ->> 3 IS NULL THEN 0\n"
    "  ELSE coalesce(r.value ->> '$[3][2].a', 1) END, coalesce((r.value ->> '$[5][2].a') - 1,"
    " 0)),\n"
    "  0) AS attempts, " TIME("(r.value ->> '$[1][0]')") " AS started,\n"
    " " TIME(STOPPED_AT) " AS stopped, " SECONDS("(r.value ->> '$[1][0]')", STOPPED_AT)
    " AS seconds,\n"
    " " VALUE("r.value ->> '$[1][1]'", "(r.value -> '$[1][2].v')") " AS input,\n"
    " " VALUE("r.value ->> '$[2][1]'", "(r.value -> '$[2][2].v')") " AS output,\n"
    " r.value ->> '$[8][2].e' AS error, r.value ->> '$[8][2].c' AS cause,\n"
    " CASE r.value ->> '$[3][3]' WHEN 'MAP_STARTED' THEN coalesce(r.value ->> '$[3][2].l', 0)\n"
    "  WHEN 'PARALLEL_STARTED' THEN " STATE("(r.value ->> '$[1][2].s')", "4") " END AS children,\n"
    " CASE WHEN r.value ->> '$[3][3]' IN ('MAP_STARTED', 'PARALLEL_STARTED') THEN r.value ->> 4\n"
    " END AS children_done, (r.value ->> '$[1][2].in[#-1][0]') + 1 AS parent,\n"
    " coalesce(r.value ->> '$[1][2].g', 0) AS generation,\n"
    " r.value ->> '$[1][0]' AS started_ms, " STOPPED_AT " AS stopped_ms, e.org, e.key\n";

/* `work` is how the last attempt went. A step that did not exit was stopped: by a
 * failure around it, or by the end of the execution. */
static const char steps_rows[] =
    "FROM execution e " DEFINITION "\n"
    "LEFT JOIN journal l ON l.execution = e.key AND json_valid(l.body)\n"
    " AND l.turn = (SELECT max(turn) FROM journal WHERE execution = e.key),\n"
    "json_each((SELECT json_group_array(json_array(n, json(entered), json(exited), json(begun),\n"
    "  children, json(retried), json(stopped), status, json(CASE WHEN exited IS NULL\n"
    "   THEN iif(status = 'canceled', NULL, stopped) WHEN again AND NOT tried THEN retried\n"
    "   WHEN work <> 'success' THEN ended ELSE exited END)))\n"
    " FROM (SELECT *, CASE WHEN exited IS NULL THEN coalesce(stopped ->> 3, 'running')\n"
    "   WHEN NOT again AND work <> 'success' OR again AND tried THEN work\n"
    "   WHEN again OR exited ->> '$[2].e' IS NOT NULL THEN 'failure' ELSE 'success' END AS status\n"
    "  FROM (SELECT *, coalesce(retry > start, 0) AS again,\n"
    "    coalesce(retried ->> '$[2].a' = coalesce(begun ->> '$[2].a', 1) + 1\n"
    "     AND fate < retry AND work <> 'success', 0) AS tried\n"
    "   FROM (SELECT n, " REST("entered") " AS entered, " REST("exited") " AS exited,\n"
    "     " REST("begun") " AS begun, " REST("ended") " AS ended, " REST("retried") " AS retried,\n"
    "     children, coalesce(begun, '') AS start, ended AS fate, retried AS retry,\n"
    "     CASE WHEN " REST("ended") " ->> 3 GLOB '*_TIMED_OUT' THEN 'timed_out'\n"
    "      WHEN " REST("ended") " ->> 3 NOT GLOB '*_SUCCEEDED' THEN 'failure' ELSE 'success' END\n"
    "     AS work, coalesce(" REST("stopped") ", last_end) AS stopped\n"
    "    FROM (SELECT *, ";

/* Failed are the step that the execution's failure names and those around it. */
static const char steps_end[] =
    "CASE WHEN l.body ->> '$.e[#-1].k' IN (3, 4, 5)\n"
    "      THEN json_array(l.at, l.turn, l.body -> '$.e[#-1]', CASE l.body ->> '$.e[#-1].k'\n"
    "       WHEN 4 THEN 'timed_out' WHEN 5 THEN 'canceled' ELSE\n"
    "       iif(n = coalesce(l.body ->> '$.e[#-1].n', 0) OR instr(coalesce(\n"
    "        l.body -> '$.e[#-1].in', ''), '[' || n || ','), 'failure', 'canceled') END) END\n"
    "      AS last_end\n"
    "     FROM (SELECT n, max(entered) AS entered, max(exited) AS exited, max(begun) AS begun,\n"
    "       max(ended) AS ended, max(retried) AS retried, max(children) AS children,\n"
    "       max(stopped) AS stopped FROM (\n";

/* What happened in the steps themselves. */
static const char steps_own[] =
    "SELECT n, " LAST("shape = 'STATE_ENTERED'") " AS entered,\n"
    " " LAST("shape = 'STATE_EXITED'") " AS exited, " LAST("begins") " AS begun,\n"
    " " FIRST("attempt > 0 AND attempt = attempts AND what IN ('LAMBDA_SUCCEEDED',\n"
    "  'LAMBDA_FAILED', 'LAMBDA_TIMED_OUT', 'TASK_SUCCEEDED', 'TASK_FAILED', 'TASK_TIMED_OUT',\n"
    "  'ACTIVITY_SUCCEEDED', 'ACTIVITY_FAILED', 'ACTIVITY_TIMED_OUT', 'PARALLEL_SUCCEEDED',\n"
    "  'PARALLEL_FAILED', 'MAP_SUCCEEDED', 'MAP_FAILED', 'MAP_RUN_FAILED', 'CHILD_FAILED')")
    " AS ended,\n"
    " " LAST("what = 'RETRY_ARMED'") " AS retried, sum(attempt = attempts AND what IN (\n"
    "  'BRANCH_SUCCEEDED', 'MAP_ITERATION_SUCCEEDED', 'MAP_ITERATION_FAILED')) AS children,\n"
    " NULL AS stopped\n"
    "FROM (SELECT *, sum(begins) OVER (PARTITION BY n ORDER BY o ROWS UNBOUNDED PRECEDING)\n"
    "  AS attempt, sum(begins) OVER (PARTITION BY n) AS attempts\n"
    " FROM (SELECT *, coalesce(v ->> 'n', 0) AS n, what IN ('LAMBDA_SCHEDULED', 'TASK_SCHEDULED',\n"
    "   'ACTIVITY_SCHEDULED', 'PARALLEL_STARTED', 'MAP_STARTED') AS begins FROM (@)))\n"
    "GROUP BY n\n";

/* What happened around them: for each Parallel and Map around a step, the next failure
 * of a branch of it, which stops the others too, or of the iteration with the step. */
#define NEXT(kind, partition)                                                                      \
    "min(CASE WHEN what = '" kind "' THEN " ORDERED " END) OVER (PARTITION BY " partition          \
    " ORDER BY o DESC ROWS UNBOUNDED PRECEDING)"

static const char steps_around[] =
    "UNION ALL SELECT n, NULL, NULL, NULL, NULL, NULL, NULL, min(substr(next, 1, 19) ||\n"
    " json_array(" REST("next") " ->> 0, " REST("next") " ->> 1, json(" REST("next") " -> 2),\n"
    "  iif(" REST("next") " ->> 3 = 'CHILD_FAILED'\n"
    "   AND coalesce(" REST("next") " ->> '$[2].i', 0) <> i, 'canceled', 'failure')))\n"
    "FROM (SELECT n, i, iif(branch < coalesce(iteration, '~'), branch, iteration) AS next\n"
    " FROM (SELECT n, i, " NEXT("CHILD_FAILED", "p") " AS branch,\n"
    "   " NEXT("MAP_ITERATION_FAILED", "p, i") " AS iteration\n"
    "  FROM (SELECT s.*, coalesce(v ->> 'n', 0) AS n, c.value ->> 0 AS p, c.value ->> 1 AS i\n"
    "    FROM (@) s, json_each(v, '$.in') c WHERE shape = 'STATE_ENTERED'\n"
    "   UNION ALL SELECT *, NULL, coalesce(v ->> 'n', 0), coalesce(v ->> 'i', 0) FROM (@)\n"
    "    WHERE what IN ('CHILD_FAILED', 'MAP_ITERATION_FAILED'))))\n"
    "WHERE n IS NOT NULL AND next IS NOT NULL GROUP BY n\n"
    ") GROUP BY n HAVING max(entered) IS NOT NULL))))))) r;\n";

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

static void append_words(struct buf *to, const char *name, size_t word)
{
    buf_append(to, STR(", CASE x.value ->> 'k'"));
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        const char *words[] = {kinds[i].constant, kinds[i].name, kinds[i].shape};
        buf_printf(to, " WHEN %u THEN '%s'", kinds[i].number, words[word]);
    }
    buf_printf(to, " ELSE 'kind ' || (x.value ->> 'k') END AS %s", name);
}

static void append_events(struct buf *to)
{
    buf_append(to, str_of_cstr(events_source));
    append_words(to, "what", 0);
    append_words(to, "name", 1);
    append_words(to, "shape", 2);
    buf_append(to, str_of_cstr(events_from));
}

static void append(struct buf *to, const char *text)
{
    for (; *text; text++) {
        if (*text == '@')
            append_events(to);
        else
            buf_append_char(to, *text);
    }
}

void journal_views(struct buf *to)
{
    static const char *const texts[] = {
        drops,     executions, events,       steps_columns, steps_rows,
        steps_end, steps_own,  steps_around, logs,
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++)
        append(to, texts[i]);
}
