#include "base/utf8.h"
#include "expr/jsonata/text.h"
#include "expr/jsonata/text_case_table.h"

enum {
    SIGMA = 0x3a3,
    SIGMA_SMALL = 0x3c3,
    SIGMA_FINAL = 0x3c2,
};

struct case_map {
    const struct case_range *ranges;
    size_t range_count;
    const struct case_special *specials;
    size_t special_count;
};

static const struct case_map upper_map = {upper_ranges, COUNT_OF(upper_ranges), upper_specials,
                                          COUNT_OF(upper_specials)};
static const struct case_map lower_map = {lower_ranges, COUNT_OF(lower_ranges), lower_specials,
                                          COUNT_OF(lower_specials)};

static bool has_property(uint32_t character, const struct case_property *ranges, size_t count)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character > ranges[middle].last)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && character >= ranges[low].first;
}

static bool is_cased(uint32_t character)
{
    return has_property(character, cased, COUNT_OF(cased));
}

static bool is_ignorable(uint32_t character)
{
    return has_property(character, case_ignorable, COUNT_OF(case_ignorable));
}

/* Ranges lie one behind the other: the last that begins at or before it decides. */
static uint32_t simple(const struct case_map *map, uint32_t character)
{
    size_t low = 0, high = map->range_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character >= map->ranges[middle].first)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return character;
    const struct case_range *r = &map->ranges[low - 1];
    bool inside = character <= r->last && (character - r->first) % (uint32_t)r->step == 0;
    return inside ? (uint32_t)((int32_t)character + r->delta) : character;
}

static size_t write_mapped(const struct case_map *map, uint32_t character, char *to)
{
    size_t low = 0, high = map->special_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (character > map->specials[middle].from)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == map->special_count || map->specials[low].from != character)
        return utf8_encode(to, simple(map, character));
    size_t len = 0;
    for (size_t i = 0; i < COUNT_OF(map->specials[low].to) && map->specials[low].to[i]; i++)
        len += utf8_encode(to + len, map->specials[low].to[i]);
    return len;
}

static struct str text_mapped(struct arena *a, struct str text, const struct case_map *map,
                              bool (*is_final)(struct str, size_t, size_t))
{
    size_t capacity = text.len * TEXT_CASE_GROWTH_MAX + 4, len = 0;
    char *to = arena_alloc_text(a, capacity);
    for (size_t at = 0; at < text.len;) {
        unsigned char c = (unsigned char)text.ptr[at];
        size_t start = at;
        if (c < 0x80) {
            to[len++] = (char)simple(map, c);
            at++;
            continue;
        }
        uint32_t character = utf8_next(text, &at);
        if (character == SIGMA && is_final)
            len += utf8_encode(to + len, is_final(text, start, at) ? SIGMA_FINAL : SIGMA_SMALL);
        else
            len += write_mapped(map, character, to + len);
    }
    return str_of(to, len);
}

struct str text_upper(struct arena *a, struct str text)
{
    return text_mapped(a, text, &upper_map, NULL);
}

/* A letter stands before it and none behind, marks and the like passed over. */
static bool sigma_is_final(struct str text, size_t start, size_t end)
{
    bool before = false;
    while (start > 0 && !before) {
        start = utf8_floor(text, start - 1);
        size_t at = start;
        uint32_t character = utf8_next(text, &at);
        if (is_ignorable(character))
            continue;
        before = is_cased(character);
        break;
    }
    while (before && end < text.len) {
        uint32_t character = utf8_next(text, &end);
        if (!is_ignorable(character))
            return !is_cased(character);
    }
    return before;
}

struct str text_lower(struct arena *a, struct str text)
{
    return text_mapped(a, text, &lower_map, sigma_is_final);
}
