/* A borrowed run of bytes: pointer and length, not NUL-terminated.
 *
 * Ownership: a str never owns; whoever made the bytes says how long they live.
 * Shape: any bytes; text is UTF-8 where a header says so. {NULL, 0} is the
 * empty string and compares equal to "".
 */
#ifndef PAWL_BASE_STR_H
#define PAWL_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *ptr;
    size_t len;
};

/* A str of a string literal, usable in static initialisers. */
#define STR_INIT(literal)                                                                          \
    {                                                                                              \
        (literal), sizeof(literal) - 1                                                             \
    }
#define STR(literal) ((struct str)STR_INIT(literal))

/* For printf's "%.*s". Texts longer than INT_MAX are cut. */
#define STR_FMT "%.*s"
#define STR_ARG(s) ((int)((s).len > 0x7fffffff ? 0x7fffffff : (s).len)), ((s).ptr ? (s).ptr : "")

static inline struct str str_of(const char *ptr, size_t len)
{
    return (struct str){ptr, len};
}

/* NULL gives the empty string. */
static inline struct str str_of_cstr(const char *cstr)
{
    return (struct str){cstr, cstr ? strlen(cstr) : 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool str_is_empty(struct str s)
{
    return s.len == 0;
}

/* Bytewise order, which for UTF-8 is code point order. <0, 0, >0. */
int str_compare(struct str a, struct str b);

bool str_starts_with(struct str s, struct str prefix);
bool str_ends_with(struct str s, struct str suffix);

/* The part of s from byte `from` up to, not including, byte `to`; both are
 * clamped to the length. */
struct str str_slice(struct str s, size_t from, size_t to);

/* Position of the first occurrence, or SIZE_MAX. */
size_t str_find(struct str s, struct str needle);
size_t str_find_char(struct str s, char c);
size_t str_rfind_char(struct str s, char c);

/* Without leading and trailing ASCII blanks, tabs, CR and LF. */
struct str str_trim(struct str s);

/* Does s match a pattern in which '*' stands for any run of characters
 * (none included) and everything else for itself? Linear in both lengths. */
bool str_matches_wildcard(struct str s, struct str pattern);

/* Decimal, optional '-', no blanks; false when malformed or out of range. */
bool str_to_int64(struct str s, int64_t *ret_value);

/* FNV-1a, for hash tables inside one process only (never stored). */
uint64_t str_hash(struct str s);

/* Edit distance capped at `limit`, for "did you mean" suggestions. */
size_t str_distance(struct str a, struct str b, size_t limit);

#endif
