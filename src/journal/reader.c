#include "journal/journal_internal.h"

#include <stdio.h>

bool journal_damaged(struct err *reterr, uint32_t turn, const char *format, ...)
{
    char what[ERR_MESSAGE_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    return err_set(reterr, ERR_CORRUPT, "turn %u of the journal is damaged: %s", turn, what);
}

struct journal_reader *journal_reader_new(struct arena *a)
{
    struct journal_reader *r = ARENA_NEW(a, struct journal_reader);
    r->arena = a;
    return r;
}

const struct turn_values *journal_values(const struct journal_reader *r, size_t *ret_turns)
{
    *ret_turns = r->count;
    return r->turns;
}

static bool cause_known(uint8_t cause)
{
    return cause >= FLOW_START && cause <= FLOW_CAUSE_LAST;
}

/* What stands around the body. */
static bool check_row(const struct journal_reader *r, const struct journal_row *row,
                      struct err *reterr)
{
    if (row->turn != r->count)
        return err_set(reterr, ERR_CORRUPT, "turn %zu of the journal is missing; turn %u follows",
                       r->count, row->turn);
    if (row->checksum != checksum64(row->body))
        return journal_damaged(reterr, row->turn, "its checksum does not match its body");
    if (row->rules_version > FLOW_RULES_VERSION)
        return err_set(
            reterr, ERR_NEWER_SCHEMA,
            "turn %u of the journal was decided by rules %u; this release knows up to %d",
            row->turn, row->rules_version, FLOW_RULES_VERSION);
    if (row->rules_version == 0)
        return journal_damaged(reterr, row->turn, "its rules version is 0");
    if (!cause_known(row->cause))
        return journal_damaged(reterr, row->turn, "its cause %u is unknown", row->cause);
    if (row->at.ms < r->at.ms)
        return journal_damaged(reterr, row->turn, "its time is before the previous turn's");
    return true;
}

static void remember(struct journal_reader *r, struct turn_values values, struct wall_ms at)
{
    if (r->count == r->capacity)
        r->turns = arena_grow(r->arena, r->turns, r->count, &r->capacity, sizeof(*r->turns));
    r->turns[r->count++] = values;
    r->at = at;
}

void journal_skip(struct journal_reader *r, uint32_t turn)
{
    ASSERT(turn >= r->count);
    while (r->count < turn)
        remember(r, (struct turn_values){0}, r->at);
}

bool journal_read(struct journal_reader *r, const struct journal_row *row,
                  struct journal_turn *ret_turn, struct err *reterr)
{
    struct turn_values values;
    struct journal_turn turn = {
        .number = row->turn, .cause = (enum flow_cause)row->cause, .at = row->at};
    if (!check_row(r, row, reterr) ||
        !journal_decode(r, row->body, &values, &turn.events, &turn.count, reterr))
        return false;
    remember(r, values, row->at);
    *ret_turn = turn;
    return true;
}

bool journal_read_values(struct journal_reader *r, const struct journal_row *row,
                         struct err *reterr)
{
    struct turn_values values;
    if (!check_row(r, row, reterr) || !journal_decode(r, row->body, &values, NULL, NULL, reterr))
        return false;
    remember(r, values, row->at);
    return true;
}

bool journal_fold(struct journal_reader *r, const struct journal_row *row, struct run *run,
                  struct journal_turn *ret_turn, struct err *reterr)
{
    struct journal_turn turn;
    if (!journal_read(r, row, &turn, reterr) ||
        !flow_fold(run, turn.number, turn.at, turn.events, turn.count, reterr))
        return false;
    *ret_turn = turn;
    return true;
}
