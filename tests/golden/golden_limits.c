/* Every limit of an input, as docs/limits.md shows it: written from the tables and
 * constants that the code itself goes by. UPDATE=1 writes the file anew. */
#include "api/api.h"
#include "api/routes.h"
#include "asl/compile.h"
#include "base/buf.h"
#include "catalog/catalog.h"
#include "cli/crews.h"
#include "cli/log_feed.h"
#include "config/config.h"
#include "engine/engine.h"
#include "expr/expr.h"
#include "expr/intrinsic/intrinsic.h"
#include "expr/jsonata/integer_picture.h"
#include "expr/jsonata/regex.h"
#include "expr/jsonpath/path.h"
#include "json/yaml.h"
#include "store/store.h"
#include "task/answer.h"
#include "task/checker.h"
#include "task/bindings.h"
#include "task/task.h"

#include <stdio.h>
#include <stdlib.h>

/* What no configuration changes. */
static const struct {
    const char *name;
    enum limit_unit unit;
    size_t value;
    const char *what;
} fixed[] = {
    {"definition_max", LIMIT_BYTES, DEFINITION_SIZE_MAX, "text of a definition; AWS's limit"},
    {"definition_states_max", LIMIT_COUNT, DEFINITION_STATES_MAX, "states of a definition"},
    {"definition_depth_max", LIMIT_COUNT, DEFINITION_DEPTH_MAX, "nesting of a definition"},
    {"state_name_max", LIMIT_COUNT, STATE_NAME_MAX, "characters of a state's name; AWS's limit"},
    {"step_number_max", LIMIT_COUNT, STEP_NUMBER_MAX, "an x-step"},
    {"phase_name_max", LIMIT_COUNT, PHASE_NAME_MAX, "characters of an x-phase"},
    {"type_label_max", LIMIT_COUNT, TYPE_LABEL_MAX, "characters of an x-type"},
    {"review_text_max", LIMIT_COUNT, REVIEW_TEXT_MAX,
     "characters of the message, and of the cause, of an x-review"},
    {"review_error_max", LIMIT_COUNT, REVIEW_ERROR_MAX, "characters of the error of an x-review"},
    {"verify_words_max", LIMIT_COUNT, VERIFY_WORDS_MAX, "words of the command of an x-verify"},
    {"verify_word_max", LIMIT_BYTES, VERIFY_WORD_MAX, "one of these words"},
    {"verify_remedy_max", LIMIT_COUNT, VERIFY_REMEDY_MAX,
     "characters of the remedy of an x-verify"},
    {"verify_timeout_max", LIMIT_COUNT, VERIFY_TIMEOUT_MAX_SECONDS,
     "seconds that the command of an x-verify may take; 30 where it says nothing"},
    {"execution_name_max", LIMIT_COUNT, STORE_NAME_MAX,
     "characters of an execution's name; AWS's limit"},
    {"input_max", LIMIT_BYTES, ENGINE_INPUT_SIZE_MAX, "input of an execution"},
    {"express_seconds_max", LIMIT_COUNT, EXPRESS_SECONDS_MAX,
     "seconds that an Express execution may take; AWS's limit"},
    {"activity_tasks_max", LIMIT_COUNT, ENGINE_ACTIVITY_TASKS_MAX,
     "tasks of one activity waiting in memory; the others wait on disk"},
    {"recovery_memory_max", LIMIT_BYTES, ENGINE_STORY_MEMORY_MAX,
     "history of one execution while its recovery is planned"},
    {"recovery_checks_max", LIMIT_COUNT, ENGINE_CHECKS_MAX, "x-verify checks of one recovery"},
    {"check_output_max", LIMIT_BYTES, CHECK_OUTPUT_SIZE_MAX,
     "what the command of an x-verify prints"},
    {"versions_max", LIMIT_COUNT, CATALOG_VERSIONS_MAX, "versions of a state machine; AWS's limit"},
    {"aliases_max", LIMIT_COUNT, CATALOG_ALIASES_MAX, "aliases of a state machine; AWS's limit"},
    {"tags_max", LIMIT_COUNT, CATALOG_TAGS_MAX, "tags of a resource; AWS's limit"},
    {"json_depth_max", LIMIT_COUNT, JSON_DEPTH_MAX, "nesting of an input or a result"},
    {"json_text_max", LIMIT_BYTES, JSON_TEXT_SIZE_MAX, "one JSON text"},
    {"yaml_anchors_max", LIMIT_COUNT, YAML_ANCHORS_MAX, "anchors of a YAML text"},
    {"yaml_unfolded_max", LIMIT_BYTES, YAML_UNFOLDED_SIZE_MAX,
     "what the aliases of a YAML text repeat, together"},
    {"expression_steps_max", LIMIT_COUNT, EXPR_STEPS_MAX, "steps of one evaluation"},
    {"path_text_max", LIMIT_BYTES, PATH_TEXT_MAX, "a JSONPath"},
    {"path_segments_max", LIMIT_COUNT, PATH_SEGMENTS_MAX, "segments of a JSONPath"},
    {"path_pattern_match_max", LIMIT_COUNT, PATH_PATTERN_MATCH_MAX,
     "backtracking points of one match of a regular expression in a filter"},
    {"jsonata_match_max", LIMIT_COUNT, REGEX_MATCH_MAX,
     "backtracking points of one match of a regular expression in JSONata"},
    {"jsonata_picture_size_max", LIMIT_BYTES, PICTURE_SIZE_MAX,
     "picture strings of `$formatNumber`, `$fromMillis` and their like"},
    {"jsonata_picture_text_max", LIMIT_COUNT, PICTURE_TEXT_MAX,
     "characters that a picture may ask for"},
    {"jsonata_picture_roman_max", LIMIT_COUNT, PICTURE_ROMAN_MAX,
     "integers written in Roman numerals"},
    {"intrinsic_text_max", LIMIT_BYTES, INTRINSIC_TEXT_MAX, "a call of an intrinsic function"},
    {"intrinsic_nesting_max", LIMIT_COUNT, INTRINSIC_NESTING_MAX,
     "calls within calls; AWS's limit"},
    {"intrinsic_string_max", LIMIT_COUNT, INTRINSIC_STRING_MAX,
     "characters given to Base64 and Hash functions; AWS's limit"},
    {"intrinsic_range_max", LIMIT_COUNT, INTRINSIC_RANGE_MAX,
     "elements of States.ArrayRange; AWS's limit"},
    {"config_max", LIMIT_BYTES, CONFIG_SIZE_MAX, "the configuration file"},
    {"hosts_max", LIMIT_COUNT, SETTINGS_HOSTS_MAX, "names under hosts in the configuration"},
    {"bindings_max", LIMIT_COUNT, BINDINGS_MAX, "bindings of a configuration"},
    {"crews_max", LIMIT_COUNT, CREWS_MAX,
     "configurations that clients gave for their executions, in one process"},
    {"tasks_running_max", LIMIT_COUNT, TASK_RUNNING_MAX,
     "commands and requests at once; the others queue"},
    {"tasks_queued_max", LIMIT_COUNT, TASK_QUEUED_MAX,
     "tasks that queue; more fail as throttled ones do"},
    {"task_output_max", LIMIT_BYTES, TASK_OUTPUT_SIZE_MAX, "result of a command or a request"},
    {"task_log_max", LIMIT_BYTES, TASK_LOG_SIZE_MAX,
     "kept of an attempt's stdout and of its stderr, the end of each"},
    {"task_logged_max", LIMIT_BYTES, TASK_LOGGED_SIZE_MAX,
     "of what a command writes on stderr, in the log of a server"},
    {"task_error_max", LIMIT_BYTES, TASK_ERROR_SIZE_MAX, "a task's Error; AWS's limit"},
    {"task_cause_max", LIMIT_BYTES, TASK_CAUSE_SIZE_MAX,
     "a task's Cause; AWS's limit; longer ones are cut"},
    {"body_depth_max", LIMIT_COUNT, CALL_JSON_DEPTH_MAX, "nesting of a request's body"},
    {"body_memory_max", LIMIT_BYTES, CALL_MEMORY_MAX, "memory to take one request apart"},
    {"followers_max", LIMIT_COUNT, API_FOLLOWERS_MAX, "followed executions at once"},
    {"followed_max", LIMIT_COUNT, FEED_FOLLOWED_MAX,
     "executions of a workflow that `pawl logs` follows at a server at once"},
    {"story_max", LIMIT_BYTES, API_STORY_SIZE_MAX, "memory to read one execution"},
    {"workers_max", LIMIT_COUNT, RUNTIME_WORKERS_MAX, "warm workers of all bindings together"},
    {"turn_max", LIMIT_BYTES, STORE_BODY_SIZE_MAX, "one turn, snapshot or definition in the store"},
};

static const char *value_text(struct arena *a, enum limit_unit unit, size_t value)
{
    static const char *const bytes[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;
    if (unit == LIMIT_COUNT)
        return arena_cstr(a, arena_printf(a, "%zu", value));
    if (unit == LIMIT_MS)
        return arena_cstr(a, value % 1000 ? arena_printf(a, "%zu ms", value)
                                          : arena_printf(a, "%zu s", value / 1000));
    while (value && value % 1024 == 0 && i + 1 < COUNT_OF(bytes)) {
        value /= 1024;
        i++;
    }
    return arena_cstr(a, arena_printf(a, "%zu %s", value, bytes[i]));
}

static void write_all(struct buf *b, struct arena *a)
{
    buf_append(b, STR("# Limits\n\n"
                      "Every input has a limit with a name. Written from the code's own tables by\n"
                      "`tests/golden/golden_limits.c`.\n\n"
                      "## Set in pawl.yaml, under `limits`\n\n"
                      "A whole number of bytes or milliseconds, or a text with a unit: `64KiB`, "
                      "`512MiB`; `500ms`,\n`30s`, `5min`, `1h`. What breaks a limit of HTTP is "
                      "answered with the status in brackets.\n\n"
                      "| name | default | least | of what |\n|---|---|---|---|\n"));
    for (size_t i = 0; i < limit_count; i++)
        buf_printf(b, "| `%s` | %s | %s | %s |\n", limits[i].name,
                   value_text(a, limits[i].unit, limits[i].value),
                   value_text(a, limits[i].unit, limits[i].least), limits[i].what);
    buf_append(
        b, STR("\n`aws_limits: strict` beside them bounds payloads, variables and histories "
               "as AWS does:\n256 KiB, 10 MiB of variables, 25,000 events, and RedriveExecution "
               "until 14 days after the\nend; and JSONata: level 2.0.6, evaluations nested to "
               "100, values as large as AWS's memory holds.\nThey are off without it.\n\n"
               "## Fixed\n\n| name | value | of what |\n|---|---|---|\n"));
    for (size_t i = 0; i < COUNT_OF(fixed); i++)
        buf_printf(b, "| `%s` | %s | %s |\n", fixed[i].name,
                   value_text(a, fixed[i].unit, fixed[i].value), fixed[i].what);
}

static bool compare(struct str now, const char *path)
{
    static char before[1 << 16];
    FILE *file = fopen(path, "r");
    size_t length = file ? fread(before, 1, sizeof(before), file) : 0;
    if (file)
        fclose(file);
    return str_eq(now, str_of(before, length));
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new(0);
    struct buf b = BUF_INIT(0);
    bool good = argc == 2;
    write_all(&b, a);
    if (good && getenv("UPDATE")) {
        FILE *file = fopen(argv[1], "w");
        good = file && fwrite(b.ptr, 1, b.len, file) == b.len && fclose(file) == 0;
    }
    bool same = good && compare(buf_str(&b), argv[1]);
    printf("1..1\n%sok 1 - the limits are those of docs/limits.md\n", same ? "" : "not ");
    buf_release(&b);
    arena_free(a);
    return same ? 0 : 1;
}
