#include "task/bindings.h"

#include <curl/curl.h>
#include <math.h>

/* A string that can be passed to a program. */
static bool is_word(struct json v)
{
    return json_is_string(v) && str_find_char(json_str(v), '\0') == SIZE_MAX;
}

/* ---- the keys of a binding ---- */

static bool read_resource(const struct yaml_reader *r, struct json v, struct str pointer,
                          struct binding *b)
{
    b->resource = json_str(v);
    if (b->resource.len == 0)
        return yaml_refuse(
            r, pointer, false,
            "resource must be the ARN or name of a function, in which * may stand for "
            "anything");
    if (b->resource.len > BINDING_PATTERN_MAX)
        return yaml_refuse(r, pointer, false, "resource is longer than %d bytes",
                           BINDING_PATTERN_MAX);
    return true;
}

/* key: what the list is called in the file. */
static bool read_words(const struct yaml_reader *r, struct json v, struct str pointer,
                       const char *key, struct binding *b)
{
    b->argc = json_count(v);
    if (!json_is_array(v) || b->argc == 0 || b->argc > BINDING_WORDS_MAX)
        return yaml_refuse(r, pointer, false,
                           "%s must be a list of 1 to %d words, the program first: [\"./job\", "
                           "\"--name\", \"{name}\"]",
                           key, BINDING_WORDS_MAX);
    struct str *argv = ARENA_ARRAY(r->arena, struct str, b->argc);
    for (size_t i = 0; i < b->argc; i++) {
        if (!is_word(json_at(v, i)))
            return yaml_refuse(r, json_pointer_item(r->arena, pointer, i), false,
                               "each word of %s must be a string; put it into quotes", key);
        argv[i] = json_str(json_at(v, i));
    }
    b->argv = argv;
    size_t name = str_find(argv[0], STR("{name}"));
    if (argv[0].len == 0 || (name != SIZE_MAX && name <= str_find_char(argv[0], '/')))
        return yaml_refuse(
            r, json_pointer_item(r->arena, pointer, 0), false,
            "the program must be named by this file; {name} may stand in it only after "
            "a folder, as in \"./jobs/{name}\"");
    return true;
}

static bool read_exec(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b)
{
    b->kind = BINDING_EXEC;
    return read_words(r, v, pointer, "exec", b);
}

static bool is_http_url(const struct yaml_reader *r, struct str url)
{
    if (!str_starts_with(url, STR("http://")) && !str_starts_with(url, STR("https://")))
        return false;
    CURLU *parsed = curl_url();
    char *host = NULL;
    bool ok = parsed &&
              curl_url_set(parsed, CURLUPART_URL, binding_fill(r->arena, url, STR("x")), 0) ==
                  CURLUE_OK &&
              curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK;
    curl_free(host);
    curl_url_cleanup(parsed);
    return ok;
}

static bool read_http(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b)
{
    b->kind = BINDING_HTTP;
    b->url = json_str(v);
    if (!is_word(v) || !is_http_url(r, b->url))
        return yaml_refuse(r, pointer, false,
                           "http must be a URL that begins with http:// or https://");
    return true;
}

static bool read_echo(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b)
{
    b->kind = BINDING_ECHO;
    return json_is_true(v) ||
           yaml_refuse(r, pointer, false, "echo can only be true; leave it out otherwise");
}

static bool read_seconds(const struct yaml_reader *r, struct json v, struct str pointer,
                         const char *key, uint64_t *ret_ms)
{
    double seconds = json_to_double(v);
    if (!json_is_number(v) || !(seconds >= 0.001 && seconds <= BINDING_TIMEOUT_SECONDS_MAX))
        return yaml_refuse(r, pointer, false, "%s must be a number from 0.001 to %d", key,
                           BINDING_TIMEOUT_SECONDS_MAX);
    *ret_ms = (uint64_t)llround(seconds * 1000);
    return true;
}

static bool read_timeout(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *b)
{
    return read_seconds(r, v, pointer, "timeout_seconds", &b->timeout_ms);
}

static bool read_count(const struct yaml_reader *r, struct json v, struct str pointer,
                       const char *key, int max, uint32_t *ret_count)
{
    int64_t count = 0;
    if (!json_to_int64(v, &count) || count < 1 || count > max)
        return yaml_refuse(r, pointer, false, "%s must be a whole number from 1 to %d", key, max);
    *ret_count = (uint32_t)count;
    return true;
}

static bool read_concurrency(const struct yaml_reader *r, struct json v, struct str pointer,
                             struct binding *b)
{
    return read_count(r, v, pointer, "concurrency", BINDING_CONCURRENCY_MAX, &b->concurrency);
}

static bool read_environment(const struct yaml_reader *r, struct json v, struct str pointer,
                             struct binding *b)
{
    if (!json_is_object(v))
        return yaml_refuse(r, pointer, false, "environment must be a mapping of names to strings");
    for (size_t i = 0; i < json_count(v); i++) {
        const struct json_member *m = &json_members(v)[i];
        struct str name = json_str(m->key);
        struct str at = json_pointer_child(r->arena, pointer, name);
        if (!is_word(m->key) || name.len == 0 || str_find_char(name, '=') != SIZE_MAX)
            return yaml_refuse(r, at, true, "\"" STR_FMT "\" cannot name an environment variable",
                               STR_ARG(name));
        if (str_starts_with(name, STR("PAWL_")))
            return yaml_refuse(r, at, true, "names that begin with PAWL_ are set by Pawl itself");
        if (!is_word(m->value))
            return yaml_refuse(r, at, false, "\"" STR_FMT "\" must be a string; put it into quotes",
                               STR_ARG(name));
    }
    b->environment = v;
    return true;
}

/* ---- the keys of a runtime ---- */

static bool read_command(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *b)
{
    return read_words(r, v, pointer, "command", b);
}

static bool read_handler(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *b)
{
    b->runtime.handler = json_str(v);
    if (!is_word(v) || !b->runtime.handler.len || b->runtime.handler.len > BINDING_HANDLER_MAX)
        return yaml_refuse(r, pointer, false,
                           "handler must be a string of 1 to %d bytes, such as \"app.handler\"",
                           BINDING_HANDLER_MAX);
    return true;
}

static bool read_idle(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b)
{
    return read_seconds(r, v, pointer, "idle_seconds", &b->runtime.idle_ms);
}

static bool read_init(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b)
{
    return read_seconds(r, v, pointer, "init_seconds", &b->runtime.init_ms);
}

static bool read_memory(const struct yaml_reader *r, struct json v, struct str pointer,
                        struct binding *b)
{
    return read_count(r, v, pointer, "memory_mb", BINDING_MEMORY_MB_MAX, &b->runtime.memory_mb);
}

static bool read_workers(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *b)
{
    return read_count(r, v, pointer, "concurrency", RUNTIME_WORKERS_MAX, &b->concurrency);
}

typedef bool read_key(const struct yaml_reader *r, struct json v, struct str pointer,
                      struct binding *b);

struct key {
    const char *name;
    read_key *read;
    bool is_kind; /* says how: exactly one of these */
};

/* Refuses what is not among the keys, reads what is; *ret_kinds, which may be NULL, counts. */
static bool read_keys(const struct yaml_reader *r, struct json v, struct str pointer,
                      const struct key *keys, size_t count, struct binding *b, size_t *ret_kinds)
{
    const char **names = ARENA_ARRAY(r->arena, const char *, count + 1);
    for (size_t i = 0; i < count; i++)
        names[i] = keys[i].name;
    if (!yaml_check_keys(r, v, pointer, names))
        return false;
    for (size_t i = 0; i < count; i++) {
        struct json value = json_get(v, str_of_cstr(keys[i].name));
        if (json_is_absent(value))
            continue;
        if (ret_kinds)
            *ret_kinds += keys[i].is_kind;
        if (!keys[i].read(r, value, yaml_child(r, pointer, keys[i].name), b))
            return false;
    }
    return true;
}

static bool read_runtime(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *b)
{
    static const struct key keys[] = {
        {"command", read_command, false},   {"concurrency", read_workers, false},
        {"handler", read_handler, false},   {"idle_seconds", read_idle, false},
        {"init_seconds", read_init, false}, {"memory_mb", read_memory, false},
    };
    b->kind = BINDING_RUNTIME;
    b->concurrency = RUNTIME_CONCURRENCY_DEFAULT;
    b->runtime = (struct binding_runtime){
        .idle_ms = RUNTIME_IDLE_MS_DEFAULT,
        .init_ms = RUNTIME_INIT_MS_DEFAULT,
        .memory_mb = RUNTIME_MEMORY_MB_DEFAULT,
    };
    if (!json_is_object(v))
        return yaml_refuse(r, pointer, false, "runtime must be a mapping with command");
    if (!read_keys(r, v, pointer, keys, COUNT_OF(keys), b, NULL))
        return false;
    return b->argc ||
           yaml_refuse(r, pointer, false, "command is missing: the words that start a worker");
}

/* ---- a binding ---- */

static const struct key keys[] = {
    {"resource", read_resource, false},
    {"exec", read_exec, true},
    {"http", read_http, true},
    {"echo", read_echo, true},
    {"runtime", read_runtime, true},
    {"timeout_seconds", read_timeout, false},
    {"concurrency", read_concurrency, false},
    {"environment", read_environment, false},
};

/* What Lambda itself sets, and what Pawl says to its workers. */
static bool check_runtime_environment(const struct yaml_reader *r, struct str pointer,
                                      struct json environment)
{
    static const struct str reserved[] = {STR_INIT("AWS_LAMBDA_"), STR_INIT("_HANDLER"),
                                          STR_INIT("LAMBDA_TASK_ROOT")};
    for (size_t i = 0; i < json_count(environment); i++) {
        struct str name = json_str(json_members(environment)[i].key);
        for (size_t k = 0; k < COUNT_OF(reserved); k++)
            if (str_starts_with(name, reserved[k]))
                return yaml_refuse(r, json_pointer_child(r->arena, pointer, name), true,
                                   "\"" STR_FMT "\" is set by Pawl itself, as Lambda sets it",
                                   STR_ARG(name));
    }
    return true;
}

/* What goes together, once each key is read. */
static bool check_binding(const struct yaml_reader *r, struct json v, struct str pointer,
                          const struct binding *b, size_t kinds)
{
    struct str environment = yaml_child(r, pointer, "environment");
    bool runs = b->kind == BINDING_EXEC || b->kind == BINDING_RUNTIME;
    if (b->resource.len == 0)
        return yaml_refuse(r, pointer, false, "resource is missing");
    if (kinds != 1)
        return yaml_refuse(r, pointer, false,
                           "%s of exec, http, runtime and echo must say what carries out \"" STR_FMT
                           "\"",
                           kinds ? "only one" : "one", STR_ARG(b->resource));
    if (!runs && !json_is_absent(b->environment))
        return yaml_refuse(r, environment, true,
                           "environment is for commands (exec, runtime) only");
    if (b->kind != BINDING_RUNTIME)
        return true;
    if (!json_is_absent(json_get(v, STR("concurrency"))))
        return yaml_refuse(
            r, yaml_child(r, pointer, "concurrency"), true,
            "the concurrency of a runtime is given inside of runtime: it is how many "
            "workers there may be");
    return check_runtime_environment(r, environment, b->environment);
}

static bool read_binding(const struct yaml_reader *r, struct json v, struct str pointer,
                         struct binding *ret_binding)
{
    struct binding b = {0};
    size_t kinds = 0;
    if (!json_is_object(v))
        return yaml_refuse(r, pointer, false,
                           "a binding must be a mapping with resource and exec, "
                           "http, runtime or echo");
    if (!read_keys(r, v, pointer, keys, COUNT_OF(keys), &b, &kinds) ||
        !check_binding(r, v, pointer, &b, kinds))
        return false;
    *ret_binding = b;
    return true;
}

static bool read_list(const struct yaml_reader *r, struct json list, struct bindings *b)
{
    struct str pointer = STR("/bindings");
    if (json_is_absent(list) || json_is_null(list))
        return true;
    if (!json_is_array(list) || json_count(list) > BINDINGS_MAX)
        return yaml_refuse(r, pointer, false, "bindings must be a list of at most %d",
                           BINDINGS_MAX);
    struct binding *items = ARENA_ARRAY(r->arena, struct binding, json_count(list));
    for (size_t i = 0; i < json_count(list); i++)
        if (!read_binding(r, json_at(list, i), json_pointer_item(r->arena, pointer, i), &items[i]))
            return false;
    b->items = items;
    b->count = json_count(list);
    return true;
}

bool bindings_read(const struct yaml_reader *r, struct str folder, struct bindings *ret_bindings)
{
    struct bindings b = {.folder = arena_str(r->arena, folder)};
    if (!read_list(r, json_get(r->root, STR(BINDINGS_KEY)), &b))
        return false;
    *ret_bindings = b;
    return true;
}

/* ---- use ---- */

static bool matches(const struct binding *b, const struct callee *c)
{
    struct str pattern = b->resource;
    if (str_find_char(pattern, ':') == SIZE_MAX)
        return c->is_function && str_matches_wildcard(c->name, pattern);
    if (str_matches_wildcard(c->resource, pattern))
        return true;
    return c->is_function && (str_matches_wildcard(c->arn, pattern) ||
                              str_matches_wildcard(c->qualified_arn, pattern));
}

const struct binding *bindings_find(const struct bindings *b, const struct callee *callee)
{
    for (size_t i = 0; i < b->count; i++)
        if (matches(&b->items[i], callee))
            return &b->items[i];
    return NULL;
}

const char *binding_fill(struct arena *a, struct str text, struct str name)
{
    const struct str mark = STR("{name}");
    struct buf filled = BUF_INIT(0);
    for (size_t at; (at = str_find(text, mark)) != SIZE_MAX;) {
        buf_append(&filled, str_slice(text, 0, at));
        buf_append(&filled, name);
        text = str_slice(text, at + mark.len, text.len);
    }
    buf_append(&filled, text);
    const char *whole = arena_cstr(a, buf_str(&filled));
    buf_release(&filled);
    return whole;
}
