/* Journals as hostile rows: they are read, folded into a run and viewed, as far as
 * they go, each with a checksum that fits. An input is either text, a line the body
 * of a turn; or '#' and then eight bytes an event, which reach deeper into the run
 * than damaged text does and are written by the encoder first.
 */
#include "asl/compile.h"
#include "journal/journal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TASK "\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:f\""

/* States 0 to 9, in this order: the corpus names them by number. */
static const char definition[] =
    "{\"StartAt\":\"Pass\",\"States\":{"
    "\"Pass\":{\"Type\":\"Pass\",\"Next\":\"Task\"},"
    "\"Task\":{" TASK ",\"Next\":\"Each\","
    "\"Retry\":[{\"ErrorEquals\":[\"Again\"]}],"
    "\"Catch\":[{\"ErrorEquals\":[\"States.ALL\"],\"Next\":\"Wait\"}]},"
    "\"Each\":{\"Type\":\"Map\",\"Next\":\"Far\",\"ItemProcessor\":{\"StartAt\":\"Fork\","
    "\"States\":{"
    "\"Fork\":{\"Type\":\"Parallel\",\"End\":true,\"Branches\":["
    "{\"StartAt\":\"Left\",\"States\":{\"Left\":{" TASK ",\"End\":true}}},"
    "{\"StartAt\":\"Right\",\"States\":{\"Right\":{\"Type\":\"Pass\",\"End\":true}}}]}}}},"
    "\"Far\":{\"Type\":\"Map\",\"Next\":\"Wait\",\"ToleratedFailureCount\":1,\"ItemProcessor\":{"
    "\"ProcessorConfig\":{\"Mode\":\"DISTRIBUTED\",\"ExecutionType\":\"STANDARD\"},"
    "\"StartAt\":\"Deep\",\"States\":{\"Deep\":{" TASK ",\"End\":true}}}},"
    "\"Wait\":{\"Type\":\"Wait\",\"Seconds\":5,\"Next\":\"End\"},"
    "\"End\":{\"Type\":\"Succeed\"}}}";

static const uint8_t secret[32];

static const struct flow_identity identity = {
    .execution_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:execution:m:x"),
    .name = STR_INIT("x"),
    .machine_arn = STR_INIT("arn:aws:states:us-east-1:000000000000:stateMachine:m"),
    .machine_name = STR_INIT("m"),
    .region = STR_INIT("us-east-1"),
    .account = STR_INIT("000000000000"),
    .secret = secret,
};

/* ---- where bodies come from ---- */

enum {
    EVENT_SIZE = 8,
    EVENTS_MAX = 32, /* in one turn */
    SMALL = 12,      /* numbers that may mean something in so small a machine */
};

static const enum event_kind kinds[] = {
#define KIND(number, constant, name, details, shape) EVENT_##constant,
    EVENT_TABLE(KIND)
#undef KIND
};

static const struct json values[] = {
    {.tag = JSON_TAG_NULL},
    {.tag = JSON_TAG_OBJECT},
    {.tag = JSON_TAG_ARRAY,
     .len = 2,
     .u.items = (const struct json[]){{.tag = JSON_TAG_TRUE}, {.tag = JSON_TAG_FALSE}}},
};

/* The last value stands for "none": no such state, no value, a large number. */
static uint32_t small(uint8_t byte)
{
    return byte % SMALL == SMALL - 1 ? UINT32_MAX : byte % SMALL;
}

static struct flow_event event_of(const uint8_t bytes[static EVENT_SIZE], uint32_t turn)
{
    struct flow_event e = {
        .kind = kinds[bytes[0] % COUNT_OF(kinds)],
        .frame = small(bytes[1]),
        .state = small(bytes[2]),
        .next = small(bytes[3]),
        .step = small(bytes[4]),
        .index = small(bytes[5]),
        .child = small(bytes[5]),
        .attempt = small(bytes[6]),
        .concurrency = bytes[6] / 64,
        .tolerated_count = bytes[6] / 32 - 1,
        .has_error = bytes[6] & 1,
        .error = STR("Again"),
    };
    size_t value = bytes[7] % (COUNT_OF(values) + 1);
    if (value < COUNT_OF(values))
        e.value = (struct slot){values[value], turn, (uint32_t)value};
    if (bytes[7] & 64)
        e.assigned = (struct slot){values[1], turn, 1};
    return e;
}

/* A turn ends at an event whose first byte is 255. */
static bool next_events(struct str *rest, uint32_t turn, struct buf *body)
{
    struct flow_event events[EVENTS_MAX];
    struct flow_turn t = {
        .number = turn, .events = events, .values = values, .value_count = COUNT_OF(values)};
    while (rest->len >= EVENT_SIZE && t.event_count < EVENTS_MAX) {
        uint8_t bytes[EVENT_SIZE];
        memcpy(bytes, rest->ptr, sizeof(bytes));
        *rest = str_slice(*rest, EVENT_SIZE, rest->len);
        if (bytes[0] == UINT8_MAX)
            break;
        events[t.event_count++] = event_of(bytes, turn);
    }
    journal_encode(&t, body);
    return t.event_count > 0;
}

static bool next_line(struct str *rest, struct buf *body)
{
    size_t end = str_find_char(*rest, '\n');
    bool more = !str_is_empty(*rest);
    buf_append(body, str_slice(*rest, 0, end));
    *rest = str_slice(*rest, end == SIZE_MAX ? end : end + 1, rest->len);
    return more;
}

/* False when there is no more. */
static bool next_body(bool text, struct str *rest, uint32_t turn, struct buf *body)
{
    buf_clear(body);
    return text ? next_line(rest, body) : next_events(rest, turn, body);
}

/* ---- what becomes of them ---- */

static void view(struct arena *a, struct run *run, struct step_list *steps,
                 const struct journal_turn *turn)
{
    struct buf b = BUF_INIT(0);
    steps_apply(steps, a, run, turn->events, turn->count, turn->at);
    for (size_t i = 0; i < turn->count; i++)
        json_write(&b, history_event(a, run, &turn->events[i], turn->at, true));
    run_dump(run, &b);
    buf_release(&b);
}

static bool read_one(struct arena *a, struct run *run, struct journal_reader *reader,
                     struct step_list *steps, uint32_t turn, struct str body)
{
    struct journal_row row = {
        .turn = turn,
        .rules_version = FLOW_RULES_VERSION,
        .cause = turn ? FLOW_CONTINUE : FLOW_START,
        .at = {1000 + (int64_t)turn},
        .body = body,
        .checksum = checksum64(body),
    };
    struct journal_turn read;
    struct err err;
    if (!journal_fold(reader, &row, run, &read, &err)) {
        ASSERT(err.code == ERR_CORRUPT || err.code == ERR_NEWER_SCHEMA);
        return false;
    }
    view(a, run, steps, &read);
    return true;
}

static void read_all(struct arena *a, struct run *run, struct str rest)
{
    struct journal_reader *reader = journal_reader_new(run_arena(run));
    struct step_list steps = {0};
    struct buf body = BUF_INIT(0);
    bool text = !str_starts_with(rest, STR("#"));
    if (!text)
        rest = str_slice(rest, 1, rest.len);
    uint32_t turn = 0;
    while (next_body(text, &rest, turn, &body) &&
           read_one(a, run, reader, &steps, turn, buf_str(&body)))
        turn++;
    buf_release(&body);
}

/* Compiled once, for speed: it is never changed. */
static const struct machine *the_machine(void)
{
    static struct arena *arena;
    static const struct machine *machine;
    if (!machine) {
        arena = arena_new(0);
        struct diag_list diags = diag_list(arena);
        struct err err;
        if (!asl_compile(arena, STR(definition), &diags, &machine, &err))
            UNREACHABLE("the definition is valid");
    }
    return machine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct flow_limits limits = flow_limits_default();
    struct run *run = run_new(the_machine(), &identity, &limits);
    read_all(a, run, str_of((const char *)data, size));
    run_free(run);
    arena_free(a);
    return 0;
}
