#include "store/sqlite/sqlite_internal.h"

#include "base/utf8.h"

static void set_bad(struct row *row, int at)
{
    if (!row->bad)
        row->bad = sqlite3_column_name(row->statement, at);
}

int64_t row_int(struct row *row, int at, int64_t min, int64_t max)
{
    int64_t value = sqlite3_column_int64(row->statement, at);
    if (sqlite3_column_type(row->statement, at) == SQLITE_INTEGER && value >= min && value <= max)
        return value;
    set_bad(row, at);
    return min;
}

int64_t row_int_or_zero(struct row *row, int at, int64_t min, int64_t max)
{
    if (sqlite3_column_type(row->statement, at) == SQLITE_NULL)
        return 0;
    return row_int(row, at, min, max);
}

/* Borrowed until the next step. */
static struct str borrow_text(struct row *row, int at)
{
    if (sqlite3_column_type(row->statement, at) != SQLITE_TEXT) {
        set_bad(row, at);
        return STR("");
    }
    const char *text = (const char *)sqlite3_column_text(row->statement, at);
    if (!text)
        panic(__FILE__, __LINE__, "out of memory");
    return str_of(text, (size_t)sqlite3_column_bytes(row->statement, at));
}

struct str row_body(struct row *row, int at)
{
    struct str body = borrow_text(row, at);
    if (body.len > STORE_BODY_SIZE_MAX)
        set_bad(row, at);
    return body;
}

struct str row_text(struct row *row, int at)
{
    struct str text = borrow_text(row, at);
    if (text.len <= STORE_TEXT_SIZE_MAX && utf8_valid_up_to(text) == text.len)
        return arena_str(row->arena, text);
    set_bad(row, at);
    return STR("");
}

struct str row_text_or_empty(struct row *row, int at)
{
    if (sqlite3_column_type(row->statement, at) == SQLITE_NULL)
        return STR("");
    return row_text(row, at);
}

void row_hash(struct row *row, int at, uint8_t to[static SHA256_SIZE])
{
    if (sqlite3_column_type(row->statement, at) == SQLITE_BLOB &&
        sqlite3_column_bytes(row->statement, at) == SHA256_SIZE)
        memcpy(to, sqlite3_column_blob(row->statement, at), SHA256_SIZE);
    else
        set_bad(row, at);
}

static enum execution_status row_status(struct row *row, int at)
{
    struct str text = borrow_text(row, at);
    for (unsigned i = 0; i < EXECUTION_STATUS_COUNT; i++)
        if (str_eq(text, str_of_cstr(execution_status_name((enum execution_status)i))))
            return (enum execution_status)i;
    set_bad(row, at);
    return EXECUTION_RUNNING;
}

static enum execution_relation row_relation(struct row *row, int at)
{
    if (sqlite3_column_type(row->statement, at) == SQLITE_NULL)
        return RELATION_NONE;
    struct str text = borrow_text(row, at);
    for (unsigned i = RELATION_NONE + 1; i < RELATION_COUNT; i++)
        if (str_eq(text, str_of_cstr(execution_relation_name((enum execution_relation)i))))
            return (enum execution_relation)i;
    set_bad(row, at);
    return RELATION_NONE;
}

static struct wall_ms row_time(struct row *row, int at)
{
    return (struct wall_ms){row_int_or_zero(row, at, INT64_MIN, INT64_MAX)};
}

/* ---- executions ---- */

/* The columns of EXECUTION_COLUMNS. */
enum {
    KEY,
    ORG,
    STATUS,
    SHARD,
    ID,
    NAME,
    ARN,
    MACHINE_ARN,
    MACHINE_NAME,
    DEFINITION,
    STARTED_AT,
    STOPPED_AT,
    WAKE_AT,
    PARENT,
    PARENT_TASK,
    MAP_RUN,
    ROLE_ARN,
    ORIGIN,
    EXPRESS,
    REDRIVE_COUNT,
    REDRIVEN_AT,
    RELATED,
    RELATION,
};

bool row_matches(struct row *row, const struct store_read *r)
{
    bool matches = (org_id)row_int(row, ORG, 0, UINT32_MAX) == r->org;
    if (matches && r->kind == STORE_LIST_EXECUTIONS && r->status != STORE_ANY_STATUS)
        matches = (int)row_status(row, STATUS) == r->status;
    if (matches && r->kind == STORE_LIST_RUNNING && r->shard != STORE_ANY_SHARD)
        matches = row_int(row, SHARD, 0, SHARD_COUNT - 1) == (int64_t)r->shard;
    return matches;
}

void row_execution(struct row *row, struct execution_row *to)
{
    to->key = row_int(row, KEY, 1, INT64_MAX);
    to->status = row_status(row, STATUS);
    to->shard = (uint32_t)row_int(row, SHARD, 0, SHARD_COUNT - 1);
    struct str id = row_text(row, ID);
    execution_key key_in_id;
    if (!uuid_parse(id, &to->id) || !execution_key_of_uuid(to->id, &key_in_id) ||
        key_in_id != to->key)
        set_bad(row, ID);
    bool named = sqlite3_column_type(row->statement, NAME) != SQLITE_NULL;
    to->express = row_int_or_zero(row, EXPRESS, 0, 1);
    to->client_named = named && !to->express; /* whose name need not be unique */
    to->name = named ? row_text(row, NAME) : id;
    to->arn = row_text(row, ARN);
    to->machine_arn = row_text(row, MACHINE_ARN);
    to->machine_name = row_text(row, MACHINE_NAME);
    row_hash(row, DEFINITION, to->definition);
    to->started_at = row_time(row, STARTED_AT);
    to->stopped_at = row_time(row, STOPPED_AT);
    to->wake_at = row_time(row, WAKE_AT);
    to->parent = row_int_or_zero(row, PARENT, 0, INT64_MAX);
    to->parent_task = (uint32_t)row_int_or_zero(row, PARENT_TASK, 0, UINT32_MAX);
    to->map_run = (uint32_t)row_int_or_zero(row, MAP_RUN, 0, UINT32_MAX);
    to->role_arn = row_text_or_empty(row, ROLE_ARN);
    to->origin = row_text_or_empty(row, ORIGIN);
    to->redrive_count = (uint32_t)row_int_or_zero(row, REDRIVE_COUNT, 0, UINT32_MAX);
    to->redriven_at = row_time(row, REDRIVEN_AT);
    to->related = row_int_or_zero(row, RELATED, 0, INT64_MAX);
    to->relation = row_relation(row, RELATION);
}

/* ---- machines and objects: the bodies are copied by whoever has room for them ---- */

void row_machine(struct row *row, struct machine_row *to)
{
    to->name = row_text(row, 0);
    to->arn = row_text(row, 1);
    row_hash(row, 2, to->definition);
    to->created_at = row_time(row, 3);
    to->updated_at = row_time(row, 4);
    to->body = sqlite3_column_type(row->statement, 5) == SQLITE_NULL ? STR("") : row_body(row, 5);
}

void row_object(struct row *row, struct object_row *to)
{
    to->kind = row_text(row, 0);
    to->name = row_text(row, 1);
    to->revision = (uint64_t)row_int(row, 2, 1, INT64_MAX);
    to->body = row_body(row, 3);
    to->created_at = row_time(row, 4);
}
