#include "recovery/plan.h"

static struct str kind_name(const struct plan *plan)
{
    switch (plan->kind) {
    case RECOVERY_RESUME:
        return STR("resume");
    case RECOVERY_RERUN:
        return STR("rerun");
    case RECOVERY_FORK:
        return STR("fork");
    case RECOVERY_START:
        return STR("start");
    }
    UNREACHABLE("recovery kind");
}

static struct json step_json(const struct plan_step *s, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    if (s->index != STEP_NO_NONE)
        json_object_add(&b, STR("index"), json_int(s->index));
    if (s->number.len)
        json_object_add(&b, STR("number"), json_string(s->number));
    json_object_add(&b, STR("path"), json_string(s->path));
    json_object_add(&b, STR("name"), json_string(s->state->name));
    json_object_add(&b, STR("type"), json_string(state_type_name(s->state->type)));
    json_object_add(&b, STR("action"), json_string(str_of_cstr(plan_action_name(s->action))));
    if (s->why.len)
        json_object_add(&b, STR("why"), json_string(s->why));
    if (s->last_ms >= 0)
        json_object_add(&b, STR("last_ms"), json_int(s->last_ms));
    return json_object_done(&b);
}

static struct str path_of(const struct plan *plan, uint32_t step)
{
    for (size_t i = 0; i < plan->count && step != STEP_NO_NONE; i++)
        if (plan->steps[i].index == step)
            return plan->steps[i].path;
    return STR("");
}

static struct json problem_json(const struct plan *plan, const struct plan_problem *problem,
                                struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    struct str path = path_of(plan, problem->step);
    json_object_add(&b, STR("code"), json_string(str_of_cstr(err_name(problem->code))));
    if (problem->step != STEP_NO_NONE)
        json_object_add(&b, STR("step"), json_int(problem->step));
    if (path.len)
        json_object_add(&b, STR("path"), json_string(path));
    json_object_add(&b, STR("what"), json_string(problem->what));
    json_object_add(&b, STR("remedy"), json_string(problem->remedy));
    return json_object_done(&b);
}

struct json plan_json(const struct plan *plan, struct arena *a)
{
    struct json_object_builder b = json_object_builder(a);
    struct json_array_builder steps = json_array_builder(a), problems = json_array_builder(a);
    struct json_array_builder verifies = json_array_builder(a);
    for (size_t i = 0; i < plan->count; i++)
        json_array_add(&steps, step_json(&plan->steps[i], a));
    for (size_t i = 0; i < plan->problem_count; i++)
        json_array_add(&problems, problem_json(plan, &plan->problems[i], a));
    for (size_t i = 0; i < plan->verify_count; i++)
        json_array_add(&verifies, json_string(path_of(plan, plan->verifies[i].step)));
    json_object_add(&b, STR("kind"), json_string(kind_name(plan)));
    json_object_add(&b, STR("steps"), json_array_done(&steps));
    json_object_add(&b, STR("problems"), json_array_done(&problems));
    json_object_add(&b, STR("saved_ms"), json_int(plan->saved_ms));
    json_object_add(&b, STR("expected_ms"), json_int(plan->expected_ms));
    json_object_add(&b, STR("ends_known"), json_bool(plan->ends_known));
    json_object_add(&b, STR("verifies"), json_array_done(&verifies));
    if (!json_is_absent(plan->diagnostics))
        json_object_add(&b, STR("diagnostics"), plan->diagnostics);
    return json_object_done(&b);
}
