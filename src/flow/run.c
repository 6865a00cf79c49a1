#include "flow/flow_internal.h"

#include "expr/jsonata/jsonata.h"

struct flow_limits flow_limits_default(void)
{
    return (struct flow_limits){
        .payload_max = 64 << 20,
        .assign_max = 64 << 20,
        .variables_max = 256 << 20,
        .history_max = 10000000,
        .memory_max = 512 << 20,
        .frames_max = 100000,
        .turn_states_max = 1000,
        .turn_bytes_max = 1 << 20,
    };
}

struct flow_limits flow_limits_aws(void)
{
    struct flow_limits limits = flow_limits_default();
    limits.payload_max = 256 << 10;
    limits.assign_max = 256 << 10;
    limits.variables_max = 10 << 20;
    limits.history_max = 25000;
    limits.jsonata_documented = true;
    limits.jsonata_depth = JSONATA_DEPTH_STEP_FUNCTIONS;
    limits.jsonata_held = JSONATA_HELD_STEP_FUNCTIONS;
    return limits;
}

struct run *run_new(const struct machine *machine, const struct flow_identity *identity,
                    const struct flow_limits *limits)
{
    struct arena *arena = arena_new(0);
    struct run *run = ARENA_NEW(arena, struct run);
    run->arena = arena;
    run->machine = machine;
    run->identity = identity;
    run->limits = *limits;
    run->tasks = ARENA_NEW(arena, struct task_table);
    return run;
}

void run_free(struct run *run)
{
    if (run)
        arena_free(run->arena);
}

struct arena *run_arena(struct run *run)
{
    return run->arena;
}

/* ---- frames ---- */

struct frame *run_frame(const struct run *run, uint32_t id)
{
    return id < run->frame_count ? run->frames[id] : NULL;
}

/* The lowest free id: a rule that needs no memory, so that a fold, a snapshot
 * and a live run give the same ids. */
static uint32_t free_id(struct run *run)
{
    while (run->free_from < run->frame_count && run->frames[run->free_from])
        run->free_from++;
    return run->free_from;
}

struct frame *run_add_frame(struct run *run, uint32_t parent, uint32_t scope, uint32_t index)
{
    uint32_t id = free_id(run);
    if (id == run->frame_count) {
        run->frames = arena_grow(run->arena, run->frames, run->frame_count, &run->frame_capacity,
                                 sizeof(struct frame *));
        run->frame_count++;
    }
    struct frame *frame = run->spare;
    if (frame)
        run->spare = frame->next_spare;
    else
        frame = ARENA_NEW(run->arena, struct frame);
    *frame = (struct frame){
        .id = id,
        .parent = parent,
        .scope = scope,
        .index = index,
        .phase = FRAME_READY,
        .state = STATE_NO_NONE,
        .next = run->machine->scopes[scope].start,
    };
    run->frames[id] = frame;
    run->frames_live++;
    return frame;
}

/* Ids are given out at the low end, so the table shrinks when its end is free. */
static void shrink(struct run *run)
{
    while (run->frame_count && !run->frames[run->frame_count - 1])
        run->frame_count--;
    if (run->free_from > run->frame_count)
        run->free_from = run->frame_count;
}

static void free_slot(struct run *run, uint32_t id)
{
    if (!run->frames[id]->halted)
        run->frames_live--;
    run->frames[id] = NULL;
    if (id < run->free_from)
        run->free_from = id;
}

static void remove_one(struct run *run, struct frame *frame)
{
    free_slot(run, frame->id);
    frame->next_spare = run->spare;
    run->spare = frame;
}

/* The frames below `frame`, deepest last; without recursion, since definitions
 * nest and the data decide how often. */
void run_remove_children(struct run *run, struct frame *frame)
{
    struct frame *pending = frame;
    struct frame *below = NULL; /* chained by next_spare, children before parents */
    struct frame *walk = NULL;
    for (;;) {
        struct fan_out *fan = pending->fan;
        for (uint32_t i = 0; fan && i < fan->count; i++) {
            struct frame *child = run_frame(run, fan->children[i]);
            if (!child)
                continue;
            free_slot(run, child->id);
            child->next_spare = walk;
            walk = child;
        }
        pending->fan = NULL;
        if (!walk)
            break;
        pending = walk;
        walk = walk->next_spare;
        pending->next_spare = below;
        below = pending;
    }
    while (below) {
        struct frame *next = below->next_spare;
        below->next_spare = run->spare;
        run->spare = below;
        below = next;
    }
    shrink(run);
}

void run_remove_frame(struct run *run, struct frame *frame)
{
    run_remove_children(run, frame);
    remove_one(run, frame);
    shrink(run);
}

/* It does not count as alive any more: it must not keep others from beginning. */
static void halt_one(struct run *run, struct frame *frame)
{
    if (!frame->halted)
        run->frames_live--;
    frame->halted = 1;
}

void run_halt(struct run *run, struct frame *frame)
{
    struct frame *due = frame;
    frame->next_spare = NULL; /* free while the frame is in use */
    while (due) {
        struct frame *f = due;
        due = f->next_spare;
        halt_one(run, f);
        for (uint32_t i = 0; f->fan && i < f->fan->count; i++) {
            struct frame *child = run_frame(run, f->fan->children[i]);
            if (!child)
                continue;
            child->next_spare = due;
            due = child;
        }
    }
}

bool frame_is_solo(const struct run *run, const struct frame *frame)
{
    return run->solo == frame->id + 1;
}

struct str frame_path(const struct run *run, uint32_t state, uint32_t index, struct str above,
                      struct str below)
{
    return arena_printf(run->arena, STR_FMT "%s" STR_FMT "/%u%s" STR_FMT, STR_ARG(above),
                        above.len ? "/" : "", STR_ARG(run->machine->states[state].name), index,
                        below.len ? "/" : "", STR_ARG(below));
}

const struct state *frame_state(const struct run *run, const struct frame *frame)
{
    return frame->state == STATE_NO_NONE ? NULL : &run->machine->states[frame->state];
}

/* ---- variables ---- */

static bool all_overridden(struct json object, const struct frame *frame, size_t from)
{
    const struct json_member *members = json_members(object);
    for (size_t m = 0; m < json_count(object); m++) {
        bool overridden = false;
        for (size_t i = from; i < frame->assigned_count && !overridden; i++)
            overridden =
                !json_is_absent(json_get(frame->assigned[i].value, json_str(members[m].key)));
        if (!overridden)
            return false;
    }
    return true;
}

/* Variables are kept as the list of journaled objects they come from, so that a
 * snapshot can name them without copying; an object that gives nothing any more
 * leaves the list. */
void frame_assign(struct run *run, struct frame *frame, struct slot assigned)
{
    size_t capacity = frame->assigned_capacity;
    frame->assigned = arena_grow(run->arena, frame->assigned, frame->assigned_count, &capacity,
                                 sizeof(struct slot));
    frame->assigned_capacity = capacity;
    frame->assigned[frame->assigned_count++] = assigned;
    size_t kept = 0;
    for (size_t i = 0; i < frame->assigned_count; i++)
        if (!all_overridden(frame->assigned[i].value, frame, i + 1))
            frame->assigned[kept++] = frame->assigned[i];
    frame->assigned_count = kept;

    struct json_object_builder b = json_object_builder(run->arena);
    for (size_t i = 0; i < kept; i++) {
        const struct json_member *members = json_members(frame->assigned[i].value);
        for (size_t m = 0; m < json_count(frame->assigned[i].value); m++)
            json_object_put(&b, json_str(members[m].key), members[m].value);
    }
    frame->vars = json_object_done(&b);
}

/* ---- looking ---- */

const struct machine *run_machine(const struct run *run)
{
    return run->machine;
}

const struct flow_identity *run_identity(const struct run *run)
{
    return run->identity;
}

enum flow_status run_status(const struct run *run)
{
    return run->status;
}

uint32_t run_turns(const struct run *run)
{
    return run->turns;
}

struct wall_ms run_started_at(const struct run *run)
{
    return run->started_at;
}

struct wall_ms run_stopped_at(const struct run *run)
{
    return run->stopped_at;
}

struct json run_input(const struct run *run)
{
    return run->input.value;
}

uint32_t run_history_count(const struct run *run)
{
    return run->history_count;
}

uint32_t run_redrive_count(const struct run *run)
{
    return run->redrive_count;
}

struct wall_ms run_redriven_at(const struct run *run)
{
    return run->redriven_at;
}

static bool is_under_way(const struct frame *f)
{
    bool stands = f->phase == FRAME_READY || f->phase == FRAME_CHILDREN || f->phase == FRAME_REVIEW;
    return !f->halted && !stands;
}

struct flow_pause run_pause(const struct run *run)
{
    struct flow_pause pause = {.asked = run->paused > 0 && run->status == FLOW_RUNNING};
    if (!pause.asked)
        return pause;
    pause.quiet = true;
    pause.why = (enum pause_why)(run->paused - 1);
    pause.text = run->pause_text;
    for (uint32_t i = 0; i < run->frame_count; i++) {
        const struct frame *f = run->frames[i];
        if (f && (is_under_way(f) || frame_can_go_on(run, f, run->last_at)))
            pause.quiet = false;
    }
    return pause;
}

bool run_canceling(const struct run *run)
{
    return run->canceling && run->status == FLOW_RUNNING;
}

bool run_rerun(const struct run *run, uint32_t *ret_step)
{
    int64_t step = 0;
    if (run->canceling)
        return false;
    if (run->solo && json_to_int64(json_get(recovery_rerun(run), STR("step")), &step))
        *ret_step = (uint32_t)step;
    return run->solo > 0;
}

struct json run_output(const struct run *run)
{
    return run->output.value;
}

bool run_error(const struct run *run, struct str *ret_error)
{
    *ret_error = run->error;
    return run->has_error;
}

bool run_cause(const struct run *run, struct str *ret_cause)
{
    *ret_cause = run->cause;
    return run->has_cause;
}

bool frame_has_task(const struct frame *f)
{
    return f->phase == FRAME_TASK && !f->halted;
}

bool frame_is_rerun(const struct run *run, const struct frame *f)
{
    return frame_is_solo(run, f) && !run->canceling;
}

bool frame_is_past_rerun(const struct run *run, const struct frame *f)
{
    return frame_is_rerun(run, f) && f->state != STATE_NO_NONE;
}

bool frame_can_go_on(const struct run *run, const struct frame *f, struct wall_ms now)
{
    if (f->halted)
        return false;
    switch (f->phase) {
    case FRAME_READY:
        return !run->paused || f->next == STATE_NO_NONE || frame_is_past_rerun(run, f);
    case FRAME_ENTERED:
    case FRAME_RESULT:
    case FRAME_FAILED:
    case FRAME_DONE:
        return true;
    case FRAME_WAITING:
    case FRAME_RETRYING:
    case FRAME_TASK:
    case FRAME_REVIEW:
        return f->wake_ms && f->wake_ms <= now.ms;
    case FRAME_CHILDREN:
        return fan_is_over(f->fan) || fan_can_start(run, f->fan);
    }
    return false;
}

static bool phase_has_timer(enum frame_phase phase)
{
    return phase == FRAME_WAITING || phase == FRAME_RETRYING || phase == FRAME_TASK ||
           phase == FRAME_REVIEW;
}

bool run_is_ready(const struct run *run, struct wall_ms now)
{
    if (run->status != FLOW_RUNNING || !run->turns)
        return false;
    if (run->deadline_ms && run->deadline_ms <= now.ms)
        return true;
    for (uint32_t i = 0; i < run->frame_count; i++) {
        const struct frame *f = run->frames[i];
        if (f && frame_can_go_on(run, f, now))
            return true;
    }
    return false;
}

bool run_has_tasks(const struct run *run)
{
    for (uint32_t i = 0; i < run->frame_count; i++)
        if (run->frames[i] && frame_has_task(run->frames[i]) && run->status == FLOW_RUNNING)
            return true;
    return false;
}

struct wall_ms flow_wake(const struct run *run)
{
    int64_t earliest = 0;
    if (run->status != FLOW_RUNNING)
        return (struct wall_ms){0};
    earliest = run->deadline_ms;
    for (uint32_t i = 0; i < run->frame_count; i++) {
        const struct frame *f = run->frames[i];
        if (f && !f->halted && phase_has_timer(f->phase) && f->wake_ms &&
            (!earliest || f->wake_ms < earliest))
            earliest = f->wake_ms;
    }
    return (struct wall_ms){earliest};
}

struct str run_frame_path(const struct run *run, uint32_t frame)
{
    const struct frame *f = run_frame(run, frame);
    return f ? f->path : STR("");
}

struct json run_frame_input(const struct run *run, uint32_t frame)
{
    const struct frame *f = run_frame(run, frame);
    return f ? f->data.value : JSON_NONE;
}

/* The nearest one of a name is seen. An iteration of a distributed Map sees its own only. */
struct json run_frame_vars(const struct run *run, uint32_t frame, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    struct json seen = json_object(NULL, 0);
    for (const struct frame *f = run_frame(run, frame); f; f = run_frame(run, f->parent)) {
        const struct json_member *members = json_members(f->vars);
        for (size_t i = 0; i < json_count(f->vars); i++)
            if (json_is_absent(json_get(seen, json_str(members[i].key))))
                json_object_add(&b, json_str(members[i].key), members[i].value);
        seen = json_object_done(&b);
        if (f->parent == FRAME_NONE || f->history == f->id)
            break;
    }
    return json_count(seen) ? seen : JSON_NONE;
}
