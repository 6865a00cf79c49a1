/* Turns to bytes and back: what is written, what is refused, and that journals of
 * every release stay readable (tests/golden/journal/; test_golden_journal.c). */
#include "journal/fields.h"
#include "journal/journal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

enum {
    AT = 1000
};

struct fixture {
    struct arena *arena;
    struct journal_reader *reader;
    struct buf body;
    struct err err;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->arena = arena_new(0);
    f->reader = journal_reader_new(f->arena);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    buf_release(&f->body);
    arena_free(f->arena);
    free(f);
    return 0;
}

static struct journal_row row_of(uint32_t turn, struct str body)
{
    return (struct journal_row){
        .turn = turn,
        .rules_version = FLOW_RULES_VERSION,
        .cause = FLOW_START,
        .at = {AT},
        .body = body,
        .checksum = checksum64(body),
    };
}

static struct journal_turn must_read(struct fixture *f, uint32_t number, struct str body)
{
    struct journal_turn turn = {0};
    struct journal_row row = row_of(number, body);
    if (!journal_read(f->reader, &row, &turn, &f->err))
        fail_msg("%s", f->err.message);
    return turn;
}

static struct journal_turn must_encode_and_read(struct fixture *f, const struct flow_turn *turn)
{
    buf_clear(&f->body);
    journal_encode(turn, &f->body);
    struct journal_turn read = must_read(f, turn->number, buf_str(&f->body));
    assert_int_equal(read.count, turn->event_count);
    return read;
}

static struct flow_event plain(enum event_kind kind)
{
    return (struct flow_event){
        .kind = kind, .attempt = 1, .state = STATE_NO_NONE, .next = STATE_NO_NONE};
}

/* ---- every field of every kind ---- */

#define SAME_KIND(m) assert_int_equal(a->m, b->m);
#define SAME_U32(m) assert_int_equal(a->m, b->m);
#define SAME_ORDINAL(m) assert_int_equal(a->m, b->m);
#define SAME_STATE(m) assert_int_equal(a->m, b->m);
#define SAME_I64(m) assert_true(a->m == b->m);
#define SAME_REAL(m) assert_true(a->m == b->m);
#define SAME_SLOT(m)                                                                               \
    assert_true(json_equal(a->m.value, b->m.value));                                               \
    if (!json_is_absent(a->m.value)) {                                                             \
        assert_int_equal(a->m.turn, b->m.turn);                                                    \
        assert_int_equal(a->m.index, b->m.index);                                                  \
    }
#define SAME_FLAGGED(m)                                                                            \
    assert_int_equal(a->has_##m, b->has_##m);                                                      \
    assert_true(str_eq(a->m, b->m));
#define SAME_TEXT(m) assert_true(str_eq(a->m, b->m));
#define SAME_JSON(m) assert_true(json_equal(a->m, b->m));
#define SAME_FIELD(type, name, member, what) SAME_##type(member)

static void assert_same_event(const struct flow_event *a, const struct flow_event *b)
{
    JOURNAL_FIELD_TABLE(SAME_FIELD)
    assert_int_equal(b->id, 0);
    assert_int_equal(b->previous_id, 0);
}

static struct flow_event extreme(enum event_kind kind, const struct json *value)
{
    return (struct flow_event){
        .kind = kind,
        .frame = UINT32_MAX,
        .state = UINT32_MAX - 1,
        .step = UINT32_MAX,
        .attempt = UINT32_MAX,
        .generation = UINT32_MAX,
        .next = UINT32_MAX - 1,
        .child = UINT32_MAX,
        .index = UINT32_MAX,
        .length = INT64_MAX,
        .timeout = INT64_MAX,
        .heartbeat = INT64_MAX,
        .concurrency = INT64_MAX,
        .tolerated_count = INT64_MIN,
        .tolerated_percentage = 1.7976931348623157e308,
        .wake_ms = INT64_MAX,
        .value = {*value, 0, 1},
        .assigned = {*value, 0, 1},
        .has_error = true,
        .has_cause = true,
        .error = STR("\"\\\n\x01é"),
        .cause = STR("C"),
        .text = STR("arn:aws:states:us-east-1:000000000000:mapRun:m/x:1"),
        .log = *value,
    };
}

static const enum event_kind kinds[] = {
#define KIND(number, constant, name, details, shape) EVENT_##constant,
    EVENT_TABLE(KIND)
#undef KIND
};

static void test_every_kind_round_trips(void **state)
{
    struct fixture *f = *state;
    struct json values[] = {json_null(), json_string(STR("v"))};
    struct flow_event events[3 * COUNT_OF(kinds)];
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        events[3 * i] = (struct flow_event){.kind = kinds[i]};
        events[3 * i + 1] = extreme(kinds[i], &values[1]);
        events[3 * i + 2] = plain(kinds[i]);
    }
    struct flow_turn turn = {
        .events = events, .event_count = COUNT_OF(events), .values = values, .value_count = 2};
    struct journal_turn read = must_encode_and_read(f, &turn);
    for (size_t i = 0; i < COUNT_OF(events); i++)
        assert_same_event(&events[i], &read.events[i]);
    assert_int_equal(read.number, 0);
    assert_int_equal(read.cause, FLOW_START);
    assert_int_equal(read.at.ms, AT);
}

/* The bytes are stored for ever, so they are pinned here. */
static void test_the_bytes(void **state)
{
    struct fixture *f = *state;
    struct json values[] = {json_null(), json_int(7)};
    struct flow_event events[] = {plain(EVENT_EXECUTION_STARTED), plain(EVENT_PASS_ENTERED),
                                  plain(EVENT_PASS_EXITED), extreme(EVENT_TASK_LOG, &values[1])};
    events[0].value = (struct slot){values[0], 0, 0};
    events[1].state = 0;
    events[2].has_cause = true;
    events[3].tolerated_percentage = 12.5;
    struct flow_turn turn = {
        .events = events, .event_count = COUNT_OF(events), .values = values, .value_count = 2};
    journal_encode(&turn, &f->body);
    assert_string_equal(
        buf_cstr(&f->body),
        "{\"v\":[null,7],\"e\":[{\"k\":1,\"v\":0},{\"k\":10,\"s\":0},{\"k\":20,\"c\":\"\"},"
        "{\"k\":104,\"f\":4294967295,\"s\":4294967294,\"n\":4294967295,\"a\":4294967295,"
        "\"g\":4294967295,\"x\":4294967294,\"ch\":4294967295,\"i\":4294967295,"
        "\"l\":9223372036854775807,\"t\":9223372036854775807,\"h\":9223372036854775807,"
        "\"mc\":9223372036854775807,\"tc\":-9223372036854775808,\"tp\":12.5,"
        "\"w\":9223372036854775807,\"v\":1,\"av\":1,\"e\":\"\\\"\\\\\\n\\u0001é\",\"c\":\"C\","
        "\"tx\":\"arn:aws:states:us-east-1:000000000000:mapRun:m/x:1\",\"lg\":7}]}");
}

static void test_an_empty_turn(void **state)
{
    struct fixture *f = *state;
    struct flow_turn turn = {0};
    must_encode_and_read(f, &turn);
    assert_string_equal(buf_cstr(&f->body), "{\"v\":[],\"e\":[]}");
}

/* ---- values ---- */

static void test_values_of_earlier_turns(void **state)
{
    struct fixture *f = *state;
    must_read(f, 0, STR("{\"v\":[\"a\",{\"b\":[1.0]}],\"e\":[]}"));
    must_read(f, 1, STR("{\"v\":[],\"e\":[]}"));
    struct json value = json_string(STR("c"));
    struct flow_event events[] = {plain(EVENT_PASS_EXITED), plain(EVENT_PASS_EXITED)};
    events[0].value = (struct slot){json_bool(true), 0, 1};
    events[1].value = (struct slot){value, 2, 0};
    struct flow_turn turn = {
        .number = 2, .events = events, .event_count = 2, .values = &value, .value_count = 1};
    struct journal_turn read = must_encode_and_read(f, &turn);
    assert_string_equal(buf_cstr(&f->body),
                        "{\"v\":[\"c\"],\"e\":[{\"k\":20,\"v\":[0,1]},{\"k\":20,\"v\":0}]}");
    const struct slot *old = &read.events[0].value, *own = &read.events[1].value;
    assert_int_equal(old->turn, 0);
    assert_int_equal(old->index, 1);
    assert_string_equal(arena_cstr(f->arena, json_text(f->arena, old->value)), "{\"b\":[1.0]}");
    assert_int_equal(own->turn, 2);
    assert_int_equal(own->index, 0);
    assert_true(json_equal(own->value, value));
}

static struct str reread(struct fixture *f, struct json value)
{
    struct flow_event event = plain(EVENT_PASS_ENTERED);
    event.value = (struct slot){value, 0, 0};
    struct flow_turn turn = {
        .events = &event, .event_count = 1, .values = &value, .value_count = 1};
    struct journal_turn read = must_encode_and_read(f, &turn);
    return json_text(f->arena, read.events[0].value.value);
}

/* An execution can nest deeper than any text from outside may. */
static void test_deep_values(void **state)
{
    struct fixture *f = *state;
    struct json value = json_array(NULL, 0);
    for (int i = 0; i < 5000; i++) {
        struct json *item = arena_dup(f->arena, &value, sizeof(value));
        value = json_array(item, 1);
    }
    struct str text = json_text(f->arena, value);
    assert_true(str_eq(reread(f, value), text));
}

static void test_odd_texts(void **state)
{
    struct fixture *f = *state;
    struct json value = json_string(STR("\xed\xa0\xbd nul \0 <\x7f>"));
    struct str text = json_text(f->arena, value);
    assert_true(str_eq(reread(f, value), text));
}

static void test_nothing_refers_to_the_row(void **state)
{
    struct fixture *f = *state;
    buf_append(&f->body, STR("{\"v\":[{\"name\":[\"text\",12]}],"
                             "\"e\":[{\"k\":33,\"v\":0,\"e\":\"Error\",\"lg\":\"log\"}]}"));
    struct journal_turn turn = must_read(f, 0, buf_str(&f->body));
    memset(f->body.ptr, '#', f->body.len);
    const struct flow_event *e = turn.events;
    assert_true(str_eq(json_text(f->arena, e->value.value), STR("{\"name\":[\"text\",12]}")));
    assert_true(str_eq(e->error, STR("Error")));
    assert_true(str_eq(json_str(e->log), STR("log")));
}

/* ---- limits ---- */

static void test_a_full_buffer(void **state)
{
    struct fixture *f = *state;
    struct flow_turn turn = {0};
    f->body.size_max = 5;
    journal_encode(&turn, &f->body);
    assert_true(f->body.over);
}

static void test_a_small_arena(void **state)
{
    struct fixture *f = *state;
    const struct str bodies[] = {
        STR_INIT("{\"v\":[],\"e\":[{\"k\":1},{\"k\":1}]}"),
        STR_INIT("{\"v\":[[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26]],"
                 "\"e\":[]}"),
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct arena *small = arena_new(400);
        struct journal_reader *reader = journal_reader_new(small);
        struct journal_row row = row_of(0, bodies[i]);
        struct journal_turn turn;
        assert_false(journal_read(reader, &row, &turn, &f->err));
        assert_int_equal(f->err.code, ERR_MEMORY_LIMIT);
        arena_free(small);
    }
}

/* ---- what is refused ---- */

static const struct {
    const char *body, *message; /* after "turn 1 of the journal is damaged: " */
} damaged[] = {
    {"", "the text is empty"},
    {"{", ""},
    {"[]", "its body is not an object"},
    {"{}", "its values \"v\" are not an array"},
    {"{\"v\":{},\"e\":[]}", "its values \"v\" are not an array"},
    {"{\"v\":[]}", "its events \"e\" are not an array"},
    {"{\"v\":[],\"e\":{}}", "its events \"e\" are not an array"},
    {"{\"v\":[],\"e\":[],\"b\":[]}", "its blobs \"b\" are not an object"},
    {"{\"v\":[],\"e\":[],\"z\":1}", "its body has an unknown member"},
    {"{\"v\":[],\"b\":{},\"e\":[],\"z\":1}", "its body has an unknown member"},
    {"{\"v\":[],\"e\":[],\"e\":[]}", "the name \"e\" stands twice"},
    {"{\"v\":[],\"e\":[7]}", "event 0 is not an object"},
    {"{\"v\":[],\"e\":[{\"k\":1},{}]}",
     "field \"k\" of event 1 is not a whole number from 0 to 4294967295"},
    {"{\"v\":[],\"e\":[{\"k\":7}]}", "event 0 is of the unknown kind 7"},
    {"{\"v\":[],\"e\":[{\"k\":117}]}", "event 0 is of the unknown kind 117"},
    {"{\"v\":[],\"e\":[{\"k\":0}]}", "event 0 is of the unknown kind 0"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"q\":1}]}", "event 0 has an unknown field \"q\""},
    {"{\"v\":[],\"e\":[{\"k\":1,\"id\":1}]}", "event 0 has an unknown field \"id\""},
    {"{\"v\":[],\"e\":[{\"k\":1,\"f\":-1}]}",
     "field \"f\" of event 0 is not a whole number from 0 to 4294967295"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"s\":4294967296}]}",
     "field \"s\" of event 0 is not a whole number from 0 to 4294967295"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"x\":null}]}",
     "field \"x\" of event 0 is not a whole number from 0 to 4294967295"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"a\":1.5}]}",
     "field \"a\" of event 0 is not a whole number from 0 to 4294967295"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"l\":9223372036854775808}]}",
     "field \"l\" of event 0 is not a whole number"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"w\":\"1\"}]}", "field \"w\" of event 0 is not a whole number"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"tp\":1e999}]}", "field \"tp\" of event 0 is not a number"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"tp\":\"5\"}]}", "field \"tp\" of event 0 is not a number"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"e\":null}]}", "field \"e\" of event 0 is not a text"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"tx\":3}]}", "field \"tx\" of event 0 is not a text"},
    {"{\"v\":[],\"e\":[{\"k\":1,\"v\":0}]}",
     "field \"v\" of event 0 is not a reference to a value that exists"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"av\":1}]}",
     "field \"av\" of event 0 is not a reference to a value that exists"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":-1}]}",
     "field \"v\" of event 0 is not a reference to a value that exists"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":[0,2]}]}",
     "field \"v\" of event 0 is not a reference to a value that exists"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":[1,0]}]}",
     "field \"v\" of event 0 is not a reference to an earlier turn"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":[4294967295,0]}]}",
     "field \"v\" of event 0 is not a reference to an earlier turn"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":[0]}]}",
     "field \"v\" of event 0 is not a reference to an earlier turn"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":[0,0,0]}]}",
     "field \"v\" of event 0 is not a reference to an earlier turn"},
    {"{\"v\":[1],\"e\":[{\"k\":1,\"v\":{}}]}",
     "field \"v\" of event 0 is not a reference to a value that exists"},
};

static void test_damaged_bodies(void **state)
{
    struct fixture *f = *state;
    static const char prefix[] = "turn 1 of the journal is damaged: ";
    must_read(f, 0, STR("{\"v\":[true,false],\"e\":[]}"));
    for (size_t i = 0; i < COUNT_OF(damaged); i++) {
        struct journal_row row = row_of(1, str_of_cstr(damaged[i].body));
        struct journal_turn turn;
        if (journal_read(f->reader, &row, &turn, &f->err))
            fail_msg("%s was read", damaged[i].body);
        assert_int_equal(f->err.code, ERR_CORRUPT);
        assert_memory_equal(f->err.message, prefix, sizeof(prefix) - 1);
        if (!strstr(f->err.message, damaged[i].message))
            fail_msg("%s: %s", damaged[i].body, f->err.message);
    }
    /* and the reader goes on as if nothing had been */
    must_read(f, 1, STR("{\"v\":[],\"e\":[{\"k\":1,\"v\":[0,1]}]}"));
}

static void refuse(struct fixture *f, struct journal_row row, enum err_code code,
                   const char *message)
{
    struct journal_turn turn;
    assert_false(journal_read(f->reader, &row, &turn, &f->err));
    assert_int_equal(f->err.code, code);
    assert_string_equal(f->err.message, message);
}

static void test_damaged_rows(void **state)
{
    struct fixture *f = *state;
    const struct str body = STR("{\"v\":[],\"e\":[]}");
    must_read(f, 0, body);

    struct journal_row row = row_of(1, body);
    row.checksum ^= 1;
    refuse(f, row, ERR_CORRUPT,
           "turn 1 of the journal is damaged: its checksum does not match its body");
    row = row_of(2, body);
    refuse(f, row, ERR_CORRUPT, "turn 1 of the journal is missing; turn 2 follows");
    row = row_of(0, body);
    refuse(f, row, ERR_CORRUPT, "turn 1 of the journal is missing; turn 0 follows");
    row = row_of(1, body);
    row.rules_version = FLOW_RULES_VERSION + 1;
    refuse(f, row, ERR_NEWER_SCHEMA,
           "turn 1 of the journal was decided by rules 2; this release knows up to 1");
    row.rules_version = 0;
    refuse(f, row, ERR_CORRUPT, "turn 1 of the journal is damaged: its rules version is 0");
    row = row_of(1, body);
    row.cause = 0;
    refuse(f, row, ERR_CORRUPT, "turn 1 of the journal is damaged: its cause 0 is unknown");
    row.cause = FLOW_CAUSE_LAST + 1;
    refuse(f, row, ERR_CORRUPT, "turn 1 of the journal is damaged: its cause 16 is unknown");
    row = row_of(1, body);
    row.at.ms = AT - 1;
    refuse(f, row, ERR_CORRUPT,
           "turn 1 of the journal is damaged: its time is before the previous turn's");
}

static void test_blobs_of_a_newer_release(void **state)
{
    struct fixture *f = *state;
    refuse(f,
           row_of(0, STR("{\"v\":[null],\"b\":{\"0\":{\"hash\":\"\",\"size\":1,\"codec\":\"\"}},"
                         "\"e\":[]}")),
           ERR_NEWER_SCHEMA,
           "turn 0 of the journal keeps values in blob storage, which this release does not read");
}

/* ---- the page that documents the fields ---- */

static struct str read_source(struct fixture *f, const char *path)
{
    const char *root = getenv("PAWL_SOURCE_ROOT");
    if (!root)
        skip();
    struct str name = arena_printf(f->arena, "%s/%s", root, path);
    FILE *file = fopen(arena_cstr(f->arena, name), "rb");
    assert_non_null(file);
    char part[4096];
    size_t size;
    while ((size = fread(part, 1, sizeof(part), file)) > 0)
        buf_append(&f->body, str_of(part, size));
    fclose(file);
    return buf_str(&f->body);
}

static void test_every_field_is_documented(void **state)
{
    struct fixture *f = *state;
    struct str page = read_source(f, "docs/adr/0006-journal.md");
#define DOCUMENTED(type, name, member, what)                                                       \
    if (str_find(page, STR("| `" name "` | " #member " | " what " |\n")) == SIZE_MAX)              \
        fail_msg("no line | `%s` | %s | %s |", name, #member, what);
    JOURNAL_FIELD_TABLE(DOCUMENTED)
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_every_kind_round_trips),
        TEST(test_the_bytes),
        TEST(test_an_empty_turn),
        TEST(test_values_of_earlier_turns),
        TEST(test_deep_values),
        TEST(test_odd_texts),
        TEST(test_nothing_refers_to_the_row),
        TEST(test_a_full_buffer),
        TEST(test_a_small_arena),
        TEST(test_damaged_bodies),
        TEST(test_damaged_rows),
        TEST(test_blobs_of_a_newer_release),
        TEST(test_every_field_is_documented),
    };
    return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
