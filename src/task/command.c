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

static bool is_in(struct str name, const struct json *layers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!json_is_absent(json_get(layers[i], name)))
            return true;
    return false;
}

/* Each layer, an object of strings or absent, over those before it and over what is
 * inherited. */
static const char *const *merge(struct arena *a, const char *const *inherited,
                                const struct json *layers, size_t count)
{
    size_t size = 1, used = 0;
    for (const char *const *entry = inherited; *entry; entry++)
        size++;
    for (size_t i = 0; i < count; i++)
        size += json_count(layers[i]);
    const char **all = ARENA_ARRAY(a, const char *, size);
    for (const char *const *entry = inherited; *entry; entry++)
        if (!is_in(str_of(*entry, strcspn(*entry, "=")), layers, count))
            all[used++] = *entry;
    for (size_t i = 0; i < count; i++) {
        const struct json_member *m = json_members(layers[i]);
        for (size_t k = 0; k < json_count(layers[i]); k++) {
            struct str name = json_str(m[k].key), value = json_str(m[k].value);
            if (!is_in(name, layers + i + 1, count - i - 1))
                all[used++] = arena_cstr(
                    a, arena_printf(a, STR_FMT "=" STR_FMT, STR_ARG(name), STR_ARG(value)));
        }
    }
    return all;
}

const char *const *command_environment(struct arena *a, const char *const *inherited,
                                       const struct binding *binding,
                                       const struct task_request *request, struct str mark)
{
    struct str marks = inherited_marks(inherited);
    struct json layers[] = {
        binding->environment,
        identity(a, request, mark.len ? add_mark(a, marks, mark) : marks),
    };
    return merge(a, inherited, layers, COUNT_OF(layers));
}

/* ---- a warm worker ---- */

/* arn:aws:lambda:REGION:... */
static struct str region_of(struct str arn)
{
    for (int i = 0; i < 3; i++) {
        size_t colon = str_find_char(arn, ':');
        arn = colon == SIZE_MAX ? STR("") : str_slice(arn, colon + 1, arn.len);
    }
    struct str region = str_slice(arn, 0, str_find_char(arn, ':'));
    return region.len ? region : STR("us-east-1");
}

static struct json lambda_defaults(struct arena *a, const struct worker_identity *who)
{
    struct json_object_builder b = json_object_builder(a);
    put(&b, "AWS_REGION", region_of(who->arn));
    put(&b, "AWS_DEFAULT_REGION", region_of(who->arn));
    put(&b, "TZ", STR(":UTC"));
    return json_object_done(&b);
}

static struct json lambda_identity(struct arena *a, const struct binding *binding,
                                   const struct worker_identity *who, struct str marks)
{
    struct json_object_builder b = json_object_builder(a);
    put(&b, "AWS_LAMBDA_RUNTIME_API", str_of_cstr(who->address));
    put(&b, "AWS_LAMBDA_FUNCTION_NAME", who->name);
    put(&b, "AWS_LAMBDA_FUNCTION_VERSION", STR("$LATEST"));
    put(&b, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", arena_printf(a, "%u", binding->runtime.memory_mb));
    put(&b, "AWS_LAMBDA_INITIALIZATION_TYPE", STR("on-demand"));
    put(&b, "AWS_LAMBDA_LOG_GROUP_NAME",
        arena_printf(a, "/aws/lambda/" STR_FMT, STR_ARG(who->name)));
    put(&b, "AWS_LAMBDA_LOG_STREAM_NAME", str_of_cstr(who->address));
    put(&b, "LAMBDA_TASK_ROOT", str_of_cstr(who->folder));
    put(&b, "_HANDLER", binding->runtime.handler);
    if (marks.len)
        put(&b, CHILDREN_MARK_NAME, marks);
    return json_object_done(&b);
}

const char *const *worker_environment(struct arena *a, const char *const *inherited,
                                      const struct binding *binding,
                                      const struct worker_identity *who, struct str mark)
{
    struct str marks = inherited_marks(inherited);
    struct json layers[] = {
        lambda_defaults(a, who),
        binding->environment,
        lambda_identity(a, binding, who, mark.len ? add_mark(a, marks, mark) : marks),
    };
    return merge(a, inherited, layers, COUNT_OF(layers));
}
