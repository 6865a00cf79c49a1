/* Whole files in, and the errors when they are not to be had. */
#include "os/files.h"

#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char folder[] = "/tmp/pawl-test-files-XXXXXX";
static struct arena *a;

static const char *in_folder(const char *name)
{
    return arena_cstr(a, arena_printf(a, "%s/%s", folder, name));
}

static const char *write_file(const char *name, size_t size)
{
    const char *path = in_folder(name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < size; i++)
        assert_true(fputc((int)(i % 251), file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of_cstr(expected)))
        fail_msg("got " STR_FMT ", expected %s", STR_ARG(s), expected);
}

static void test_read(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000};
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const char *path = write_file("some", sizes[i]);
        struct str text;
        struct err e;
        assert_true(file_read(a, path, sizes[i], &text, &e)); /* just the limit */
        assert_int_equal(text.len, sizes[i]);
        for (size_t k = 0; k < text.len; k++)
            assert_int_equal((unsigned char)text.ptr[k], k % 251);
        assert_int_equal(text.ptr[text.len], '\0');
        if (sizes[i] == 0)
            continue;
        assert_false(file_read(a, path, sizes[i] - 1, &text, &e));
        assert_int_equal(e.code, ERR_TOO_LARGE);
        assert_non_null(strstr(e.message, path));
    }
}

static void test_errors(void **state)
{
    (void)state;
    struct str text;
    struct err e;
    assert_false(file_read(a, in_folder("missing"), 10, &text, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_non_null(strstr(e.message, "missing: No such file or directory"));
    write_file("file", 1);
    assert_false(file_read(a, in_folder("file/below"), 10, &text, &e));
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_false(file_read(a, folder, 10, &text, &e));
    assert_int_equal(e.code, ERR_IO);
    if (geteuid() == 0) /* whom no permission stops */
        return;
    assert_int_equal(chmod(in_folder("file"), 0), 0);
    assert_false(file_read(a, in_folder("file"), 10, &text, &e));
    assert_int_equal(e.code, ERR_PERMISSION);
}

static void test_pipes(void **state)
{
    (void)state;
    int ends[2];
    struct str text;
    struct err e;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "abc", 3), 3);
    close(ends[1]);
    assert_true(file_read_fd(a, ends[0], "the pipe", 3, &text, &e));
    assert_str(text, "abc");
    close(ends[0]);
    assert_false(file_read_fd(a, -1, "nothing", 3, &text, &e));
    assert_non_null(strstr(e.message, "cannot read nothing: "));
}

static void test_standard_input(void **state)
{
    (void)state;
    int old = dup(STDIN_FILENO);
    int fd = open(write_file("input", 5), O_RDONLY);
    struct str text;
    struct err e;
    assert_true(fd >= 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO);
    assert_true(file_read(a, "-", 5, &text, &e));
    assert_int_equal(text.len, 5);
    assert_int_equal(lseek(STDIN_FILENO, 0, SEEK_SET), 0); /* still open */
    assert_false(file_read(a, "-", 4, &text, &e));
    assert_non_null(strstr(e.message, "standard input is larger"));
    dup2(old, STDIN_FILENO);
    close(old);
    close(fd);
}

static void test_paths(void **state)
{
    (void)state;
    static const char *const folders[][2] = {
        {"a/b", "a"},  {"b", "."}, {"/b", "/"}, {"/a/b/c", "/a/b"}, {"", "."},
        {"a//b", "a"}, {"/", "/"}, {"a/", "a"}, {"../x", ".."},     {"//x", "/"},
    };
    for (size_t i = 0; i < COUNT_OF(folders); i++)
        assert_str(path_folder(str_of_cstr(folders[i][0])), folders[i][1]);

    struct str path;
    struct err e;
    char here[4096], expected[4200];
    assert_int_equal(chdir(folder), 0);
    assert_non_null(getcwd(here, sizeof(here)));
    assert_true(path_absolute(a, STR("/x/../y"), &path, &e));
    assert_str(path, "/x/../y");
    assert_true(path_absolute(a, STR("x/y"), &path, &e));
    snprintf(expected, sizeof(expected), "%s/x/y", here);
    assert_str(path, expected);
    assert_true(path_absolute(a, STR("."), &path, &e));
    assert_str(path, here);
    assert_int_equal(chdir("/"), 0);
    assert_true(path_absolute(a, STR("x"), &path, &e));
    assert_str(path, "/x");
}

static int setup(void **state)
{
    (void)state;
    a = arena_new(0);
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"some", "file", "input"};
    for (size_t i = 0; i < COUNT_OF(names); i++)
        unlink(in_folder(names[i]));
    arena_free(a);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),  cmocka_unit_test(test_errors),
        cmocka_unit_test(test_pipes), cmocka_unit_test(test_standard_input),
        cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests_name("files", tests, setup, teardown);
}
