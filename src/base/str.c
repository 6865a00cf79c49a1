#include "base/str.h"

#include "base/macros.h"

int str_compare(struct str a, struct str b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    if (order != 0)
        return order;
    return (a.len > b.len) - (a.len < b.len);
}

bool str_starts_with(struct str s, struct str prefix)
{
    return s.len >= prefix.len && str_eq(str_of(s.ptr, prefix.len), prefix);
}

bool str_ends_with(struct str s, struct str suffix)
{
    return s.len >= suffix.len && str_eq(str_of(s.ptr + (s.len - suffix.len), suffix.len), suffix);
}

struct str str_slice(struct str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return str_of(s.ptr ? s.ptr + from : NULL, to - from);
}

size_t str_find(struct str s, struct str needle)
{
    if (needle.len == 0)
        return 0;
    if (s.len < needle.len)
        return SIZE_MAX;
    const char *hit = memmem(s.ptr, s.len, needle.ptr, needle.len);
    return hit ? (size_t)(hit - s.ptr) : SIZE_MAX;
}

size_t str_find_char(struct str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : SIZE_MAX;
}

size_t str_rfind_char(struct str s, char c)
{
    const char *hit = s.len ? memrchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.len && is_blank(s.ptr[0])) {
        s.ptr++;
        s.len--;
    }
    while (s.len && is_blank(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

bool str_matches_wildcard(struct str s, struct str pattern)
{
    size_t star = str_find_char(pattern, '*');
    if (star == SIZE_MAX)
        return str_eq(s, pattern);
    size_t last = str_rfind_char(pattern, '*');
    struct str head = str_slice(pattern, 0, star), tail = str_slice(pattern, last + 1, pattern.len);
    if (s.len < head.len + tail.len || !str_starts_with(s, head) || !str_ends_with(s, tail))
        return false;
    /* Between two stars the leftmost place is as good as any other. */
    struct str rest = str_slice(s, head.len, s.len - tail.len);
    while (star < last) {
        struct str after = str_slice(pattern, star + 1, pattern.len);
        struct str piece = str_slice(after, 0, str_find_char(after, '*'));
        size_t at = str_find(rest, piece);
        if (at == SIZE_MAX)
            return false;
        rest = str_slice(rest, at + piece.len, rest.len);
        star += 1 + piece.len;
    }
    return true;
}

bool str_to_int64(struct str s, int64_t *ret_value)
{
    bool negative = s.len && s.ptr[0] == '-';
    size_t i = negative ? 1 : 0;
    if (i == s.len)
        return false;
    int64_t value = 0;
    for (; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        int digit = s.ptr[i] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, negative ? -digit : digit, &value))
            return false;
    }
    *ret_value = value;
    return true;
}

uint64_t str_hash(struct str s)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.len; i++)
        hash = (hash ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return hash;
}

size_t str_distance(struct str a, struct str b, size_t limit)
{
    enum {
        LENGTH_MAX = 63
    };
    if (a.len > LENGTH_MAX || b.len > LENGTH_MAX)
        return limit;
    size_t row[LENGTH_MAX + 1];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = j;
    for (size_t i = 1; i <= a.len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.len; j++) {
            size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
            diagonal = row[j];
            size_t best = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;
            row[j] = change < best ? change : best;
        }
    }
    return row[b.len] < limit ? row[b.len] : limit;
}
