#include "expr/java_text.h"

struct open_container {
    struct json value;
    size_t next;
};

static void write_scalar(struct buf *b, struct json v)
{
    if (json_is_string(v))
        buf_append(b, json_str(v));
    else
        json_write(b, v);
}

/* What stands before the next item: a bracket or a comma, and its name. */
static struct json begin_item(struct buf *b, struct open_container *c)
{
    bool object = json_is_object(c->value);
    if (c->next)
        buf_append(b, STR(", "));
    size_t i = c->next++;
    if (!object)
        return json_at(c->value, i);
    buf_append(b, json_str(json_members(c->value)[i].key));
    buf_append_char(b, '=');
    return json_members(c->value)[i].value;
}

void java_text_write(struct buf *b, struct json v, struct arena *scratch)
{
    struct arena_mark mark = arena_mark(scratch);
    struct open_container *open = NULL;
    size_t depth = 0, capacity = 0;
    for (;;) {
        if (json_is_array(v) || json_is_object(v)) {
            buf_append_char(b, json_is_object(v) ? '{' : '[');
            open = arena_grow(scratch, open, depth, &capacity, sizeof(*open));
            open[depth++] = (struct open_container){v, 0};
        } else {
            write_scalar(b, v);
        }
        while (depth && open[depth - 1].next == json_count(open[depth - 1].value)) {
            depth--;
            buf_append_char(b, json_is_object(open[depth].value) ? '}' : ']');
        }
        if (depth == 0 || b->over)
            break;
        v = begin_item(b, &open[depth - 1]);
    }
    arena_rewind(scratch, mark);
}
