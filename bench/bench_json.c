/* How fast JSON is read and written, beside cJSON and (where it was built in)
 * simdjson, on one document of 10 KB such as an API answers with.
 *
 * Reading is everything json_parse does into a new arena, validation and the
 * check for repeated names included; cJSON's includes freeing, as ours does.
 * simdjson keeps its parser and its padded text between rounds, its best case.
 * Writing starts from an empty buffer each time. Each figure is the best of
 * ROUNDS, by the processor time of this thread. MB are millions of bytes.
 *
 * Prints one JSON line per workload.
 */
#include "base/rng.h"
#include "json/json.h"

#include <cjson/cJSON.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#ifdef HAVE_SIMDJSON
#include "simdjson_shim.h"
#endif

enum {
    DOCUMENT_SIZE = 10 * 1000,
    ROUNDS = 15,
    ROUND_MS = 40,
};

/* ---- the document ---- */

static const char *pick(struct rng *r, const char *const words[], size_t count)
{
    return words[rng_below(r, count)];
}

#define PICK(r, ...)                                                                               \
    pick((r), (const char *const[]){__VA_ARGS__}, COUNT_OF(((const char *const[]){__VA_ARGS__})))

static void append_line_items(struct buf *b, struct rng *r)
{
    buf_append(b, STR("\"lines\":["));
    for (uint64_t i = 0, count = 1 + rng_below(r, 3); i < count; i++)
        buf_printf(b, "%s{\"sku\":\"%s-%05u\",\"quantity\":%u,\"unitPrice\":%u.%02u,\"gift\":%s}",
                   i ? "," : "", PICK(r, "BOOK", "LAMP", "CHAIR", "CABLE"),
                   (unsigned)rng_below(r, 100000), (unsigned)rng_below(r, 9) + 1,
                   (unsigned)rng_below(r, 500), (unsigned)rng_below(r, 100),
                   PICK(r, "true", "false"));
    buf_append_char(b, ']');
}

static void append_order(struct buf *b, struct rng *r, unsigned number)
{
    buf_printf(b, "{\"id\":\"%016llx\",\"number\":%u,\"status\":\"%s\",",
               (unsigned long long)rng_next(r), 100000 + number,
               PICK(r, "PENDING", "PAID", "SHIPPED", "DELIVERED", "RETURNED"));
    buf_printf(b, "\"createdAt\":\"2026-%02u-%02uT%02u:%02u:%02u.%03uZ\",\"cancelledAt\":null,",
               (unsigned)rng_below(r, 12) + 1, (unsigned)rng_below(r, 28) + 1,
               (unsigned)rng_below(r, 24), (unsigned)rng_below(r, 60), (unsigned)rng_below(r, 60),
               (unsigned)rng_below(r, 1000));
    buf_printf(b, "\"customer\":{\"name\":\"%s %s\",\"email\":\"c%llu@example.com\",\"vip\":%s},",
               PICK(r, "Ana", "Bj\xc3\xb6rn", "Chlo\xc3\xa9", "Dmitri", "Emma"),
               PICK(r, "Smith", "Garc\xc3\xad\x61", "M\xc3\xbcller", "Tanaka", "Okafor"),
               (unsigned long long)rng_below(r, 1000000), PICK(r, "true", "false"));
    append_line_items(b, r);
    buf_printf(b, ",\"total\":{\"amount\":%u.%02u,\"currency\":\"%s\"},\"weight\":%u.%03u,",
               (unsigned)rng_below(r, 5000), (unsigned)rng_below(r, 100),
               PICK(r, "EUR", "USD", "JPY"), (unsigned)rng_below(r, 90),
               (unsigned)rng_below(r, 1000));
    buf_printf(b, "\"tags\":[\"%s\",\"%s\"],\"note\":\"%s\",\"location\":[%d.%06u,%d.%06u]}",
               PICK(r, "web", "app", "store"), PICK(r, "new", "returning", "gift"),
               PICK(r, "", "Please leave it with the neighbour, the bell is broken.",
                    "Call \\\"before\\\" you come.\\nThank you!", "Ring twice"),
               (int)rng_below(r, 180) - 90, (unsigned)rng_below(r, 1000000),
               (int)rng_below(r, 360) - 180, (unsigned)rng_below(r, 1000000));
}

static void append_document(struct buf *b)
{
    struct rng r = rng_seeded(10);
    buf_append(b, STR("{\"requestId\":\"0f2c9a4e-8f0a-4a55-9b39-2f6d0a7c11d3\",\"orders\":["));
    for (unsigned i = 0; b->len < DOCUMENT_SIZE - 200; i++) {
        if (i)
            buf_append_char(b, ',');
        append_order(b, &r, i);
    }
    buf_append(b, STR("],\"nextToken\":\"eyJvZmZzZXQiOjI1fQ==\",\"count\":25,\"truncated\":true}"));
}

/* ---- what is measured ---- */

struct subject {
    struct str text;
    struct arena *arena;
    struct json value;
    cJSON *tree;
    void *simdjson;
};

typedef bool operation(struct subject *s);

static bool our_parse(struct subject *s)
{
    struct arena *a = arena_new(0);
    struct json_limits limits = {0};
    struct json v;
    bool parsed = json_parse(a, s->text, limits, JSON_DUPLICATES_LAST, &v, NULL);
    arena_free(a);
    return parsed;
}

static bool our_write(struct subject *s)
{
    struct buf b = BUF_INIT(0);
    json_write(&b, s->value);
    bool written = b.len > 0;
    buf_release(&b);
    return written;
}

static bool cjson_parse(struct subject *s)
{
    cJSON *tree = cJSON_ParseWithLength(s->text.ptr, s->text.len);
    cJSON_Delete(tree);
    return tree != NULL;
}

static bool cjson_write(struct subject *s)
{
    char *text = cJSON_PrintUnformatted(s->tree);
    cJSON_free(text);
    return text != NULL;
}

#ifdef HAVE_SIMDJSON

static bool shim_parse(struct subject *s)
{
    return simdjson_shim_parse(s->simdjson);
}

static bool shim_write(struct subject *s)
{
    return simdjson_shim_write(s->simdjson) > 0;
}

static void *shim_open(struct str text)
{
    return simdjson_shim_open(text.ptr, text.len);
}

#else

static operation *const shim_parse, *const shim_write;

static void *shim_open(UNUSED struct str text)
{
    return NULL;
}

#endif

static uint64_t thread_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Nanoseconds for one call in one round; 0 when there is no such operation. */
static double round_ns(operation *op, struct subject *s)
{
    uint64_t begun = thread_ns(), calls = 0, now;
    if (!op)
        return 0;
    do {
        for (int i = 0; i < 16; i++, calls++) {
            if (!op(s))
                panic(__FILE__, __LINE__, "an operation failed");
        }
        now = thread_ns();
    } while (now - begun < ROUND_MS * 1000000u);
    return (double)(now - begun) / (double)calls;
}

enum {
    CONTENDERS = 3
};

/* The rounds of the contenders alternate, so that a busy moment hits all. */
static void measure(const char *workload, operation *const ops[CONTENDERS], struct subject *s)
{
    double best[CONTENDERS] = {0}, mb_per_s[CONTENDERS] = {0};
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CONTENDERS; i++) {
            double ns = round_ns(ops[i], s);
            if (round == 0 || ns < best[i])
                best[i] = ns;
        }
    }
    for (int i = 0; i < CONTENDERS; i++)
        mb_per_s[i] = best[i] > 0 ? (double)s->text.len * 1e3 / best[i] : 0;
    printf("{\"workload\":\"%s\",\"document_bytes\":%zu,\"mb_per_s\":%.0f,\"cjson_mb_per_s\":%.0f,",
           workload, s->text.len, mb_per_s[0], mb_per_s[1]);
    if (ops[2])
        printf("\"simdjson_mb_per_s\":%.0f,", mb_per_s[2]);
    else
        printf("\"simdjson_mb_per_s\":null,");
    printf("\"ratio_cjson\":%.2f}\n", mb_per_s[0] / mb_per_s[1]);
}

int main(void)
{
    struct buf text = BUF_INIT(0);
    append_document(&text);
    struct subject s = {.text = buf_str(&text), .arena = arena_new(0)};
    struct json_limits limits = {0};
    struct err e;
    if (!json_parse(s.arena, s.text, limits, JSON_DUPLICATES_REFUSE, &s.value, &e))
        panic(__FILE__, __LINE__, e.message);
    s.tree = cJSON_ParseWithLength(s.text.ptr, s.text.len);
    ASSERT(s.tree && str_eq(json_text(s.arena, s.value), s.text));
    s.simdjson = shim_open(s.text);
    measure("json-parse", (operation *const[]){our_parse, cjson_parse, shim_parse}, &s);
    measure("json-write", (operation *const[]){our_write, cjson_write, shim_write}, &s);
    cJSON_Delete(s.tree);
    arena_free(s.arena);
    buf_release(&text);
    return 0;
}
