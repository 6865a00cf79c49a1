/* A full disk: what does not fit is refused with DISK_FULL, nothing acknowledged
 * is lost, and when there is room again all goes on.
 *
 * Once on a tmpfs of two megabytes, which this process mounts in a namespace of
 * its own, and once on a disk in memory that is full at any byte.
 */
#include "store/sqlite/sqlite_internal.h"
#include "support/cut_vfs.h"
#include "support/engine_world.h"
#include "support/store_suite.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    CHAINS_MAX = 400,
    PAGE = 4096,
};

/* A place with little room. */
struct room {
    struct store_fixture f;
    struct cut_disk *disk; /* NULL: a tmpfs at f.folder */
    uint32_t next;         /* number of the next chain */
    bool kept[CHAINS_MAX];
};

/* ---- the tmpfs ---- */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    if (fd >= 0)
        close(fd);
    return ok;
}

/* Mounts from now on are this process's alone, and go with it. */
static bool own_mounts(void)
{
    char map[64];
    unsigned user = geteuid(), group = getegid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        snprintf(map, sizeof(map), "0 %u 1", user);
        if (!write_file("/proc/self/setgroups", "deny") || !write_file("/proc/self/uid_map", map))
            return false;
        snprintf(map, sizeof(map), "0 %u 1", group);
        if (!write_file("/proc/self/gid_map", map))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static bool mount_room(const char *folder)
{
    static int allowed = -1;
    if (allowed < 0)
        allowed = own_mounts();
    return allowed && mount("tmpfs", folder, "tmpfs", 0, "size=2m,mode=0700") == 0;
}

/* ---- rooms ---- */

static const char *db_path(struct room *r)
{
    return store_fixture_path(&r->f, "pawl.db");
}

static struct room *room_new(bool real)
{
    struct room *r = calloc(1, sizeof(*r));
    assert_non_null(r);
    r->f.arena = arena_new(0);
    memcpy(r->f.folder, "/tmp/pawl-full-XXXXXX", sizeof("/tmp/pawl-full-XXXXXX"));
    assert_non_null(mkdtemp(r->f.folder));
    if (real && !mount_room(r->f.folder)) {
        rmdir(r->f.folder);
        arena_free(r->f.arena);
        free(r);
        printf("# no right to mount a tmpfs here\n");
        return NULL;
    }
    if (!real) {
        r->disk = cut_disk_new();
        cut_disk_use(r->disk);
    }
    return r;
}

static void room_free(struct room *r)
{
    store_close(r->f.store);
    unlink(db_path(r));
    if (!r->disk)
        umount2(r->f.folder, MNT_DETACH);
    rmdir(r->f.folder);
    arena_free(r->f.arena);
    cut_disk_free(r->disk);
    free(r);
}

/* Leaves so many bytes; on a tmpfs rounded down to pages. */
static void fill(struct room *r, int64_t spare)
{
    static const char page[PAGE];
    if (r->disk) {
        cut_disk_limit(r->disk, cut_disk_size(r->disk) + spare);
        return;
    }
    int fd = open(store_fixture_path(&r->f, "ballast"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    off_t size = 0;
    while (write(fd, page, PAGE) == PAGE)
        size += PAGE;
    assert_int_equal(errno, ENOSPC);
    off_t spared = size - spare / PAGE * PAGE;
    assert_int_equal(ftruncate(fd, spared > 0 ? spared : 0), 0);
    close(fd);
}

static void make_room(struct room *r)
{
    if (r->disk)
        cut_disk_limit(r->disk, 0);
    else
        assert_int_equal(unlink(store_fixture_path(&r->f, "ballast")), 0);
}

static enum err_code open_code(struct room *r, enum sqlite_store_mode mode, struct err *err)
{
    bool ok = sqlite_store_open(db_path(r), mode, test_secret, &r->f.store, err);
    if (!ok)
        r->f.store = NULL;
    return ok ? ERR_NONE : err->code;
}

static void open_store(struct room *r)
{
    struct err err;
    if (open_code(r, SQLITE_STORE_READ_WRITE, &err) != ERR_NONE)
        fail_msg("%s", err.message);
    assert_true(store_claim_all(r->f.store, r->f.epochs, NULL));
}

/* ---- what is stored: chains of two turns, of 300 bytes to 30 KB ---- */

static struct store_write chain_turn(struct room *r, uint32_t n, uint32_t turn)
{
    struct store_write w = write_turn(&r->f, 0, n, turn);
    size_t size = 300 + n * 7919 % 15000;
    char *body = arena_alloc_text(r->f.arena, size);
    memset(body, 'a' + (int)(n % 26), size);
    w.u.turn.body = str_of(body, size);
    w.u.turn.checksum = checksum64(w.u.turn.body);
    return w;
}

static enum err_code commit_chain(struct room *r)
{
    struct arena_mark before = arena_mark(r->f.arena);
    uint32_t n = r->next++;
    assert_true(n < CHAINS_MAX);
    struct store_write writes[] = {
        write_start(&r->f, 0, n, NULL, 0),
        chain_turn(r, n, 0),
        chain_turn(r, n, 1),
        write_progress(0, n, EXECUTION_SUCCEEDED, 0),
    };
    struct err err;
    enum err_code code = commit_now(&r->f, writes, COUNT_OF(writes), &err);
    if (code != ERR_NONE)
        assert_non_null(strstr(err.message, "full"));
    r->kept[n] = code == ERR_NONE;
    arena_rewind(r->f.arena, before);
    return code;
}

/* Every chain that was acknowledged is there, and none that was refused. */
static void check_chains(struct room *r)
{
    for (uint32_t n = 0; n < r->next; n++) {
        struct arena_mark before = arena_mark(r->f.arena);
        struct store_read read = read_of(&r->f, STORE_GET_EXECUTION, 0, key_of(n));
        enum err_code code = read_now(&r->f, &read, NULL);
        assert_int_equal(code, r->kept[n] ? ERR_NONE : ERR_NOT_FOUND);
        read.kind = STORE_GET_TURNS;
        assert_int_equal(read_now(&r->f, &read, NULL), ERR_NONE);
        assert_int_equal(read.count, r->kept[n] ? 2 : 0);
        for (uint32_t turn = 0; turn < read.count; turn++) {
            struct store_write w = chain_turn(r, n, turn);
            assert_true(str_eq(read.turns[turn].body, w.u.turn.body));
        }
        arena_rewind(r->f.arena, before);
    }
}

static void checkpoint_soon(struct room *r)
{
    ((struct sqlite_store *)r->f.store)->committer.checkpoint_at_pages = 1;
}

/* ---- the store ---- */

/* Commits until three were refused, with checkpoints that find no room as well. */
static void run_full(struct room *r)
{
    enum {
        REFUSALS = 3
    };
    for (int refused = 0; refused < REFUSALS;) {
        if (r->next % 3 == 0)
            checkpoint_soon(r);
        enum err_code code = commit_chain(r);
        assert_true(code == ERR_NONE || code == ERR_DISK_FULL);
        refused += code == ERR_DISK_FULL;
        assert_false(store_dead(r->f.store, NULL));
    }
    check_chains(r);
}

static uint32_t fill_and_make_room(struct room *r, int64_t spare)
{
    enum {
        ROUNDS = 3
    };
    open_store(r);
    for (int round = 0; round < ROUNDS; round++) {
        fill(r, spare);
        run_full(r);
        make_room(r);
        for (int i = 0; i < 2; i++)
            assert_int_equal(commit_chain(r), ERR_NONE);
        check_chains(r);
    }
    store_close(r->f.store);
    open_store(r);
    check_chains(r);
    return r->next;
}

static void print_totals(const char *where, unsigned places, uint32_t commits)
{
    printf("# full disk, %s: ways to be full=%u commits=%u; lost=0\n", where, places, commits);
}

static void a_store_on_a_full_tmpfs(void **state)
{
    unsigned places = 0;
    uint32_t commits = 0;
    (void)state;
    for (int64_t spare = 0; spare <= 24 * PAGE; spare += 2 * PAGE) {
        struct room *r = room_new(true);
        if (!r)
            skip();
        commits += fill_and_make_room(r, spare);
        places++;
        room_free(r);
    }
    print_totals("tmpfs", places, commits);
}

static void a_store_on_a_disk_full_at_any_byte(void **state)
{
    unsigned places = 0;
    uint32_t commits = 0;
    (void)state;
    for (int64_t spare = 0; spare < 70000; spare += 1777) {
        struct room *r = room_new(false);
        commits += fill_and_make_room(r, spare);
        places++;
        room_free(r);
    }
    print_totals("in memory", places, commits);
}

/* ---- opening ---- */

static void open_without_room(struct room *r)
{
    struct err err;
    fill(r, 0);
    assert_int_equal(open_code(r, SQLITE_STORE_READ_WRITE, &err), ERR_DISK_FULL);
    assert_non_null(strstr(err.message, "full"));
    make_room(r);
    open_store(r);
    assert_int_equal(commit_chain(r), ERR_NONE);
    check_chains(r);
}

static void a_new_store_without_room(void **state)
{
    (void)state;
    struct room *r = room_new(true);
    if (!r)
        skip();
    open_without_room(r);
    room_free(r);
    r = room_new(false);
    cut_disk_limit(r->disk, 1);
    struct err err;
    assert_int_equal(open_code(r, SQLITE_STORE_READ_WRITE, &err), ERR_DISK_FULL);
    cut_disk_limit(r->disk, 0);
    open_store(r);
    assert_int_equal(commit_chain(r), ERR_NONE);
    room_free(r);
}

/* SQLite's shared memory finds no room: it opens all the same, or says so. Nothing is
 * lost, and when there is room again it opens. */
static void a_store_opened_without_room(void **state)
{
    (void)state;
    struct room *r = room_new(true);
    struct err err;
    if (!r)
        skip();
    open_store(r);
    for (int i = 0; i < 5; i++)
        assert_int_equal(commit_chain(r), ERR_NONE);
    store_close(r->f.store);
    fill(r, 0);
    for (int mode = SQLITE_STORE_READ_ONLY; mode <= SQLITE_STORE_READ_WRITE; mode++) {
        enum err_code code = open_code(r, (enum sqlite_store_mode)mode, &err);
        if (code == ERR_NONE)
            check_chains(r);
        else
            assert_true(code == ERR_DISK_FULL || code == ERR_IO);
        store_close(r->f.store);
    }
    make_room(r);
    open_store(r);
    check_chains(r);
    assert_int_equal(commit_chain(r), ERR_NONE);
    room_free(r);
}

/* ---- the engine ---- */

#define TASK(function, then)                                                                       \
    "{\"Type\":\"Task\",\"Resource\":\"arn:aws:lambda:us-east-1:000000000000:function:" function   \
    "\"," then "}"

static const char slow_then_big[] = "{\"StartAt\":\"A\",\"States\":{\"A\":" TASK(
    "slow", "\"Next\":\"B\"") ",\"B\":" TASK("big", "\"End\":true") "}}";
static const char echo[] =
    "{\"StartAt\":\"A\",\"States\":{\"A\":" TASK("echo", "\"End\":true") "}}";

static void assert_succeeded(struct world *w, execution_key key)
{
    assert_int_equal(world_row(w, w->store, key).status, EXECUTION_SUCCEEDED);
}

/* One run is under way when the disk becomes full: what it decides is tried again
 * until there is room, the last of it a result of 64 KiB. A start meanwhile is
 * refused. */
static void run_engine(struct room *r)
{
    struct world w;
    struct world_reply before, during, after;
    open_store(r);
    world_init(&w, r->f.store);
    world_open(&w);
    world_start(&w, "m", slow_then_big, "before", "{}", &before);
    while (!before.answered)
        assert_true(world_step(&w));
    fill(r, 0);
    world_start(&w, "m", echo, "during", "{\"a\":1}", &during);
    world_pass(&w, 10000);
    assert_true(during.answered);
    assert_string_equal(err_name(during.code), "DISK_FULL");
    assert_non_null(strstr(during.message, "full"));
    assert_true(w.troubles > 0);
    assert_int_equal(world_row(&w, w.store, before.key).status, EXECUTION_RUNNING);
    assert_int_equal(world_named(&w, w.store, "during").count, 0);
    make_room(r);
    world_start(&w, "m", echo, "during", "{\"a\":2}", &after);
    world_settle(&w);
    assert_int_equal(before.code, ERR_NONE);
    assert_int_equal(after.code, ERR_NONE);
    assert_succeeded(&w, before.key);
    assert_succeeded(&w, after.key);
    assert_true(str_eq(world_output(&w, w.store, after.key), STR("{\"a\":2}")));
    world_release(&w);
}

static void an_engine_on_a_full_tmpfs(void **state)
{
    (void)state;
    struct room *r = room_new(true);
    if (!r)
        skip();
    run_engine(r);
    room_free(r);
}

static void an_engine_on_a_full_disk_in_memory(void **state)
{
    (void)state;
    struct room *r = room_new(false);
    run_engine(r);
    room_free(r);
}

/* ---- the command line ---- */

/* Runs "pawl run DEFINITION --data FOLDER"; what it says goes to *said. */
static int run_pawl(const char *bin, struct room *r, char *said, size_t size)
{
    const char *definition = store_fixture_path(&r->f, "hello.asl.json");
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execl(bin, "pawl", "run", definition, "--data", store_fixture_path(&r->f, "data"),
              (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(ends[0], said + length, size - 1 - length)) > 0)
        length += (size_t)got;
    said[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void the_command_says_that_the_disk_is_full(void **state)
{
    (void)state;
    static const char hello[] =
        "{\"StartAt\":\"A\",\"States\":{\"A\":{\"Type\":\"Pass\",\"End\":true}}}";
    const char *bin = getenv("PAWL_BIN");
    char said[8192];
    struct room *r = bin ? room_new(true) : NULL;
    if (!r)
        skip();
    FILE *file = fopen(store_fixture_path(&r->f, "hello.asl.json"), "w");
    assert_non_null(file);
    fputs(hello, file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(run_pawl(bin, r, said, sizeof(said)), 0);
    fill(r, 0);
    int status = run_pawl(bin, r, said, sizeof(said));
    if (status != err_exit_status(ERR_DISK_FULL) || !strstr(said, "full"))
        fail_msg("exit %d: %s", status, said);
    make_room(r);
    assert_int_equal(run_pawl(bin, r, said, sizeof(said)), 0);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_on_a_full_tmpfs),
        cmocka_unit_test(a_store_on_a_disk_full_at_any_byte),
        cmocka_unit_test(a_new_store_without_room),
        cmocka_unit_test(a_store_opened_without_room),
        cmocka_unit_test(an_engine_on_a_full_tmpfs),
        cmocka_unit_test(an_engine_on_a_full_disk_in_memory),
        cmocka_unit_test(the_command_says_that_the_disk_is_full),
    };
    return cmocka_run_group_tests_name("full disk", tests, NULL, NULL);
}
