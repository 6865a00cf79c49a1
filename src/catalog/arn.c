#include "catalog/arn.h"

static const struct {
    const char *word;
    enum arn_kind kind;
} kinds[] = {
    {"stateMachine", ARN_MACHINE}, {"execution", ARN_EXECUTION}, {"express", ARN_EXPRESS},
    {"activity", ARN_ACTIVITY},    {"mapRun", ARN_MAP_RUN},
};

struct str arn_kind_word(enum arn_kind kind)
{
    if (kind == ARN_VERSION || kind == ARN_ALIAS)
        kind = ARN_MACHINE;
    for (size_t i = 0; i < COUNT_OF(kinds); i++)
        if (kinds[i].kind == kind)
            return str_of_cstr(kinds[i].word);
    return STR("");
}

static enum arn_kind kind_of(struct str service, struct str word)
{
    for (size_t i = 0; i < COUNT_OF(kinds) && str_eq(service, STR("states")); i++)
        if (str_eq(word, str_of_cstr(kinds[i].word)))
            return kinds[i].kind;
    return ARN_OTHER;
}

/* Up to the next colon, which goes too. */
static struct str next_part(struct str *rest)
{
    size_t colon = str_find_char(*rest, ':');
    struct str part = str_slice(*rest, 0, colon);
    *rest = str_slice(*rest, colon == SIZE_MAX ? rest->len : colon + 1, rest->len);
    return part;
}

/* A version has only digits, an alias at least one other character. */
static bool version_number(struct str text, uint32_t *ret_number)
{
    int64_t number;
    if (text.len == 0 || text.ptr[0] == '0' || !str_to_int64(text, &number) || number <= 0 ||
        number > UINT32_MAX)
        return false;
    *ret_number = (uint32_t)number;
    return true;
}

bool arn_parse(struct str text, struct arn *ret_arn)
{
    struct str rest = text;
    struct arn arn = {.text = text};
    if (!str_eq(next_part(&rest), STR("arn")))
        return false;
    struct str partition = next_part(&rest), service = next_part(&rest);
    arn.region = next_part(&rest);
    arn.account = next_part(&rest);
    arn.word = next_part(&rest);
    arn.name = next_part(&rest);
    if (!str_starts_with(partition, STR("aws")) || service.len == 0 || arn.word.len == 0)
        return false;
    arn.kind = kind_of(service, arn.word);
    if (arn.kind != ARN_OTHER && (arn.name.len == 0 || str_ends_with(text, STR(":"))))
        return false;
    arn.unqualified = str_slice(text, 0, (size_t)(arn.name.ptr + arn.name.len - text.ptr));
    arn.qualifier = rest;
    if (arn.kind == ARN_MACHINE && rest.len)
        arn.kind = version_number(rest, &arn.version) ? ARN_VERSION : ARN_ALIAS;
    *ret_arn = arn;
    return true;
}

struct str arn_of_version(struct arena *a, struct str machine_arn, uint32_t version)
{
    return arena_printf(a, STR_FMT ":%u", STR_ARG(machine_arn), version);
}

struct str arn_of_alias(struct arena *a, struct str machine_arn, struct str alias)
{
    return arena_printf(a, STR_FMT ":" STR_FMT, STR_ARG(machine_arn), STR_ARG(alias));
}

struct str arn_of_activity(struct arena *a, struct str region, struct str account, struct str name)
{
    return arena_printf(a, "arn:aws:states:" STR_FMT ":" STR_FMT ":activity:" STR_FMT,
                        STR_ARG(region), STR_ARG(account), STR_ARG(name));
}
