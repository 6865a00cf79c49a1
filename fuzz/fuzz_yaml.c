/* Any bytes as YAML: read, and what was read is a JSON value like any other. */
#include "json/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_place(struct str text, struct str pointer, bool key)
{
    struct json_place place = yaml_locate(text, pointer, key);
    ASSERT(place.offset + place.length <= text.len);
    ASSERT(place.line > 0 && place.column > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_of((const char *)data, size);
    struct arena *a = arena_new(8 << 20);
    struct json_limits limits = {0};
    struct json v, back;
    struct err e = {0};
    if (yaml_parse(a, text, limits, &v, &e)) {
        struct arena *work = arena_new(0);
        struct str written = json_text(work, v);
        ASSERT(json_parse(work, written, limits, JSON_DUPLICATES_REFUSE, &back, NULL));
        ASSERT(json_equal(v, back));
        arena_free(work);
    } else {
        ASSERT(e.code != ERR_NONE && e.offset <= size && e.line > 0 && e.column > 0);
    }
    check_place(text, STR("/a/1/b"), true);
    check_place(text, STR("/0/0/0"), false);
    arena_free(a);
    return 0;
}
