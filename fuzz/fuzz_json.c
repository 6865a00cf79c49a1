/* Any bytes as JSON: read, write, read again, compare, copy, locate. The first
 * byte chooses among the options. */
#include "base/utf8.h"
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_value(struct arena *a, struct json v, struct json_limits limits)
{
    struct json back, copy = json_copy(a, v);
    struct str text = json_text(a, copy);
    ASSERT(utf8_valid_up_to(text) == text.len);
    ASSERT(json_parse(a, text, limits, JSON_DUPLICATES_REFUSE, &back, NULL));
    ASSERT(json_equal(v, back) && json_equal(back, copy));
    ASSERT(str_eq(text, json_text(a, back)));
    struct buf pretty = BUF_INIT(0);
    json_write_pretty(&pretty, v);
    ASSERT(json_parse(a, buf_str(&pretty), limits, JSON_DUPLICATES_REFUSE, &back, NULL));
    ASSERT(json_equal(v, back));
    buf_release(&pretty);
}

static void check_place(struct str text, struct str pointer, struct json v, struct arena *a)
{
    struct json_place place = json_locate(text, pointer, false);
    ASSERT(place.offset + place.length <= text.len);
    struct json here = json_pointer(v, pointer), found;
    if (json_is_absent(here))
        return;
    struct json_limits limits = {0};
    struct str part = str_slice(text, place.offset, place.offset + place.length);
    ASSERT(json_parse(a, part, limits, JSON_DUPLICATES_LAST, &found, NULL));
    ASSERT(json_equal(here, found));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool refuse = data[0] & 1, tight = data[0] & 2;
    struct str text = str_of((const char *)data + 1, size - 1);
    struct arena *a = arena_new(tight ? 1024 : 64 << 20);
    struct json_limits limits = {.depth_max = tight ? 8 : 0};
    struct json v;
    struct err e = {0};
    if (json_parse(a, text, limits, refuse ? JSON_DUPLICATES_REFUSE : JSON_DUPLICATES_LAST, &v,
                   &e)) {
        struct arena *work = arena_new(0);
        ASSERT(!arena_over(a));
        check_value(work, v, limits);
        check_place(text, STR("/0"), v, work);
        check_place(text, STR("/a/1"), v, work);
        check_place(text, STR("/a~1b/"), v, work);
        arena_free(work);
    } else {
        ASSERT(e.code != ERR_NONE && e.offset <= text.len && e.line > 0 && e.column > 0);
        struct json_place place = json_locate(text, STR("/a/1"), true);
        ASSERT(place.offset + place.length <= text.len);
    }
    arena_free(a);
    return 0;
}
