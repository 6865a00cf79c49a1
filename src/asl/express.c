/* What an Express workflow cannot do. */
#include "asl/compile_internal.h"

const char *express_refusal(const struct state *st, struct str *ret_field)
{
    *ret_field = st->review              ? STR("x-review")
                 : st->type == STATE_MAP ? STR("Type")
                                         : STR("Resource");
    if (st->review)
        return "Express state machine does not support reviews";
    if (st->type == STATE_MAP && st->u.map.distributed)
        return "Express state machine does not support distributed Map states";
    if (st->type != STATE_TASK)
        return NULL;
    if (st->u.task.resource.kind == TASK_ACTIVITY)
        return "Express state machine does not support activities";
    if (st->u.task.resource.kind == TASK_REVIEW)
        return "Express state machine does not support reviews";
    switch (st->u.task.resource.pattern) {
    case TASK_SYNC:
    case TASK_SYNC_2:
        return "Express state machine does not support '.sync' service integration";
    case TASK_WAIT_FOR_TOKEN:
        /* The blank at the end is AWS's. */
        return "Express state machine does not support '.waitForTaskToken' service integration ";
    case TASK_REQUEST_RESPONSE:
        break;
    }
    return NULL;
}

static bool scope_is_express(const struct compiler *c, uint32_t scope)
{
    while (scope != 0) {
        const struct scope_node *node = &c->scopes[scope];

        if (node->isolated)
            return node->express;
        scope = c->states[node->parent_state].scope;
    }
    return false;
}

void express_check_site(const struct site *s)
{
    struct str field;
    const char *refusal = express_refusal(s->state, &field);

    if (!refusal || !scope_is_express(s->c, s->state->scope))
        return;
    if (s->c->stored && s->state->review) { /* which said nothing once */
        s->state->review = NULL;
        s->c->passed_over++;
        express_check_site(s);
    } else {
        complain(s->c, CODE_EXPRESS_UNSUPPORTED, place_value(s, field),
                 STR("Set \"ExecutionType\": \"STANDARD\" on the Map around it."), "%s", refusal);
    }
}

void asl_check_express(const struct machine *m, struct diag_list *diags)
{
    for (uint32_t i = 0; i < m->state_count; i++) {
        const struct diag_code_info *info = diag_code_info(CODE_EXPRESS_UNSUPPORTED);
        struct str field;
        const char *refusal = express_refusal(&m->states[i], &field);

        if (!refusal)
            continue;
        diag_add(diags, (struct diag){
                            .severity = info->severity,
                            .code = info->name,
                            .pointer = json_pointer_child(
                                diags->arena, machine_state_pointer(m, i, diags->arena), field),
                            .message = str_of_cstr(refusal),
                            .remedy = STR("Make it a Standard state machine."),
                        });
    }
}
