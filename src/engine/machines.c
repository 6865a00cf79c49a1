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
        if (str_eq((*at)->machine->definition, definition))
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

bool machine_compile(struct machines *m, struct str definition, struct machine_ref **ret_ref,
                     struct err *reterr)
{
    uint8_t hash[SHA256_SIZE];
    sha256(definition, hash);
    struct machine_ref *ref = machine_take(m, hash);
    if (!ref) {
        struct arena *arena = arena_new(0);
        struct diag_list diags = diag_list(arena);
        struct err syntax = {0};
        const struct machine *machine = NULL;
        if (!asl_compile(arena, definition, &diags, &machine, &syntax) || !machine) {
            refuse(definition, &diags, &syntax, reterr);
            arena_free(arena);
            return false;
        }
        ref = ARENA_NEW(arena, struct machine_ref);
        *ref = (struct machine_ref){
            .next = m->first, .machine = machine, .arena = arena, .diags = diags, .uses = 1};
        m->first = ref;
    }
    *ret_ref = ref;
    return true;
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
