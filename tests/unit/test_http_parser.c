/* Requests taken apart without a socket: whole, and cut at every byte. */
#include "net/http_parser.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static struct http_limits limits;

static int setup(void **state)
{
    (void)state;
    limits = http_limits_with_defaults((struct http_limits){
        .head_size_max = 1024, .header_count_max = 8, .url_size_max = 200, .body_size_max = 1000});
    return 0;
}

/* Feeds `step` bytes at a time; *ret_taken counts what the parser took. */
static enum http_parsed feed(struct http_parser *p, struct str text, size_t step, size_t *ret_taken)
{
    enum http_parsed parsed = PARSED_PART;
    size_t at = 0;
    while (at < text.len && parsed != PARSED_REQUEST && parsed != PARSED_REFUSED) {
        size_t end = at + step < text.len ? at + step : text.len;
        /* A copy of its own, so that reading beyond it is seen. */
        char *piece = malloc(end - at);
        memcpy(piece, text.ptr + at, end - at);
        at += http_parser_take(p, str_of(piece, end - at), &parsed);
        free(piece);
    }
    *ret_taken = at;
    return parsed;
}

struct expected {
    const char *method, *path, *query, *body;
    bool keep_alive;
};

static void check_accepted(const char *text, const char *after, struct expected e)
{
    struct str whole = str_of_cstr(text);
    char joined[4096];
    size_t len = (size_t)snprintf(joined, sizeof(joined), "%s%s", text, after);
    for (size_t step = 1; step <= len; step++) {
        struct http_parser *p = http_parser_new(&limits);
        size_t taken;
        enum http_parsed parsed = feed(p, str_of(joined, len), step, &taken);
        if (parsed == PARSED_REFUSED)
            fail_msg("refused: %s", http_parser_refusal(p).detail);
        assert_int_equal(parsed, PARSED_REQUEST);
        assert_int_equal(taken, whole.len);
        const struct http_message *m = http_parser_message(p);
        assert_true(str_eq(m->method, str_of_cstr(e.method)));
        assert_true(str_eq(m->path, str_of_cstr(e.path)));
        assert_true(str_eq(m->query, str_of_cstr(e.query)));
        assert_true(str_eq(m->body, str_of_cstr(e.body)));
        assert_int_equal(m->keep_alive, e.keep_alive);
        http_parser_free(p);
    }
}

static void check_refused(const char *text, int status, const char *code)
{
    struct str whole = str_of_cstr(text);
    for (size_t step = 1; step <= whole.len; step++) {
        struct http_parser *p = http_parser_new(&limits);
        size_t taken;
        enum http_parsed parsed = feed(p, whole, step, &taken);
        if (parsed != PARSED_REFUSED)
            fail_msg("not refused in steps of %zu: %s", step, text);
        struct http_refusal why = http_parser_refusal(p);
        if (why.status != status || strcmp(why.code, code) != 0)
            fail_msg("%d %s in steps of %zu, not %d %s: %s", why.status, why.code, step, status,
                     code, text);
        http_parser_free(p);
    }
}

static void test_requests(void **state)
{
    (void)state;
    check_accepted("GET /a/b?c=d&e HTTP/1.1\r\nHost: x\r\n\r\n", "",
                   (struct expected){"GET", "/a/b", "c=d&e", "", true});
    check_accepted("GET / HTTP/1.1\r\nhOST:\r\nConnection: close\r\n\r\n", "",
                   (struct expected){"GET", "/", "", "", false});
    check_accepted("GET / HTTP/1.0\r\n\r\n", "", (struct expected){"GET", "/", "", "", false});
    check_accepted("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "",
                   (struct expected){"GET", "/", "", "", true});
    check_accepted("GET http://host:1/p?q HTTP/1.1\r\nHost: x\r\n\r\n", "",
                   (struct expected){"GET", "/p", "q", "", true});
    check_accepted("GET http://host HTTP/1.1\r\nHost: x\r\n\r\n", "",
                   (struct expected){"GET", "/", "", "", true});
    check_accepted("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", "",
                   (struct expected){"OPTIONS", "*", "", "", true});
    check_accepted("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "",
                   (struct expected){"GET", "/", "", "", true});
}

static void test_bodies(void **state)
{
    (void)state;
    struct expected e = {"POST", "/", "", "hello", true};
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "", e);
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: Chunked\r\n\r\n"
                   "2\r\nhe\r\n3;a=b\r\nllo\r\n0\r\n\r\n",
                   "", e);
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\nTrailer: ignored\r\n\r\n",
                   "", e);
    e.body = "";
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "", e);
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "", e);
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "",
                   e);
}

static void test_stops_at_the_end(void **state)
{
    (void)state;
    const char *next = "GET /next HTTP/1.1\r\nHost: x\r\n\r\n";
    check_accepted("GET / HTTP/1.1\r\nHost: x\r\n\r\n", next,
                   (struct expected){"GET", "/", "", "", true});
    check_accepted("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", next,
                   (struct expected){"GET", "/", "", "", false});
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}", next,
                   (struct expected){"POST", "/", "", "{}", true});
    check_accepted("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                   "2\r\n{}\r\n0\r\n\r\n",
                   next, (struct expected){"POST", "/", "", "{}", true});
    /* An upgrade is not taken up. */
    check_accepted("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", next,
                   (struct expected){"GET", "/", "", "", true});
}

static void test_smuggling(void **state)
{
    (void)state;
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                  400, "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                  "Content-Length: 5\r\n\r\n0\r\n\r\n",
                  400, "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
                  "Content-Length: 5\r\n\r\nhello",
                  400, "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5, 5\r\n\r\nhello", 400,
                  "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\nhello", 400,
                  "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", 400,
                  "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501,
                  "TRANSFER_CODING");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400,
                  "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 400,
                  "AMBIGUOUS_LENGTH");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400,
                  "MALFORMED_HEAD");
    check_refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400,
                  "TRANSFER_CODING");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400, "FOLDED_HEADER");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\tc\r\n\r\n", 400, "FOLDED_HEADER");
    check_refused("GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400, "FOLDED_HEADER");
    check_refused("GET / HTTP/1.1\nHost: x\n\n", 400, "BARE_LINE_FEED");
    check_refused("GET / HTTP/1.1\r\nHost: x\n\r\n", 400, "BARE_LINE_FEED");
    check_refused("GET / HTTP/1.1\r\nHost: x\rA: b\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400,
                  "MALFORMED_CHUNK");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "fffffffffffffffff\r\n",
                  400, "MALFORMED_CHUNK");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
                  400, "MALFORMED_BODY");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n", 400,
                  "MALFORMED_CHUNK");
}

static void test_hosts(void **state)
{
    (void)state;
    check_refused("GET / HTTP/1.1\r\n\r\n", 400, "HOST");
    check_refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400, "HOST");
    check_refused("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400, "HOST");
    check_refused("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400, "HOST");
    check_refused("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "HOST");
    check_accepted("GET / HTTP/1.1\r\nHost: [::1]:8083\r\n\r\n", "",
                   (struct expected){"GET", "/", "", "", true});
}

static void test_malformed(void **state)
{
    (void)state;
    check_refused("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "UNKNOWN_METHOD");
    check_refused("get / HTTP/1.1\r\nHost: x\r\n\r\n", 501, "UNKNOWN_METHOD");
    check_refused("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n", 501, "UNKNOWN_METHOD");
    check_refused("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505, "HTTP_VERSION");
    check_refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP_VERSION");
    check_refused("GET / HTTP/0.9\r\nHost: x\r\n\r\n", 505, "HTTP_VERSION");
    check_refused("GET / HTTP/1.9\r\nHost: x\r\n\r\n", 505, "HTTP_VERSION");
    check_refused("GET /\r\n\r\n", 505, "HTTP_VERSION");
    check_refused("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400, "TARGET");
    check_refused("GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400, "TARGET");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nNo colon\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\n: v\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nA: \x01\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", 400, "MALFORMED_HEAD");
    check_refused("GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417, "EXPECTATION");
    check_refused("\x16\x03\x01\x02\x01", 400, "MALFORMED_HEAD");
}

static void check_long(const char *before, size_t count, const char *unit, const char *after,
                       int status, const char *code)
{
    struct buf text = BUF_INIT(0);
    buf_append(&text, str_of_cstr(before));
    for (size_t i = 0; i < count; i++)
        buf_append(&text, str_of_cstr(unit));
    buf_append(&text, str_of_cstr(after));
    check_refused(buf_cstr(&text), status, code);
    buf_release(&text);
}

static void test_limits(void **state)
{
    (void)state;
    const char *head = "GET / HTTP/1.1\r\nHost: x\r\n";
    check_long(head, 8, "A: b\r\n", "\r\n", 431, "TOO_MANY_HEADERS");
    check_long("GET / HTTP/1.1\r\nHost: x\r\nA: ", 1100, "b", "", 431, "HEAD_TOO_LARGE");
    check_long("GET /", 1100, "a", "", 414, "URL_TOO_LONG");
    check_long("GET /", 200, "a", " HTTP/1.1\r\nHost: x\r\n\r\n", 414, "URL_TOO_LONG");
    check_refused("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413,
                  "BODY_TOO_LARGE");
    check_long("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 101,
               "a\r\n0123456789\r\n", "", 413, "BODY_TOO_LARGE");
    check_long("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;", 1100, "x", "",
               400, "MALFORMED_CHUNK");
    check_long("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", 400,
               "A: b\r\n", "", 400, "MALFORMED_CHUNK");
}

static void test_memory_follows_what_came(void **state)
{
    (void)state;
    struct http_limits large = http_limits_with_defaults((struct http_limits){0});
    struct http_parser *p = http_parser_new(&large);
    size_t taken;
    assert_int_equal(feed(p,
                          STR("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000000\r\n\r\nab"),
                          1000, &taken),
                     PARSED_PART);
    assert_true(http_parser_in_body(p));
    assert_int_equal(http_parser_body_size(p), 2);
    assert_true(http_parser_memory(p) < 8192);
    http_parser_free(p);
}

static void test_expectation(void **state)
{
    (void)state;
    struct http_parser *p = http_parser_new(&limits);
    enum http_parsed parsed;
    struct str head =
        STR("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n");
    assert_int_equal(http_parser_take(p, head, &parsed), head.len);
    assert_int_equal(parsed, PARSED_EXPECTS);
    assert_int_equal(http_parser_take(p, STR("{"), &parsed), 1);
    assert_int_equal(parsed, PARSED_PART);
    assert_int_equal(http_parser_take(p, STR("}"), &parsed), 1);
    assert_int_equal(parsed, PARSED_REQUEST);
    http_parser_free(p);
    /* Whoever does not wait is not told. */
    p = http_parser_new(&limits);
    struct str whole =
        STR("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{");
    http_parser_take(p, whole, &parsed);
    assert_int_equal(parsed, PARSED_PART);
    http_parser_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_stops_at_the_end),
        cmocka_unit_test(test_smuggling),
        cmocka_unit_test(test_hosts),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_memory_follows_what_came),
        cmocka_unit_test(test_expectation),
    };
    return cmocka_run_group_tests_name("http_parser", tests, setup, NULL);
}
