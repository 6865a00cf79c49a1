/* Requests as a hostile peer sends them, in one piece and in small ones: the same
 * comes out, nothing is taken twice, and what is accepted keeps its promises. */
#include "net/http_parser.h"

#include <stdlib.h>

enum {
    STEP_MAX = 7
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct http_parser *parse(const struct http_limits *limits, struct str text, size_t step,
                                 enum http_parsed *ret_parsed, size_t *ret_taken)
{
    struct http_parser *p = http_parser_new(limits);
    enum http_parsed parsed = PARSED_PART;
    size_t at = 0;
    while (at < text.len && parsed != PARSED_REQUEST && parsed != PARSED_REFUSED) {
        size_t len = step < text.len - at ? step : text.len - at;
        char *piece = malloc(len);
        ASSERT(piece);
        memcpy(piece, text.ptr + at, len);
        size_t taken = http_parser_take(p, str_of(piece, len), &parsed);
        ASSERT(taken <= len && (taken == len || parsed != PARSED_PART));
        free(piece);
        at += taken;
    }
    ASSERT(http_parser_memory(p) < 8 * (limits->head_size_max + limits->body_size_max) + 8192);
    *ret_parsed = parsed;
    *ret_taken = at;
    return p;
}

static void check_message(const struct http_message *m, const struct http_limits *limits)
{
    size_t hosts = 0;
    ASSERT(m->method.len && m->path.len && m->body.len <= limits->body_size_max);
    ASSERT(m->header_count <= limits->header_count_max);
    ASSERT(m->target.len <= limits->url_size_max);
    for (size_t i = 0; i < m->header_count; i++) {
        struct str value = m->headers[i].value;
        ASSERT(m->headers[i].name.len);
        for (size_t k = 0; k < value.len; k++)
            ASSERT(value.ptr[k] != '\r' && value.ptr[k] != '\n' && value.ptr[k] != '\0');
        hosts += http_name_eq(m->headers[i].name, STR("host"));
    }
    ASSERT(hosts == 1 || (hosts == 0 && m->minor_0));
}

static void check_same(const struct http_message *a, const struct http_message *b)
{
    ASSERT(str_eq(a->method, b->method) && str_eq(a->target, b->target));
    ASSERT(str_eq(a->body, b->body) && a->header_count == b->header_count);
    ASSERT(a->keep_alive == b->keep_alive);
    for (size_t i = 0; i < a->header_count; i++)
        ASSERT(str_eq(a->headers[i].name, b->headers[i].name) &&
               str_eq(a->headers[i].value, b->headers[i].value));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct http_limits limits = http_limits_with_defaults((struct http_limits){
        .head_size_max = 512, .header_count_max = 8, .url_size_max = 128, .body_size_max = 256});
    struct str text = str_of((const char *)data, size);
    while (text.len) {
        enum http_parsed whole, cut;
        size_t whole_taken, cut_taken;
        struct http_parser *a = parse(&limits, text, text.len, &whole, &whole_taken);
        struct http_parser *b = parse(&limits, text, 1 + size % STEP_MAX, &cut, &cut_taken);
        /* Who waits to be told to go on is not told when it did not wait. */
        ASSERT(whole == cut || (whole <= PARSED_EXPECTS && cut <= PARSED_EXPECTS));
        if (whole == PARSED_REFUSED)
            ASSERT(http_parser_refusal(a).status == http_parser_refusal(b).status);
        if (whole == PARSED_REQUEST) {
            ASSERT(whole_taken == cut_taken && whole_taken > 0);
            check_message(http_parser_message(a), &limits);
            check_same(http_parser_message(a), http_parser_message(b));
        }
        http_parser_free(a);
        http_parser_free(b);
        if (whole != PARSED_REQUEST)
            break;
        text = str_slice(text, whole_taken, text.len);
    }
    return 0;
}
