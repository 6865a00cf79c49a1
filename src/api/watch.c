/* Following: one story an execution, however many follow it.
 *
 * Each follower begins with a watch of its own, which reads the journal from the
 * start. When it has come to the end, and another watch of the same execution
 * stands at the same turn, the two become one. A watch with one follower waits for
 * it; one with several does not, and drops whoever is slower than its queue is
 * long: the last number it has seen lets it go on later.
 */
#include "api/status.h"
#include "api/story.h"

/* Lies in its request's arena. */
struct follower {
    struct follower *next, **link;
    struct watch *watch;
    struct http_request *request;
    uint64_t from; /* turns up to this number are known to it */
    uint64_t sent; /* the last number that it was sent, or `from` */
    bool data;
};

/* A step that was running after the last turn, as it was then. */
struct seen_step {
    uint32_t index, generation;
    size_t attempts;
    enum step_status attempt_status;
    int64_t children_total, children_done;
};

/* Lies in its own arena. */
struct watch {
    struct watch *next, **link; /* in its bucket */
    struct api *api;
    execution_key key;
    struct story *story;
    struct follower *followers;
    bool resting;  /* has come to the end of the journal */
    bool notified; /* there is more, it was told while it was reading */
    bool paused;   /* waits for its one follower */
    struct arena *arena;
    uint32_t known; /* steps before the last turn's */
    struct seen_step *running;
    size_t running_count, running_capacity;
    const struct step **changed; /* by the last turn */
    size_t changed_count, changed_capacity;
    uint32_t *marks; /* by step: the turn that changed it plus one */
    size_t mark_capacity;
};

static const struct http_header line_headers[] = {
    {STR_INIT("Content-Type"), STR_INIT("application/x-ndjson")},
    {STR_INIT("Cache-Control"), STR_INIT("no-store")},
};

/* ---- life ---- */

static struct watch **bucket_of(struct api *api, execution_key key)
{
    uint64_t mixed = (uint64_t)key * 0x9e3779b97f4a7c15u;
    return &api->watches[mixed >> 56 & (WATCH_BUCKETS - 1)];
}

static void follower_join(struct follower *f, struct watch *w)
{
    f->watch = w;
    f->next = w->followers;
    f->link = &w->followers;
    if (f->next)
        f->next->link = &f->next;
    w->followers = f;
}

static void follower_leave(struct follower *f)
{
    *f->link = f->next;
    if (f->next)
        f->next->link = f->link;
}

static void watch_close(struct watch *w)
{
    ASSERT(!w->followers);
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    story_close(w->story);
    arena_free(w->arena);
}

/* Its request is ended; the watch stays, perhaps without any. */
static void follower_end(struct follower *f, struct str last)
{
    struct api *api = f->watch->api;
    follower_leave(f);
    api->followers--;
    http_stream_end(f->request, last);
    if (!api->followers && api->options.unfollowed)
        api->options.unfollowed(api->options.arg);
}

static void write_line(struct buf *to, struct str name, struct json value)
{
    buf_append_char(to, '{');
    json_write_string(to, name);
    buf_append_char(to, ':');
    json_write(to, value);
    buf_append(to, STR("}\n"));
}

/* Before the execution has ended. */
static void follower_cut(struct follower *f, const char *reason, const char *detail)
{
    struct arena *a = arena_new(0);
    struct buf line = BUF_INIT(0);
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("reason"), json_string(str_of_cstr(reason)));
    json_object_add(&b, STR("detail"), json_string(str_of_cstr(detail)));
    json_object_add(&b, STR("resume_from"), json_int((int64_t)f->sent));
    write_line(&line, STR("closed"), json_object_done(&b));
    follower_end(f, buf_str(&line));
    buf_release(&line);
    arena_free(a);
}

static void on_gone(void *arg)
{
    struct follower *f = arg;
    struct watch *w = f->watch;
    follower_end(f, STR(""));
    if (!w->followers)
        watch_close(w);
}

static void go_on(struct watch *w)
{
    w->resting = w->paused = w->notified = false;
    story_advance(w->story);
}

static void on_drained(void *arg)
{
    struct follower *f = arg;
    if (f->watch->paused)
        go_on(f->watch);
}

/* ---- what a turn has changed ---- */

static struct seen_step see(const struct step *s)
{
    enum step_status last =
        s->attempt_count ? s->attempts[s->attempt_count - 1].status : STEP_RUNNING;
    return (struct seen_step){s->index, s->generation,     s->attempt_count,
                              last,     s->children_total, s->children_done};
}

static bool sees_same(const struct seen_step *a, const struct seen_step *b)
{
    return a->generation == b->generation && a->attempts == b->attempts &&
           a->attempt_status == b->attempt_status && a->children_total == b->children_total &&
           a->children_done == b->children_done;
}

/* Once a turn. False: it is among them already. */
static bool add_changed(struct watch *w, const struct step *step)
{
    uint32_t turn = story_turns(w->story);
    if (w->marks[step->index] == turn)
        return false;
    w->marks[step->index] = turn;
    if (w->changed_count == w->changed_capacity)
        w->changed = arena_grow(w->arena, w->changed, w->changed_count, &w->changed_capacity,
                                sizeof(const struct step *));
    w->changed[w->changed_count++] = step;
    return true;
}

static void add_running(struct watch *w, const struct step *step)
{
    if (w->running_count == w->running_capacity)
        w->running = arena_grow(w->arena, w->running, w->running_count, &w->running_capacity,
                                sizeof(struct seen_step));
    w->running[w->running_count++] = see(step);
}

static void make_marks(struct watch *w, size_t count)
{
    if (count <= w->mark_capacity)
        return;
    uint32_t *marks = ARENA_ARRAY(w->arena, uint32_t, 2 * count);
    if (w->mark_capacity)
        memcpy(marks, w->marks, w->mark_capacity * sizeof(*marks));
    w->marks = marks;
    w->mark_capacity = 2 * count;
}

/* A recovery takes up records that were done with. */
static bool takes_up(const struct flow_event *event)
{
    switch ((int)event->kind) {
    case EVENT_STEP_RESUMED:
    case EVENT_STEP_SKIPPED:
    case EVENT_RERUN_BEGAN:
    case EVENT_RERUN_ENDED:
        return true;
    default:
        return event_shape(event->kind) == SHAPE_STATE_ENTERED && event->length == 1;
    }
}

static void find_taken_up(struct watch *w, const struct journal_turn *turn)
{
    const struct step_list *steps = story_steps(w->story);
    for (size_t i = 0; i < turn->count; i++) {
        const struct flow_event *event = &turn->events[i];
        if (!takes_up(event) || event->step >= w->known)
            continue;
        const struct step *step = &steps->items[event->step];
        if (add_changed(w, step) && step->status == STEP_RUNNING)
            add_running(w, step);
    }
}

static void find_changed(struct watch *w, const struct journal_turn *turn)
{
    const struct step_list *steps = story_steps(w->story);
    size_t kept = 0;
    w->changed_count = 0;
    make_marks(w, steps->count);
    for (size_t i = 0; i < w->running_count; i++) {
        const struct step *step = &steps->items[w->running[i].index];
        struct seen_step now = see(step);
        if (step->status != STEP_RUNNING || !sees_same(&now, &w->running[i]))
            add_changed(w, step);
        if (step->status == STEP_RUNNING)
            w->running[kept++] = now;
        w->marks[step->index] = story_turns(w->story); /* looked at */
    }
    w->running_count = kept;
    find_taken_up(w, turn);
    for (size_t i = w->known; i < steps->count; i++) {
        add_changed(w, &steps->items[i]);
        if (steps->items[i].status == STEP_RUNNING)
            add_running(w, &steps->items[i]);
    }
    w->known = (uint32_t)steps->count;
}

/* ---- telling ---- */

static void write_turn(const struct watch *w, const struct journal_turn *turn, bool data,
                       struct buf *to)
{
    struct arena *a = arena_new(0);
    const struct run *run = story_run(w->story);
    uint64_t last = story_events(w->story);
    struct json_object_builder b = json_object_builder(a);
    struct json_array_builder events = json_array_builder(a), steps = json_array_builder(a);
    for (size_t i = 0; i < turn->count; i++)
        json_array_add(&events, event_json(a, run, &turn->events[i], turn->at,
                                           last - turn->count + 1 + i, data));
    for (size_t i = 0; i < w->changed_count; i++)
        json_array_add(&steps, step_json(a, w->changed[i], data));
    json_object_add(&b, STR("turn"), json_int(turn->number));
    json_object_add(&b, STR("at"), time_json(a, turn->at));
    json_object_add(&b, STR("status"),
                    json_string(str_of_cstr(status_rest_name(status_of_run(run, a)))));
    json_object_add(&b, STR("last"), json_int((int64_t)last));
    json_object_add(&b, STR("events"), json_array_done(&events));
    json_object_add(&b, STR("steps"), json_array_done(&steps));
    json_write(to, json_object_done(&b));
    buf_append_char(to, '\n');
    arena_free(a);
}

static void tell_turn(struct watch *w, const struct journal_turn *turn)
{
    struct buf lines[2] = {BUF_INIT(0), BUF_INIT(0)}; /* without data, with it */
    uint64_t last = story_events(w->story);
    struct follower *next;
    for (struct follower *f = w->followers; f; f = next) {
        struct buf *line = &lines[f->data];
        next = f->next;
        if (last <= f->from)
            continue;
        if (!line->len)
            write_turn(w, turn, f->data, line);
        if (http_stream_write(f->request, buf_str(line)))
            f->sent = last;
        else if (!http_request_is_gone(f->request))
            follower_cut(f, "slow", "it takes the turns more slowly than they come");
    }
    buf_release(&lines[0]);
    buf_release(&lines[1]);
}

static void tell_end(struct watch *w)
{
    struct arena *a = arena_new(0);
    struct buf line = BUF_INIT(0);
    write_line(&line, STR("end"), end_json(a, story_run(w->story)));
    while (w->followers)
        follower_end(w->followers, buf_str(&line));
    buf_release(&line);
    arena_free(a);
}

static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    struct watch *w = arg;
    (void)story;
    find_changed(w, turn);
    tell_turn(w, turn);
    if (!w->followers) {
        watch_close(w);
        return false;
    }
    w->paused = !w->followers->next && http_stream_queued(w->followers->request) > 0;
    return !w->paused;
}

/* Lets the followers of two watches at the same turn share one story. */
static void merge(struct watch *w)
{
    for (struct watch *other = *bucket_of(w->api, w->key); other; other = other->next) {
        if (other == w || other->key != w->key || !other->resting ||
            story_turns(other->story) != story_turns(w->story))
            continue;
        while (w->followers) {
            struct follower *f = w->followers;
            follower_leave(f);
            follower_join(f, other);
        }
        watch_close(w);
        return;
    }
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    struct watch *w = arg;
    (void)story;
    if (err) {
        while (w->followers)
            follower_cut(w->followers, err_name(err->code), err->message);
        watch_close(w);
    } else if (w->notified) {
        go_on(w);
    } else if (run_status(story_run(w->story)) != FLOW_RUNNING) {
        tell_end(w); /* only now: after an earlier end it may have been resumed */
        watch_close(w);
    } else {
        w->resting = true;
        merge(w);
    }
}

/* ---- from outside ---- */

static struct watch *watch_new(struct api *api, const struct execution_row *row)
{
    struct arena *arena = arena_new(0);
    struct watch *w = ARENA_NEW(arena, struct watch);
    w->api = api;
    w->arena = arena;
    w->key = row->key;
    w->story = story_new(api, row, on_turn, on_rested, w);
    w->link = bucket_of(api, row->key);
    w->next = *w->link;
    if (w->next)
        w->next->link = &w->next;
    *w->link = w;
    return w;
}

void watch_follow(struct api *api, struct http_request *request, const struct execution_row *row,
                  uint64_t from, bool data)
{
    struct arena *scratch = arena_new(0);
    struct buf line = BUF_INIT(0);
    struct follower *f = ARENA_NEW(http_request_arena(request), struct follower);
    *f = (struct follower){.request = request, .from = from, .sent = from, .data = data};
    follower_join(f, watch_new(api, row));
    api->followers++;
    http_request_on_gone(request, on_gone, f);
    http_stream_on_drained(request, on_drained, f);
    http_stream_begin(request, 200, line_headers, COUNT_OF(line_headers));
    http_stream_beat(request, STR("\n"));
    write_line(&line, STR("execution"), execution_json(scratch, row));
    /* Should the peer have gone already, on_gone is still to come. */
    if (http_stream_write(request, buf_str(&line)))
        go_on(f->watch);
    buf_release(&line);
    arena_free(scratch);
}

void watches_notify(struct api *api, execution_key key)
{
    struct watch *next;
    if (!api->followers)
        return;
    for (struct watch *w = *bucket_of(api, key); w; w = next) {
        next = w->next;
        if (w->key != key)
            continue;
        if (w->resting)
            go_on(w);
        else
            w->notified = true;
    }
}

void watches_stop(struct api *api)
{
    for (size_t i = 0; i < WATCH_BUCKETS; i++)
        while (api->watches[i]) {
            struct watch *w = api->watches[i];
            while (w->followers)
                follower_cut(w->followers, "stopping", "this process is stopping");
            watch_close(w);
        }
}
