#include "json/json_internal.h"

#include "base/hash.h"

#include <stdlib.h>

/* Names in order, by eight bytes behind what all have in common where those
 * decide. */
struct name {
    uint64_t prefix;
    uint32_t index;
};

_Static_assert(2 * sizeof(struct name) <= MEMBERS_SORT_SIZE, "working memory is announced");

static uint64_t prefix_of(struct str s, size_t common)
{
    uint64_t prefix = 0;
    struct str rest = str_slice(s, common, common + sizeof(prefix));
    for (size_t i = 0; i < rest.len; i++)
        prefix |= (uint64_t)(unsigned char)rest.ptr[i] << (56 - 8 * i);
    return prefix;
}

/* How many bytes all names begin with. */
static size_t common_length(const struct json_member *members, size_t count)
{
    struct str first = count ? json_str(members[0].key) : STR("");
    size_t common = first.len;
    for (size_t i = 1; i < count && common; i++) {
        struct str name = json_str(members[i].key);
        size_t same = 0;
        while (same < common && same < name.len && first.ptr[same] == name.ptr[same])
            same++;
        common = same;
    }
    return common;
}

static bool name_not_after(const struct json_member *members, struct name a, struct name b)
{
    if (a.prefix != b.prefix)
        return a.prefix < b.prefix;
    return str_compare(json_str(members[a.index].key), json_str(members[b.index].key)) <= 0;
}

static void merge(const struct json_member *members, const struct name *from, struct name *to,
                  size_t left, size_t right, size_t end)
{
    size_t i = left, k = right;
    for (size_t at = left; at < end; at++) {
        bool from_left = i < right && (k == end || name_not_after(members, from[i], from[k]));
        to[at] = from[from_left ? i++ : k++];
    }
}

/* Stable, so that equal names keep the order of their members. Owned: free(). */
static struct name *names_sorted(const struct json_member *members, size_t count)
{
    struct name *from = calloc(2 * count + 1, sizeof(*from)), *to = from + count;
    if (!from)
        panic(__FILE__, __LINE__, "out of memory");
    struct name *memory = from;
    size_t common = common_length(members, count);
    for (size_t i = 0; i < count; i++)
        from[i] = (struct name){prefix_of(json_str(members[i].key), common), (uint32_t)i};
    for (size_t width = 1; width < count; width *= 2) {
        for (size_t left = 0; left < count; left += 2 * width) {
            size_t right = left + width < count ? left + width : count;
            size_t end = right + width < count ? right + width : count;
            merge(members, from, to, left, right, end);
        }
        struct name *swap = from;
        from = to;
        to = swap;
    }
    if (from != memory)
        memcpy(memory, from, count * sizeof(*from));
    return memory;
}

uint32_t *json_members_sorted(const struct json_member *members, size_t count)
{
    struct name *names = names_sorted(members, count);
    uint32_t *order = calloc(count + 1, sizeof(*order));
    if (!order)
        panic(__FILE__, __LINE__, "out of memory");
    for (size_t i = 0; i < count; i++)
        order[i] = names[i].index;
    free(names);
    return order;
}

static bool same_name(const struct json_member *members, struct name a, struct name b)
{
    return a.prefix == b.prefix &&
           str_eq(json_str(members[a.index].key), json_str(members[b.index].key));
}

static size_t repeat_by_sorting(const struct json_member *members, size_t count)
{
    struct name *names = names_sorted(members, count);
    size_t first = count;
    for (size_t i = 1; i < count; i++) {
        if (names[i].index < first && same_name(members, names[i - 1], names[i]))
            first = names[i].index;
    }
    free(names);
    return first;
}

/* A slot of a hash table: the member's position plus one, 0 when free. */
struct slot {
    uint32_t hash, position;
};

_Static_assert(4 * sizeof(struct slot) <= MEMBERS_SORT_SIZE, "working memory is announced");

/* Looks a name up from the slot its hash asks for on, and enters it. True when it
 * was there. *steps counts the slots passed over. */
static bool slot_taken(struct slot *slots, size_t mask, const struct json_member *members,
                       size_t index, size_t *steps)
{
    struct str name = json_str(members[index].key);
    uint64_t hash = checksum64(name);
    size_t at = hash & mask;
    for (; slots[at].position; at = (at + 1) & mask, ++*steps) {
        if (slots[at].hash == hash >> 32 &&
            str_eq(json_str(members[slots[at].position - 1].key), name))
            return true;
    }
    slots[at] = (struct slot){(uint32_t)(hash >> 32), (uint32_t)index + 1};
    return false;
}

/* The hash has no secret, so names can be chosen that all ask for one slot. Then
 * sorting, which takes n log n comparisons whatever the names are, does the rest. */
static size_t repeat_among_many(const struct json_member *members, size_t count)
{
    enum {
        STEPS_PER_NAME = 8
    };
    size_t size = 1, steps = 0, index = 0;
    while (size < 2 * count)
        size *= 2;
    struct slot *slots = calloc(size, sizeof(*slots));
    if (!slots)
        panic(__FILE__, __LINE__, "out of memory");
    while (index < count && steps < STEPS_PER_NAME * count &&
           !slot_taken(slots, size - 1, members, index, &steps))
        index++;
    free(slots);
    return steps < STEPS_PER_NAME * count ? index : repeat_by_sorting(members, count);
}

/* Names that differ in length, first or last byte mostly set different bits;
 * only when a bit is set already are the names before compared. */
static uint64_t bit_of(struct str s)
{
    if (!s.len)
        return 1;
    unsigned mixed = (unsigned)s.len * 7 + (unsigned char)s.ptr[0] * 5 +
                     (unsigned char)s.ptr[s.len - 1] * 11 + (unsigned char)s.ptr[s.len / 2] * 3;
    return UINT64_C(1) << (mixed & 63);
}

size_t json_members_repeat(const struct json_member *members, size_t count)
{
    if (count > MEMBERS_FEW)
        return repeat_among_many(members, count);
    uint64_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        struct str name = json_str(members[i].key);
        uint64_t bit = bit_of(name);
        for (size_t k = 0; (seen & bit) && k < i; k++) {
            if (str_eq(json_str(members[k].key), name))
                return i;
        }
        seen |= bit;
    }
    return count;
}

size_t json_members_merge(struct json_member *members, size_t count)
{
    struct name *names = names_sorted(members, count);
    for (size_t i = 0, next; i < count; i = next) {
        for (next = i + 1; next < count && same_name(members, names[i], names[next]); next++) {
            members[names[i].index].value = members[names[next].index].value;
        }
        for (size_t k = i + 1; k < next; k++)
            members[names[k].index].value = JSON_NONE;
    }
    free(names);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (!json_is_absent(members[i].value))
            members[kept++] = members[i];
    }
    return kept;
}
