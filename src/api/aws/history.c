/* GetExecutionHistory: the events of the Step Functions API, a page at a time.
 *
 * Events get their ids when their turns are folded, so a page is found by folding
 * from the first turn. The token of the next page names the execution, the order
 * and the last id that was given.
 */
#include "api/aws/operations.h"

#include "api/rerun.h"
#include "api/story.h"
#include "base/base64.h"

enum {
    PAGE_SIZE_MAX = 4 << 20, /* bytes of one page, about; one event at least */
};

struct kept_event {
    struct flow_event event;
    struct wall_ms at;
};

struct history {
    int64_t count_max;
    bool reverse, data;
    struct str token;
    execution_key key;
    uint32_t after; /* the last id of the page before; 0: none */
    struct story *story;
    /* A ring of the events that fit, in the order they happened: going forward the
     * first of them, in reverse the last. One more than the page tells of the next. */
    struct kept_event *events;
    size_t room, begin, count;
    struct rerun *rerun; /* whose events they are; NULL: the execution's own */
    struct execution_row row;
};

static void clean(void *work)
{
    const struct history *h = work;
    story_close(h->story);
}

/* ---- tokens ---- */

static struct str token_of(struct arena *a, const struct history *h, uint32_t last)
{
    struct str of = arena_printf(a, "%lld", (long long)h->key);
    if (h->rerun)
        of = arena_printf(a, STR_FMT ".%u", STR_ARG(of), h->rerun->number);
    return base64_encode(
        a, arena_printf(a, "h1 %c " STR_FMT " %u", h->reverse ? 'r' : 'f', STR_ARG(of), last));
}

static bool take_token(struct call *c, struct history *h)
{
    struct str text, expected;
    int64_t last;
    if (h->token.len == 0)
        return true;
    if (base64_decode(c->arena, h->token, &text)) {
        size_t blank = str_rfind_char(text, ' ');
        struct str number = str_slice(text, blank == SIZE_MAX ? text.len : blank + 1, text.len);
        if (str_to_int64(number, &last) && last > 0 && last < UINT32_MAX) {
            h->after = (uint32_t)last;
            expected = token_of(c->arena, h, h->after);
            if (str_eq(expected, h->token))
                return true;
        }
    }
    call_fail_aws(c, "InvalidToken", "Invalid Token: 'Invalid token'");
    return false;
}

/* ---- the events of the page ---- */

static bool fits(const struct call *c, const struct story *story, const struct flow_event *event)
{
    const struct history *h = c->work;
    if (event->id == 0)
        return false;
    if (h->after && (h->reverse ? event->id >= h->after : event->id <= h->after))
        return false;
    struct arena *scratch = arena_new(0);
    struct json shown = history_event(scratch, story_run(story), event, (struct wall_ms){0}, false);
    bool there = !json_is_absent(shown);
    arena_free(scratch);
    return there;
}

static void keep(struct history *h, const struct flow_event *event, struct wall_ms at)
{
    if (h->count == h->room) {
        h->begin = (h->begin + 1) % h->room;
        h->count--;
    }
    h->events[(h->begin + h->count++) % h->room] = (struct kept_event){*event, at};
}

static void answer(struct call *c)
{
    struct history *h = c->work;
    struct json_array_builder events = json_array_builder(c->arena);
    struct json_object_builder b = json_object_builder(c->arena);
    size_t size = 0, shown = 0;
    uint32_t last = 0;
    while (shown < h->count && shown < (size_t)h->count_max && size < PAGE_SIZE_MAX) {
        size_t at = h->reverse ? h->count - 1 - shown : shown;
        const struct kept_event *k = &h->events[(h->begin + at) % h->room];
        struct json event = history_event(c->arena, story_run(h->story), &k->event, k->at, h->data);
        json_array_add(&events, event);
        size += json_size(event);
        last = k->event.id;
        shown++;
    }
    json_object_add(&b, STR("events"), json_array_done(&events));
    if (shown < h->count)
        json_object_add(&b, STR("nextToken"), json_string(token_of(c->arena, h, last)));
    call_answer(c, 200, json_object_done(&b));
}

/* ---- those of a rerun ---- */

/* There are few, with ids from 1: they are all made, and the page is taken out of them. */
static void answer_rerun(struct call *c)
{
    struct history *h = c->work;
    struct json all = rerun_history(h->rerun, &h->row, story_run(h->story), c->arena, h->data);
    struct json_array_builder events = json_array_builder(c->arena);
    struct json_object_builder b = json_object_builder(c->arena);
    size_t count = json_count(all), size = 0;
    size_t id = h->after ? h->after : (h->reverse ? count + 1 : 0);
    size_t left = h->reverse ? id - 1 : (id > count ? 0 : count - id);
    for (; left && events.count < (size_t)h->count_max && size < PAGE_SIZE_MAX; left--) {
        id += h->reverse ? -(size_t)1 : (size_t)1;
        struct json event = json_at(all, id - 1);
        json_array_add(&events, event);
        size += json_size(event);
    }
    json_object_add(&b, STR("events"), json_array_done(&events));
    if (left)
        json_object_add(&b, STR("nextToken"), json_string(token_of(c->arena, h, (uint32_t)id)));
    call_answer(c, 200, json_object_done(&b));
}

static bool on_turn_of_rerun(void *arg, struct story *story, const struct journal_turn *turn)
{
    const struct call *c = arg;
    const struct history *h = c->work;
    (void)story;
    rerun_take(h->rerun, turn);
    return true;
}

static void on_rested_of_rerun(void *arg, struct story *story, const struct err *err)
{
    struct call *c = arg;
    const struct history *h = c->work;
    (void)story;
    if (err)
        call_fail(c, err);
    else if (!h->rerun->began)
        call_not_found(c);
    else
        answer_rerun(c);
}

/* ---- those of an execution ---- */

/* Going forward, a full page needs no later turns. */
static bool on_turn(void *arg, struct story *story, const struct journal_turn *turn)
{
    struct call *c = arg;
    struct history *h = c->work;
    for (size_t i = 0; i < turn->count; i++) {
        if (!fits(c, story, &turn->events[i]))
            continue;
        keep(h, &turn->events[i], turn->at);
        if (!h->reverse && h->count == h->room) {
            answer(c);
            return false;
        }
    }
    return true;
}

static void on_rested(void *arg, struct story *story, const struct err *err)
{
    (void)story;
    if (err)
        call_fail(arg, err);
    else
        answer(arg);
}

static void found(struct call *c, const struct execution_row *row)
{
    struct history *h = c->work;
    h->key = row->key;
    h->row = *row;
    if (call_rerun(c))
        h->rerun = rerun_new(c->arena, call_rerun(c));
    if (!take_token(c, h))
        return;
    if (h->rerun) {
        h->story = story_new(c->api, row, on_turn_of_rerun, on_rested_of_rerun, c);
        story_advance(h->story);
        return;
    }
    h->room = (size_t)h->count_max + 1;
    h->events = ARENA_ARRAY(c->arena, struct kept_event, h->room);
    h->story = story_new(c->api, row, on_turn, on_rested, c);
    story_advance(h->story);
}

void aws_get_execution_history(struct call *c)
{
    struct history *h = c->work = ARENA_NEW(c->arena, struct history);
    struct arn arn;
    c->clean = clean;
    (void)json_to_int64(member_get(c->body, STR("maxResults")), &h->count_max);
    h->reverse = aws_is_true(c, "reverseOrder");
    h->data = !aws_given(c, "includeExecutionData") || aws_is_true(c, "includeExecutionData");
    h->token = aws_text(c, "nextToken");
    if (h->count_max == 0)
        h->count_max = AWS_PAGE_DEFAULT;
    if (aws_take_arn(c, "executionArn", ARN_IS_EXECUTION, &arn))
        call_find_rerun(c, arn.text, found);
}
