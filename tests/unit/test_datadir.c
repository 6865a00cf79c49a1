#include "os/clock.h"
#include "os/datadir.h"
#include "os/entropy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum {
    NOBODY = 65534
};

/* A folder of the test's own, open to other users, with the directory's path in it. */
struct place {
    char folder[64], path[96];
};

static int make_place(void **state)
{
    struct place *p = calloc(1, sizeof(*p));
    assert_non_null(p);
    snprintf(p->folder, sizeof(p->folder), "/tmp/pawl-datadir-XXXXXX");
    assert_non_null(mkdtemp(p->folder));
    assert_int_equal(chmod(p->folder, 0755), 0);
    snprintf(p->path, sizeof(p->path), "%s/data", p->folder);
    *state = p;
    return 0;
}

static int remove_place(void **state)
{
    struct place *p = *state;
    char lock[128];
    snprintf(lock, sizeof(lock), "%s/" DATADIR_LOCK, p->path);
    unlink(lock);
    rmdir(p->path);
    unlink(p->path);
    rmdir(p->folder);
    free(p);
    return 0;
}

static struct str path_of(const struct place *p)
{
    return str_of_cstr(p->path);
}

/* Runs what is given in a child, as an ordinary user when the test is root, for
 * whom permissions do not count. The child's exit status. */
static int in_child(const struct place *p, int (*what)(const struct place *))
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) != 0)
            _exit(100);
        _exit(what(p));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void option_comes_before_environment(void **state)
{
    (void)state;
    assert_true(str_eq(datadir_choose(STR("a"), STR("b")), STR("a")));
    assert_true(str_eq(datadir_choose(STR(""), STR("b")), STR("b")));
    assert_true(str_eq(datadir_choose(STR(""), STR("")), STR(".pawl")));
}

static void changing_makes_a_private_directory(void **state)
{
    struct place *p = *state;
    struct datadir *d;
    struct err err;
    assert_true(datadir_open(path_of(p), DATADIR_CHANGE, &d, &err));
    struct stat about;
    assert_int_equal(stat(p->path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0700);
    assert_string_equal(datadir_path(d), p->path);
    struct arena *a = arena_new(0);
    char expected[128];
    snprintf(expected, sizeof(expected), "%s/pawl.db", p->path);
    assert_string_equal(datadir_file(d, a, DATADIR_STORE), expected);
    arena_free(a);
    datadir_close(d);
    datadir_close(NULL);
}

static void reading_makes_nothing(void **state)
{
    struct place *p = *state;
    struct datadir *d;
    struct err err;
    assert_false(datadir_open(path_of(p), DATADIR_READ, &d, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, p->path));
    assert_int_equal(access(p->path, F_OK), -1);
}

static void second_writer_is_told_the_holder(void **state)
{
    struct place *p = *state;
    struct datadir *first, *second, *reader;
    struct err err;
    assert_true(datadir_open(path_of(p), DATADIR_CHANGE, &first, &err));
    assert_false(datadir_open(path_of(p), DATADIR_CHANGE, &second, &err));
    assert_int_equal(err.code, ERR_BUSY);
    char pid[32];
    snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
    assert_non_null(strstr(err.message, pid));
    assert_non_null(strstr(err.message, p->path));
    assert_true(datadir_open(path_of(p), DATADIR_READ, &reader, &err));
    datadir_close(reader);
    datadir_close(first);
    assert_true(datadir_open(path_of(p), DATADIR_CHANGE, &second, &err));
    datadir_close(second);
}

/* A lock file that some other hand filled says nothing, and never overflows. */
static void foreign_lock_file_is_distrusted(void **state)
{
    struct place *p = *state;
    struct datadir *first, *second;
    struct err err;
    assert_true(datadir_open(path_of(p), DATADIR_CHANGE, &first, &err));
    char path[128];
    snprintf(path, sizeof(path), "%s/" DATADIR_LOCK, p->path);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("99999999999999999999999999999999999999999999999999999999999999999", f);
    fclose(f);
    assert_false(datadir_open(path_of(p), DATADIR_CHANGE, &second, &err));
    assert_int_equal(err.code, ERR_BUSY);
    assert_non_null(strstr(err.message, "another process"));
    datadir_close(first);
}

static int hold_and_die(const struct place *p)
{
    struct datadir *d;
    if (!datadir_open(path_of(p), DATADIR_CHANGE, &d, NULL))
        _exit(1);
    abort();
}

static void lock_dies_with_its_holder(void **state)
{
    struct place *p = *state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0)
        _exit(hold_and_die(p));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    struct datadir *d;
    struct err err;
    assert_true(datadir_open(path_of(p), DATADIR_CHANGE, &d, &err));
    datadir_close(d);
}

static int expect_permission(const struct place *p)
{
    struct datadir *d;
    struct err err;
    if (datadir_open(path_of(p), DATADIR_CHANGE, &d, &err))
        return 1;
    if (err.code != ERR_PERMISSION)
        return 2;
    return strstr(err.message, p->path) && strstr(err.message, "--data") ? 0 : 3;
}

static int expect_readable(const struct place *p)
{
    struct datadir *d;
    if (!datadir_open(path_of(p), DATADIR_READ, &d, NULL))
        return 1;
    datadir_close(d);
    return 0;
}

static void read_only_directory_can_be_read_but_not_changed(void **state)
{
    struct place *p = *state;
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(chmod(p->path, 0555), 0);
    assert_int_equal(in_child(p, expect_permission), 0);
    assert_int_equal(in_child(p, expect_readable), 0);
    assert_int_equal(chmod(p->path, 0700), 0);
}

static void read_only_parent_is_a_permission_error(void **state)
{
    struct place *p = *state;
    assert_int_equal(chmod(p->folder, 0555), 0);
    assert_int_equal(in_child(p, expect_permission), 0);
    assert_int_equal(chmod(p->folder, 0755), 0);
}

static void impossible_paths_are_refused(void **state)
{
    struct place *p = *state;
    struct datadir *d;
    struct err err;
    char far[128], *longest = calloc(1, DATADIR_PATH_MAX + 1);
    assert_non_null(longest);
    memset(longest, 'x', DATADIR_PATH_MAX + 1);
    assert_false(datadir_open(str_of(longest, DATADIR_PATH_MAX + 1), DATADIR_CHANGE, &d, &err));
    assert_int_equal(err.code, ERR_TOO_LARGE);
    free(longest);
    assert_false(datadir_open(STR(""), DATADIR_CHANGE, &d, &err));
    snprintf(far, sizeof(far), "%s/a/b", p->folder);
    assert_false(datadir_open(str_of_cstr(far), DATADIR_CHANGE, &d, &err));
    assert_int_equal(err.code, ERR_NOT_FOUND);
    FILE *f = fopen(p->path, "w");
    assert_non_null(f);
    fclose(f);
    assert_false(datadir_open(path_of(p), DATADIR_CHANGE, &d, &err));
    assert_int_equal(err.code, ERR_IO);
    assert_false(datadir_open(path_of(p), DATADIR_READ, &d, &err));
    assert_int_equal(err.code, ERR_IO);
}

static void clocks_and_entropy_work(void **state)
{
    (void)state;
    struct mono_ns before = clock_mono();
    assert_true(clock_mono().ns >= before.ns);
    assert_true(clock_wall().ms > 0);
    uint8_t a[32] = {0}, b[32] = {0};
    entropy_fill(a, sizeof(a));
    entropy_fill(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    assert_true(entropy_u64() != entropy_u64());
}

#define PLACE_TEST(f) cmocka_unit_test_setup_teardown(f, make_place, remove_place)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(option_comes_before_environment),
        PLACE_TEST(changing_makes_a_private_directory),
        PLACE_TEST(reading_makes_nothing),
        PLACE_TEST(second_writer_is_told_the_holder),
        PLACE_TEST(foreign_lock_file_is_distrusted),
        PLACE_TEST(lock_dies_with_its_holder),
        PLACE_TEST(read_only_directory_can_be_read_but_not_changed),
        PLACE_TEST(read_only_parent_is_a_permission_error),
        PLACE_TEST(impossible_paths_are_refused),
        cmocka_unit_test(clocks_and_entropy_work),
    };
    return cmocka_run_group_tests_name("datadir", tests, NULL, NULL);
}
