/* Who holds the other end of a connection: asked of the kernel, and read from its table. */
#include "os/peer.h"

#include "os/files.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

struct pair {
    int listener, near, far; /* near was accepted */
    struct sockaddr_in near_name, far_name;
};

static struct pair connected(void)
{
    struct pair p = {
        .near_name = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(p.near_name);
    p.listener = socket(AF_INET, SOCK_STREAM, 0);
    p.far = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr *near = (struct sockaddr *)&p.near_name, *far = (struct sockaddr *)&p.far_name;
    assert_int_equal(bind(p.listener, near, size), 0);
    assert_int_equal(listen(p.listener, 1), 0);
    assert_int_equal(getsockname(p.listener, near, &size), 0);
    assert_int_equal(connect(p.far, near, size), 0);
    p.near = accept(p.listener, NULL, NULL);
    assert_true(p.near >= 0);
    assert_int_equal(getsockname(p.far, far, &size), 0);
    return p;
}

static void test_ours(void **state)
{
    (void)state;
    struct pair p = connected();
    uid_t user = 12345;
    assert_true(peer_user(p.near, &user));
    assert_int_equal(user, geteuid());
    close(p.listener);
    close(p.near);
    close(p.far);
}

/* What is closed is shown as root's for a while: it is nobody's. */
static void test_closed(void **state)
{
    (void)state;
    struct pair p = connected();
    uid_t user;
    close(p.far);
    assert_false(peer_user(p.near, &user));
    close(p.near);
    close(p.listener);
}

static void test_not_tcp(void **state)
{
    (void)state;
    int fds[2];
    uid_t user;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    assert_false(peer_user(fds[0], &user));
    close(fds[0]);
    close(fds[1]);
    assert_false(peer_user(-1, &user));
}

/* The kernel's table says the same of the same connection. */
static void test_table_of_kernel(void **state)
{
    (void)state;
    struct pair p = connected();
    struct arena *a = arena_new(0);
    struct str table;
    uid_t user = 12345;
    assert_true(file_read(a, "/proc/net/tcp", 16 << 20, &table, NULL));
    assert_true(peer_user_in(table, &p.far_name, &p.near_name, &user));
    assert_int_equal(user, geteuid());
    struct sockaddr_in other = p.far_name;
    other.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
    assert_false(peer_user_in(table, &other, &p.near_name, &user));
    arena_free(a);
    close(p.listener);
    close(p.near);
    close(p.far);
}

static void test_table(void **state)
{
    (void)state;
    static const char format[] =
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
        "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0 0 7\n"
        "   1: 0100007F:0050 0100007F:1F90 %s 00000000:00000000 00:00000000 00000000  %s 0 8\n";
    static const struct {
        const char *state, *user;
        bool known;
    } cases[] = {
        {"01", "1000", true}, {"01", "4294967294", true},   {"06", "0", false},
        {"08", "0", false},   {"01", "4294967295", false},  {"01", "x", false},
        {"01", "-1", false},  {"01", "99999999999", false},
    };
    struct sockaddr_in its = {.sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(80)};
    struct sockaddr_in ours = {.sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(8080)};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena *a = arena_new(0);
        uid_t user = 0;
        struct str table = arena_printf(a, format, cases[i].state, cases[i].user);
        assert_int_equal(peer_user_in(table, &its, &ours, &user), cases[i].known);
        if (cases[i].known)
            assert_int_equal(user, strtoul(cases[i].user, NULL, 10));
        /* Cut anywhere it is read in order, and its end is needed. */
        for (size_t cut = 0; cut < table.len - strlen(cases[i].user) - 10; cut++)
            assert_false(peer_user_in(str_slice(table, 0, cut), &its, &ours, &user));
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours),    cmocka_unit_test(test_closed),
        cmocka_unit_test(test_not_tcp), cmocka_unit_test(test_table_of_kernel),
        cmocka_unit_test(test_table),
    };
    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
