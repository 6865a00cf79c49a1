/* The bodies of rows and objects: JSON texts that a person can read, too. */
#include "catalog/catalog_internal.h"

#include <stdio.h>

/* ---- names ---- */

struct str part_name(struct arena *a, struct str machine, struct str part)
{
    return arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(machine), STR_ARG(part));
}

/* Ten digits: so many has the largest, and they sort by number. */
struct str version_part(struct arena *a, uint32_t version)
{
    return arena_printf(a, "%010u", version);
}

struct str object_part(struct str object_name)
{
    return str_slice(object_name, str_find_char(object_name, ':') + 1, object_name.len);
}

struct arn arn_copy(struct arena *a, const struct arn *arn)
{
    struct arn copy;
    bool whole = arn_parse(arena_str(a, arn->text), &copy);
    ASSERT(whole);
    return copy;
}

/* ---- settings ---- */

static struct json flat_object(struct arena *a, struct str name, struct json value)
{
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, name, value);
    return json_object_done(&b);
}

static struct json logging_default(struct arena *a)
{
    return json_object_with(a, flat_object(a, STR("level"), json_string(STR("OFF"))),
                            STR("includeExecutionData"), json_bool(false));
}

struct catalog_settings catalog_settings_whole(struct arena *a,
                                               const struct catalog_settings *given)
{
    struct catalog_settings s = settings_copy(a, given);
    if (json_is_absent(s.logging))
        s.logging = logging_default(a);
    if (json_is_absent(s.tracing))
        s.tracing = flat_object(a, STR("enabled"), json_bool(false));
    if (json_is_absent(s.encryption))
        s.encryption = flat_object(a, STR("type"), json_string(STR("AWS_OWNED_KEY")));
    return s;
}

struct catalog_settings settings_copy(struct arena *a, const struct catalog_settings *from)
{
    return (struct catalog_settings){
        .express = from->express,
        .role_arn = arena_str(a, from->role_arn),
        .logging = json_copy(a, from->logging),
        .tracing = json_copy(a, from->tracing),
        .encryption = json_copy(a, from->encryption),
    };
}

/* ---- machines, revisions, versions ---- */

static struct json hash_json(struct arena *a, const uint8_t hash[static SHA256_SIZE])
{
    char hex[2 * SHA256_SIZE + 1];
    for (size_t i = 0; i < SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return json_string_copy(a, str_of(hex, 2 * SHA256_SIZE));
}

static uint8_t nibble(char c)
{
    return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void hash_read(struct json hex, uint8_t to[static SHA256_SIZE])
{
    struct str text = json_str(hex);
    for (size_t i = 0; i < SHA256_SIZE && text.len == 2 * SHA256_SIZE; i++)
        to[i] = (uint8_t)(nibble(text.ptr[2 * i]) << 4 | nibble(text.ptr[2 * i + 1]));
}

struct json machine_body(struct arena *a, const struct catalog_machine *m)
{
    struct json_object_builder b = json_object_builder(a);
    const struct catalog_settings *s = &m->settings;
    json_object_add(&b, STR("revisionId"), json_string(m->revision));
    json_object_add(&b, STR("definition"), hash_json(a, m->definition));
    json_object_add(&b, STR("type"), json_string(s->express ? STR("EXPRESS") : STR("STANDARD")));
    json_object_add(&b, STR("roleArn"), json_string(s->role_arn));
    json_object_add(&b, STR("loggingConfiguration"), s->logging);
    json_object_add(&b, STR("tracingConfiguration"), s->tracing);
    json_object_add(&b, STR("encryptionConfiguration"), s->encryption);
    if (m->description.len)
        json_object_add(&b, STR("description"), json_string(m->description));
    json_object_add(&b, STR("updatedAt"), json_int(m->updated_at.ms));
    return json_object_done(&b);
}

void machine_read(struct arena *a, struct json body, struct catalog_machine *to)
{
    struct catalog_settings given = {
        .express = str_eq(json_str(json_get(body, STR("type"))), STR("EXPRESS")),
        .role_arn = json_str(json_get(body, STR("roleArn"))),
        .logging = json_get(body, STR("loggingConfiguration")),
        .tracing = json_get(body, STR("tracingConfiguration")),
        .encryption = json_get(body, STR("encryptionConfiguration")),
    };
    to->settings = catalog_settings_whole(a, &given);
    to->revision = json_str(json_get(body, STR("revisionId")));
    to->description = json_str(json_get(body, STR("description")));
    hash_read(json_get(body, STR("definition")), to->definition);
    (void)json_to_int64(json_get(body, STR("updatedAt")), &to->updated_at.ms);
}

/* One that was run by its definition, past the catalog, has the revision that the
 * definition's hash names. */
static struct str revision_of_hash(struct arena *a, const uint8_t hash[static SHA256_SIZE])
{
    struct uuid id;
    char text[UUID_TEXT_LEN];
    memcpy(id.bytes, hash, sizeof(id.bytes));
    id.bytes[6] = (uint8_t)((id.bytes[6] & 0x0f) | 0x80); /* RFC 9562, version 8 */
    id.bytes[8] = (uint8_t)((id.bytes[8] & 0x3f) | 0x80);
    uuid_format(id, text);
    return arena_str(a, str_of(text, UUID_TEXT_LEN));
}

static struct str role_default(struct arena *a, struct str machine_arn)
{
    struct arn arn = {0};
    bool whole = arn_parse(machine_arn, &arn);
    return arena_printf(a, "arn:aws:iam::" STR_FMT ":role/pawl",
                        STR_ARG(whole ? arn.account : STR("")));
}

bool machine_of_row(struct deed *d, const struct machine_row *row, struct catalog_machine *to)
{
    struct json body = JSON_NONE;
    struct err err;
    if (row->body.len && !json_parse(d->arena, row->body, (struct json_limits){0},
                                     JSON_DUPLICATES_LAST, &body, &err)) {
        err_set(&err, ERR_CORRUPT,
                "the state machine " STR_FMT " is damaged (table machine, column body)",
                STR_ARG(row->name));
        deed_fail(d, &err);
        return false;
    }
    *to = (struct catalog_machine){.name = row->name, .arn = row->arn};
    machine_read(d->arena, body, to);
    to->created_at = row->created_at;
    to->updated_at = row->updated_at;
    if (to->settings.role_arn.len == 0)
        to->settings.role_arn = role_default(d->arena, row->arn);
    if (row->body.len == 0)
        to->revision = STR(CATALOG_FIRST_REVISION);
    else if (memcmp(to->definition, row->definition, SHA256_SIZE) != 0)
        to->revision = revision_of_hash(d->arena, row->definition);
    memcpy(to->definition, row->definition, SHA256_SIZE);
    return true;
}

/* ---- the ledger ---- */

bool ledger_read(struct deed *d, struct ledger *to)
{
    struct json body;
    int64_t last = 0, current = 0, count = 0;
    if (!deed_body(d, d->ledger, &body))
        return false;
    const struct object_row *object = deed_object(d->ledger);
    (void)json_to_int64(json_get(body, STR("last")), &last);
    (void)json_to_int64(json_get(body, STR("current")), &current);
    (void)json_to_int64(json_get(body, STR("count")), &count);
    *to = (struct ledger){
        .revision = object ? object->revision : 0,
        .last = (uint32_t)last,
        .current = (uint32_t)current,
        .count = (uint32_t)count,
        .published = json_is_true(json_get(body, STR("published"))),
        .description = json_str(json_get(body, STR("description"))),
    };
    return true;
}

void ledger_put(struct deed *d, struct str machine, const struct ledger *l)
{
    struct json_object_builder b = json_object_builder(d->arena);
    json_object_add(&b, STR("last"), json_int(l->last));
    json_object_add(&b, STR("current"), json_int(l->current));
    json_object_add(&b, STR("count"), json_int(l->count));
    json_object_add(&b, STR("published"), json_bool(l->published));
    json_object_add(&b, STR("description"), json_string(l->description));
    deed_put(d, "machine", machine, l->revision, json_object_done(&b));
}
