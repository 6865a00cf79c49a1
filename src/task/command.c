#include "task/command.h"

#include "os/children.h"

const char *const *command_argv(struct arena *a, const struct binding *binding, struct str name)
{
    const char **argv = ARENA_ARRAY(a, const char *, binding->argc + 1);
    for (size_t i = 0; i < binding->argc; i++)
        argv[i] = binding_fill(a, binding->argv[i], name);
    return argv;
}

static void put(struct json_object_builder *b, const char *name, struct str value)
{
    json_object_add(b, str_of_cstr(name), json_string(value));
}

static struct str inherited_marks(const char *const *inherited)
{
    static const struct str prefix = STR_INIT(CHILDREN_MARK_NAME "=");
    for (; *inherited; inherited++)
        if (str_starts_with(str_of_cstr(*inherited), prefix))
            return str_of_cstr(*inherited + prefix.len);
    return STR("");
}

static struct str add_mark(struct arena *a, struct str marks, struct str mark)
{
    return marks.len ? arena_printf(a, STR_FMT " " STR_FMT, STR_ARG(marks), STR_ARG(mark)) : mark;
}

static struct json identity(struct arena *a, const struct task_request *r, struct str marks)
{
    struct json_object_builder b = json_object_builder(a);
    put(&b, "PAWL_EXECUTION_ARN", r->execution_arn);
    put(&b, "PAWL_STATE_NAME", r->state_name);
    put(&b, "PAWL_ATTEMPT", arena_printf(a, "%u", r->key.attempt));
    put(&b, "PAWL_RUN_ID", r->execution_id);
    put(&b, "PAWL_CORRELATION_ID", r->correlation_id);
    put(&b, "PAWL_TASK_TOKEN", r->token);
    if (marks.len)
        put(&b, CHILDREN_MARK_NAME, marks);
    return json_object_done(&b);
}

static bool is_replaced(const char *entry, struct json by)
{
    return !json_is_absent(json_get(by, str_of(entry, strcspn(entry, "="))));
}

static size_t append(struct arena *a, struct json variables, const char **to)
{
    const struct json_member *m = json_members(variables);
    for (size_t i = 0; i < json_count(variables); i++) {
        struct str name = json_str(m[i].key), value = json_str(m[i].value);
        to[i] = arena_cstr(a, arena_printf(a, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value)));
    }
    return json_count(variables);
}

const char *const *command_environment(struct arena *a, const char *const *inherited,
                                       const struct binding *binding,
                                       const struct task_request *request, struct str mark)
{
    struct str marks = inherited_marks(inherited);
    struct json ours = identity(a, request, mark.len ? add_mark(a, marks, mark) : marks);
    size_t count = 0, used = 0;
    while (inherited[count])
        count++;
    size_t size = count + json_count(binding->environment) + json_count(ours) + 1;
    const char **all = ARENA_ARRAY(a, const char *, size);
    for (size_t i = 0; i < count; i++)
        if (!is_replaced(inherited[i], binding->environment) && !is_replaced(inherited[i], ours))
            all[used++] = inherited[i];
    used += append(a, binding->environment, all + used);
    append(a, ours, all + used);
    return all;
}
