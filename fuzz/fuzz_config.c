/* Any bytes as a configuration: taken or refused with a place; what is taken can
 * be looked up and filled in, names its programs itself, and sets no limit outside
 * its bounds. */
#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct arena *a, const struct binding *b)
{
    ASSERT(b->resource.len > 0 && b->resource.len <= BINDING_PATTERN_MAX);
    if (b->kind == BINDING_HTTP)
        ASSERT(str_starts_with(str_of_cstr(binding_fill(a, b->url, STR("job"))), STR("http")));
    if (b->kind != BINDING_EXEC && b->kind != BINDING_RUNTIME)
        return;
    ASSERT(b->kind == BINDING_EXEC || (b->concurrency && b->concurrency <= RUNTIME_WORKERS_MAX));
    ASSERT(b->argc > 0 && b->argc <= BINDING_WORDS_MAX);
    /* The name decides at most about what lies in a folder that the file names. */
    struct str program = b->argv[0];
    size_t name = str_find(program, STR("{name}"));
    ASSERT(program.len && (name == SIZE_MAX || str_find_char(program, '/') < name));
    for (size_t i = 0; i < b->argc; i++)
        ASSERT(strlen(binding_fill(a, b->argv[i], STR("job"))) <= 8 * b->argv[i].len + 3);
}

static void check_limits(const struct settings *s)
{
    for (size_t i = 0; i < limit_count; i++) {
        size_t value;
        memcpy(&value, (const char *)s + limits[i].offset, sizeof(value));
        ASSERT(value >= limits[i].least && value <= limits[i].most);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(64 << 20);
    struct config config;
    struct err e = {0};
    if (config_parse(a, str_of((const char *)data, size), STR("/"), &config, &e)) {
        struct bindings b = config.bindings;
        ASSERT(b.count <= BINDINGS_MAX);
        check_limits(&config.settings);
        for (size_t i = 0; i < b.count; i++)
            use(a, &b.items[i]);
        struct callee c = callee_resolve(a, STR("job"), STR(""), STR(""));
        const struct binding *found = bindings_find(&b, &c);
        ASSERT(!found || (found >= b.items && found < b.items + b.count));
    } else {
        ASSERT(e.code != ERR_NONE && e.message[0]);
    }
    arena_free(a);
    return 0;
}
