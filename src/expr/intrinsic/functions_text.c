/* The functions that make or take texts and JSON. */
#include "base/base64.h"
#include "base/hash.h"
#include "base/utf8.h"
#include "base/uuid.h"
#include "expr/intrinsic/intrinsic_internal.h"
#include "expr/java_text.h"

/* ---- format ---- */

static struct json taken(const struct frame *f, struct buf *text)
{
    struct json v = json_string_copy(f->env->out, buf_str(text));
    buf_release(text);
    return v;
}

static bool is_special(char c)
{
    return c == '{' || c == '}' || c == '\\';
}

/* Appends the template's text up to the next {} and moves *rest behind it;
 * *ret_more tells whether there was one. false at a brace that stands alone. */
static bool format_piece(struct buf *b, struct str *rest, bool *ret_more)
{
    *ret_more = false;
    for (;;) {
        size_t plain = 0;
        while (plain < rest->len && !is_special(rest->ptr[plain]))
            plain++;
        buf_append(b, str_slice(*rest, 0, plain));
        *rest = str_slice(*rest, plain, rest->len);
        if (rest->len == 0)
            return true;
        if (str_starts_with(*rest, STR("{}"))) {
            *rest = str_slice(*rest, 2, rest->len);
            *ret_more = true;
            return true;
        }
        if (*rest->ptr != '\\')
            return false;
        bool escape = rest->len > 1 && (is_special(rest->ptr[1]) || rest->ptr[1] == '\'');
        buf_append(b, str_slice(*rest, escape, escape + 1u));
        *rest = str_slice(*rest, escape + 1u, rest->len);
    }
}

static bool format_into(const struct frame *f, struct buf *b, struct str rest)
{
    size_t used = 1;
    for (bool more;;) {
        if (!format_piece(b, &rest, &more))
            return frame_refuse(f, "a brace that is no {} must be written \\{ or \\}");
        if (!more)
            break;
        if (used == f->call->count)
            return frame_refuse(f, "there are more {} than arguments");
        java_text_write(b, f->values[used++], f->env->scratch);
        if (!arena_room(f->env->out, b->len))
            return frame_limit(f);
    }
    if (used != f->call->count)
        return frame_refuse(f, "there are more arguments than {}");
    return true;
}

bool eval_format(const struct frame *f, struct json *ret_value)
{
    struct str text;
    if (!frame_string(f, 0, &text))
        return false;
    const struct argument *first = &f->call->arguments[0];
    if (first->kind == ARGUMENT_LITERAL)
        text = first->raw;
    struct buf b = BUF_INIT(0);
    bool ok = format_into(f, &b, text);
    if (ok)
        *ret_value = taken(f, &b);
    buf_release(&b);
    return ok;
}

/* ---- JSON ---- */

bool eval_json_to_string(const struct frame *f, struct json *ret_value)
{
    struct buf b = BUF_INIT(0);
    json_write(&b, f->values[0]);
    bool ok = arena_room(f->env->out, b.len);
    if (ok)
        *ret_value = taken(f, &b);
    buf_release(&b);
    return ok || frame_limit(f);
}

/* Nothing but blanks is null, and -0 is 0, as recorded. */
bool eval_string_to_json(const struct frame *f, struct json *ret_value)
{
    struct str text;
    struct err err;
    struct json v;
    if (!frame_string(f, 0, &text))
        return false;
    if (str_trim(text).len == 0) {
        *ret_value = json_null();
        return true;
    }
    if (!json_parse_copy(f->env->out, text, (struct json_limits){0}, &v, &err))
        return frame_refuse(f, "%s", err.message);
    if (str_eq(str_trim(text), STR("-0")))
        v = json_int(0);
    *ret_value = v;
    return true;
}

bool eval_json_merge(const struct frame *f, struct json *ret_value)
{
    for (size_t i = 0; i < 2; i++) {
        if (!json_is_object(f->values[i]))
            return frame_refuse(f, "argument %zu must be an object, not %s", i + 1,
                                json_type_name(f->values[i]));
    }
    if (!json_is_bool(f->values[2]) || json_is_true(f->values[2]))
        return frame_refuse(f, "argument 3 must be false: deep merging is not offered");
    struct json left = f->values[0], right = f->values[1];
    struct json_object_builder merged = json_object_builder(f->env->out);
    if (!frame_spend(f, json_count(left) + json_count(right)))
        return false;
    for (size_t i = 0; i < json_count(left); i++) {
        struct json name = json_members(left)[i].key;
        struct json newer = json_get(right, json_str(name));
        json_object_add(&merged, json_str(name),
                        json_is_absent(newer) ? json_members(left)[i].value : newer);
    }
    for (size_t i = 0; i < json_count(right); i++) {
        struct json name = json_members(right)[i].key;
        if (json_is_absent(json_get(left, json_str(name))))
            json_object_add(&merged, json_str(name), json_members(right)[i].value);
    }
    *ret_value = json_object_done(&merged);
    return true;
}

/* ---- encodings ---- */

/* A string argument within AWS's limit. */
static bool short_string(const struct frame *f, size_t i, struct str *ret_string)
{
    if (!frame_string(f, i, ret_string))
        return false;
    if (ret_string->len > INTRINSIC_STRING_MAX && utf8_length(*ret_string) > INTRINSIC_STRING_MAX)
        return frame_refuse(f, "argument %zu is longer than %d characters", i + 1,
                            INTRINSIC_STRING_MAX);
    return true;
}

bool eval_base64_encode(const struct frame *f, struct json *ret_value)
{
    struct str text;
    if (!short_string(f, 0, &text))
        return false;
    *ret_value = json_string(base64_encode(f->env->out, text));
    return true;
}

/* Bytes that are no UTF-8 become U+FFFD. */
bool eval_base64_decode(const struct frame *f, struct json *ret_value)
{
    struct str text, bytes;
    if (!short_string(f, 0, &text))
        return false;
    if (!base64_decode(f->env->out, text, &bytes))
        return frame_refuse(f, "argument 1 is not Base64");
    if (utf8_valid_up_to(bytes) == bytes.len) {
        *ret_value = json_string(bytes);
        return true;
    }
    struct buf b = BUF_INIT(0);
    for (size_t i = 0; i < bytes.len;) {
        char encoded[4];
        size_t start = i;
        uint32_t c = utf8_next(bytes, &i);
        bool surrogate = c >= 0xD800 && c <= 0xDFFF;
        size_t len = utf8_encode(encoded, surrogate ? 0xFFFD : c);
        buf_append(&b, str_of(encoded, len));
        ASSERT(i > start);
    }
    *ret_value = taken(f, &b);
    return true;
}

bool eval_hash(const struct frame *f, struct json *ret_value)
{
    struct str data, algorithm;
    char hex[DIGEST_HEX_MAX];
    if (!short_string(f, 0, &data) || !frame_string(f, 1, &algorithm))
        return false;
    size_t len = digest_hex(algorithm, data, hex);
    if (len == 0)
        return frame_refuse(f, "the algorithm is MD5, SHA-1, SHA-256, SHA-384 or SHA-512");
    *ret_value = json_string_copy(f->env->out, str_of(hex, len));
    return true;
}

/* ---- texts ---- */

static bool holds(struct str set, struct str character)
{
    for (size_t i = 0; i < set.len;) {
        size_t start = i;
        utf8_next(set, &i);
        if (str_eq(str_slice(set, start, i), character))
            return true;
    }
    return false;
}

/* Every character of the second text separates; empty pieces are left out. */
bool eval_string_split(const struct frame *f, struct json *ret_value)
{
    struct str text, separators;
    if (!frame_string(f, 0, &text) || !frame_string(f, 1, &separators))
        return false;
    struct json_array_builder pieces = json_array_builder(f->env->out);
    size_t start = 0;
    for (size_t i = 0; i < text.len;) {
        size_t at = i;
        utf8_next(text, &i);
        if (!frame_spend(f, 1 + separators.len / 8))
            return false;
        if (!holds(separators, str_slice(text, at, i)))
            continue;
        if (at > start)
            json_array_add(&pieces, json_string(str_slice(text, start, at)));
        start = i;
    }
    if (start < text.len)
        json_array_add(&pieces, json_string(str_slice(text, start, text.len)));
    *ret_value = json_array_done(&pieces);
    return true;
}

bool eval_uuid(const struct frame *f, struct json *ret_value)
{
    char text[UUID_TEXT_LEN];
    uuid_format(uuid_v4(f->env->rng), text);
    *ret_value = json_string_copy(f->env->out, str_of(text, sizeof(text)));
    return true;
}
