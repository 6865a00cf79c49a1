#include "cli/options.h"

#include <strings.h>

enum {
    SUGGEST_DISTANCE_MAX = 3
};

const char *suggest_name(const char *name, const void *table, size_t count, size_t stride)
{
    const char *best = NULL;
    size_t best_distance = SUGGEST_DISTANCE_MAX + 1;
    struct str wanted = str_of_cstr(name);
    for (size_t i = 0; i < count; i++) {
        const char *known;
        memcpy(&known, (const char *)table + i * stride, sizeof(known));
        if (!known)
            continue;
        size_t distance = str_distance(wanted, str_of_cstr(known), SUGGEST_DISTANCE_MAX + 1);
        /* "ps" is at two from "ls" and "run" alike: a suggestion must share something. */
        if (distance < best_distance && distance < wanted.len) {
            best = known;
            best_distance = distance;
        }
    }
    return best;
}

static size_t table_count(const struct option *table)
{
    size_t count = 0;
    while (table[count].name)
        count++;
    ASSERT(count <= OPTIONS_MAX);
    return count;
}

/* The place of the option whose name is the first `length` bytes; SIZE_MAX: none. */
static size_t option_find(const struct options *o, struct str name)
{
    for (size_t i = 0; o->table[i].name; i++)
        if (str_eq(name, str_of_cstr(o->table[i].name)))
            return i;
    return SIZE_MAX;
}

static bool fail_unknown(const struct options *o, struct str name, struct err *reterr)
{
    char shown[64] = {0};
    memcpy(shown, name.ptr, name.len < sizeof(shown) ? name.len : sizeof(shown) - 1);
    const char *near = suggest_name(shown, o->table, table_count(o->table), sizeof(struct option));
    if (near)
        return err_set(reterr, ERR_USAGE, "pawl %s has no option %s; did you mean %s?", o->command,
                       shown, near);
    return err_set(reterr, ERR_USAGE, "pawl %s has no option %s", o->command, shown);
}

static bool choice_check(const struct option *option, const char *value, struct err *reterr)
{
    struct str rest = str_of_cstr(option->choices);
    while (rest.len) {
        size_t end = str_find_char(rest, ' ');
        struct str word = str_slice(rest, 0, end);
        if (word.len == strlen(value) && strncasecmp(word.ptr, value, word.len) == 0)
            return true;
        rest = str_slice(rest, end == SIZE_MAX ? rest.len : end + 1, rest.len);
    }
    return err_set(reterr, ERR_USAGE, "%s takes one of %s, not \"%s\"", option->name,
                   option->choices, value);
}

static bool add_value(struct arguments *a, size_t place, const char *value, struct err *reterr)
{
    if (a->many_count == OPTION_VALUES_MAX)
        return err_set(reterr, ERR_USAGE, "%s is given more than %d times",
                       a->options.table[place].name, OPTION_VALUES_MAX);
    a->many[a->many_count].place = place;
    a->many[a->many_count++].value = value;
    return true;
}

/* `text` begins with '-' and is more than that. *at is its place in argv. */
static bool take_option(struct arguments *a, int argc, char **argv, int *at, struct err *reterr)
{
    struct str text = str_of_cstr(argv[*at]);
    size_t equals = str_find_char(text, '=');
    struct str name = str_slice(text, 0, equals);
    size_t place = option_find(&a->options, name);
    if (place == SIZE_MAX)
        return fail_unknown(&a->options, name, reterr);
    const struct option *option = &a->options.table[place];
    const char *value = equals == SIZE_MAX ? NULL : argv[*at] + equals + 1;
    if (a->values[place] && option->type != OPTION_MANY)
        return err_set(reterr, ERR_USAGE, "%s is given twice", option->name);
    if (option->type == OPTION_FLAG && value)
        return err_set(reterr, ERR_USAGE, "%s takes no value", option->name);
    if (option->type == OPTION_FLAG) {
        a->values[place] = "";
        return true;
    }
    if (!value && *at + 1 < argc && !str_starts_with(str_of_cstr(argv[*at + 1]), STR("--")))
        value = argv[++*at];
    if (!value)
        return err_set(reterr, ERR_USAGE, "%s needs a value: %s %s", option->name, option->name,
                       option->value);
    a->values[place] = value;
    if (option->type == OPTION_MANY && !add_value(a, place, value, reterr))
        return false;
    return option->type != OPTION_CHOICE || choice_check(option, value, reterr);
}

bool arguments_parse(const struct options *options, int argc, char **argv, struct arguments *ret,
                     struct err *reterr)
{
    struct arguments a = {.options = *options};
    bool only_arguments = false;
    for (int i = 0; i < argc; i++) {
        const char *text = argv[i];
        if (!only_arguments && strcmp(text, "--") == 0) {
            only_arguments = true;
        } else if (!only_arguments && (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0)) {
            a.help = true;
        } else if (!only_arguments && text[0] == '-' && text[1]) {
            if (!take_option(&a, argc, argv, &i, reterr))
                return false;
        } else if (a.count == ARGUMENTS_MAX) {
            return err_set(reterr, ERR_USAGE, "there are more than %d arguments", ARGUMENTS_MAX);
        } else {
            a.items[a.count++] = text;
        }
    }
    *ret = a;
    return true;
}

const char *option_text(const struct arguments *a, const char *name)
{
    size_t place = option_find(&a->options, str_of_cstr(name));
    ASSERT(place != SIZE_MAX);
    return a->values[place];
}

const char *option_if_known(const struct arguments *a, const char *name)
{
    size_t place = option_find(&a->options, str_of_cstr(name));
    return place == SIZE_MAX ? NULL : a->values[place];
}

const char *option_nth(const struct arguments *a, const char *name, size_t index)
{
    size_t place = option_find(&a->options, str_of_cstr(name));
    ASSERT(place != SIZE_MAX);
    for (size_t i = 0; i < a->many_count; i++)
        if (a->many[i].place == place && index-- == 0)
            return a->many[i].value;
    return NULL;
}

bool option_given(const struct arguments *a, const char *name)
{
    return option_text(a, name) != NULL;
}
