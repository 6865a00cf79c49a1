/* Journals as hostile rows: each line of the input is the body of a turn, with a
 * checksum that fits. They are read, folded into a run and viewed, as far as they go. */
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

/* The next line, without its end; false when there is none. */
static bool next_line(struct str *rest, struct str *ret_line)
{
    if (str_is_empty(*rest))
        return false;
    size_t end = str_find_char(*rest, '\n');
    *ret_line = str_slice(*rest, 0, end);
    *rest = str_slice(*rest, end == SIZE_MAX ? end : end + 1, rest->len);
    return true;
}

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

static void read_all(struct arena *a, struct run *run, struct str rest)
{
    struct journal_reader *reader = journal_reader_new(run_arena(run));
    struct step_list steps = {0};
    struct str line;
    for (uint32_t turn = 0; next_line(&rest, &line); turn++) {
        struct journal_row row = {
            .turn = turn,
            .rules_version = FLOW_RULES_VERSION,
            .cause = turn ? FLOW_CONTINUE : FLOW_START,
            .at = {1000 + (int64_t)turn},
            .body = line,
            .checksum = checksum64(line),
        };
        struct journal_turn read;
        struct err err;
        if (!journal_fold(reader, &row, run, &read, &err)) {
            ASSERT(err.code == ERR_CORRUPT || err.code == ERR_NEWER_SCHEMA);
            return;
        }
        view(a, run, &steps, &read);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_new(0);
    struct flow_limits limits = flow_limits_default();
    struct diag_list diags = diag_list(a);
    const struct machine *machine;
    struct err err;
    if (!asl_compile(a, STR(definition), &diags, &machine, &err))
        UNREACHABLE("the definition is valid");
    struct run *run = run_new(machine, &identity, &limits);
    read_all(a, run, str_of((const char *)data, size));
    run_free(run);
    arena_free(a);
    return 0;
}
