#include "engine/known.h"

#include "base/panic.h"

#include <stdlib.h>

static struct known_machine *place_of(struct known *k, struct str name)
{
    return &k->machines[str_hash(name) % KNOWN_MACHINES];
}

static bool is_named(const struct known_machine *m, struct str name)
{
    return m->name && str_eq(str_of(m->name, m->name_len), name);
}

static const struct known_machine *find(const struct known *k, struct str name)
{
    const struct known_machine *m = &k->machines[str_hash(name) % KNOWN_MACHINES];
    return is_named(m, name) ? m : NULL;
}

/* NULL: another name has the place, and puts on their way. */
static struct known_machine *claim(struct known *k, struct str name)
{
    struct known_machine *m = place_of(k, name);
    if (is_named(m, name))
        return m;
    if (m->puts)
        return NULL;
    free(m->name);
    *m = (struct known_machine){.name = strndup(name.ptr, name.len), .name_len = name.len};
    if (!m->name)
        panic(__FILE__, __LINE__, "out of memory");
    return m;
}

void known_release(struct known *k)
{
    for (size_t i = 0; i < KNOWN_MACHINES; i++)
        free(k->machines[i].name);
}

bool known_find(const struct known *k, struct str name, struct wall_ms *ret_created_at)
{
    const struct known_machine *m = find(k, name);
    if (m)
        *ret_created_at = m->created_at;
    return m;
}

bool known_has(const struct known *k, struct str name, const uint8_t definition[static SHA256_SIZE])
{
    const struct known_machine *m = find(k, name);
    return m && m->is_known && memcmp(m->definition, definition, SHA256_SIZE) == 0;
}

/* While puts are on their way they know better. */
void known_learn(struct known *k, struct str name, const uint8_t *definition,
                 struct wall_ms created_at)
{
    struct known_machine *m = claim(k, name);
    if (!m || m->puts || m->is_known)
        return;
    m->created_at = created_at;
    m->is_known = definition != NULL;
    if (definition)
        memcpy(m->definition, definition, SHA256_SIZE);
}

struct known_machine *known_put(struct known *k, struct str name,
                                const uint8_t definition[static SHA256_SIZE],
                                struct wall_ms created_at)
{
    struct known_machine *m = claim(k, name);
    if (!m)
        return NULL;
    if (m->puts++ && memcmp(m->definition, definition, SHA256_SIZE) != 0)
        m->mixed = true;
    m->is_known = false;
    if (m->created_at.ms == 0)
        m->created_at = created_at;
    memcpy(m->definition, definition, SHA256_SIZE);
    return m;
}

void known_put_done(struct known_machine *m, bool landed)
{
    if (!m)
        return;
    if (!landed)
        m->mixed = true;
    if (--m->puts > 0)
        return;
    m->is_known = !m->mixed;
    m->mixed = false;
}

void known_forget(struct known *k, struct str name)
{
    struct known_machine *m = place_of(k, name);
    if (is_named(m, name)) {
        m->is_known = false;
        m->mixed = m->puts > 0;
    }
}
