#include "support/store_suite.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STEP_NS 100000u

const uint8_t test_secret[STORE_SECRET_SIZE] = {1, 2, 3, 250, 251, 252};

static void check(bool fine, const char *what)
{
    if (!fine)
        panic(__FILE__, __LINE__, what);
}

int store_fixture_setup(void **state)
{
    struct store_fixture *f = calloc(1, sizeof(*f));
    check(f, "no memory");
    f->kind = *state;
    f->arena = arena_new(0);
    snprintf(f->folder, sizeof(f->folder), "/tmp/pawl-store-XXXXXX");
    check(mkdtemp(f->folder), "no folder for the test");
    f->store = f->kind->open(f);
    struct err err;
    if (!store_claim_all(f->store, f->epochs, &err))
        check(false, err.message);
    *state = f;
    return 0;
}

int store_fixture_teardown(void **state)
{
    struct store_fixture *f = *state;
    store_close(f->store);
    DIR *folder = opendir(f->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
    rmdir(f->folder);
    arena_free(f->arena);
    free(f);
    return 0;
}

const char *store_fixture_path(struct store_fixture *f, const char *name)
{
    return arena_printf(f->arena, "%s/%s", f->folder, name).ptr;
}

struct outcome {
    bool complete;
    enum err_code code;
    struct err err;
};

static void completed(void *arg, const struct err *err)
{
    struct outcome *outcome = arg;
    check(!outcome->complete, "a call completed twice");
    outcome->complete = true;
    outcome->code = err ? err->code : ERR_NONE;
    if (err)
        outcome->err = *err;
}

static enum err_code step_until_complete(struct store_fixture *f, const struct outcome *outcome,
                                         struct err *ret_err)
{
    check(!outcome->complete, "a call completed inside the submit");
    while (!outcome->complete) {
        f->now_ns += STEP_NS;
        store_wait(f->store, -1);
        store_step(f->store, (struct mono_ns){f->now_ns});
    }
    if (ret_err)
        *ret_err = outcome->err;
    return outcome->code;
}

enum err_code commit_now(struct store_fixture *f, const struct store_write *writes, size_t count,
                         struct err *ret_err)
{
    struct outcome outcome = {0};
    struct store_commit c = {
        .shard = 7,
        .epoch = f->epochs[7],
        .writes = writes,
        .count = count,
        .done = completed,
        .arg = &outcome,
    };
    store_commit(f->store, &c);
    return step_until_complete(f, &outcome, ret_err);
}

enum err_code read_now(struct store_fixture *f, struct store_read *r, struct err *ret_err)
{
    struct outcome outcome = {0};
    r->done = completed;
    r->arg = &outcome;
    store_read(f->store, r);
    return step_until_complete(f, &outcome, ret_err);
}

/* ---- rows ---- */

execution_key key_of(uint32_t n)
{
    return execution_key_make((struct wall_ms){1750000000000 + n / 1000}, n % 1000);
}

struct store_write write_start(struct store_fixture *f, org_id org, uint32_t n, const char *name,
                               unsigned machine)
{
    struct execution_row row = {
        .key = key_of(n),
        .id = execution_uuid(key_of(n), n * UINT64_C(0x9e3779b97f4a7c15)),
        .client_named = name != NULL,
        .shard = n % SHARD_COUNT,
        .status = EXECUTION_RUNNING,
        .started_at = {1750000000000 + n},
        .parent = n % 3 ? 0 : key_of(n + 1),
        .parent_task = n % 3 ? 0 : n + 2,
        .map_run = n % 5 ? 0 : n + 3,
        .role_arn = n % 4 ? STR("") : STR("arn:aws:iam::000000000000:role/r\xc3\xb4le"),
        .origin = n % 7 ? STR("") : STR("{\"revision\":\"7\"}"),
        .express = !name && n % 11 == 0,
    };
    char id[UUID_TEXT_LEN];
    uuid_format(row.id, id);
    memset(row.definition, (int)(n % 200), SHA256_SIZE);
    row.name = arena_str(f->arena, name ? str_of_cstr(name) : str_of(id, sizeof(id)));
    if (row.express)
        row.name = STR("not unique");
    row.machine_name = arena_printf(f->arena, "machine-%u", machine);
    row.machine_arn = arena_printf(f->arena, "arn:test:stateMachine:machine-%u", machine);
    row.arn = arena_printf(f->arena, "arn:test:execution:machine-%u:" STR_FMT, machine,
                           STR_ARG(row.name));
    return (struct store_write){.kind = STORE_START, .org = org, .u.start = row};
}

struct store_write write_turn(struct store_fixture *f, org_id org, uint32_t n, uint32_t turn)
{
    struct str body = arena_printf(f->arena, "{\"v\":[\"%u of %u, \xc3\xbc\"],\"e\":[]}", turn, n);
    struct turn_row row = {
        .key = key_of(n),
        .turn = turn,
        .rules_version = 1,
        .cause = (uint8_t)(turn % 7),
        .at = {1750000000000 + n + turn},
        .body = body,
        .checksum = checksum64(body),
    };
    return (struct store_write){.kind = STORE_APPEND_TURN, .org = org, .u.turn = row};
}

struct store_write write_progress(org_id org, uint32_t n, enum execution_status status,
                                  int64_t wake_at)
{
    struct store_write w = {.kind = STORE_SET_PROGRESS, .org = org};
    w.u.progress.key = key_of(n);
    w.u.progress.status = status;
    w.u.progress.stopped_at.ms = status == EXECUTION_RUNNING ? 0 : 1750000009999;
    w.u.progress.wake_at.ms = wake_at;
    return w;
}

struct store_write write_snapshot(org_id org, uint32_t n, uint32_t turn, struct str body)
{
    struct snapshot_row row = {
        .key = key_of(n), .turn = turn, .body = body, .checksum = checksum64(body)};
    return (struct store_write){.kind = STORE_PUT_SNAPSHOT, .org = org, .u.snapshot = row};
}

struct store_write write_machine(struct store_fixture *f, org_id org, const char *name,
                                 const char *text)
{
    struct store_write w = {.kind = STORE_PUT_MACHINE, .org = org};
    w.u.machine.name = arena_str(f->arena, str_of_cstr(name));
    w.u.machine.arn = arena_printf(f->arena, "arn:test:stateMachine:%s", name);
    sha256(str_of_cstr(text), w.u.machine.definition);
    w.u.machine.created_at.ms = 1750000000001;
    w.u.machine.updated_at.ms = 1750000000002;
    w.u.machine.body = arena_printf(f->arena, "{\"says\":\"%s\"}", text);
    return w;
}

struct store_write write_object(const char *kind, const char *name, uint64_t revision,
                                const char *body)
{
    struct store_write w = {.kind = STORE_PUT_OBJECT};
    w.u.object = (struct object_row){.kind = str_of_cstr(kind),
                                     .name = str_of_cstr(name),
                                     .revision = revision,
                                     .body = str_of_cstr(body),
                                     .created_at = {1750000000003}};
    return w;
}

struct store_write write_definition(org_id org, struct str text)
{
    struct store_write w = {.kind = STORE_PUT_DEFINITION, .org = org};
    sha256(text, w.u.definition.hash);
    w.u.definition.text = text;
    return w;
}

struct store_read read_of(struct store_fixture *f, enum store_read_kind kind, org_id org,
                          execution_key key)
{
    return (struct store_read){
        .kind = kind,
        .org = org,
        .key = key,
        .status = STORE_ANY_STATUS,
        .shard = STORE_ANY_SHARD,
        .arena = f->arena,
    };
}
