#include "asl/machine.h"

#include "asl/compile_internal.h"

struct str state_type_name(enum state_type type)
{
    static const struct str names[STATE_TYPE_COUNT] = {
#define STATE_TYPE_ROW(upper, name) STR_INIT(#name),
        STATE_TYPE_TABLE(STATE_TYPE_ROW)
#undef STATE_TYPE_ROW
    };
    ASSERT(type < STATE_TYPE_COUNT);
    return names[type];
}

struct str comparator_name(enum comparator c)
{
    static const struct str names[COMPARATOR_COUNT] = {
#define COMPARATOR_ROW(upper, name) STR_INIT(#name),
        COMPARATOR_TABLE(COMPARATOR_ROW)
#undef COMPARATOR_ROW
    };
    ASSERT(c < COMPARATOR_COUNT);
    return names[c];
}

static bool name_matches(struct str name, struct str error)
{
    bool heartbeat = str_eq(error, STR("States.HeartbeatTimeout"));
    bool timeout = heartbeat || str_eq(error, STR("States.Timeout"));
    bool data_limit = str_eq(error, STR("States.DataLimitExceeded"));

    if (str_eq(name, error))
        return true;
    if (str_eq(name, STR("States.ALL")))
        return true;
    if (str_eq(name, STR("States.TaskFailed")))
        return !data_limit && !timeout;
    return heartbeat && str_eq(name, STR("States.Timeout"));
}

bool error_names_match(const struct error_names *names, struct str error)
{
    if (str_eq(error, STR("States.Runtime")))
        return false;
    for (size_t i = 0; i < names->count; i++) {
        if (name_matches(names->names[i], error))
            return true;
    }
    return false;
}

const struct state *machine_find_state(const struct machine *m, uint32_t scope, struct str name)
{
    uint32_t number = states_find(m->states, m->by_name, m->state_count, scope, name);

    return number == STATE_NO_NONE ? NULL : &m->states[number];
}

bool machine_state_is_apart(const struct machine *m, uint32_t state)
{
    const struct state *s = &m->states[state];
    while (s->scope) {
        s = &m->states[m->scopes[s->scope].parent_state];
        if (s->type == STATE_MAP && s->u.map.distributed)
            return true;
    }
    return false;
}

static struct str escape_format(struct str name, struct arena *a)
{
    struct buf text = BUF_INIT(0);
    for (size_t i = 0; i < name.len; i++) {
        buf_append_char(&text, name.ptr[i]);
        if (name.ptr[i] == '%')
            buf_append_char(&text, '%');
    }
    struct str escaped = arena_str(a, buf_str(&text));
    buf_release(&text);
    return escaped;
}

static struct str path_format(const struct machine *m, uint32_t state, struct arena *a)
{
    const struct state *s = &m->states[state];
    struct str path = escape_format(s->name, a);
    while (s->scope) {
        s = &m->states[m->scopes[s->scope].parent_state];
        struct str above = escape_format(s->name, a);
        path = arena_printf(a, STR_FMT "/%%d/" STR_FMT, STR_ARG(above), STR_ARG(path));
    }
    return path;
}

struct str machine_outline(const struct machine *m, struct arena *a)
{
    struct buf text = BUF_INIT(0);
    buf_append_char(&text, '[');
    for (uint32_t i = 0; i < m->state_count; i++) {
        const struct state *s = &m->states[i];
        bool distributed = s->type == STATE_MAP && s->u.map.distributed;
        size_t branches = s->type == STATE_PARALLEL ? s->u.parallel.branch_count : 0;
        buf_append(&text, i ? STR(",[") : STR("["));
        json_write(&text, json_string(s->name));
        buf_printf(&text, ",\"" STR_FMT "\",%d,%d,%zu,", STR_ARG(state_type_name(s->type)),
                   machine_state_is_apart(m, i), distributed, branches);
        json_write(&text, json_string(path_format(m, i, a)));
        buf_append_char(&text, ']');
    }
    buf_append_char(&text, ']');
    struct str outline = arena_str(a, buf_str(&text));
    buf_release(&text);
    return outline;
}

/* From the outermost state in: each scope's state, then where its scope stands in it. */
struct str machine_state_pointer(const struct machine *m, uint32_t state, struct arena *a)
{
    uint32_t chain[DEFINITION_DEPTH_MAX];
    size_t depth = 0;
    struct str pointer = STR("");

    for (uint32_t at = state; at != STATE_NO_NONE;
         at = m->scopes[m->states[at].scope].parent_state) {
        ASSERT(depth < COUNT_OF(chain));
        chain[depth++] = at;
    }
    while (depth-- > 0) {
        const struct state *st = &m->states[chain[depth]];
        const struct scope *scope = &m->scopes[st->scope];
        const struct state *parent =
            scope->parent_state == STATE_NO_NONE ? NULL : &m->states[scope->parent_state];

        if (parent && parent->type == STATE_PARALLEL)
            pointer = json_pointer_item(a, json_pointer_child(a, pointer, STR("Branches")),
                                        scope->branch);
        else if (parent)
            pointer =
                json_pointer_child(a, pointer,
                                   json_is_absent(json_get(parent->source, STR("ItemProcessor")))
                                       ? STR("Iterator")
                                       : STR("ItemProcessor"));
        pointer = json_pointer_child(a, json_pointer_child(a, pointer, STR("States")), st->name);
    }
    return pointer;
}
