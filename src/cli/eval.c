#include "cli/eval.h"

#include "base/rng.h"
#include "base/utf8.h"
#include "expr/intrinsic/intrinsic.h"
#include "os/clock.h"
#include "os/entropy.h"

enum {
    SHOWN_BEFORE = 60, /* bytes of a line before and behind the spot */
    SHOWN_BEHIND = 36,
};

struct eval_question eval_question_of(const struct eval_setting *setting, struct str text)
{
    return (struct eval_question){
        .text = text,
        .steps_max = setting->step_functions ? EXPR_STEPS_MAX : EVAL_STEPS_MAX,
        .depth_max = setting->step_functions ? JSONATA_DEPTH_STEP_FUNCTIONS : 0,
        .held_max = setting->step_functions ? JSONATA_HELD_STEP_FUNCTIONS : 0,
    };
}

/* ---- where ---- */

/* The byte at which the n-th unit of UTF-16 stands: JavaScript counts those. */
static size_t byte_of_character(struct str text, size_t n)
{
    size_t at = 0;
    while (n > 0 && at < text.len) {
        size_t units = utf8_next(text, &at) >= 0x10000 ? 2 : 1;
        n -= units < n ? units : n;
    }
    return at;
}

/* S0203, S0207: what is missing would stand behind the last character. */
static bool is_of_the_end(const struct jsonata_error *e)
{
    return strcmp(e->code, "S0203") == 0 || strcmp(e->code, "S0207") == 0;
}

/* The reference puts the position behind the token, or for a call behind the bracket
 * after it. Some tokens (a name in backquotes, a string) are longer in the text than their
 * value; then the spot is one character. */
static void locate(struct str text, struct eval_answer *answer)
{
    const struct jsonata_error *e = &answer->error;
    size_t to = byte_of_character(text, e->position);
    struct str before = str_slice(text, 0, to);
    if (!str_ends_with(before, e->token) && str_ends_with(before, STR("(")))
        before = str_trim(str_slice(before, 0, to - 1));
    bool there = e->token.len > 0 && str_ends_with(before, e->token);
    if (there)
        to = (size_t)(before.ptr - text.ptr) + before.len;
    answer->to = to;
    if (is_of_the_end(e))
        answer->from = answer->to = text.len;
    else
        answer->from = there ? to - e->token.len : to > 0 ? utf8_floor(text, to - 1) : 0;
}

/* ---- the three languages ---- */

static struct eval_answer refused(const struct err *err, struct arena *a)
{
    struct eval_answer answer = {.outcome = EVAL_REFUSED, .from = err->offset, .to = err->offset};
    answer.error.message = arena_str(a, str_of_cstr(err->message));
    if (err->offset != SIZE_MAX)
        answer.to = err->offset + 1;
    return answer;
}

static struct eval_answer failed(struct str name, struct str message)
{
    return (struct eval_answer){
        .outcome = EVAL_FAILED, .name = name, .error.message = message, .from = SIZE_MAX};
}

static struct eval_answer ask_jsonata(struct arena *a, const struct eval_setting *setting,
                                      const struct eval_question *q)
{
    struct eval_answer answer = {.from = SIZE_MAX};
    struct jsonata_options options = {
        .level = setting->level,
        .allow_eval = !setting->step_functions,
        .step_functions = setting->step_functions,
    };
    const struct jsonata *e = NULL;
    struct rng rng = rng_seeded(entropy_u64());
    struct expr_vars vars = {.own = q->variables};
    struct jsonata_env env = {
        .input = q->input,
        .vars = &vars,
        .now = clock_wall(),
        .rng = &rng,
        .out = a,
        .steps_left = q->steps_max,
        .depth_max = q->depth_max < JSONATA_DEPTH_MAX ? q->depth_max : JSONATA_DEPTH_MAX,
        .held_max = q->held_max,
    };
    if (!jsonata_compile(a, q->text, options, &e, &answer.error)) {
        answer.outcome = EVAL_REFUSED;
    } else {
        switch (jsonata_eval(e, &env, &answer.value, &answer.error)) {
        case JSONATA_VALUE:
            answer.outcome = EVAL_VALUE;
            break;
        case JSONATA_UNDEFINED:
            answer.outcome = EVAL_UNDEFINED;
            break;
        case JSONATA_FUNCTION:
            answer.outcome = EVAL_FUNCTION;
            break;
        case JSONATA_FAILED:
            answer.outcome = EVAL_FAILED;
            break;
        }
    }
    if (answer.outcome == EVAL_REFUSED || answer.outcome == EVAL_FAILED) {
        answer.name = arena_str(a, str_of_cstr(answer.error.code));
        locate(q->text, &answer);
    }
    return answer;
}

static struct expr_env path_env(struct arena *a, struct arena *scratch,
                                const struct eval_question *q, const struct expr_vars *vars,
                                struct rng *rng)
{
    return (struct expr_env){
        .input = json_is_absent(q->input) ? json_object(NULL, 0) : q->input,
        .context = json_object(NULL, 0),
        .vars = vars,
        .rng = rng,
        .out = a,
        .scratch = scratch,
        .steps_left = q->steps_max,
    };
}

static struct eval_answer ask_jsonpath(struct arena *a, struct expr_env *env,
                                       const struct eval_question *q)
{
    struct eval_answer answer = {.outcome = EVAL_VALUE};
    const struct path *path = NULL;
    struct str why = STR("");
    struct err err;
    if (!path_compile(a, q->text, &path, &err))
        return refused(&err, a);
    if (path_eval(path, env, &answer.value, &why) == PATH_FOUND)
        return answer;
    return failed(STR("States.Runtime"), why);
}

static struct eval_answer ask_intrinsic(struct arena *a, struct expr_env *env,
                                        const struct eval_question *q)
{
    struct eval_answer answer = {.outcome = EVAL_VALUE};
    const struct intrinsic *call = NULL;
    struct expr_failure failure;
    struct err err;
    if (!intrinsic_compile(a, q->text, &call, &err))
        return refused(&err, a);
    if (intrinsic_eval(call, STR("(argument)"), env, &answer.value, &failure))
        return answer;
    return failed(failure.error, failure.cause);
}

struct eval_answer eval_ask(struct arena *a, const struct eval_setting *setting,
                            const struct eval_question *question)
{
    if (setting->language == EVAL_JSONATA)
        return ask_jsonata(a, setting, question);
    struct arena *scratch = arena_new(EVAL_MEMORY_MAX);
    struct rng rng = rng_seeded(entropy_u64());
    struct expr_vars vars = {.own = question->variables};
    struct expr_env env = path_env(a, scratch, question, &vars, &rng);
    struct eval_answer answer = setting->language == EVAL_JSONPATH
                                    ? ask_jsonpath(a, &env, question)
                                    : ask_intrinsic(a, &env, question);
    arena_free(scratch);
    return answer;
}

bool eval_is_unfinished(const struct eval_answer *answer)
{
    /* Quotes, "expected ... before end of expression", "unexpected end of expression",
     * a comment, a regular expression, a name in backquotes. */
    static const char *const codes[] = {"S0101", "S0203", "S0207", "S0106", "S0302", "S0105"};
    if (answer->outcome != EVAL_REFUSED)
        return false;
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
        if (strcmp(answer->error.code, codes[i]) == 0)
            return true;
    return false;
}

/* ---- printing ---- */

/* Characters of a text on the screen, as out_foreign shows it. */
static void repeat(struct out *o, const char *text, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out_text(o, text);
}

static void print_spot(struct out *err, struct str text, const struct eval_answer *answer)
{
    size_t from = answer->from < text.len ? answer->from : text.len;
    size_t to = answer->to < text.len ? answer->to : text.len;
    struct str before = str_slice(text, 0, from);
    size_t begin = str_rfind_char(before, '\n') + 1; /* SIZE_MAX + 1 is 0 */
    size_t end = str_find_char(str_slice(text, from, text.len), '\n');
    end = end == SIZE_MAX ? text.len : from + end;
    to = to < end ? to : end;
    bool cut_left = from - begin > SHOWN_BEFORE, cut_right = end - to > SHOWN_BEHIND;
    if (cut_left)
        begin = utf8_floor(text, from - SHOWN_BEFORE);
    if (cut_right)
        end = utf8_floor(text, to + SHOWN_BEHIND);
    out_text(err, cut_left ? "  …" : "  ");
    out_foreign(err, str_slice(text, begin, end), 0);
    out_text(err, cut_right ? "…\n  " : "\n  ");
    repeat(err, " ", utf8_length(str_slice(text, begin, from)) + cut_left);
    out_style(err, STYLE_BAD);
    size_t wide = utf8_length(str_slice(text, from, to));
    repeat(err, "^", wide ? wide : 1);
    out_style(err, STYLE_OFF);
    out_text(err, "\n");
}

static int print_error(struct out *err, struct str text, const struct eval_answer *answer)
{
    out_style(err, STYLE_BAD);
    out_text(err, "error: ");
    out_style(err, STYLE_OFF);
    if (answer->name.len)
        out_printf(err, STR_FMT ": ", STR_ARG(answer->name));
    out_foreign(err, answer->error.message, 0);
    out_text(err, "\n");
    if (answer->from != SIZE_MAX)
        print_spot(err, text, answer);
    out_flush(err);
    return answer->outcome == EVAL_REFUSED ? err_exit_status(ERR_USAGE)
                                           : err_exit_status(ERR_EVALUATION);
}

static void print_remark(struct out *err, const char *text)
{
    out_style(err, STYLE_DIM);
    out_text(err, text);
    out_style(err, STYLE_OFF);
    out_text(err, "\n");
    out_flush(err);
}

int eval_print(struct out *o, struct out *err, struct str text, const struct eval_answer *answer)
{
    switch (answer->outcome) {
    case EVAL_VALUE:
        json_write_pretty(&o->buf, answer->value);
        out_text(o, "\n");
        out_flush(o);
        return 0;
    case EVAL_UNDEFINED:
        print_remark(err, "undefined: it leads to nothing");
        return 0;
    case EVAL_FUNCTION:
        print_remark(err, "a function");
        return 0;
    case EVAL_REFUSED:
    case EVAL_FAILED:
        break;
    }
    return print_error(err, text, answer);
}
