#include "flow/snapshot.h"

#include "flow/flow_internal.h"

/* One table for both directions: short name, member. Zero is left out. */
#define FRAME_U32_TABLE(X)                                                                         \
    X("i", id)                                                                                     \
    X("pa", parent)                                                                                \
    X("sc", scope)                                                                                 \
    X("ix", index)                                                                                 \
    X("s", state)                                                                                  \
    X("x", next)                                                                                   \
    X("n", step)                                                                                   \
    X("a", attempt)                                                                                \
    X("g", generation)                                                                             \
    X("en", entered_id)                                                                            \
    X("be", before_id)                                                                             \
    X("la", last_id)                                                                               \
    X("hi", history)                                                                               \
    X("hc", history_count)                                                                         \
    X("rc", retry_count)                                                                           \
    X("su", submitted)                                                                             \
    X("hs", heart_stopped)                                                                         \
    X("rv", reviewed)                                                                              \
    X("ht", halted)

#define FRAME_I64_TABLE(X)                                                                         \
    X("et", entered_at.ms)                                                                         \
    X("w", wake_ms)                                                                                \
    X("hb", heartbeat_seconds)                                                                     \
    X("to", timeout_seconds)

#define FAN_U32_TABLE(X)                                                                           \
    X("c", count)                                                                                  \
    X("st", started)                                                                               \
    X("ac", active)                                                                                \
    X("ok", succeeded)                                                                             \
    X("fa", failed)                                                                                \
    X("ch", chain)

#define FAN_I64_TABLE(X)                                                                           \
    X("mc", concurrency)                                                                           \
    X("tc", tolerated_count)

#define RUN_U32_TABLE(X)                                                                           \
    X("turns", turns)                                                                              \
    X("steps", step_count)                                                                         \
    X("ids", history_count)                                                                        \
    X("redrives", redrive_count)                                                                   \
    X("paused", paused)                                                                            \
    X("solo", solo)                                                                                \
    X("canceling", canceling)                                                                      \
    X("prior", prior_status)

#define RUN_I64_TABLE(X)                                                                           \
    X("last", last_at.ms)                                                                          \
    X("started", started_at.ms)                                                                    \
    X("stopped", stopped_at.ms)                                                                    \
    X("deadline", deadline_ms)                                                                     \
    X("redriven", redriven_at.ms)

/* ---- saving ---- */

static void put_int(struct buf *to, const char *name, int64_t value)
{
    if (value)
        buf_printf(to, ",\"%s\":%lld", name, (long long)value);
}

static void put_slot(struct buf *to, const char *name, struct slot slot)
{
    if (!json_is_absent(slot.value))
        buf_printf(to, ",\"%s\":[%u,%u]", name, slot.turn, slot.index);
}

static void put_text(struct buf *to, const char *name, bool has, struct str text)
{
    if (!has)
        return;
    buf_printf(to, ",\"%s\":", name);
    json_write_string(to, text);
}

/* Pairs of index and slot, of those that are there. */
static void put_slots(struct buf *to, const char *name, const struct slot *slots, size_t count)
{
    buf_printf(to, ",\"%s\":[", name);
    const char *comma = "";
    for (size_t i = 0; slots && i < count; i++) {
        if (json_is_absent(slots[i].value))
            continue;
        buf_printf(to, "%s[%zu,%u,%u]", comma, i, slots[i].turn, slots[i].index);
        comma = ",";
    }
    buf_append(to, STR("]"));
}

static void save_fan(struct buf *to, const struct fan_out *fan)
{
    buf_printf(to, ",\"fan\":{\"map\":%s,\"hidden\":%s", fan->is_map ? "true" : "false",
               fan->hidden ? "true" : "false");
#define SAVE(name, member) put_int(to, name, (int64_t)fan->member);
    FAN_U32_TABLE(SAVE)
    FAN_I64_TABLE(SAVE)
#undef SAVE
    buf_append(to, STR(",\"tp\":"));
    json_write(to, json_double(fan->tolerated_percentage));
    put_slot(to, "it", fan->items);
    put_slots(to, "re", fan->results, fan->count);
    buf_append(to, STR("}"));
}

static void save_frame(struct buf *to, const struct run *run, const struct frame *f)
{
    buf_printf(to, "{\"ph\":%d", (int)f->phase);
#define SAVE(name, member) put_int(to, name, (int64_t)f->member);
    FRAME_U32_TABLE(SAVE)
    FRAME_I64_TABLE(SAVE)
#undef SAVE
    put_slot(to, "d", f->data);
    put_slot(to, "r", f->result);
    put_slots(to, "v", f->assigned, f->assigned_count);
    put_text(to, "e", f->has_error, f->error);
    put_text(to, "c", f->has_cause, f->cause);
    const struct state *state = frame_state(run, f);
    if (f->retrier_used) {
        buf_append(to, STR(",\"ru\":["));
        for (size_t i = 0; i < state->retrier_count; i++)
            buf_printf(to, "%s%u", i ? "," : "", f->retrier_used[i]);
        buf_append(to, STR("]"));
    }
    if (f->fan)
        save_fan(to, f->fan);
    buf_append(to, STR("}"));
}

/* The places of the entries that were used. */
static void put_used(struct buf *to, const char *name, const struct path_entry *entries,
                     size_t count)
{
    const char *comma = "";
    buf_printf(to, ",\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        if (!entries[i].used)
            continue;
        buf_printf(to, "%s%zu", comma, i);
        comma = ",";
    }
    buf_append(to, STR("]"));
}

static void save_recovery(struct buf *to, const struct run *run)
{
    const struct recovery *r = &run->recovery;
    const char *comma = "";
    put_text(to, "pause", run->paused > 0, run->pause_text);
    put_text(to, "cancel_cause", run->has_cancel_cause, run->cancel_cause);
    put_slot(to, "recovery", r->asked);
    put_slot(to, "solo_vars", run->solo_vars);
    put_slot(to, "prior_output", run->prior_output);
    put_text(to, "prior_error", run->prior_has_error, run->prior_error);
    put_text(to, "prior_cause", run->prior_has_cause, run->prior_cause);
    if (json_is_absent(r->asked.value))
        return;
    if (!json_is_absent(json_get(r->asked.value, STR("phase"))) && !r->until_phase.len)
        buf_append(to, STR(",\"unpaused\":true"));
    put_used(to, "skipped", r->skips, r->skip_count);
    put_used(to, "reused", r->reuses, r->reuse_count);
    buf_append(to, STR(",\"left\":["));
    for (size_t i = 0; i < r->until_count; i++, comma = ",")
        buf_printf(to, "%s%d", comma, r->until_left[i]);
    buf_append(to, STR("]"));
}

void run_save(const struct run *run, struct buf *to)
{
    buf_printf(to, "{\"version\":%d,\"status\":%d", SNAPSHOT_VERSION, (int)run->status);
#define SAVE(name, member) put_int(to, name, (int64_t)run->member);
    RUN_U32_TABLE(SAVE)
    RUN_I64_TABLE(SAVE)
#undef SAVE
    put_slot(to, "input", run->input);
    put_slot(to, "output", run->output);
    put_text(to, "error", run->has_error, run->error);
    put_text(to, "cause", run->has_cause, run->cause);
    save_recovery(to, run);
    buf_append(to, STR(",\"frames\":["));
    const char *comma = "";
    for (uint32_t i = 0; i < run->frame_count; i++) {
        if (!run->frames[i])
            continue;
        buf_append(to, str_of_cstr(comma));
        save_frame(to, run, run->frames[i]);
        comma = ",";
    }
    buf_append(to, STR("]}"));
}

/* ---- restoring ---- */

struct restore {
    struct run *run;
    const struct turn_values *values;
    size_t turns;
    bool bad; /* sticky: asked at the end */
};

static int64_t get_int(struct restore *r, struct json object, const char *name, int64_t max)
{
    struct json v = json_get(object, str_of_cstr(name));
    int64_t value = 0;
    if (json_is_absent(v))
        return 0;
    if (!json_to_int64(v, &value) || value > max || (max == UINT32_MAX && value < 0)) {
        r->bad = true;
        return 0;
    }
    return value;
}

static struct slot resolve(struct restore *r, struct json turn, struct json index)
{
    int64_t t = -1, i = -1;
    if (!json_to_int64(turn, &t) || !json_to_int64(index, &i) || t < 0 || (size_t)t >= r->turns ||
        i < 0 || (size_t)i >= r->values[t].count) {
        r->bad = true;
        return SLOT_NONE;
    }
    return (struct slot){r->values[t].items[i], (uint32_t)t, (uint32_t)i};
}

static struct slot get_slot(struct restore *r, struct json object, const char *name)
{
    struct json v = json_get(object, str_of_cstr(name));
    if (json_is_absent(v))
        return SLOT_NONE;
    return resolve(r, json_at(v, 0), json_at(v, 1));
}

static struct str get_text(struct restore *r, struct json object, const char *name, bool *ret_has)
{
    struct json v = json_get(object, str_of_cstr(name));
    *ret_has = !json_is_absent(v);
    if (*ret_has && !json_is_string(v))
        r->bad = true;
    return arena_str(r->run->arena, json_str(v));
}

/* The next of put_slots' triples: its position, or SIZE_MAX when it is not below max. */
static size_t get_placed(struct restore *r, struct json triple, size_t max, struct slot *ret_slot)
{
    int64_t place = -1;
    if (!json_to_int64(json_at(triple, 0), &place) || place < 0 || (size_t)place >= max) {
        r->bad = true;
        return SIZE_MAX;
    }
    *ret_slot = resolve(r, json_at(triple, 1), json_at(triple, 2));
    return (size_t)place;
}

static void restore_fan(struct restore *r, struct frame *f, struct json object)
{
    struct arena *a = r->run->arena;
    struct fan_out *fan = ARENA_NEW(a, struct fan_out);
    fan->is_map = json_is_true(json_get(object, STR("map")));
    fan->hidden = json_is_true(json_get(object, STR("hidden")));
#define GET(name, member) fan->member = (uint32_t)get_int(r, object, name, UINT32_MAX);
    FAN_U32_TABLE(GET)
#undef GET
#define GET(name, member) fan->member = get_int(r, object, name, INT64_MAX);
    FAN_I64_TABLE(GET)
#undef GET
    fan->tolerated_percentage = json_to_double(json_get(object, STR("tp")));
    fan->items = get_slot(r, object, "it");
    const struct state *state = frame_state(r->run, f);
    size_t due = !state                          ? 0
                 : state->type == STATE_PARALLEL ? state->u.parallel.branch_count
                                                 : json_count(fan->items.value);
    if (!state || (state->type == STATE_MAP) != fan->is_map || fan->count != due) {
        r->bad = true;
        return;
    }
    fan->children = arena_alloc(a, fan->count * sizeof(uint32_t));
    memset(fan->children, 0xff, fan->count * sizeof(uint32_t));
    struct json results = json_get(object, STR("re"));
    if (fan->is_map || json_count(results))
        fan->results = ARENA_ARRAY(a, struct slot, fan->count);
    for (size_t i = 0; i < json_count(results); i++) {
        struct slot slot = SLOT_NONE;
        size_t place = get_placed(r, json_at(results, i), fan->count, &slot);
        if (place != SIZE_MAX)
            fan->results[place] = slot;
    }
    f->fan = fan;
}

static void restore_variables(struct restore *r, struct frame *f, struct json list)
{
    for (size_t i = 0; i < json_count(list); i++) {
        struct slot slot = SLOT_NONE;
        if (get_placed(r, json_at(list, i), json_count(list), &slot) == SIZE_MAX)
            return;
        frame_assign(r->run, f, slot);
    }
}

static void restore_retriers(struct restore *r, struct frame *f, struct json used)
{
    const struct state *state = frame_state(r->run, f);
    if (json_is_absent(used))
        return;
    if (!state || json_count(used) != state->retrier_count) {
        r->bad = true;
        return;
    }
    f->retrier_used = ARENA_ARRAY(r->run->arena, uint32_t, state->retrier_count);
    for (size_t i = 0; i < state->retrier_count; i++) {
        int64_t value;
        if (json_to_int64(json_at(used, i), &value) && value >= 0 && value < UINT32_MAX)
            f->retrier_used[i] = (uint32_t)value;
        else
            r->bad = true;
    }
}

/* Everything in a frame that refers to the machine must exist in it. */
static bool fits_machine(const struct run *run, const struct frame *f)
{
    const struct machine *m = run->machine;
    return f->scope < m->scope_count && f->phase >= FRAME_READY && f->phase <= FRAME_REVIEW &&
           (f->state == STATE_NO_NONE || f->state < m->state_count) &&
           (f->next == STATE_NO_NONE || f->next < m->state_count) &&
           (f->state != STATE_NO_NONE || f->phase == FRAME_READY) &&
           f->id < run->limits.frames_max * 2;
}

static struct frame *place_frame(struct run *run, const struct frame *read)
{
    while (run->frame_count <= read->id) {
        run->frames = arena_grow(run->arena, run->frames, run->frame_count, &run->frame_capacity,
                                 sizeof(struct frame *));
        run->frames[run->frame_count++] = NULL;
    }
    if (run->frames[read->id])
        return NULL;
    run->frames_live += !read->halted;
    return run->frames[read->id] = arena_dup(run->arena, read, sizeof(*read));
}

static void restore_frame(struct restore *r, struct json object)
{
    struct frame read = {.phase = (enum frame_phase)get_int(r, object, "ph", FRAME_REVIEW)};
#define GET(name, member) read.member = (uint32_t)get_int(r, object, name, UINT32_MAX);
    FRAME_U32_TABLE(GET)
#undef GET
#define GET(name, member) read.member = get_int(r, object, name, INT64_MAX);
    FRAME_I64_TABLE(GET)
#undef GET
    if (!fits_machine(r->run, &read)) {
        r->bad = true;
        return;
    }
    struct frame *f = place_frame(r->run, &read);
    if (!f) {
        r->bad = true;
        return;
    }
    f->data = get_slot(r, object, "d");
    f->result = get_slot(r, object, "r");
    f->error = get_text(r, object, "e", &f->has_error);
    f->cause = get_text(r, object, "c", &f->has_cause);
    restore_variables(r, f, json_get(object, STR("v")));
    restore_retriers(r, f, json_get(object, STR("ru")));
    struct json fan = json_get(object, STR("fan"));
    if (json_is_object(fan))
        restore_fan(r, f, fan);
    if ((f->phase == FRAME_CHILDREN) != (f->fan != NULL) && f->phase != FRAME_FAILED)
        r->bad = true;
}

/* Hangs each frame below its parent, whose id may be larger than its own; paths
 * are made on the way, parents first. */
static void link_frames(struct restore *r)
{
    struct run *run = r->run;
    for (uint32_t i = 0; i < run->frame_count && !r->bad; i++) {
        struct frame *f = run->frames[i];
        if (!f)
            continue;
        struct frame *parent = run_frame(run, f->parent);
        bool is_root = (i == 0 || frame_is_solo(run, f)) && f->parent == FRAME_NONE;
        if (!is_root && (!parent || parent == f || !parent->fan || f->index >= parent->fan->count ||
                         parent->fan->children[f->index] != FRAME_NONE ||
                         run->machine->scopes[f->scope].parent_state != parent->state))
            r->bad = true;
        else if (!is_root)
            parent->fan->children[f->index] = f->id;
        if (!run_frame(run, f->history))
            r->bad = true;
    }
}

/* The paths below the frame of a rerun go on from where it stands. */
static struct str path_from(const struct run *run, const struct frame *top, struct str path)
{
    struct str above =
        frame_is_solo(run, top) ? json_str(json_get(recovery_rerun(run), STR("path"))) : STR("");
    if (!above.len || !path.len)
        return above.len ? above : path;
    return arena_printf(run->arena, STR_FMT "/" STR_FMT, STR_ARG(above), STR_ARG(path));
}

static void name_frames(struct restore *r)
{
    struct run *run = r->run;
    for (uint32_t i = 0; i < run->frame_count && !r->bad; i++) {
        struct frame *f = run->frames[i];
        struct str path = STR("");
        uint32_t depth = 0;
        const struct frame *at = f;
        while (at && at->parent != FRAME_NONE) {
            const struct frame *parent = run_frame(run, at->parent);
            path = frame_path(run, parent->state, at->index, STR(""), path);
            at = parent;
            if (++depth > run->machine->scope_count) {
                r->bad = true; /* a ring */
                break;
            }
        }
        if (f && !r->bad)
            f->path = path_from(run, at, path);
    }
}

static void restore_used(struct restore *r, struct path_entry *entries, size_t count,
                         struct json used)
{
    for (size_t i = 0; i < json_count(used); i++) {
        int64_t place = -1;
        if (json_to_int64(json_at(used, i), &place) && place >= 0 && (size_t)place < count)
            entries[place].used = true;
        else
            r->bad = true;
    }
}

static void restore_recovery(struct restore *r, struct json snapshot)
{
    struct run *run = r->run;
    struct recovery *to = &run->recovery;
    bool is_paused;
    run->pause_text = get_text(r, snapshot, "pause", &is_paused);
    run->solo_vars = get_slot(r, snapshot, "solo_vars");
    run->prior_output = get_slot(r, snapshot, "prior_output");
    run->prior_error = get_text(r, snapshot, "prior_error", &run->prior_has_error);
    run->prior_cause = get_text(r, snapshot, "prior_cause", &run->prior_has_cause);
    run->cancel_cause = get_text(r, snapshot, "cancel_cause", &run->has_cancel_cause);
    struct slot asked = get_slot(r, snapshot, "recovery");
    if (is_paused != (run->paused > 0) || run->paused > 1 + PAUSE_UNTIL_PHASE ||
        run->prior_status > FLOW_ABORTED)
        r->bad = true;
    if (json_is_absent(asked.value)) {
        r->bad = r->bad || (run->solo && !run->canceling);
        return;
    }
    if (!recovery_read(run, asked)) {
        r->bad = true;
        return;
    }
    restore_used(r, to->skips, to->skip_count, json_get(snapshot, STR("skipped")));
    restore_used(r, to->reuses, to->reuse_count, json_get(snapshot, STR("reused")));
    struct json left = json_get(snapshot, STR("left"));
    if (json_count(left) == 0)
        to->until_count = 0; /* it was reached, and left behind */
    if (json_is_true(json_get(snapshot, STR("unpaused"))))
        to->until_phase = STR("");
    for (size_t i = 0; i < to->until_count; i++) {
        int64_t was = 0;
        r->bad = r->bad || !json_to_int64(json_at(left, i), &was);
        to->until_left[i] = was != 0;
    }
}

bool run_restore(struct run *run, struct json snapshot, const struct turn_values *values,
                 size_t turns, struct err *reterr)
{
    struct restore r = {.run = run, .values = values, .turns = turns};
    int64_t version = get_int(&r, snapshot, "version", INT64_MAX);
    if (version > SNAPSHOT_VERSION)
        return err_set(reterr, ERR_NEWER_SCHEMA,
                       "the snapshot has version %lld; this release knows up to %d",
                       (long long)version, SNAPSHOT_VERSION);
    run->status = (enum flow_status)get_int(&r, snapshot, "status", FLOW_ABORTED);
#define GET(name, member) run->member = (uint32_t)get_int(&r, snapshot, name, UINT32_MAX);
    RUN_U32_TABLE(GET)
#undef GET
#define GET(name, member) run->member = get_int(&r, snapshot, name, INT64_MAX);
    RUN_I64_TABLE(GET)
#undef GET
    run->input = get_slot(&r, snapshot, "input");
    run->output = get_slot(&r, snapshot, "output");
    run->error = get_text(&r, snapshot, "error", &run->has_error);
    run->cause = get_text(&r, snapshot, "cause", &run->has_cause);
    restore_recovery(&r, snapshot);
    struct json frames = json_get(snapshot, STR("frames"));
    for (size_t i = 0; i < json_count(frames) && !r.bad; i++)
        restore_frame(&r, json_at(frames, i));
    link_frames(&r);
    name_frames(&r);
    if (version < 1 || r.bad || run->turns > turns ||
        (run->status == FLOW_RUNNING && !run_frame(run, 0)))
        return err_set(reterr, ERR_CORRUPT, "the snapshot does not fit its execution");
    return true;
}

/* ---- which turns it takes ---- */

struct marks {
    bool *wanted;
    size_t turns;
};

static void mark(const struct marks *m, struct json turn)
{
    int64_t number = -1;
    if (json_to_int64(turn, &number) && number >= 0 && (size_t)number < m->turns)
        m->wanted[number] = true;
}

static void mark_slot(const struct marks *m, struct json object, const char *name)
{
    mark(m, json_at(json_get(object, str_of_cstr(name)), 0));
}

static void mark_slots(const struct marks *m, struct json object, const char *name)
{
    struct json triples = json_get(object, str_of_cstr(name));
    for (size_t i = 0; i < json_count(triples); i++)
        mark(m, json_at(json_at(triples, i), 1));
}

void snapshot_turns(struct json snapshot, bool *wanted, size_t turns)
{
    struct marks m = {wanted, turns};
    struct json frames = json_get(snapshot, STR("frames"));
    mark_slot(&m, snapshot, "input");
    mark_slot(&m, snapshot, "output");
    mark_slot(&m, snapshot, "recovery");
    mark_slot(&m, snapshot, "solo_vars");
    mark_slot(&m, snapshot, "prior_output");
    for (size_t i = 0; i < json_count(frames); i++) {
        struct json frame = json_at(frames, i), fan = json_get(frame, STR("fan"));
        mark_slot(&m, frame, "d");
        mark_slot(&m, frame, "r");
        mark_slots(&m, frame, "v");
        mark_slot(&m, fan, "it");
        mark_slots(&m, fan, "re");
    }
}
