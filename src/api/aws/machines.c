/* Create, Update, Delete, Describe and List of state machines, and of an execution's. */
#include "api/aws/operations.h"

#include "engine/names.h"

/* ---- what is taken ---- */

static bool take_name(struct call *c, struct str name)
{
    struct err err;
    if (name_check(name, "the name", &err))
        return true;
    call_fail_aws(c, "InvalidName", "Invalid Name: '" STR_FMT "'", STR_ARG(name));
    return false;
}

static bool take_role(struct call *c, struct str role)
{
    struct arn arn;
    if (role.len == 0 || (arn_parse(role, &arn) && str_find(role, STR(":iam::")) != SIZE_MAX &&
                          str_starts_with(arn.word, STR("role/"))))
        return true;
    call_fail_aws(c, "InvalidArn", "Invalid Role Arn: '" STR_FMT "'", STR_ARG(role));
    return false;
}

static bool take_publish(struct call *c, bool *ret_publish)
{
    *ret_publish = aws_is_true(c, "publish");
    if (*ret_publish || !aws_given(c, "versionDescription"))
        return true;
    call_fail_aws(c, "ValidationException",
                  "Version description can only be set when publish is true");
    return false;
}

/* ---- create ---- */

static void created(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_machine *m = &answer->machine;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, m->arn);
        return;
    }
    json_object_add(&b, STR("stateMachineArn"), json_string(m->arn));
    json_object_add(&b, STR("creationDate"), aws_time(m->created_at));
    if (m->version)
        json_object_add(&b, STR("stateMachineVersionArn"),
                        json_string(arn_of_version(c->arena, m->arn, m->version)));
    call_answer(c, 200, json_object_done(&b));
}

void aws_create_machine(struct call *c)
{
    struct catalog_asker who = aws_asker(c, created);
    struct catalog_draft draft = {
        .name = aws_text(c, "name"),
        .definition = aws_text(c, "definition"),
        .settings = {.express = str_eq(aws_text(c, "type"), STR("EXPRESS")),
                     .role_arn = aws_text(c, "roleArn")},
        .description = aws_text(c, "versionDescription"),
    };
    if (!take_name(c, draft.name) || !take_publish(c, &draft.publish) ||
        !take_role(c, draft.settings.role_arn) || !aws_take_tags(c, &draft.tags) ||
        !aws_take_logging(c, &draft.settings.logging) ||
        !aws_take_tracing(c, &draft.settings.tracing) ||
        !aws_take_encryption(c, &draft.settings.encryption) ||
        !aws_take_definition(c, draft.definition, draft.settings.express))
        return;
    draft.arn = arn_of_machine(c->arena, aws_region(c), c->api->options.account, draft.name);
    catalog_create_machine(c->api->catalog, &who, &draft);
}

/* ---- update ---- */

struct update {
    struct catalog_change change;
};

static void updated(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct update *u = c->work;
    const struct catalog_machine *m = &answer->machine;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, u->change.machine.text);
        return;
    }
    json_object_add(&b, STR("updateDate"), aws_time(m->updated_at));
    json_object_add(&b, STR("revisionId"), aws_revision(m->revision));
    if (m->version)
        json_object_add(&b, STR("stateMachineVersionArn"),
                        json_string(arn_of_version(c->arena, m->arn, m->version)));
    call_answer(c, 200, json_object_done(&b));
}

static bool changes_anything(struct call *c)
{
    if (aws_given(c, "definition") || aws_given(c, "roleArn") ||
        aws_given(c, "loggingConfiguration") || aws_given(c, "tracingConfiguration") ||
        aws_given(c, "encryptionConfiguration") || aws_given(c, "publish"))
        return true;
    call_fail_aws(c, "MissingRequiredParameter",
                  "Either the definition, the role ARN, the LoggingConfiguration, the "
                  "TracingConfiguration or the EncryptionConfiguration must be specified");
    return false;
}

/* Whether an Express machine may have the definition depends on the machine. */
static void update_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct update *u = c->work;
    struct catalog_asker who = aws_asker(c, updated);
    if (answer->outcome != CATALOG_DONE) {
        aws_refused(c, answer, u->change.machine.text);
        return;
    }
    if (!u->change.has_definition ||
        aws_take_definition(c, u->change.definition, answer->machine.settings.express))
        catalog_update_machine(c->api->catalog, &who, &u->change);
}

void aws_update_machine(struct call *c)
{
    struct update *u = c->work = ARENA_NEW(c->arena, struct update);
    struct catalog_change *change = &u->change;
    struct catalog_asker who = aws_asker(c, update_found);
    change->definition = aws_text(c, "definition");
    change->has_definition = aws_given(c, "definition");
    change->role_arn = aws_text(c, "roleArn");
    change->description = aws_text(c, "versionDescription");
    if (!aws_take_whole_machine(c, &change->machine) || !changes_anything(c) ||
        !take_publish(c, &change->publish) || !take_role(c, change->role_arn) ||
        !aws_take_logging(c, &change->logging) || !aws_take_tracing(c, &change->tracing) ||
        !aws_take_encryption(c, &change->encryption))
        return;
    /* A version cannot be changed, and an alias has an operation of its own. */
    if (change->machine.kind != ARN_MACHINE)
        call_fail_aws(c, "StateMachineDoesNotExist", "State Machine Does Not Exist: '" STR_FMT "'",
                      STR_ARG(change->machine.text));
    else
        catalog_find_machine(c->api->catalog, &who, &change->machine);
}

/* ---- delete ---- */

void aws_emptied(void *owner, const struct catalog_answer *answer)
{
    if (answer->outcome == CATALOG_DONE)
        call_answer(owner, 200, aws_empty());
    else
        aws_refused(owner, answer, answer->subject);
}

void aws_delete_machine(struct call *c)
{
    struct catalog_asker who = aws_asker(c, aws_emptied);
    struct arn arn;
    if (!aws_take_whole_machine(c, &arn))
        return;
    if (arn.kind == ARN_MACHINE)
        catalog_delete_machine(c->api->catalog, &who, &arn);
    else
        call_fail_aws(c, "ValidationException",
                      "The ARN must be that of a state machine without version or alias: " STR_FMT,
                      STR_ARG(arn.text));
}

/* ---- describe ---- */

struct json aws_revision(struct str revision)
{
    return revision.len == 0 || str_eq(revision, STR(CATALOG_FIRST_REVISION))
               ? JSON_NONE
               : json_string(revision);
}

/* {"STATE": ["variable", ...]}; absent when no state reads any. */
static struct json variable_references(struct arena *a, const struct machine *machine)
{
    struct json_object_builder b = json_object_builder(a);
    for (uint32_t i = 0; i < machine->state_count; i++) {
        const struct state *state = &machine->states[i];
        struct json_array_builder names = json_array_builder(a);
        for (size_t k = 0; k < state->variable_count; k++)
            json_array_add(&names, json_string_copy(a, state->variables[k]));
        if (names.count)
            json_object_put(&b, arena_str(a, state->name), json_array_done(&names));
    }
    return b.count ? json_object_done(&b) : JSON_NONE;
}

static void add_definition(struct call *c, struct json_object_builder *b, struct str text)
{
    struct machine_ref *ref;
    struct err err;
    if (str_eq(aws_text(c, "includedData"), STR("METADATA_ONLY"))) {
        json_object_add(b, STR("definition"), json_string(STR("{}")));
        return;
    }
    json_object_add(b, STR("definition"), json_string_copy(c->arena, text));
    if (!machine_load(&c->api->machines, text, &ref, &err))
        return; /* an older release took it: its text is shown all the same */
    json_object_add(b, STR("variableReferences"), variable_references(c->arena, ref->machine));
    machine_release(&c->api->machines, ref);
}

static void add_settings(struct json_object_builder *b, const struct catalog_settings *s)
{
    json_object_add(b, STR("roleArn"), json_string(s->role_arn));
    json_object_add(b, STR("loggingConfiguration"), s->logging);
    json_object_add(b, STR("tracingConfiguration"), s->tracing);
    json_object_add(b, STR("encryptionConfiguration"), s->encryption);
}

static struct json type_json(const struct catalog_settings *s)
{
    return json_string(s->express ? STR("EXPRESS") : STR("STANDARD"));
}

static void described(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    const struct catalog_machine *m = &answer->machine;
    struct json_object_builder b = json_object_builder(c->arena);
    if (answer->outcome != CATALOG_DONE) {
        aws_no_machine(c, answer, aws_text(c, "stateMachineArn"));
        return;
    }
    struct str arn = m->version ? arn_of_version(c->arena, m->arn, m->version) : m->arn;
    json_object_add(&b, STR("stateMachineArn"), json_string(arn));
    json_object_add(&b, STR("name"), json_string(m->name));
    json_object_add(&b, STR("status"), json_string(STR("ACTIVE")));
    json_object_add(&b, STR("type"), type_json(&m->settings));
    json_object_add(&b, STR("creationDate"), aws_time(m->created_at));
    json_object_add(&b, STR("revisionId"), aws_revision(m->revision));
    if (m->version && m->description.len)
        json_object_add(&b, STR("description"), json_string(m->description));
    add_settings(&b, &m->settings);
    add_definition(c, &b, m->text);
    call_answer(c, 200, json_object_done(&b));
}

void aws_describe_machine(struct call *c)
{
    struct catalog_asker who = aws_asker(c, described);
    struct arn arn;
    if (aws_take_arn(c, "stateMachineArn", ARN_IS_ANY_MACHINE, &arn))
        catalog_find_machine(c->api->catalog, &who, &arn);
}

/* ---- the machine of an execution, as it was when that was started ---- */

struct of_execution {
    const struct execution_row *row;
    struct catalog_machine machine;
};

static void answer_of_execution(struct call *c, struct str definition)
{
    const struct of_execution *w = c->work;
    const struct catalog_machine *m = &w->machine;
    struct json_object_builder b = json_object_builder(c->arena);
    json_object_add(&b, STR("stateMachineArn"), json_string(w->row->machine_arn));
    json_object_add(&b, STR("name"), json_string(w->row->machine_name));
    json_object_add(&b, STR("updateDate"), aws_time(m->updated_at));
    json_object_add(&b, STR("revisionId"), aws_revision(m->revision));
    add_settings(&b, &m->settings);
    add_definition(c, &b, definition);
    call_answer(c, 200, json_object_done(&b));
}

static void definition_read(void *owner, struct errand *e, const struct err *err)
{
    if (err)
        call_fail(owner, err);
    else
        answer_of_execution(owner, e->read.text);
}

/* What is not known any more, or never was, has its defaults: so has what has the execution's
 * definition no more, a machine of the same name that came later. */
static void revision_found(void *owner, const struct catalog_answer *answer)
{
    struct call *c = owner;
    struct of_execution *w = c->work;
    struct catalog_machine *m = &w->machine;
    if (answer->outcome == CATALOG_FAILED) {
        call_fail(c, answer->err);
        return;
    }
    bool known = answer->outcome == CATALOG_DONE &&
                 memcmp(answer->machine.definition, w->row->definition, SHA256_SIZE) == 0;
    if (known)
        *m = answer->machine;
    m->settings = catalog_settings_whole(c->arena, &m->settings);
    m->settings.role_arn =
        w->row->role_arn.len ? w->row->role_arn : identity_of_row(c->arena, w->row, NULL).role_arn;
    if (m->updated_at.ms == 0)
        m->updated_at = w->row->started_at;
    if (known) {
        answer_of_execution(c, m->text);
        return;
    }
    struct errand *next = call_errand(c, definition_read);
    memcpy(next->read.hash, w->row->definition, SHA256_SIZE);
    errand_read(next, STORE_GET_DEFINITION);
}

static void execution_found(struct call *c, const struct execution_row *row)
{
    struct of_execution *w = c->work = ARENA_NEW(c->arena, struct of_execution);
    struct catalog_asker who = aws_asker(c, revision_found);
    struct json revision = json_get(aws_origin(c, row), STR("revision"));
    w->row = row;
    catalog_find_revision(c->api->catalog, &who, row->machine_name,
                          json_is_absent(revision) ? STR("none") : json_str(revision));
}

void aws_describe_machine_for_execution(struct call *c)
{
    struct arn arn;
    if (aws_take_arn(c, "executionArn", ARN_IS_EXECUTION, &arn))
        call_find(c, arn.text, execution_found);
}

/* ---- list ---- */

static struct json machine_item(struct arena *a, const struct catalog_answer *answer, size_t i,
                                struct str *ret_last)
{
    const struct catalog_machine *m = &answer->items[i];
    struct json_object_builder b = json_object_builder(a);
    json_object_add(&b, STR("stateMachineArn"), json_string(m->arn));
    json_object_add(&b, STR("name"), json_string(m->name));
    json_object_add(&b, STR("type"), type_json(&m->settings));
    json_object_add(&b, STR("creationDate"), aws_time(m->created_at));
    *ret_last = m->name;
    return json_object_done(&b);
}

static void listed(void *owner, const struct catalog_answer *answer)
{
    aws_answer_page(owner, answer, "stateMachines", machine_item);
}

void aws_list_machines(struct call *c)
{
    struct aws_page *page = c->work = ARENA_NEW(c->arena, struct aws_page);
    struct catalog_asker who = aws_asker(c, listed);
    if (aws_take_page(c, "machines", STR(""), page))
        catalog_list_machines(c->api->catalog, &who, page->after, page->count);
}
