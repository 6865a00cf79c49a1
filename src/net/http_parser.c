#include "net/http_parser.h"

#include <llhttp.h>
#include <stdlib.h>
#include <strings.h>

enum {
    HEADERS_FIRST = 16,  /* room made at first */
    CHUNK_OVERHEAD = 8,  /* bytes around each byte of a body, at worst */
    BLANK_LINES_MAX = 2, /* before a request */
};

enum stage {
    STAGE_HEAD,
    STAGE_BODY,
    STAGE_DONE,
    STAGE_REFUSED,
};

struct http_parser {
    struct arena *arena;
    const struct http_limits *limits;
    enum stage stage;
    struct buf head;    /* from the request line to the empty line */
    size_t scanned;     /* of the head: holds no end before */
    size_t blank_lines; /* dropped before it */
    llhttp_t grammar;
    bool head_done; /* says the grammar */
    size_t announced;
    struct http_message message;
    size_t header_capacity;
    struct buf body;
    const char *taking; /* the bytes that the grammar is at */
    size_t body_raw;    /* bytes before them since the head, framing included */
    bool expects;       /* 100-continue; told once */
    struct http_refusal refusal;
};

bool http_name_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

static bool refuse(struct http_parser *p, int status, const char *code, const char *detail)
{
    p->stage = STAGE_REFUSED;
    p->refusal = (struct http_refusal){status, code, detail};
    return false;
}

/* ---- what the grammar finds in the head ---- */

static int on_url(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = grammar->data;
    struct str *target = &p->message.target;
    if (target->len && target->ptr + target->len != at)
        return -1;
    *target = str_of(target->len ? target->ptr : at, target->len + length);
    return 0;
}

static struct http_header *last_header(struct http_parser *p)
{
    return &p->message.headers[p->message.header_count - 1];
}

static void add_header(struct http_parser *p)
{
    struct http_message *m = &p->message;
    if (m->header_count == p->header_capacity) {
        size_t capacity = p->header_capacity ? p->header_capacity * 2 : HEADERS_FIRST;
        struct http_header *grown = ARENA_ARRAY(p->arena, struct http_header, capacity);
        if (m->header_count)
            memcpy(grown, m->headers, m->header_count * sizeof(*grown));
        m->headers = grown;
        p->header_capacity = capacity;
    }
    m->headers[m->header_count++] = (struct http_header){0};
}

static int on_header_field(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = grammar->data;
    if (p->head_done) /* a trailer: nobody reads them */
        return 0;
    if (p->message.header_count == p->limits->header_count_max) {
        refuse(p, 431, "TOO_MANY_HEADERS", "the request has more headers than are taken");
        return HPE_USER;
    }
    add_header(p);
    last_header(p)->name = str_of(at, length);
    return 0;
}

static int on_header_value(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = grammar->data;
    if (p->head_done)
        return 0;
    /* In two parts: it was folded. */
    if (p->message.header_count == 0 || last_header(p)->value.ptr)
        return -1;
    last_header(p)->value = str_of(at, length);
    return 0;
}

static int on_headers_complete(llhttp_t *grammar)
{
    struct http_parser *p = grammar->data;
    p->head_done = true;
    p->message.keep_alive = llhttp_should_keep_alive(grammar) != 0;
    /* An upgrade may be ignored, and is; CONNECT is refused before. */
    grammar->upgrade = 0;
    return grammar->method == HTTP_CONNECT ? -1 : 0;
}

/* Extensions of chunks, tiny chunks and trailers: nothing else bounds them. */
static bool check_framing(struct http_parser *p, const char *at)
{
    size_t raw = p->body_raw + (size_t)(at - p->taking);
    size_t allowed = p->limits->head_size_max + (1 + CHUNK_OVERHEAD) * p->body.len;
    return raw <= allowed || refuse(p, 400, "MALFORMED_CHUNK", "the body is mostly framing");
}

static int on_body(llhttp_t *grammar, const char *at, size_t length)
{
    struct http_parser *p = grammar->data;
    if (!check_framing(p, at))
        return HPE_USER;
    buf_append(&p->body, str_of(at, length));
    return p->body.over ? HPE_USER : 0;
}

static int on_message_complete(llhttp_t *grammar)
{
    struct http_parser *p = grammar->data;
    p->stage = STAGE_DONE;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_header_field = on_header_field,
    .on_header_value = on_header_value,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};

/* ---- the head ---- */

/* Where the head ends, or 0. */
static size_t head_end(const struct http_parser *p)
{
    static const char end[] = {'\r', '\n', '\r', '\n'};
    size_t from = p->scanned > sizeof(end) ? p->scanned - sizeof(end) : 0;
    const char *found =
        p->head.len ? memmem(p->head.ptr + from, p->head.len - from, end, sizeof(end)) : NULL;
    return found ? (size_t)(found - p->head.ptr) + sizeof(end) : 0;
}

/* A line that ends without CR would be waited on for ever, and a folded one is
 * read differently here and there. */
static bool check_lines(struct http_parser *p, size_t end)
{
    const char *text = p->head.ptr;
    for (size_t i = p->scanned; i < end; i++) {
        char before = i ? text[i - 1] : '\0';
        if (text[i] == '\n' && before != '\r')
            return refuse(p, 400, "BARE_LINE_FEED", "a line of the head does not end with CR LF");
        if (before == '\n' && (text[i] == ' ' || text[i] == '\t'))
            return refuse(p, 400, "FOLDED_HEADER", "a header goes on in a second line");
    }
    return true;
}

static bool refuse_grammar(struct http_parser *p, llhttp_errno_t error)
{
    if (p->stage == STAGE_REFUSED)
        return false;
    if (error == HPE_INVALID_METHOD)
        return refuse(p, 501, "UNKNOWN_METHOD", "the method is not known here");
    if (error == HPE_INVALID_VERSION || p->grammar.method == HTTP_PRI)
        return refuse(p, 505, "HTTP_VERSION", "only HTTP/1.1 and HTTP/1.0 are spoken here");
    if (error == HPE_INVALID_CONTENT_LENGTH || error == HPE_UNEXPECTED_CONTENT_LENGTH ||
        error == HPE_INVALID_TRANSFER_ENCODING)
        return refuse(p, 400, "AMBIGUOUS_LENGTH",
                      "the length of the body is malformed, or given more than once");
    if (error == HPE_INVALID_CHUNK_SIZE)
        return refuse(p, 400, "MALFORMED_CHUNK", "the size of a chunk is malformed");
    if (p->grammar.method == HTTP_CONNECT && p->head_done)
        return refuse(p, 501, "UNKNOWN_METHOD", "CONNECT is not served here");
    return refuse(p, 400, p->head_done ? "MALFORMED_BODY" : "MALFORMED_HEAD",
                  p->head_done ? "the framing of the body is malformed"
                               : "the request line or a header is malformed");
}

static const struct http_header *find_header(const struct http_parser *p, struct str name,
                                             size_t *ret_count)
{
    const struct http_header *found = NULL;
    *ret_count = 0;
    for (size_t i = 0; i < p->message.header_count; i++) {
        if (!http_name_eq(p->message.headers[i].name, name))
            continue;
        if (!found)
            found = &p->message.headers[i];
        ++*ret_count;
    }
    return found;
}

static bool is_authority(struct str host)
{
    static const char marks[] = "-._~%!$&'()*+,;=:[]";
    for (size_t i = 0; i < host.len; i++) {
        char c = host.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr(marks, c, sizeof(marks) - 1))
            return false;
    }
    return true;
}

static bool check_host(struct http_parser *p)
{
    size_t count;
    const struct http_header *host = find_header(p, STR("host"), &count);
    if (count > 1 || (count == 0 && !p->message.minor_0))
        return refuse(p, 400, "HOST", "there must be exactly one Host header");
    if (host && !is_authority(host->value))
        return refuse(p, 400, "HOST", "the Host header is malformed");
    return true;
}

/* Lengths given twice are refused even where they agree. */
static bool check_length(struct http_parser *p)
{
    size_t codings, lengths;
    const struct http_header *coding = find_header(p, STR("transfer-encoding"), &codings);
    find_header(p, STR("content-length"), &lengths);
    if (codings + lengths > 1)
        return refuse(p, 400, "AMBIGUOUS_LENGTH", "the length of the body is given more than once");
    if (coding && !http_name_eq(coding->value, STR("chunked")))
        return refuse(p, 501, "TRANSFER_CODING", "the only transfer coding taken is chunked");
    if (coding && p->message.minor_0)
        return refuse(p, 400, "TRANSFER_CODING", "HTTP/1.0 knows no transfer codings");
    if (lengths && p->grammar.content_length > p->limits->body_size_max)
        return refuse(p, 413, "BODY_TOO_LARGE", "the body is larger than is taken");
    p->announced = lengths ? (size_t)p->grammar.content_length : coding ? SIZE_MAX : 0;
    return true;
}

static bool check_expectation(struct http_parser *p)
{
    size_t count;
    const struct http_header *expect = find_header(p, STR("expect"), &count);
    if (!expect || p->message.minor_0)
        return true;
    if (count > 1 || !http_name_eq(expect->value, STR("100-continue")))
        return refuse(p, 417, "EXPECTATION", "the only expectation met is 100-continue");
    p->expects = true;
    return true;
}

/* What follows "http://host", as proxies are asked. */
static struct str after_authority(struct str target)
{
    if (target.len < 7 || !http_name_eq(str_slice(target, 0, 7), STR("http://")))
        return target;
    size_t at = 7;
    while (at < target.len && target.ptr[at] != '/' && target.ptr[at] != '?')
        at++;
    return at == target.len ? STR("/") : str_slice(target, at, target.len);
}

/* One blank after the method and one after the target: what is between others is
 * read differently here and there. */
static bool has_single_blanks(const struct http_parser *p)
{
    const struct http_message *m = &p->message;
    const char *end = m->target.ptr + m->target.len;
    return m->target.ptr == p->head.ptr + m->method.len + 1 && end[0] == ' ' && end[1] == 'H';
}

/* "/path?query", or "*" for OPTIONS. */
static bool take_target(struct http_parser *p)
{
    struct http_message *m = &p->message;
    if (m->target.len > p->limits->url_size_max)
        return refuse(p, 414, "URL_TOO_LONG", "the path and query are longer than is taken");
    if (!has_single_blanks(p))
        return refuse(p, 400, "MALFORMED_HEAD", "the request line is malformed");
    struct str target = after_authority(m->target);
    bool asterisk = str_eq(target, STR("*")) && str_eq(m->method, STR("OPTIONS"));
    if (!asterisk && !str_starts_with(target, STR("/")))
        return refuse(p, 400, "TARGET", "the request's target does not begin with /");
    if (str_find_char(target, '#') != SIZE_MAX)
        return refuse(p, 400, "TARGET", "the request's target has a fragment");
    size_t mark = str_find_char(target, '?');
    m->path = str_slice(target, 0, mark);
    m->query = mark == SIZE_MAX ? STR("") : str_slice(target, mark + 1, target.len);
    return true;
}

static bool check_headers(struct http_parser *p)
{
    struct http_message *m = &p->message;
    for (size_t i = 0; i < m->header_count; i++) {
        if (m->headers[i].name.len == 0)
            return refuse(p, 400, "MALFORMED_HEAD", "a header has no name");
        m->headers[i].value = str_trim(m->headers[i].value);
    }
    return true;
}

static bool check_head(struct http_parser *p)
{
    p->message.method = str_of_cstr(llhttp_method_name((llhttp_method_t)p->grammar.method));
    p->message.minor_0 = p->grammar.http_minor == 0;
    if (p->grammar.http_major != 1)
        return refuse(p, 505, "HTTP_VERSION", "only HTTP/1.1 and HTTP/1.0 are spoken here");
    return take_target(p) && check_headers(p) && check_host(p) && check_length(p) &&
           check_expectation(p);
}

/* The whole head in one piece, so that names and values are parts of it. */
static bool parse_head(struct http_parser *p, size_t end)
{
    llhttp_init(&p->grammar, HTTP_REQUEST, &settings);
    p->grammar.data = p;
    llhttp_errno_t error = llhttp_execute(&p->grammar, p->head.ptr, end);
    bool whole = p->stage == STAGE_DONE && error == HPE_PAUSED;
    if ((error != HPE_OK && !whole) || p->grammar.method == HTTP_PRI)
        return refuse_grammar(p, error);
    if (!p->head_done || (whole && llhttp_get_error_pos(&p->grammar) != p->head.ptr + end))
        return refuse(p, 400, "MALFORMED_HEAD", "the request line or a header is malformed");
    if (!check_head(p))
        return false;
    if (p->stage == STAGE_HEAD)
        p->stage = STAGE_BODY;
    return true;
}

/* Leading empty lines are what some peers send after a body. */
static void drop_blank_lines(struct http_parser *p)
{
    while (p->head.len >= 2 && p->head.ptr[0] == '\r' && p->head.ptr[1] == '\n') {
        if (++p->blank_lines > BLANK_LINES_MAX) {
            refuse(p, 400, "MALFORMED_HEAD", "there are empty lines before the request line");
            return;
        }
        p->head.len -= 2;
        memmove(p->head.ptr, p->head.ptr + 2, p->head.len);
        p->scanned = 0;
    }
}

/* Another protocol, as TLS, is not waited on. */
static bool check_begin(struct http_parser *p)
{
    char c = p->head.len ? p->head.ptr[0] : '\r';
    if (c == '\r' || c == '\n' || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return refuse(p, 400, "MALFORMED_HEAD", "this is no HTTP request");
}

static bool refuse_long_head(struct http_parser *p)
{
    if (!memchr(p->head.ptr, '\n', p->head.len))
        return refuse(p, 414, "URL_TOO_LONG", "the request line is longer than is taken");
    return refuse(p, 431, "HEAD_TOO_LARGE", "the headers are larger than is taken");
}

/* Takes what may belong to the head; gives back what came after it. */
static size_t take_head(struct http_parser *p, struct str bytes)
{
    size_t room = p->limits->head_size_max - p->head.len - 2 * p->blank_lines;
    size_t taken = bytes.len < room ? bytes.len : room;
    buf_append(&p->head, str_slice(bytes, 0, taken));
    drop_blank_lines(p);
    if (p->stage == STAGE_REFUSED)
        return taken;
    if (!check_begin(p))
        return taken;
    size_t end = head_end(p);
    if (!check_lines(p, end ? end : p->head.len))
        return taken;
    if (!end) {
        p->scanned = p->head.len;
        if (taken == room)
            refuse_long_head(p);
        return taken;
    }
    size_t after = p->head.len - end;
    p->head.len = end;
    parse_head(p, end);
    return taken - after;
}

/* ---- the body ---- */

static size_t take_body(struct http_parser *p, struct str bytes)
{
    p->taking = bytes.ptr;
    llhttp_errno_t error = llhttp_execute(&p->grammar, bytes.ptr, bytes.len);
    size_t taken = bytes.len;
    if (p->stage == STAGE_DONE && error == HPE_PAUSED)
        taken = (size_t)(llhttp_get_error_pos(&p->grammar) - bytes.ptr);
    if (p->body.over)
        refuse(p, 413, "BODY_TOO_LARGE", "the body is larger than is taken");
    else if (error != HPE_OK && p->stage != STAGE_DONE)
        refuse_grammar(p, error);
    else
        check_framing(p, bytes.ptr + taken);
    p->body_raw += taken;
    return taken;
}

static enum http_parsed parsed(struct http_parser *p)
{
    switch (p->stage) {
    case STAGE_HEAD:
        return PARSED_PART;
    case STAGE_BODY:
        if (!p->expects)
            return PARSED_PART;
        p->expects = false;
        return PARSED_EXPECTS;
    case STAGE_DONE:
        p->message.body = buf_str(&p->body);
        return PARSED_REQUEST;
    case STAGE_REFUSED:
        return PARSED_REFUSED;
    }
    UNREACHABLE("stage of a parser");
}

size_t http_parser_take(struct http_parser *p, struct str bytes, enum http_parsed *ret_parsed)
{
    size_t taken = 0;
    if (p->stage == STAGE_HEAD && bytes.len)
        taken = take_head(p, bytes);
    if (p->stage == STAGE_BODY && taken < bytes.len) {
        p->expects = false; /* it did not wait */
        taken += take_body(p, str_slice(bytes, taken, bytes.len));
    }
    *ret_parsed = parsed(p);
    return taken;
}

/* ---- life ---- */

struct http_parser *http_parser_new(const struct http_limits *limits)
{
    struct arena *arena = arena_new(0);
    struct http_parser *p = ARENA_NEW(arena, struct http_parser);
    p->arena = arena;
    p->limits = limits;
    p->body = BUF_INIT(limits->body_size_max);
    return p;
}

void http_parser_free(struct http_parser *p)
{
    if (!p)
        return;
    buf_release(&p->head);
    buf_release(&p->body);
    arena_free(p->arena);
}

bool http_parser_in_body(const struct http_parser *p)
{
    return p->stage == STAGE_BODY;
}

size_t http_parser_body_size(const struct http_parser *p)
{
    return p->body.len;
}

size_t http_parser_body_announced(const struct http_parser *p)
{
    return p->announced;
}

size_t http_parser_memory(const struct http_parser *p)
{
    /* What is reserved and not filled yet takes address space only. */
    return p->head.capacity + p->body.len + arena_used(p->arena);
}

const struct http_message *http_parser_message(const struct http_parser *p)
{
    ASSERT(p->stage == STAGE_DONE);
    return &p->message;
}

struct arena *http_parser_arena(const struct http_parser *p)
{
    return p->arena;
}

struct http_refusal http_parser_refusal(const struct http_parser *p)
{
    ASSERT(p->stage == STAGE_REFUSED);
    return p->refusal;
}
