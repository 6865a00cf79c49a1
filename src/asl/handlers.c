/* Retry and Catch. */
#include "asl/compile_internal.h"

/* The reserved names; what else begins with "States." is nobody's. */
static const struct str reserved_names[] = {
    STR_INIT("States.ALL"),
    STR_INIT("States.Timeout"),
    STR_INIT("States.HeartbeatTimeout"),
    STR_INIT("States.TaskFailed"),
    STR_INIT("States.Permissions"),
    STR_INIT("States.Runtime"),
    STR_INIT("States.DataLimitExceeded"),
    STR_INIT("States.BranchFailed"),
    STR_INIT("States.NoChoiceMatched"),
    STR_INIT("States.ResultPathMatchFailure"),
    STR_INIT("States.ParameterPathFailure"),
    STR_INIT("States.IntrinsicFailure"),
    STR_INIT("States.QueryEvaluationError"),
    STR_INIT("States.ExceedToleratedFailureThreshold"),
    STR_INIT("States.ItemReaderFailed"),
    STR_INIT("States.ResultWriterFailed"),
    STR_INIT("States.Http.Socket"),
};

static void error_name_check(const struct site *list, size_t index, struct str name)
{
    struct compiler *c = list->c;
    struct place at = {json_pointer_item(c->scratch, list->pointer, index), false};

    if (str_eq(name, STR("States.Runtime"))) {
        complain(c, CODE_UNCATCHABLE_ERROR, at, STR("Remove it."),
                 "States.Runtime is never retried or caught: it always fails the execution");
        return;
    }
    for (size_t i = 0; i < COUNT_OF(reserved_names); i++) {
        if (str_eq(name, reserved_names[i]))
            return;
    }
    /* "State.ALL" is a slip too. */
    if (str_starts_with(name, STR("States.")) || str_starts_with(name, STR("State.")))
        complain(c, CODE_UNKNOWN_ERROR_NAME, at,
                 suggest(c, name, reserved_names, COUNT_OF(reserved_names)),
                 "No error is named \"" STR_FMT "\"", STR_ARG(clip(c, name)));
}

/* ErrorEquals of one retrier or catcher; `last` when no other follows it. */
static struct error_names error_names_compile(const struct site *s, bool last)
{
    static const struct str all = STR_INIT("States.ALL");
    struct str *names;
    struct json list;
    struct site at;

    if (!field_list(s, STR("ErrorEquals"), false, &list))
        return (struct error_names){0};
    names = ARENA_ARRAY(s->c->arena, struct str, json_count(list));
    at = site_child(s, STR("ErrorEquals"), list);
    for (size_t i = 0; i < json_count(list); i++) {
        struct json name = json_at(list, i);
        struct place here = {json_pointer_item(s->c->scratch, at.pointer, i), false};

        names[i] = json_str(name);
        if (!json_is_string(name))
            complain(s->c, CODE_WRONG_TYPE, here, STR(""),
                     "The name of an error must be a string, not %s", json_noun(name));
        else
            error_name_check(&at, i, names[i]);
        if (!str_eq(names[i], all))
            continue;
        if (json_count(list) > 1)
            complain(s->c, CODE_STATES_ALL_NOT_ALONE, here, STR("Give it an entry of its own."),
                     "States.ALL must stand alone in 'ErrorEquals'");
        if (!last)
            complain(s->c, CODE_STATES_ALL_NOT_LAST, here, STR("Move this entry to the end."),
                     "States.ALL must stand in the last entry of the list");
    }
    return (struct error_names){names, json_count(list)};
}

/* ---- Retry ---- */

static void delay_compile(const struct site *s, struct retrier *r)
{
    static const struct str strategies[] = {STR_INIT("NONE"), STR_INIT("FULL")};
    size_t strategy = 0;

    r->interval_seconds = RETRY_INTERVAL_DEFAULT_SECONDS;
    (void)field_whole(s, STR("IntervalSeconds"), 1, TASK_TIMEOUT_MAX_SECONDS, &r->interval_seconds);
    if (field_whole(s, STR("MaxDelaySeconds"), 1, RETRY_DELAY_MAX_SECONDS, &r->max_delay_seconds) &&
        r->max_delay_seconds <= r->interval_seconds)
        complain(s->c, CODE_OUT_OF_RANGE, place_value(s, STR("MaxDelaySeconds")), STR(""),
                 "The value for the field 'MaxDelaySeconds' must be greater than "
                 "'IntervalSeconds'");
    (void)field_choice(s, STR("JitterStrategy"), strategies, COUNT_OF(strategies), &strategy);
    r->jitter_full = strategy == 1;
    r->backoff_rate = RETRY_BACKOFF_DEFAULT;
    (void)field_real(s, STR("BackoffRate"), 1.0, RETRY_DELAY_MAX_SECONDS, &r->backoff_rate);
}

static void retrier_compile(const struct site *s, bool last, struct retrier *r)
{
    static const struct str fields[] = {
        STR_INIT("ErrorEquals"), STR_INIT("IntervalSeconds"), STR_INIT("MaxAttempts"),
        STR_INIT("BackoffRate"), STR_INIT("MaxDelaySeconds"), STR_INIT("JitterStrategy"),
    };

    fields_allow(s, fields, COUNT_OF(fields));
    fields_require(s, fields, 1);
    r->errors = error_names_compile(s, last);
    r->max_attempts = RETRY_ATTEMPTS_DEFAULT;
    (void)field_whole(s, STR("MaxAttempts"), 0, RETRY_ATTEMPTS_MAX, &r->max_attempts);
    delay_compile(s, r);
}

/* ---- Catch ---- */

static void catcher_compile(const struct site *s, bool last, struct catcher *k)
{
    static const struct str fields[] = {
        STR_INIT("ErrorEquals"),
        STR_INIT("Next"),
        STR_INIT("Assign"),
        STR_INIT("ResultPath"),
    };
    static const struct str jsonata_fields[] = {
        STR_INIT("ErrorEquals"),
        STR_INIT("Next"),
        STR_INIT("Assign"),
        STR_INIT("Output"),
    };

    fields_allow(s, site_is_jsonata(s) ? jsonata_fields : fields, COUNT_OF(fields));
    fields_require(s, fields, 2);
    k->errors = error_names_compile(s, last);
    k->next = field_target(s, STR("Next"));
    if (site_is_jsonata(s))
        k->output = field_query(s, STR("Output"));
    else
        field_result_path(s, &k->result_discarded, &k->result_path);
    k->assign = field_assign(s);
}

/* ---- both ---- */

static bool entry_is_object(const struct site *s)
{
    if (json_is_object(s->object))
        return true;
    complain(s->c, CODE_WRONG_TYPE, place_here(s), STR(""), "The entry must be an object, not %s",
             json_noun(s->object));
    return false;
}

void handlers_compile(const struct site *s)
{
    struct state *st = s->state;
    struct json list;

    if (field_list(s, STR("Retry"), true, &list)) {
        struct site retry = site_child(s, STR("Retry"), list);
        size_t count = json_count(list);
        struct retrier *items = ARENA_ARRAY(s->c->arena, struct retrier, count);

        st->retriers = items;
        st->retrier_count = count;
        for (size_t i = 0; i < count && !compiler_exhausted(s->c); i++) {
            struct site entry = site_item(&retry, i, json_at(list, i));

            if (entry_is_object(&entry))
                retrier_compile(&entry, i + 1 == count, &items[i]);
        }
    }
    if (field_list(s, STR("Catch"), true, &list)) {
        struct site catch = site_child(s, STR("Catch"), list);
        size_t count = json_count(list);
        struct catcher *items = ARENA_ARRAY(s->c->arena, struct catcher, count);

        st->catchers = items;
        st->catcher_count = count;
        for (size_t i = 0; i < count && !compiler_exhausted(s->c); i++) {
            struct site entry = site_item(&catch, i, json_at(list, i));

            if (entry_is_object(&entry))
                catcher_compile(&entry, i + 1 == count, &items[i]);
        }
    }
}
