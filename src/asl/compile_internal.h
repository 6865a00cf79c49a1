/* What the files of the compiler share. Included only inside asl/.
 *
 * A compilation walks the document twice: collect.c numbers states and scopes
 * (so that every name is known), then state.c and its neighbours compile each
 * state's fields. graph.c and variables.c then look at the whole. Recursion is
 * bounded by DEFINITION_DEPTH_MAX and CHOICE_DEPTH_MAX.
 */
#ifndef PAWL_ASL_COMPILE_INTERNAL_H
#define PAWL_ASL_COMPILE_INTERNAL_H

#include "asl/compile.h"
#include "asl/diag_codes.h"
#include "base/utf8.h"

/* A state as it stands in the document. */
struct node {
    struct json source;
    struct str pointer;
    uint32_t child_scope, child_count; /* its branches or its processor */
    bool jsonata;                      /* written in JSONata */
};

/* An object with StartAt and States. */
struct scope_node {
    struct json source;
    struct str pointer;
    uint32_t parent_state, branch, start;
    bool isolated; /* items of a distributed Map: variables around it are out of sight */
    bool express;  /* ... which run as Express workflows */
};

/* A name that an Assign gives, or that an expression reads. */
struct variable {
    struct str name;
    uint32_t scope, state;
    struct str pointer;
};

struct variables {
    struct variable *items;
    size_t count, capacity;
};

struct compiler {
    struct arena *arena;   /* the machine's */
    struct arena *scratch; /* dies with the compilation */
    struct diag_list *diags;
    bool jsonata;   /* the machine's QueryLanguage */
    bool exhausted; /* a budget is spent: nothing more is compiled */

    bool stored;        /* the text stands in the store: malformed fields of our own are absent */
    bool passes_over;   /* such a field is looked at: what is wrong with it is only counted */
    size_t passed_over; /* complaints that were not made */

    struct node *nodes; /* by state number */
    size_t node_count, node_capacity;
    struct str *names; /* of the nodes, while they are collected */
    uint32_t *node_scopes;
    size_t name_capacity, node_scope_capacity;
    struct scope_node *scopes;
    size_t scope_count, scope_capacity;

    struct state *states;
    uint32_t *by_name;
    uint32_t on_cancel; /* STATE_NO_NONE: none */
    struct variables assigned, used;
    const struct newer_jsonata *newer, **last_newer;
};

/* An object of the document that is being compiled. */
struct site {
    struct compiler *c;
    struct json object;
    struct str pointer;
    struct state *state; /* that it belongs to; NULL outside of states */
    struct str field;    /* its place in the state: "Choices[0]"; empty: the state itself */
};

/* ---- fields.c: saying what is wrong, and reading fields ---- */

struct place {
    struct str pointer;
    bool at_key;
};

struct place place_here(const struct site *s);
struct place place_value(const struct site *s, struct str field);
struct place place_key(const struct site *s, struct str field);

/* `remedy` may be empty. */
void complain(struct compiler *c, enum diag_code code, struct place at, struct str remedy,
              const char *format, ...) PRINTF_LIKE(5, 6);

/* "a string", "null": for messages. */
const char *json_noun(struct json v);

/* A text from outside, fit for a message: cut when it is long. */
struct str clip(struct compiler *c, struct str text);

/* "Did you mean \"x\"?" or empty. */
struct str suggest(struct compiler *c, struct str text, const struct str *names, size_t count);
/* Only the first problems get suggestions: looking for them takes time. */
bool suggestions_left(const struct compiler *c);

/* Is a budget spent? Says so once. */
bool compiler_exhausted(struct compiler *c);

struct site site_child(const struct site *s, struct str field, struct json object);
struct site site_item(const struct site *s, size_t index, struct json object);

bool field_given(const struct site *s, struct str name);

/* These give false when the field is not there, and complain when it is bad. */
bool field_text(const struct site *s, struct str name, struct str *ret_text);
bool field_bool(const struct site *s, struct str name, bool *ret_value);
bool field_whole(const struct site *s, struct str name, int64_t min, int64_t max,
                 int64_t *ret_value);
bool field_list(const struct site *s, struct str name, bool may_be_empty, struct json *ret_list);
bool field_object(const struct site *s, struct str name, struct json *ret_object);
bool field_real(const struct site *s, struct str name, double min, double max, double *ret_value);
/* The index of the text among the names. */
bool field_choice(const struct site *s, struct str name, const struct str *names, size_t count,
                  size_t *ret_index);

/* Is the state that it belongs to written in JSONata? */
bool site_is_jsonata(const struct site *s);

/* Every member must be one of the names, a Comment or an x- field. */
void fields_allow(const struct site *s, const struct str *names, size_t count);
/* Complains once about all that are missing. */
bool fields_require(const struct site *s, const struct str *names, size_t count);
/* Complains when more than one is given. Returns how many are. */
size_t fields_exclude(const struct site *s, const struct str *names, size_t count);

/* The member names that a state of this type takes, by the table of fields. */
void state_fields_check(const struct site *s, enum state_type type);

/* ---- expressions.c ---- */

enum path_rule {
    PATH_RULE_ANY,
    PATH_RULE_REFERENCE, /* one place */
    PATH_RULE_RESULT,    /* one place in the input */
};

/* NULL when the field is absent or bad. */
const struct path *field_path(const struct site *s, struct str name, enum path_rule rule);
/* The same for a value in hand. */
const struct path *path_of(const struct site *s, struct str name, struct json value,
                           enum path_rule rule);
struct path_field field_path_or_null(const struct site *s, struct str name);
void field_result_path(const struct site *s, bool *ret_discarded, const struct path **ret_path);
const struct template *field_template(const struct site *s, struct str name);
const struct template *field_assign(const struct site *s);
/* JSONata: any value, in which "{% ... %}" are expressions. NULL when it is absent. */
const struct template *field_query(const struct site *s, struct str name);
/* Is the field a text "{% ... %}" of a state in JSONata? */
bool field_is_query(const struct site *s, struct str name);
/* `name` or `name`Path. */
struct number_field field_number(const struct site *s, struct str name, int64_t min, int64_t max);
struct real_field field_real_number(const struct site *s, struct str name, double min, double max);
/* `name` or `name`Path, which may be an intrinsic call. */
struct text_field field_computed_text(const struct site *s, struct str name);

/* ---- collect.c ---- */

/* Numbers everything below the root. */
void collect(struct compiler *c, struct json root);

/* ---- state.c, task.c, choice.c, handlers.c, map.c ---- */

void state_compile(struct compiler *c, uint32_t number);
/* The target named by a field: STATE_NO_NONE when absent or bad. */
uint32_t field_target(const struct site *s, struct str name);
/* The same, which says "MESSAGE: NAME" where there is no such state. */
uint32_t field_target_of(const struct site *s, struct str name, const char *message);
void task_compile(const struct site *s);
void choice_compile(const struct site *s);
void handlers_compile(const struct site *s);
void map_compile(const struct site *s);

/* arn:... to a resource. Complains at `s`'s Resource. */
bool resource_parse(const struct site *s, struct str text, struct resource *ret_resource);

/* ---- own_fields.c ---- */

/* Around whatever looks at fields of our own. Where `passed_over` has grown in between, the
 * field is to count as absent. */
void own_begin(struct compiler *c);
void own_end(struct compiler *c);

/* x-label, x-step, x-phase, x-type, x-review and x-verify of a state. */
void state_own_compile(const struct site *s);
/* x-label and x-step of a branch, x-on-cancel of the top level. */
void scope_own_compile(const struct site *s, uint32_t scope);

/* ---- graph.c ---- */

/* Binary search in by_name. STATE_NO_NONE: none. */
uint32_t states_find(const struct state *states, const uint32_t *by_name, uint32_t count,
                     uint32_t scope, struct str name);
/* Sorts by_name and complains about duplicates. */
void names_index(struct compiler *c);
/* Is there a state of this name in any scope? */
bool names_has(const struct compiler *c, struct str name);
void graph_check(struct compiler *c);

/* ---- variables.c ---- */

void variable_assigned(const struct site *s, struct str name, struct str pointer);
void variable_used(const struct site *s, struct str name, struct str pointer);
void variables_check(struct compiler *c);
/* Fills in the states' lists of variables. */
void variables_publish(struct compiler *c);

/* ---- express.c ---- */

/* Why the state cannot run in an Express workflow, in the words of AWS, and the
 * field at fault; NULL when it can. */
const char *express_refusal(const struct state *st, struct str *ret_field);
/* Complains when the state stands in a scope that runs as EXPRESS. */
void express_check_site(const struct site *s);

#endif
