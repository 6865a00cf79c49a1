/* What the files of json/ share: scanning, walking without recursion, numbers
 * and names. Included only inside json/.
 */
#ifndef PAWL_JSON_JSON_INTERNAL_H
#define PAWL_JSON_JSON_INTERNAL_H

#include "json/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* ---- scanning ---- */

static inline bool scan_is_plain(char c)
{
    return (signed char)c >= 0x20 && c != '"' && c != '\\';
}

/* Is one of eight bytes no plain one? */
static inline bool scan_word(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t x;
    memcpy(&x, at, sizeof(x));
    uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
    uint64_t hit = x | (x - ones * 0x20) | (quote - ones) | (backslash - ones);
    return (hit & tops) != 0;
}

static inline const char *scan_plain_words(const char *at, const char *end)
{
    while (end - at >= 8 && !scan_word(at))
        at += 8;
    while (at < end && scan_is_plain(*at))
        at++;
    return at;
}

/* scan_plain: the first byte that is a quote, a backslash, a control character
 * or not ASCII. */
#ifdef __SSE2__

/* The signed comparison takes control characters and what is not ASCII together. */
static inline const char *scan_plain(const char *at, const char *end)
{
    for (; end - at >= 16; at += 16) {
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)at);
        __m128i low = _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20));
        __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
        __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
        int hits = _mm_movemask_epi8(_mm_or_si128(low, _mm_or_si128(quote, backslash)));
        if (hits)
            return at + __builtin_ctz((unsigned)hits);
    }
    return scan_plain_words(at, end);
}

#else

static inline const char *scan_plain(const char *at, const char *end)
{
    return scan_plain_words(at, end);
}

#endif

static inline bool scan_is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static inline bool scan_is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static inline const char *scan_space(const char *at, const char *end)
{
    if (LIKELY(at < end && (unsigned char)*at > ' ')) /* none, in compact text */
        return at;
    while (at < end && scan_is_space(*at))
        at++;
    return at;
}

static inline const char *scan_digits(const char *at, const char *end)
{
    while (at < end && scan_is_digit(*at))
        at++;
    return at;
}

/* A number by the grammar of RFC 8259; returns where it stopped. When it is not
 * well-formed, that is the byte at fault. */
static inline const char *scan_number(const char *at, const char *end, bool *ret_valid)
{
    *ret_valid = false;
    if (at < end && *at == '-')
        at++;
    const char *digits = at;
    at = scan_digits(at, end);
    if (at == digits)
        return at;
    if (*digits == '0' && at - digits > 1)
        return digits;
    if (at < end && *at == '.') {
        digits = ++at;
        at = scan_digits(at, end);
        if (at == digits)
            return at;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = scan_digits(at, end);
        if (at == digits)
            return at;
    }
    *ret_valid = true;
    return at;
}

/* The value of a hexadecimal digit, or -1. */
static inline int scan_hex(char c)
{
    if (scan_is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* One escape that was checked before (backslash and at least one more byte,
 * four hexadecimal digits after 'u'), a surrogate pair as one. Moves *at behind
 * it, writes up to 4 bytes and returns how many. */
size_t json_unescape(const char **at, const char *end, char to[static 4]);

/* The limit for a text in bytes: lengths inside a value have 32 bits. */
static inline size_t json_size_max(struct json_limits limits)
{
    size_t size_max = limits.size_max ? limits.size_max : JSON_TEXT_SIZE_MAX;
    return size_max < UINT32_MAX ? size_max : UINT32_MAX;
}

/* ---- places ---- */

/* Line and column of an offset, counted afresh: for errors only. */
struct json_place json_place_at(struct str text, size_t offset);

/* err_set with " (line 3, column 7)" behind the message and the place filled in. */
bool json_fail(struct err *reterr, enum err_code code, struct str text, size_t offset,
               const char *format, ...) PRINTF_LIKE(5, 6);

bool json_vfail(struct err *reterr, enum err_code code, struct str text, size_t offset,
                const char *format, va_list args) PRINTF_LIKE(5, 0);

/* Offset of the n-th member's name in the object that begins at `offset`. */
size_t json_member_offset(struct str text, size_t offset, size_t n);

/* Takes the first "/token" off an RFC 6901 pointer; false at its end. */
bool json_pointer_next(struct str *rest, struct str *ret_token);

/* Is the token, its ~0 and ~1 undone, this name? */
bool json_token_is(struct str token, struct str name);

/* The array index that a token spells, or SIZE_MAX. */
size_t json_token_index(struct str token);

/* ---- numbers ---- */

bool json_number_equal(struct json a, struct json b);

/* ---- names ---- */

/* Above so many members, names are sorted instead of compared each with each. */
enum {
    MEMBERS_FEW = 32
};

/* Bytes of working memory per member, when there are more than MEMBERS_FEW. */
enum {
    MEMBERS_SORT_SIZE = 32
};

/* The first member whose name an earlier one has too, or count. */
size_t json_members_repeat(const struct json_member *members, size_t count);

/* The last value of a repeated name takes the place of the first; returns how
 * many members are left. */
size_t json_members_merge(struct json_member *members, size_t count);

/* The members' positions in the order of their names. Owned: free(). */
uint32_t *json_members_sorted(const struct json_member *members, size_t count);

/* ---- walking ---- */

/* Items of an array; names and values in turn of an object. */
static inline size_t json_slots(struct json v)
{
    return v.tag == JSON_TAG_ARRAY ? v.len : v.tag == JSON_TAG_OBJECT ? 2 * (size_t)v.len : 0;
}

/* What is left of the containers that a walk is inside of: programs can build
 * values of any depth, and none may overflow the native stack. */
struct walk_frame {
    const struct json *at, *end;
    union {
        const struct json *twin; /* the same place in another value */
        struct json *copy;
        bool object; /* for the writer */
    } u;
};

enum {
    WALK_FEW = 16
};

struct walk {
    struct walk_frame *frames;
    size_t depth, capacity;
    struct walk_frame few[WALK_FEW];
};

static inline void walk_init(struct walk *w)
{
    w->frames = w->few;
    w->depth = 0;
    w->capacity = WALK_FEW;
}

void walk_release(struct walk *w);
void walk_widen(struct walk *w);

static inline struct walk_frame *walk_push(struct walk *w, const struct json *at, size_t slots)
{
    if (UNLIKELY(w->depth == w->capacity))
        walk_widen(w);
    struct walk_frame *f = &w->frames[w->depth++];
    f->at = at;
    f->end = at + slots;
    return f;
}

/* The innermost frame that has something left, or NULL at the end of the walk. */
static inline struct walk_frame *walk_next(struct walk *w)
{
    while (w->depth) {
        struct walk_frame *f = &w->frames[w->depth - 1];
        if (f->at != f->end)
            return f;
        w->depth--;
    }
    return NULL;
}

#endif
