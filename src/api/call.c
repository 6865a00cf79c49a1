#include "api/api_internal.h"

#include "engine/names.h"
#include "net/http_text.h"

#include <stdio.h>

/* ---- life ---- */

void call_release(struct call *c)
{
    errand_abandon(c->errand);
    deed_abandon(c->deed);
    if (c->clean)
        c->clean(c->work);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    arena_free(c->arena);
}

struct errand *call_errand(struct call *c, errand_done *done)
{
    return errand_new(c->api, done, c, &c->errand);
}

bool call_query(const struct call *c, struct str name, struct str *ret_value)
{
    return http_query_value(c->arena, http_request_query(c->request), name, ret_value);
}

/* ---- answers ---- */

static void respond(struct call *c, int status, struct str type, struct str error_type,
                    struct str body)
{
    struct http_header headers[3] = {
        {STR("Content-Type"), type},
        {c->aws ? STR("x-amzn-RequestId") : STR("X-Request-Id"), c->request_id},
        {STR("x-amzn-ErrorType"), error_type},
    };
    http_respond(c->request, status, headers, error_type.len ? 3 : 2, body);
    call_release(c);
}

void call_answer(struct call *c, int status, struct json body)
{
    struct buf text = BUF_INIT(0);
    json_write(&text, body);
    respond(c, status, c->aws ? STR("application/x-amz-json-1.0") : STR("application/json"),
            STR(""), buf_str(&text));
    buf_release(&text);
}

static void fail_aws(struct call *c, int status, struct str type, struct str message)
{
    struct buf text = BUF_INIT(0);
    buf_append(&text, STR("{\"__type\":"));
    json_write_string(&text, type);
    if (message.len) {
        buf_append(&text, STR(",\"message\":"));
        json_write_string(&text, message);
    }
    buf_append_char(&text, '}');
    respond(c, status, STR("application/x-amz-json-1.0"), type, buf_str(&text));
    buf_release(&text);
}

void call_fail_aws(struct call *c, const char *type, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct str message = arena_vprintf(c->arena, format, args);
    va_end(args);
    fail_aws(c, 400, str_of_cstr(type), message);
}

/* What no operation has a name for. */
static void fail_aws_err(struct call *c, const struct err *err)
{
    struct str message = str_of_cstr(err->message);
    if (err->code == ERR_BUSY)
        fail_aws(c, 400, STR("ThrottlingException"), message);
    else if (err->code == ERR_INTERRUPTED)
        fail_aws(c, 503, STR("ServiceUnavailable"), message);
    else if (err_http_status(err->code) == 413)
        fail_aws(c, 413, STR("RequestEntityTooLarge"), message);
    else if (err_http_status(err->code) == 400)
        fail_aws(c, 400, STR("ValidationException"), message);
    else
        fail_aws(c, 500, STR("InternalFailure"), message);
}

static void fail_rest(struct call *c, int status, const struct err *err, struct str remedy,
                      struct json plan)
{
    struct buf text = BUF_INIT(0);
    http_problem(&text, status, str_of_cstr(err_name(err->code)), str_of_cstr(err->message));
    text.len--; /* its brace */
    buf_append(&text, STR(",\"remedy\":"));
    json_write_string(&text, remedy);
    if (err->line)
        buf_printf(&text, ",\"line\":%u,\"column\":%u", err->line, err->column);
    if (!json_is_absent(plan)) {
        buf_append(&text, STR(",\"plan\":"));
        json_write(&text, plan);
    }
    buf_append_char(&text, '}');
    respond(c, status, STR("application/problem+json"), STR(""), buf_str(&text));
    buf_release(&text);
}

void call_fail_plan(struct call *c, const struct err *err, struct str remedy, struct json plan)
{
    fail_rest(c, err_http_status(err->code), err, remedy, plan);
}

void call_fail(struct call *c, const struct err *err)
{
    if (c->aws)
        fail_aws_err(c, err);
    else
        fail_rest(c, err->code == ERR_BUSY ? 503 : err_http_status(err->code), err,
                  str_of_cstr(err_remedy(err->code)), JSON_NONE);
}

/* ---- finding an execution ---- */

struct search {
    struct str reference, name, machine_arn; /* machine_arn empty: any */
    call_found *found;
    struct execution_row *kept; /* one whose id begins so */
    bool many;
    bool reruns;      /* a rerun will do */
    uint32_t rerun;   /* which one it is; 0: none */
    struct str asked; /* for, when that was a rerun */
};

static void find_prefixed(struct call *c, execution_key below);

struct execution_row *execution_row_copy(struct arena *a, const struct execution_row *row)
{
    struct execution_row *kept = arena_dup(a, row, sizeof(*row));
    kept->name = arena_str(a, row->name);
    kept->arn = arena_str(a, row->arn);
    kept->machine_arn = arena_str(a, row->machine_arn);
    kept->machine_name = arena_str(a, row->machine_name);
    kept->role_arn = arena_str(a, row->role_arn);
    kept->origin = arena_str(a, row->origin);
    return kept;
}

struct execution_row *call_keep_row(struct call *c, const struct execution_row *row)
{
    return execution_row_copy(c->arena, row);
}

void call_not_found(struct call *c)
{
    const struct search *s = c->search;
    struct str asked = s->rerun ? s->asked : s->reference;
    struct err err;
    if (c->aws) {
        call_fail_aws(c, "ExecutionDoesNotExist", "Execution Does Not Exist: '" STR_FMT "'",
                      STR_ARG(asked));
        return;
    }
    err_set(&err, ERR_NOT_FOUND, "no execution has the id, ARN or name \"" STR_FMT "\"",
            STR_ARG(asked));
    call_fail(c, &err);
}

static void search(struct call *c, struct search wanted);

uint32_t call_rerun(const struct call *c)
{
    return c->search->rerun;
}

/* "ARN.rerun-2", which no execution has for a name: the second rerun of a step of "ARN". */
static bool find_rerun(struct call *c, const struct search *s)
{
    size_t dash = str_rfind_char(s->reference, '-');
    struct str before = str_slice(s->reference, 0, dash == SIZE_MAX ? 0 : dash);
    struct str digits = str_slice(s->reference, before.len + 1, SIZE_MAX);
    size_t suffix = sizeof(".rerun") - 1;
    int64_t number;
    if (!s->reruns || s->rerun || !str_ends_with(before, STR(".rerun")) ||
        !str_to_int64(digits, &number) || digits.ptr[0] == '0' || number < 1 ||
        number >= UINT32_MAX)
        return false;
    search(c, (struct search){.reference = str_slice(before, 0, before.len - suffix),
                              .found = s->found,
                              .reruns = true,
                              .rerun = (uint32_t)number,
                              .asked = s->reference});
    return true;
}

static void not_found(struct call *c, const struct search *s)
{
    if (!find_rerun(c, s))
        call_not_found(c);
}

/* An ARN names one execution: its account and region count too. */
static bool fits(const struct search *s, const struct execution_row *row)
{
    return s->machine_arn.len == 0 || str_eq(row->arn, s->reference);
}

/* One that has the wanted beginning is kept; two are too many. */
static bool take_prefixed(struct call *c, const struct store_read *read, execution_key lowest)
{
    struct search *s = c->search;
    for (size_t i = 0; i < read->count; i++) {
        const struct execution_row *row = &read->executions[i];
        if (row->key < lowest)
            return false;
        if (!execution_id_begins(row->id, s->name))
            continue;
        s->many = s->kept != NULL;
        if (s->many)
            return false;
        s->kept = call_keep_row(c, row);
    }
    return read->more && read->next >= lowest;
}

static void prefix_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct search *s = c->search;
    execution_key lowest = 0, limit;
    struct err many;
    if (err) {
        call_fail(c, err);
        return;
    }
    if (execution_prefix(s->name, &lowest, &limit) && take_prefixed(c, &e->read, lowest)) {
        find_prefixed(c, e->read.next);
    } else if (s->many) {
        err_set(&many, ERR_AMBIGUOUS, "the ids of several executions begin with \"" STR_FMT "\"",
                STR_ARG(s->reference));
        call_fail(c, &many);
    } else if (s->kept) {
        s->found(c, s->kept);
    } else {
        not_found(c, s);
    }
}

static void find_prefixed(struct call *c, execution_key below)
{
    struct errand *e = call_errand(c, prefix_read);
    e->read.key = below;
    e->read.status = STORE_ANY_STATUS;
    e->read.shard = STORE_ANY_SHARD;
    errand_read(e, STORE_LIST_EXECUTIONS);
}

static void named_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct search *s = c->search;
    const struct execution_row *found = NULL;
    struct err many;
    size_t count = 0;
    if (err) {
        call_fail(c, err);
        return;
    }
    for (size_t i = 0; i < e->read.count; i++) {
        if (!fits(s, &e->read.executions[i]))
            continue;
        found = &e->read.executions[i];
        count++;
    }
    if (count == 1) {
        s->found(c, call_keep_row(c, found));
        return;
    }
    execution_key lowest, limit;
    if (count == 0 && !c->aws && execution_prefix(s->name, &lowest, &limit)) {
        find_prefixed(c, limit);
        return;
    }
    if (count == 0) {
        not_found(c, s);
        return;
    }
    err_set(&many, ERR_AMBIGUOUS,
            "executions of %zu machines are named \"" STR_FMT "\"; say which by its id or ARN",
            count, STR_ARG(s->reference));
    call_fail(c, &many);
}

static void find_named(struct call *c)
{
    struct errand *e = call_errand(c, named_read);
    e->read.name = c->search->name;
    e->read.machine_arn = c->search->machine_arn;
    errand_read(e, STORE_FIND_NAMED);
}

static void keyed_read(void *owner, struct errand *e, const struct err *err)
{
    struct call *c = owner;
    struct search *s = c->search;
    struct uuid id;
    if (err && err->code != ERR_NOT_FOUND) {
        call_fail(c, err);
        return;
    }
    const struct execution_row *row = err ? NULL : &e->read.executions[0];
    if (row && uuid_parse(s->name, &id) && memcmp(row->id.bytes, id.bytes, sizeof(id.bytes)) == 0 &&
        fits(s, row))
        s->found(c, call_keep_row(c, row));
    else
        find_named(c);
}

static void search(struct call *c, struct search wanted)
{
    struct search *s = c->search = ARENA_NEW(c->arena, struct search);
    struct str machine, reference = wanted.reference;
    struct uuid id;
    execution_key key;
    *s = wanted;
    s->name = reference;
    if (arn_is_execution(reference, &machine, &s->name)) {
        s->machine_arn = arn_execution_machine(c->arena, reference);
    } else if (c->aws) {
        call_fail_aws(c, "InvalidArn", "Invalid Arn: '" STR_FMT "'", STR_ARG(reference));
        return;
    }
    if (s->name.len > STORE_TEXT_SIZE_MAX || s->machine_arn.len > STORE_TEXT_SIZE_MAX) {
        not_found(c, s);
        return;
    }
    if (!uuid_parse(s->name, &id) || !execution_key_of_uuid(id, &key)) {
        find_named(c);
        return;
    }
    struct errand *e = call_errand(c, keyed_read);
    e->read.key = key;
    errand_read(e, STORE_GET_EXECUTION);
}

void call_find(struct call *c, struct str reference, call_found *found)
{
    search(c, (struct search){.reference = reference, .found = found});
}

void call_find_rerun(struct call *c, struct str reference, call_found *found)
{
    search(c, (struct search){.reference = reference, .found = found, .reruns = true});
}
