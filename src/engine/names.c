#include "engine/names.h"

#include "base/utf8.h"

static bool character_is_refused(uint32_t c)
{
    return c <= 0x20 || (c >= 0x7f && c <= 0x9f) ||
           (c < 0x80 && strchr("<>{}[]?*\"#%\\^|~`$&,;:/", (int)c));
}

bool name_check(struct str name, const char *what, struct err *reterr)
{
    size_t length = utf8_length(name);
    if (length == 0 || length > STORE_NAME_MAX)
        return err_set(reterr, ERR_INVALID_INPUT, "%s must have 1 to %d characters, this has %zu",
                       what, STORE_NAME_MAX, length);
    if (utf8_valid_up_to(name) < name.len)
        return err_set(reterr, ERR_INVALID_INPUT, "%s is not valid UTF-8", what);
    for (size_t i = 0; i < name.len;) {
        size_t from = i;
        if (character_is_refused(utf8_next(name, &i)))
            return err_set(reterr, ERR_INVALID_INPUT,
                           "%s must not hold white space, control characters or any of "
                           "<>{}[]?*\"#%%\\^|~`$&,;:/ (this is \"" STR_FMT "\", see character %zu)",
                           what, STR_ARG(name), utf8_length(str_slice(name, 0, from)) + 1);
    }
    return true;
}

struct str arn_of_machine(struct arena *a, struct str region, struct str account, struct str name)
{
    return arena_printf(a, "arn:aws:states:" STR_FMT ":" STR_FMT ":stateMachine:" STR_FMT,
                        STR_ARG(region), STR_ARG(account), STR_ARG(name));
}

struct str arn_of_function(struct arena *a, struct str region, struct str account, struct str name)
{
    return arena_printf(a, "arn:aws:lambda:" STR_FMT ":" STR_FMT ":function:" STR_FMT,
                        STR_ARG(region), STR_ARG(account), STR_ARG(name));
}

/* Splits at ':' into exactly `count` parts. */
static bool split(struct str text, struct str *parts, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t colon = str_find_char(text, ':');
        if ((colon == SIZE_MAX) != (i + 1 == count))
            return false;
        parts[i] = str_slice(text, 0, colon);
        text = str_slice(text, colon == SIZE_MAX ? text.len : colon + 1, SIZE_MAX);
    }
    return true;
}

enum {
    ARN_PARTS = 8,
    MACHINE_ARN_PARTS = 7,
};

struct str arn_of_execution(struct arena *a, struct str machine_arn, struct str name)
{
    struct str parts[MACHINE_ARN_PARTS] = {{0}};
    bool whole = split(machine_arn, parts, MACHINE_ARN_PARTS);
    ASSERT(whole);
    return arena_printf(
        a, STR_FMT ":" STR_FMT ":states:" STR_FMT ":" STR_FMT ":execution:" STR_FMT ":" STR_FMT,
        STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[3]), STR_ARG(parts[4]),
        STR_ARG(parts[6]), STR_ARG(name));
}

struct str arn_of_express(struct arena *a, struct str machine_arn, struct str name, struct uuid id)
{
    struct str parts[MACHINE_ARN_PARTS] = {{0}};
    char text[UUID_TEXT_LEN];
    bool whole = split(machine_arn, parts, MACHINE_ARN_PARTS);
    ASSERT(whole);
    uuid_format(id, text);
    return arena_printf(a,
                        STR_FMT ":" STR_FMT ":states:" STR_FMT ":" STR_FMT ":express:" STR_FMT
                                ":" STR_FMT ":%.*s",
                        STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[3]), STR_ARG(parts[4]),
                        STR_ARG(parts[6]), STR_ARG(name), UUID_TEXT_LEN, text);
}

bool arn_is_activity(struct str arn, struct str *ret_name)
{
    struct str parts[ARN_PARTS - 1];
    if (!split(arn, parts, COUNT_OF(parts)) || !str_eq(parts[0], STR("arn")) ||
        !str_eq(parts[2], STR("states")) || !str_eq(parts[5], STR("activity")))
        return false;
    *ret_name = parts[6];
    return parts[6].len > 0;
}

bool arn_is_execution(struct str arn, struct str *ret_machine, struct str *ret_name)
{
    struct str parts[ARN_PARTS];
    if (!split(arn, parts, ARN_PARTS) || !str_eq(parts[0], STR("arn")) ||
        !str_eq(parts[2], STR("states")) || !str_eq(parts[5], STR("execution")))
        return false;
    *ret_machine = parts[6];
    *ret_name = parts[7];
    return true;
}

struct str arn_execution_machine(struct arena *a, struct str arn)
{
    struct str parts[ARN_PARTS] = {{0}};
    bool whole = split(arn, parts, ARN_PARTS);
    ASSERT(whole);
    return arena_printf(a,
                        STR_FMT ":" STR_FMT ":states:" STR_FMT ":" STR_FMT ":stateMachine:" STR_FMT,
                        STR_ARG(parts[0]), STR_ARG(parts[1]), STR_ARG(parts[3]), STR_ARG(parts[4]),
                        STR_ARG(parts[6]));
}

struct flow_identity identity_of_row(struct arena *a, const struct execution_row *row,
                                     const uint8_t *secret)
{
    struct str parts[MACHINE_ARN_PARTS] = {{0}};
    bool whole = split(row->machine_arn, parts, MACHINE_ARN_PARTS);
    struct str account = whole ? parts[4] : STR("");
    return (struct flow_identity){
        .key = row->key,
        .execution_arn = row->arn,
        .name = row->name,
        .machine_arn = row->machine_arn,
        .machine_name = row->machine_name,
        .role_arn = row->role_arn.len
                        ? row->role_arn
                        : arena_printf(a, "arn:aws:iam::" STR_FMT ":role/pawl", STR_ARG(account)),
        .region = whole ? parts[3] : STR(""),
        .account = account,
        .secret = secret,
        .express = row->express,
    };
}
