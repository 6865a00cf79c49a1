/* Room in memory: large bodies are read, and requests handled, as it allows. Whoever
 * waits is not read from, and has its turn in the order of coming; small requests are
 * handled before large ones. A body that has room comes as slowly as it likes while nobody
 * else wants any; else it has half of the time that those who wait have.
 *
 * A large request keeps the loop, and then the disk, busy for tens of milliseconds, in
 * which nobody else gets anything. So when others have come meanwhile, the next large one
 * waits for as long as the last one took: half of the time is theirs. */
#include "net/http_internal.h"

static void wait_for_room(struct http_connection *c, enum deadline list)
{
    uv_read_stop(&c->u.stream);
    server_set_deadline(c, list);
}

/* What a body may become. Of one in chunks that is known only when it is large already. */
static size_t body_expected(const struct http_connection *c)
{
    const struct http_limits *limits = &c->server->limits;
    size_t announced = http_parser_body_announced(c->parser);
    if (announced != SIZE_MAX)
        return announced;
    return http_parser_body_size(c->parser) > limits->large_size ? limits->body_size_max : 0;
}

static void take_room(struct http_connection *c, size_t size)
{
    c->body_room = size;
    c->room_ms = uv_now(c->server->loop);
}

static uint64_t undisturbed_ms(const struct http_server *s)
{
    return s->limits.room_ms / 2;
}

bool admission_of_body(struct http_connection *c)
{
    size_t expected = body_expected(c);
    if (c->body_room || expected <= c->server->limits.large_size)
        return true;
    bool first = !c->server->lists[DEADLINE_BODY_ROOM].first;
    if (first && budget_take(&c->server->bodies, expected)) {
        take_room(c, expected);
        return true;
    }
    c->phase = PHASE_BODY_ROOM;
    wait_for_room(c, DEADLINE_BODY_ROOM);
    server_turn_at(c->server, uv_now(c->server->loop) + undisturbed_ms(c->server));
    return false;
}

static size_t handling_cost(const struct http_connection *c)
{
    const struct http_limits *limits = &c->server->limits;
    size_t cost;
    if (__builtin_mul_overflow(http_parser_body_size(c->parser), limits->handling_cost, &cost))
        cost = SIZE_MAX / 2;
    return cost;
}

static bool is_large(const struct http_server *s, size_t cost)
{
    return cost / s->limits.handling_cost > s->limits.large_size;
}

static bool take_handling(struct http_connection *c)
{
    struct http_server *s = c->server;
    size_t cost = handling_cost(c);
    bool large = is_large(s, cost);
    if ((large && s->large_next_ms > uv_now(s->loop)) || !budget_take(&s->handling, cost))
        return false;
    c->handling_room = cost;
    if (large) {
        s->large_begun_ms = uv_now(s->loop);
        s->large_number = s->counts.requests;
    }
    return true;
}

bool admission_of_request(struct http_connection *c)
{
    struct http_server *s = c->server;
    enum deadline list = is_large(s, handling_cost(c)) ? DEADLINE_LARGE_ROOM : DEADLINE_SMALL_ROOM;
    if (!s->lists[list].first && take_handling(c))
        return true;
    c->phase = PHASE_REQUEST_ROOM;
    wait_for_room(c, list);
    return false;
}

static void leave_time_to_others(struct http_server *s)
{
    enum {
        PAUSE_MAX_MS = 1000
    };
    uint64_t now = uv_now(s->loop), took = now - s->large_begun_ms;
    if (s->counts.requests > s->large_number + 1)
        s->large_next_ms = now + (took < PAUSE_MAX_MS ? took : PAUSE_MAX_MS);
}

void admission_give(struct http_server *s, size_t body, size_t handling)
{
    budget_give(&s->bodies, body);
    budget_give(&s->handling, handling);
    if (is_large(s, handling))
        leave_time_to_others(s);
    if ((body && s->lists[DEADLINE_BODY_ROOM].first) ||
        (handling && (s->lists[DEADLINE_SMALL_ROOM].first || s->lists[DEADLINE_LARGE_ROOM].first)))
        server_turn_at(s, 0);
}

/* The first of a list, if there is room for it. */
static bool admit_body(struct http_server *s)
{
    struct http_connection *c = s->lists[DEADLINE_BODY_ROOM].first;
    size_t expected = c ? body_expected(c) : 0;
    if (!c || !budget_take(&s->bodies, expected))
        return false;
    take_room(c, expected);
    connection_read_on(c);
    return true;
}

/* Of the bodies that come in, the one that has had room for longest. */
static struct http_connection *oldest_body(const struct http_server *s)
{
    struct http_connection *oldest = NULL;
    for (struct http_connection *c = s->lists[DEADLINE_BODY].first; c; c = c->next)
        if (c->body_room && (!oldest || c->room_ms < oldest->room_ms))
            oldest = c;
    return oldest;
}

/* The first that waits has waited for half of its time: whoever is that slow makes room. */
static void cut_slow_body(struct http_server *s)
{
    const struct http_connection *waits = s->lists[DEADLINE_BODY_ROOM].first;
    uint64_t now = uv_now(s->loop), half = undisturbed_ms(s);
    if (!waits)
        return;
    struct http_connection *slow = now + half >= waits->due_ms ? oldest_body(s) : NULL;
    if (slow && now - slow->room_ms >= half) {
        s->counts.timed_out++;
        connection_refuse(slow, 408, "BODY_TIMEOUT",
                          "the body came too slowly while others waited for room in memory");
    } else if (now + half < waits->due_ms) {
        server_turn_at(s, waits->due_ms - half);
    } else if (slow) {
        server_turn_at(s, slow->room_ms + half);
    }
}

static bool admit_request(struct http_server *s, enum deadline list)
{
    struct http_connection *c = s->lists[list].first;
    if (!c || !take_handling(c))
        return false;
    connection_handle(c);
    return true;
}

/* One large request at a time, since its handling holds all others up. */
void admission_turn(struct http_server *s)
{
    while (admit_body(s))
        ;
    cut_slow_body(s);
    while (admit_request(s, DEADLINE_SMALL_ROOM))
        ;
    bool admitted = admit_request(s, DEADLINE_LARGE_ROOM);
    if (s->lists[DEADLINE_LARGE_ROOM].first && (admitted || s->large_next_ms > uv_now(s->loop)))
        server_turn_at(s, s->large_next_ms);
}
