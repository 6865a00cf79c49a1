#include "engine/machines.h"

enum {
    TEXTS_COMPARED_MAX = 4
};

void machines_release(struct machines *m)
{
    while (m->first) {
        struct machine_ref *ref = m->first;
        ASSERT(ref->uses == 0);
        m->first = ref->next;
        arena_free(ref->arena);
    }
}

/* Used last from now on. */
static struct machine_ref *take(struct machines *m, struct machine_ref **at)
{
    struct machine_ref *ref = *at;
    *at = ref->next;
    ref->next = m->first;
    m->first = ref;
    ref->uses++;
    return ref;
}

struct machine_ref *machine_take(struct machines *m, const uint8_t hash[static SHA256_SIZE])
{
    for (struct machine_ref **at = &m->first; *at; at = &(*at)->next)
        if (memcmp((*at)->machine->hash, hash, SHA256_SIZE) == 0)
            return take(m, at);
    return NULL;
}

struct machine_ref *machine_take_text(struct machines *m, struct str definition)
{
    struct machine_ref **at = &m->first;
    for (int i = 0; *at && i < TEXTS_COMPARED_MAX; i++, at = &(*at)->next)
        if (!(*at)->machine->passed_over && str_eq((*at)->machine->definition, definition))
            return take(m, at);
    return NULL;
}

static bool refuse(struct str text, const struct diag_list *diags, const struct err *syntax,
                   struct err *reterr)
{
    if (syntax->code != ERR_NONE) {
        err_set(reterr, ERR_INVALID_DEFINITION, "the definition cannot be read: %s",
                syntax->message);
        reterr->line = syntax->line;
        reterr->column = syntax->column;
        return false;
    }
    for (size_t i = 0; i < diags->count; i++) {
        const struct diag *d = &diags->items[i];
        if (d->severity != DIAG_ERROR)
            continue;
        struct json_place place = asl_locate(text, d);
        err_set(reterr, ERR_INVALID_DEFINITION,
                "the definition has %zu %s; the first is %s: " STR_FMT, diags->error_count,
                diags->error_count == 1 ? "error" : "errors", d->code, STR_ARG(d->message));
        reterr->line = place.line;
        reterr->column = place.column;
        return false;
    }
    return err_set(reterr, ERR_INVALID_DEFINITION, "the definition cannot be compiled");
}

static bool add(struct machines *m, struct str definition, bool stored,
                struct machine_ref **ret_ref, struct err *reterr)
{
    struct arena *arena = arena_new(0);
    struct diag_list diags = diag_list(arena);
    struct err syntax = {0};
    const struct machine *machine = NULL;
    bool good = stored ? asl_compile_stored(arena, definition, &diags, &machine, &syntax)
                       : asl_compile(arena, definition, &diags, &machine, &syntax);
    if (!good || !machine) {
        refuse(definition, &diags, &syntax, reterr);
        arena_free(arena);
        return false;
    }
    struct machine_ref *ref = ARENA_NEW(arena, struct machine_ref);
    *ref = (struct machine_ref){
        .next = m->first, .machine = machine, .arena = arena, .diags = diags, .uses = 1};
    m->first = *ret_ref = ref;
    return true;
}

static struct machine_ref *take_same(struct machines *m, struct str definition)
{
    uint8_t hash[SHA256_SIZE];
    sha256(definition, hash);
    return machine_take(m, hash);
}

bool machine_compile(struct machines *m, struct str definition, struct machine_ref **ret_ref,
                     struct err *reterr)
{
    struct machine_ref *ref = take_same(m, definition);
    if (ref && ref->machine->passed_over) { /* what is wrong with it has to be said now */
        machine_release(m, ref);
        return add(m, definition, false, ret_ref, reterr);
    }
    *ret_ref = ref;
    return ref || add(m, definition, false, ret_ref, reterr);
}

bool machine_load(struct machines *m, struct str definition, struct machine_ref **ret_ref,
                  struct err *reterr)
{
    *ret_ref = take_same(m, definition);
    return *ret_ref || add(m, definition, true, ret_ref, reterr);
}

void machine_release(struct machines *m, struct machine_ref *ref)
{
    if (!ref)
        return;
    ASSERT(ref->uses > 0);
    if (--ref->uses > 0)
        return;
    /* The list is in the order of use: the first idle ones stay. */
    size_t idle = 0;
    for (struct machine_ref **at = &m->first; *at;) {
        struct machine_ref *r = *at;
        if (r->uses == 0 && ++idle > MACHINES_IDLE_MAX) {
            *at = r->next;
            arena_free(r->arena);
        } else {
            at = &r->next;
        }
    }
}
