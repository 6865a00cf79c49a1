#include "cli/story.h"

#include "asl/compile.h"
#include "engine/names.h"

static bool read_machine(struct story *s, const struct archive *archive, struct err *reterr)
{
    struct store_read read = {.kind = STORE_GET_DEFINITION, .arena = s->arena};
    struct diag_list diags = diag_list(s->arena);
    struct err syntax;
    memcpy(read.hash, s->row.definition, SHA256_SIZE);
    if (!archive_read(archive, &read, reterr))
        return false;
    if (!asl_compile_stored(s->arena, read.text, &diags, &s->machine, &syntax))
        return err_set(reterr, ERR_INVALID_DEFINITION,
                       "this release refuses the definition that execution " STR_FMT
                       " was started with",
                       STR_ARG(s->row.name));
    return true;
}

static void take_turn(struct story *s, const struct journal_turn *turn)
{
    for (size_t i = 0; i < turn->count; i++) {
        s->events =
            arena_grow(s->arena, s->events, s->event_count, &s->event_capacity, sizeof(*s->events));
        s->events[s->event_count++] = (struct told_event){turn->events[i], turn->at};
    }
    steps_apply(&s->steps, s->arena, s->run, turn->events, turn->count, turn->at);
}

/* One page of turns. */
struct page {
    struct story *story;
    story_turn *told;
    void *arg;
};

static bool take_page(const struct page *p, const struct store_read *read, struct err *reterr)
{
    struct story *s = p->story;
    for (size_t i = 0; i < read->count; i++) {
        const struct turn_row *row = &read->turns[i];
        struct journal_turn turn;
        struct journal_row journal = {row->turn, row->rules_version, row->cause,
                                      row->at,   row->body,          row->checksum};
        if (!journal_fold(s->reader, &journal, s->run, &turn, reterr))
            return false;
        take_turn(s, &turn);
        if (p->told)
            p->told(p->arg, s, &turn);
    }
    return true;
}

bool story_more(const struct archive *archive, struct story *s, story_turn *told, void *arg,
                struct err *reterr)
{
    const struct page page = {s, told, arg};
    struct store_read read = {
        .kind = STORE_GET_TURNS, .key = s->row.key, .turn = run_turns(s->run)};
    for (bool more = true; more;) {
        read.arena = arena_new(0);
        bool good = archive_read(archive, &read, reterr) && take_page(&page, &read, reterr);
        arena_free(read.arena);
        if (!good)
            return false;
        more = read.more;
        read.turn = run_turns(s->run);
    }
    return true;
}

bool story_open(const struct archive *archive, const struct execution_row *row, struct story *ret,
                struct err *reterr)
{
    const struct flow_limits limits = flow_limits_default();
    struct story s = {.row = *row, .arena = arena_new(0)};
    struct flow_limits *kept = arena_dup(s.arena, &limits, sizeof(limits));
    struct flow_identity *identity = ARENA_NEW(s.arena, struct flow_identity);
    *identity = identity_of_row(s.arena, row, store_secret(archive->store));
    if (!read_machine(&s, archive, reterr)) {
        story_release(&s);
        return false;
    }
    s.run = run_new(s.machine, identity, kept);
    s.reader = journal_reader_new(s.arena);
    *ret = s;
    return true;
}

bool story_read(const struct archive *archive, const struct execution_row *row, struct story *ret,
                struct err *reterr)
{
    struct story s;
    if (!story_open(archive, row, &s, reterr))
        return false;
    if (!story_more(archive, &s, NULL, NULL, reterr)) {
        story_release(&s);
        return false;
    }
    *ret = s;
    return true;
}

void story_release(struct story *s)
{
    if (s->run)
        run_free(s->run);
    arena_free(s->arena);
    *s = (struct story){0};
}
