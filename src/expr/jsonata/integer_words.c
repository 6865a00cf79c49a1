#include "expr/jsonata/integer_words.h"

#include "base/utf8.h"
#include "expr/jsonata/text.h"

#include <math.h>

static const char *const few[] = {
    "Zero",     "One",     "Two",     "Three",     "Four",     "Five",     "Six",
    "Seven",    "Eight",   "Nine",    "Ten",       "Eleven",   "Twelve",   "Thirteen",
    "Fourteen", "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen",
};
static const char *const ordinals[] = {
    "Zeroth",     "First",     "Second",    "Third",       "Fourth",     "Fifth",      "Sixth",
    "Seventh",    "Eighth",    "Ninth",     "Tenth",       "Eleventh",   "Twelfth",    "Thirteenth",
    "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth",
};
static const char *const decades[] = {
    "Twenty", "Thirty", "Forty", "Fifty", "Sixty", "Seventy", "Eighty", "Ninety", "Hundred",
};
static const char *const magnitudes[] = {"Thousand", "Million", "Billion", "Trillion"};
static const double magnitude_values[] = {1e3, 1e6, 1e9, 1e12};

static void add(struct buf *b, const char *text)
{
    buf_append(b, str_of_cstr(text));
}

/* Below 100. */
static void write_small(struct buf *b, unsigned value, bool ordinal)
{
    if (value <= 19) {
        add(b, ordinal ? ordinals[value] : few[value]);
        return;
    }
    const char *decade = decades[value / 10 - 2];
    if (value % 10) {
        add(b, decade);
        buf_append_char(b, '-');
        add(b, ordinal ? ordinals[value % 10] : few[value % 10]);
    } else if (ordinal) {
        buf_append(b, str_of(decade, strlen(decade) - 1));
        add(b, "ieth");
    } else {
        add(b, decade);
    }
}

/* Below 1000. */
static void write_hundreds(struct buf *b, unsigned value, bool more, bool ordinal)
{
    if (value < 100) {
        add(b, more ? " and " : "");
        write_small(b, value, ordinal);
        return;
    }
    add(b, more ? ", " : "");
    add(b, few[value / 100]);
    add(b, " Hundred");
    if (value % 100) {
        add(b, " and ");
        write_small(b, value % 100, ordinal);
    } else if (ordinal) {
        add(b, "th");
    }
}

/* Calls itself for the part before a magnitude, which is a trillionth of the value or
 * below 1000: at most 27 deep for a double. */
static void write_words(struct buf *b, double value, bool more, bool ordinal)
{
    while (value >= 1000) {
        size_t i = COUNT_OF(magnitudes) - 1;
        while (value < magnitude_values[i])
            i--;
        double before = floor(value / magnitude_values[i]);
        double rest = value - before * magnitude_values[i];
        add(b, more ? ", " : "");
        write_words(b, before, false, false);
        buf_append_char(b, ' ');
        add(b, magnitudes[i]);
        if (!(rest > 0)) {
            add(b, ordinal ? "th" : "");
            return;
        }
        value = rest;
        more = true;
    }
    write_hundreds(b, (unsigned)value, more, ordinal);
}

void integer_words_write(struct buf *b, double value, bool ordinal)
{
    write_words(b, value, false, ordinal);
}

static bool word_is(struct str word, const char *name)
{
    size_t len = strlen(name);
    if (word.len != len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (word.ptr[i] != (name[i] | 32))
            return false;
    }
    return true;
}

/* "twenty" and "twentieth", "thousand" and "thousandth". */
static bool word_is_ordinal(struct str word, const char *name, size_t kept, const char *ending)
{
    size_t len = strlen(ending);
    return word.len == kept + len && memcmp(word.ptr + kept, ending, len) == 0 &&
           strlen(name) >= kept && word.ptr[0] == (name[0] | 32) &&
           memcmp(word.ptr + 1, name + 1, kept - 1) == 0;
}

static double word_value(struct str word)
{
    for (size_t i = 0; i < COUNT_OF(few); i++) {
        if (word_is(word, few[i]) || word_is(word, ordinals[i]))
            return (double)i;
    }
    for (size_t i = 0; i < COUNT_OF(decades); i++) {
        if (word_is(word, decades[i]) ||
            word_is_ordinal(word, decades[i], strlen(decades[i]) - 1, "ieth"))
            return (double)(i + 2) * 10;
    }
    if (word_is(word, "Hundredth"))
        return 100;
    for (size_t i = 0; i < COUNT_OF(magnitudes); i++) {
        if (word_is(word, magnitudes[i]) ||
            word_is_ordinal(word, magnitudes[i], strlen(magnitudes[i]), "th"))
            return magnitude_values[i];
    }
    return NAN;
}

static void pattern_word(struct buf *b, const char *word, size_t kept, const char *ending)
{
    buf_append(b, str_of(word, kept));
    add(b, ending);
    buf_append_char(b, '|');
}

void integer_words_pattern(struct buf *b)
{
    add(b, "(?:");
    for (size_t i = 0; i < COUNT_OF(few); i++)
        pattern_word(b, few[i], strlen(few[i]), "");
    for (size_t i = 0; i < COUNT_OF(ordinals); i++)
        pattern_word(b, ordinals[i], strlen(ordinals[i]), "");
    for (size_t i = 0; i < COUNT_OF(decades); i++) {
        pattern_word(b, decades[i], strlen(decades[i]), "");
        pattern_word(b, decades[i], strlen(decades[i]) - 1, "ieth");
    }
    add(b, "hundredth|");
    for (size_t i = 0; i < COUNT_OF(magnitudes); i++) {
        pattern_word(b, magnitudes[i], strlen(magnitudes[i]), "");
        pattern_word(b, magnitudes[i], strlen(magnitudes[i]), "th");
    }
    add(b, "and|[\\-, ])+");
}

/* Bytes of what divides words at this place: ", ", " and ", a blank, - or a backslash. */
static size_t divider_at(struct str text, size_t at)
{
    char c = text.ptr[at];
    size_t space = text_space_at(text, at);
    if (c == ',' && at + 1 < text.len && text_space_at(text, at + 1))
        return 1 + text_space_at(text, at + 1);
    if (space && str_starts_with(str_slice(text, at + space, text.len), STR("and"))) {
        size_t after = at + space + 3;
        size_t second = after < text.len ? text_space_at(text, after) : 0;
        if (second)
            return space + 3 + second;
    }
    return space ? space : (size_t)(c == '-' || c == '\\');
}

double integer_words_read(struct str text)
{
    double done = 0, top = 0;
    size_t start = 0;
    for (size_t at = 0; at <= text.len; at++) {
        size_t divider = at < text.len ? divider_at(text, at) : 1;
        if (!divider)
            continue;
        double value = word_value(str_slice(text, start, at));
        if (value < 100) {
            if (top >= 1000) {
                done += top;
                top = 0;
            }
            top += value;
        } else {
            top *= value;
        }
        start = at + divider;
        at = start - 1;
    }
    return done + top;
}

void integer_roman_write(struct buf *b, double value)
{
    static const struct {
        unsigned value;
        const char *numeral;
    } numerals[] = {
        {1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"}, {90, "xc"}, {50, "l"},
        {40, "xl"},  {10, "x"},   {9, "ix"},  {5, "v"},    {4, "iv"},  {1, "i"},
    };
    for (size_t i = 0; i < COUNT_OF(numerals); i++) {
        while (value >= numerals[i].value) {
            add(b, numerals[i].numeral);
            value -= numerals[i].value;
        }
    }
}

static double roman_value(char c)
{
    switch (c) {
    case 'M':
        return 1000;
    case 'D':
        return 500;
    case 'C':
        return 100;
    case 'L':
        return 50;
    case 'X':
        return 10;
    case 'V':
        return 5;
    case 'I':
        return 1;
    default:
        return NAN;
    }
}

double integer_roman_read(struct str text)
{
    double sum = 0, max = 1;
    for (size_t i = text.len; i-- > 0;) {
        double value = roman_value(text.ptr[i]);
        if (value < max) {
            sum -= value;
        } else {
            max = value;
            sum += value;
        }
    }
    return sum;
}

void integer_letters_write(struct buf *b, double value, char first)
{
    enum {
        LETTERS_MAX = 256 /* 26 to this is beyond any double */
    };
    char letters[LETTERS_MAX];
    size_t at = LETTERS_MAX;
    while (value > 0 && at > 0) {
        letters[--at] = (char)(first + (int)fmod(value - 1, 26));
        value = floor((value - 1) / 26);
    }
    buf_append(b, str_of(letters + at, LETTERS_MAX - at));
}

double integer_letters_read(struct str text, char first)
{
    double value = 0, place = 0;
    for (size_t end = text.len; end > 0; place++) {
        size_t start = utf8_floor(text, end - 1), at = start;
        value += ((double)utf8_next(text, &at) - first + 1) * pow(26, place);
        end = start;
    }
    return value;
}
