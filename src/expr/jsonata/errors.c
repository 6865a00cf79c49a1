/* The error codes and words of jsonata-js. */
#include "expr/jsonata/ast.h"
#include "expr/jsonata/messages.h"

#include "base/utf8.h"

struct message {
    char code[8];
    struct str text;
};

static const struct message messages[] = {
#define MESSAGE(code, text) {code, STR_INIT(text)},
    JSONATA_MESSAGES(MESSAGE)
#undef MESSAGE
};

static const struct str limit_words[] = {
    [JSONATA_LIMIT_DEPTH] = STR_INIT("Stack overflow error: Check for non-terminating recursive "
                                     "function. Consider rewriting as tail-recursive"),
    [JSONATA_LIMIT_STEPS] = STR_INIT("Expression evaluation timeout: Check for infinite loop"),
    [JSONATA_LIMIT_MEMORY] = STR_INIT("Expression evaluation memory limit exceeded: Check for "
                                      "excessive memory usage"),
};

void error_set_code(struct jsonata_error *err, const char *code)
{
    size_t len = strlen(code);
    ASSERT(len < sizeof(err->code));
    memcpy(err->code, code, len + 1);
}

static struct str template_of(const char *code)
{
    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        if (strcmp(messages[i].code, code) == 0)
            return messages[i].text;
    }
    return (struct str){0};
}

enum {
    MESSAGE_MAX = 32768 /* bytes: what AWS keeps of a cause */
};

static void add_value(struct buf *b, struct json v, bool quoted)
{
    if (json_is_absent(v))
        buf_append(b, STR("undefined"));
    else if (!quoted && json_is_string(v))
        buf_append(b, json_str(v));
    else if (v.tag == JSON_TAG_DOUBLE && !__builtin_isfinite(v.u.real))
        buf_append(b, STR("null"));
    else if (v.tag > JSON_TAG_OBJECT)
        buf_append(b, STR("{}"));
    else
        json_write(b, v);
}

static void add_insert(struct buf *b, struct str name, bool quoted, const struct jsonata_error *err,
                       size_t index, struct str type)
{
    if (str_eq(name, STR("token")) || str_eq(name, STR("functionName")))
        add_value(b, json_string(err->token), quoted);
    else if (str_eq(name, STR("value")))
        add_value(b, err->value, quoted);
    else if (str_eq(name, STR("value2")) || str_eq(name, STR("exp")))
        add_value(b, err->value2, quoted);
    else if (str_eq(name, STR("index")))
        buf_append_int(b, (int64_t)index);
    else if (str_eq(name, STR("type")))
        add_value(b, json_string(type), quoted);
}

/* {{name}} is JSON text, {{{name}}} bare. */
static void fill(struct buf *b, struct str text, const struct jsonata_error *err, size_t index,
                 struct str type)
{
    while (text.len) {
        size_t open = str_find(text, STR("{{"));
        buf_append(b, str_slice(text, 0, open));
        if (open == SIZE_MAX)
            return;
        bool bare = text.len > open + 2 && text.ptr[open + 2] == '{';
        size_t from = open + (bare ? 3 : 2);
        size_t end = from + str_find_char(str_slice(text, from, text.len), '}');
        add_insert(b, str_slice(text, from, end), !bare, err, index, type);
        text = str_slice(text, end + (bare ? 3 : 2), text.len);
    }
}

void error_set_message(struct arena *a, struct jsonata_error *err, size_t index, struct str type)
{
    if (err->limit) {
        err->message = limit_words[err->limit];
        return;
    }
    if (err->message.len)
        return;
    struct buf b = BUF_INIT(MESSAGE_MAX);
    fill(&b, template_of(err->code), err, index, type);
    err->message = arena_str(a, buf_str(&b));
    buf_release(&b);
}

static size_t characters_before(struct str text, size_t bytes)
{
    size_t units = 0;
    for (size_t at = 0; at < text.len && at < bytes;)
        units += utf8_next(text, &at) > 0xFFFF ? 2 : 1;
    return units;
}

void error_finish(struct jx *x)
{
    ASSERT(x->failed);
    struct jsonata_error err = x->err;
    if (!jx_clean(x, err.value, JX_CLEAN_BORDER, &err.value))
        err.value = JSON_NONE;
    if (!jx_clean(x, err.value2, JX_CLEAN_BORDER, &err.value2))
        err.value2 = JSON_NONE;
    x->err = err;
    error_set_message(x->out, &x->err, x->err_index, x->err_type);
    x->err.position = characters_before(x->expression->text, x->err.position);
}

bool jx_limit(struct jx *x, enum jsonata_limit limit)
{
    x->failed = true;
    x->err = (struct jsonata_error){.limit = limit};
    error_set_code(&x->err, "U1001");
    return false;
}

bool jx_fail_value2(struct jx *x, const char *code, struct json value, struct json value2)
{
    x->failed = true;
    x->err = (struct jsonata_error){.value = value, .value2 = value2};
    error_set_code(&x->err, code);
    return false;
}

bool jx_fail_value(struct jx *x, const char *code, struct json value)
{
    return jx_fail_value2(x, code, value, JSON_NONE);
}

bool jx_fail(struct jx *x, const char *code)
{
    return jx_fail_value2(x, code, JSON_NONE, JSON_NONE);
}

bool jx_fail_words(struct jx *x, const char *code, struct str message)
{
    (void)jx_fail(x, code);
    x->err.message = message;
    return false;
}

bool jx_fail_at(struct jx *x, const char *code, const struct node *node, struct str token,
                struct json value, struct json value2)
{
    (void)jx_fail_value2(x, code, value, value2);
    x->err.position = node->position;
    x->err.token = token;
    return false;
}
