/* x-verify: the commands that tell whether what a plan keeps is still there. One after the
 * other, through the port. */
#include "engine/recovery_internal.h"

static bool is_good(const struct check *c)
{
    return c->ran && c->exit_status == 0;
}

/* ---- how they went ---- */

static struct str words_of(const struct verify_fields *fields, struct arena *a)
{
    struct buf text = BUF_INIT(ENGINE_SAID_SIZE_MAX);
    for (size_t i = 0; i < fields->word_count; i++)
        buf_printf(&text, "%s" STR_FMT, i ? " " : "", STR_ARG(fields->words[i]));
    struct str words = arena_str(a, buf_str(&text));
    buf_release(&text);
    return words;
}

static struct str what_failed(const struct check *c, struct arena *a)
{
    struct str words = words_of(c->state->verify, a);
    struct str said = c->said.len ? arena_printf(a, ": " STR_FMT, STR_ARG(c->said)) : STR("");
    /* By its name: numbers are the definition's, and its steps may share one. */
    if (!c->ran)
        return arena_printf(a,
                            "the check of step " STR_FMT " could not be made (" STR_FMT ")" STR_FMT,
                            STR_ARG(c->state->name), STR_ARG(words), STR_ARG(said));
    return arena_printf(
        a, "what step " STR_FMT " left is not as it should be: " STR_FMT " exited with %d" STR_FMT,
        STR_ARG(c->state->name), STR_ARG(words), c->exit_status, STR_ARG(said));
}

static struct str remedy_of(const struct recovery *r, const struct check *c, struct arena *a)
{
    struct str own = c->state->verify->remedy;
    char id[UUID_TEXT_LEN];
    uuid_format(r->row.id, id);
    if (str_ends_with(own, STR(".")))
        own.len--; /* it goes on */
    return arena_printf(a, STR_FMT "%sstart it all anew with pawl restart %.*s", STR_ARG(own),
                        own.len ? ", or " : "", UUID_TEXT_LEN, id);
}

struct json recoveries_checks_json(const struct recovery *r, struct arena *a)
{
    struct json_array_builder list = json_array_builder(a);
    for (size_t i = 0; i < r->check_count; i++) {
        const struct check *c = &r->checks[i];
        struct json_object_builder b = json_object_builder(a);
        json_object_add(&b, STR("step"), json_int(c->step));
        json_object_add(&b, STR("state"), json_string_copy(a, c->state->name));
        json_object_add(&b, STR("ok"), json_bool(is_good(c)));
        if (c->ran)
            json_object_add(&b, STR("exit"), json_int(c->exit_status));
        if (c->said.len)
            json_object_add(&b, STR("said"), json_string_copy(a, c->said));
        json_array_add(&list, json_object_done(&b));
    }
    struct json_object_builder all = json_object_builder(a);
    json_object_add(&all, STR("checks"), json_array_done(&list));
    return json_object_done(&all);
}

bool recoveries_checks_failure(const struct recovery *r, struct err *ret_err)
{
    struct arena *scratch = arena_new(0);
    const struct check *failed = NULL;
    for (size_t i = 0; i < r->check_count && !failed; i++)
        failed = is_good(&r->checks[i]) ? NULL : &r->checks[i];
    if (failed)
        err_set(ret_err, ERR_CONFLICT, "after the recovery of execution " STR_FMT ", " STR_FMT,
                STR_ARG(r->row.name), STR_ARG(what_failed(failed, scratch)));
    arena_free(scratch);
    return failed != NULL;
}

/* ---- making them ---- */

void recoveries_check(struct recovery *r)
{
    const struct plan *plan = &r->plan;
    struct engine *e = r->engine;
    size_t count = plan->problem_count ? 0 : plan->verify_count;
    struct err err;
    if (count > ENGINE_CHECKS_MAX) {
        err_set(&err, ERR_TOO_LARGE,
                "%zu steps that are kept have an x-verify, more than %d (limit "
                "recovery_checks_max)",
                count, ENGINE_CHECKS_MAX);
        recoveries_answer(r, &err);
        return;
    }
    r->checks = ARENA_ARRAY(r->arena, struct check, count);
    r->check_count = count;
    for (size_t i = 0; i < count; i++)
        r->checks[i] =
            (struct check){.state = plan->verifies[i].state, .step = plan->verifies[i].step};
    r->phase = RECOVERY_CHECKS;
    r->is_answered = e->recoveries.answered = true;
}

static void ask(struct recovery *r)
{
    struct engine *e = r->engine;
    const struct engine_task_port *port = &e->options.tasks;
    struct check *c = &r->checks[r->check_next++];
    struct engine_check check = {
        .id = ++e->recoveries.check_last,
        .execution = &r->row,
        .state = c->state,
        .step = c->step,
        .fields = c->state->verify,
    };
    *c = (struct check){.state = c->state, .step = c->step};
    r->check_id = check.id;
    if (port->check) {
        port->check(port->arg, &check);
        return;
    }
    engine_check_result(e, &(struct engine_check_result){
                               .id = check.id,
                               .said = STR("commands of x-verify are not run here unless "
                                           "pawl.yaml says verify: on"),
                           });
}

static void add_problem(struct recovery *r, const struct check *c)
{
    struct arena *a = r->story_arena;
    struct plan *plan = &r->plan;
    struct plan_problem *all = ARENA_ARRAY(a, struct plan_problem, plan->problem_count + 1);
    for (size_t i = 0; i < plan->problem_count; i++)
        all[i] = plan->problems[i];
    all[plan->problem_count++] = (struct plan_problem){.code = ERR_CONFLICT,
                                                       .step = c->step,
                                                       .what = what_failed(c, a),
                                                       .remedy = remedy_of(r, c, a)};
    plan->problems = all;
}

void recoveries_check_on(struct recovery *r)
{
    bool again = r->phase == RECOVERY_AGAIN;
    const struct check *last = r->check_next ? &r->checks[r->check_next - 1] : NULL;
    if (last && !is_good(last) && !again)
        add_problem(r, last);
    if (r->check_next < r->check_count)
        ask(r);
    else if (again)
        recoveries_checked_again(r);
    else
        recoveries_checked(r);
}

static struct recovery *checking(const struct engine *e, uint64_t id)
{
    struct recovery *r = e->recoveries.active.first;
    while (r && r->check_id != id)
        r = r->next;
    return r;
}

/* The end of what it wrote, from the beginning of a character. */
static struct str tail(struct str said)
{
    said = str_trim(said);
    if (said.len > ENGINE_SAID_SIZE_MAX)
        said = str_slice(said, said.len - ENGINE_SAID_SIZE_MAX, SIZE_MAX);
    while (said.len && ((uint8_t)said.ptr[0] & 0xc0) == 0x80)
        said = str_slice(said, 1, SIZE_MAX);
    return said;
}

void engine_check_result(struct engine *e, const struct engine_check_result *result)
{
    struct recovery *r = result->id ? checking(e, result->id) : NULL;
    if (!r)
        return;
    struct check *c = &r->checks[r->check_next - 1];
    r->check_id = 0;
    c->ran = result->ran;
    c->exit_status = result->exit_status;
    c->said = arena_str(r->arena, tail(result->said));
    r->is_answered = e->recoveries.answered = true;
}
