/* The context object (`$$`) and task tokens. */
#include "flow/flow_internal.h"

#include "base/base64.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

static struct json time_text(struct arena *a, struct wall_ms at)
{
    char text[TIME_TEXT_SIZE];
    return json_string_copy(a, str_of(text, wall_format(at, text)));
}

static struct json execution_part(struct turn *t, struct arena *a)
{
    const struct flow_identity *who = t->run->identity;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Id"), json_string(who->execution_arn));
    json_object_add(&b, STR("Input"), t->run->input.value);
    json_object_add(&b, STR("StartTime"), time_text(a, t->run->started_at));
    json_object_add(&b, STR("Name"), json_string(who->name));
    json_object_add(&b, STR("RoleArn"), json_string(who->role_arn));
    if (!who->express)
        json_object_add(&b, STR("RedriveCount"), json_int(t->run->redrive_count));
    if (t->run->redrive_count)
        json_object_add(&b, STR("RedriveTime"), time_text(a, t->run->redriven_at));
    return json_object_done(&b);
}

static struct json state_part(struct turn *t, const struct frame *frame, struct arena *a)
{
    const struct state *state = frame_state(t->run, frame);
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Name"), json_string(state->name));
    json_object_add(&b, STR("EnteredTime"), time_text(a, frame->entered_at));
    if (state->type == STATE_TASK || state->type == STATE_PARALLEL || state->type == STATE_MAP)
        json_object_add(&b, STR("RetryCount"), json_int(frame->retry_count));
    return json_object_done(&b);
}

static struct json machine_part(struct turn *t, struct arena *a)
{
    const struct flow_identity *who = t->run->identity;
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Id"), json_string(who->machine_arn));
    json_object_add(&b, STR("Name"), json_string(who->machine_name));
    return json_object_done(&b);
}

static struct json map_part(struct arena *a, struct json item, uint32_t index)
{
    struct json_object_builder inner = json_object_builder(a);
    json_object_add(&inner, STR("Index"), json_int(index));
    json_object_add(&inner, STR("Value"), item);
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Item"), json_object_done(&inner));
    return json_object_done(&b);
}

/* The item of the nearest Map around the frame. */
static bool item_of(const struct run *run, const struct frame *frame, struct json *ret_item,
                    uint32_t *ret_index)
{
    for (const struct frame *f = frame; f->parent != FRAME_NONE;) {
        const struct frame *parent = run_frame(run, f->parent);
        if (parent->fan->is_map) {
            *ret_index = f->index;
            *ret_item = json_at(parent->fan->items.value, f->index);
            return true;
        }
        f = parent;
    }
    struct json around = recovery_rerun(run);
    int64_t index = 0;
    *ret_item = json_get(around, STR("item"));
    (void)json_to_int64(json_get(around, STR("index")), &index);
    *ret_index = (uint32_t)index;
    return run->solo && !json_is_absent(*ret_item);
}

bool run_frame_item(const struct run *run, uint32_t frame, struct json *ret_item,
                    uint32_t *ret_index)
{
    const struct frame *f = run_frame(run, frame);
    return f && item_of(run, f, ret_item, ret_index);
}

/* ---- task tokens: key and seal, in base64 ---- */

enum {
    KEY_SIZE = 16,
    SEAL_SIZE = 16
};

static void put_number(uint8_t *to, uint64_t number, int size)
{
    for (int i = size; i-- > 0; number >>= 8)
        to[i] = (uint8_t)number;
}

static uint64_t take_number(const uint8_t *from, int size)
{
    uint64_t number = 0;
    for (int i = 0; i < size; i++)
        number = number << 8 | from[i];
    return number;
}

static void seal_key(const uint8_t *secret, const uint8_t key[static KEY_SIZE],
                     uint8_t ret_seal[static SEAL_SIZE])
{
    uint8_t seal[EVP_MAX_MD_SIZE];
    unsigned size = sizeof(seal);
    if (!HMAC(EVP_sha256(), secret, 32, key, KEY_SIZE, seal, &size))
        UNREACHABLE("OpenSSL refuses a plain HMAC");
    memcpy(ret_seal, seal, SEAL_SIZE);
}

struct str task_token(const struct flow_identity *who, uint32_t step, uint32_t attempt,
                      struct arena *a)
{
    uint8_t bytes[KEY_SIZE + SEAL_SIZE] = {0};
    put_number(bytes, (uint64_t)who->key, 8);
    put_number(bytes + 8, step, 4);
    put_number(bytes + 12, attempt, 4);
    if (who->secret)
        seal_key(who->secret, bytes, bytes + KEY_SIZE);
    return base64_encode(a, str_of((const char *)bytes, sizeof(bytes)));
}

bool flow_token_read(struct arena *scratch, struct str token, const uint8_t secret[static 32],
                     struct flow_task_key *ret_key)
{
    enum {
        TEXT_SIZE = (KEY_SIZE + SEAL_SIZE + 2) / 3 * 4
    };
    uint8_t seal[SEAL_SIZE];
    struct str text;
    if (token.len != TEXT_SIZE || !base64_decode(scratch, token, &text) ||
        text.len != KEY_SIZE + SEAL_SIZE)
        return false;
    const uint8_t *bytes = (const uint8_t *)text.ptr;
    seal_key(secret, bytes, seal);
    if (CRYPTO_memcmp(seal, bytes + KEY_SIZE, SEAL_SIZE) != 0)
        return false;
    *ret_key = (struct flow_task_key){
        .execution = (int64_t)take_number(bytes, 8),
        .step = (uint32_t)take_number(bytes + 8, 4),
        .attempt = (uint32_t)take_number(bytes + 12, 4),
    };
    return true;
}

static struct json task_part(struct turn *t, const struct frame *frame, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Token"),
                    json_string(task_token(t->run->identity, frame->step, frame->attempt, a)));
    return json_object_done(&b);
}

struct json context_object(struct turn *t, const struct frame *frame, struct json item,
                           uint32_t item_index)
{
    struct arena *a = t->run->arena;
    const struct state *state = frame_state(t->run, frame);
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("Execution"), execution_part(t, a));
    json_object_add(&b, STR("StateMachine"), machine_part(t, a));
    json_object_add(&b, STR("State"), state_part(t, frame, a));
    if (!json_is_absent(item) || item_of(t->run, frame, &item, &item_index))
        json_object_add(&b, STR("Map"), map_part(a, item, item_index));
    if (state->type == STATE_TASK && task_shows_token(&state->u.task.resource))
        json_object_add(&b, STR("Task"), task_part(t, frame, a));
    return json_object_done(&b);
}
