#include "cli/plan_page.h"

#include "base/utf8.h"
#include "cli/render.h"

enum {
    NAME_WIDTH_MIN = 12,
    BESIDE_NAME = 36, /* mark, number, action and time with the blanks between them */
};

/* What happens to a step, in the order of the summary. */
static const struct action {
    struct str name;
    const char *mark, *summed;
    enum style style;
} actions[] = {
    {STR_INIT("kept"), "✔", "kept", STYLE_GOOD},
    {STR_INIT("skipped"), "↷", "skipped", STYLE_DIM},
    {STR_INIT("rerun"), "↻", "to run again", STYLE_BUSY},
    {STR_INIT("run"), "▸", "to run", STYLE_BUSY},
    {STR_INIT("not reached"), "·", "not reached", STYLE_DIM},
};

/* A newer release may know others. */
static const struct action *action_of(struct json step)
{
    struct str name = json_str(json_get(step, STR("action")));
    for (size_t i = 0; i < COUNT_OF(actions); i++)
        if (str_eq(name, actions[i].name))
            return &actions[i];
    return &actions[COUNT_OF(actions) - 1];
}

static int64_t number_of(struct json object, const char *member)
{
    int64_t number = 0;
    return json_to_int64(json_get(object, str_of_cstr(member)), &number) ? number : 0;
}

/* The table's last column is cut at the terminal's edge; this one gives way before. */
static struct str fitted(struct arena *a, struct str name, size_t width)
{
    size_t room =
        width > BESIDE_NAME + 2 * NAME_WIDTH_MIN ? (width - BESIDE_NAME) / 2 : NAME_WIDTH_MIN;
    if (!width || utf8_length(name) <= room)
        return name;
    size_t keep = room - 1, at = name.len;
    for (size_t left = keep; at > 0 && left > 0; left--)
        for (at--; at > 0 && ((unsigned char)name.ptr[at] & 0xc0) == 0x80;)
            at--;
    return arena_printf(a, "…" STR_FMT, STR_ARG(str_slice(name, at, name.len)));
}

static void add_step(struct table *t, struct json step, size_t width)
{
    const struct action *action = action_of(step);
    struct json last = json_get(step, STR("last_ms"));
    struct cell *cells = table_row(t);
    cells[0] = (struct cell){str_of_cstr(action->mark), action->style};
    cells[1].text = json_str(json_get(step, STR("number")));
    cells[2].text = fitted(t->arena, json_str(json_get(step, STR("path"))), width);
    cells[3] = (struct cell){json_str(json_get(step, STR("action"))), action->style};
    cells[4].text =
        json_is_number(last) ? duration_text(t->arena, number_of(step, "last_ms")) : STR("-");
    cells[5] = (struct cell){json_str(json_get(step, STR("why"))), STYLE_DIM};
}

static void print_totals(struct out *o, struct arena *a, struct json plan)
{
    bool ends = json_is_true(json_get(plan, STR("ends_known")));
    out_printf(o, "\n  Time saved     " STR_FMT "\n",
               STR_ARG(duration_text(a, number_of(plan, "saved_ms"))));
    out_printf(o, "  Time expected  " STR_FMT "%s\n",
               STR_ARG(duration_text(a, number_of(plan, "expected_ms"))),
               ends ? "" : ", and what is not known yet: what follows depends on data");
    struct json verifies = json_get(plan, STR("verifies"));
    if (json_count(verifies))
        out_printf(o, "  Checked first  %zu of the steps that are kept (x-verify)\n",
                   json_count(verifies));
}

bool plan_has_problems(struct json plan)
{
    return json_count(json_get(plan, STR("problems"))) > 0;
}

static void print_with_remedy(struct out *o, struct str what, struct str remedy)
{
    out_foreign(o, what, 0);
    out_text(o, "\n");
    if (!remedy.len)
        return;
    out_style(o, STYLE_HELP);
    out_text(o, "    ");
    out_foreign(o, remedy, 0);
    out_style(o, STYLE_OFF);
    out_text(o, "\n");
}

void plan_problems_print(struct out *o, struct json plan)
{
    struct json problems = json_get(plan, STR("problems"));
    for (size_t i = 0; i < json_count(problems); i++) {
        struct json problem = json_at(problems, i);
        struct str path = json_str(json_get(problem, STR("path")));
        out_style(o, STYLE_BAD);
        out_text(o, "  ✘ ");
        out_style(o, STYLE_OFF);
        if (path.len) {
            out_foreign(o, path, 0);
            out_text(o, ": ");
        }
        print_with_remedy(o, json_str(json_get(problem, STR("what"))),
                          json_str(json_get(problem, STR("remedy"))));
    }
}

/* What the static checks say of the definition that would run. */
static void print_diagnostics(struct out *o, struct json plan)
{
    struct json list = json_get(plan, STR("diagnostics"));
    if (json_count(list))
        out_text(o, "\nThe static checks say of the definition:\n");
    for (size_t i = 0; i < json_count(list); i++) {
        struct json diag = json_at(list, i);
        bool error = str_eq(json_str(json_get(diag, STR("severity"))), STR("error"));
        out_style(o, error ? STYLE_BAD : STYLE_BUSY);
        out_text(o, error ? "  ✘ " : "  ! ");
        out_style(o, STYLE_OFF);
        if (number_of(diag, "line"))
            out_printf(o, "%lld:%lld: ", (long long)number_of(diag, "line"),
                       (long long)number_of(diag, "column"));
        out_foreign(o, json_str(json_get(diag, STR("code"))), 0);
        out_text(o, ": ");
        print_with_remedy(o, json_str(json_get(diag, STR("message"))),
                          json_str(json_get(diag, STR("remedy"))));
    }
}

void plan_page_print(struct out *o, struct arena *a, struct json plan)
{
    static const struct column columns[] = {
        {"", false},       {"STEP", true}, {"NAME", false},
        {"ACTION", false}, {"LAST", true}, {"WHY", false},
    };
    struct json steps = json_get(plan, STR("steps"));
    struct table table = table_of(a, columns, COUNT_OF(columns));
    for (size_t i = 0; i < json_count(steps); i++)
        add_step(&table, json_at(steps, i), o->width);
    table_print(&table, o);
    print_totals(o, a, plan);
    if (plan_has_problems(plan)) {
        out_text(o, "\nThis cannot be done:\n");
        plan_problems_print(o, plan);
    }
    print_diagnostics(o, plan);
}

struct str checks_summary(struct arena *a, struct json note, bool *ret_good)
{
    struct json checks = json_get(note, STR("checks"));
    *ret_good = true;
    for (size_t i = 0; i < json_count(checks); i++) {
        struct json check = json_at(checks, i);
        struct str said = json_str(json_get(check, STR("said")));
        if (json_is_true(json_get(check, STR("ok"))))
            continue;
        *ret_good = false;
        return arena_printf(a, "what " STR_FMT " left does not hold any more (exit %lld)%s" STR_FMT,
                            STR_ARG(json_str(json_get(check, STR("state")))),
                            (long long)number_of(check, "exit"), said.len ? ": " : "",
                            STR_ARG(said));
    }
    return arena_printf(a, "what %zu kept %s left still holds", json_count(checks),
                        json_count(checks) == 1 ? "step" : "steps");
}

struct str plan_summary(struct arena *a, struct json plan)
{
    struct json steps = json_get(plan, STR("steps"));
    struct buf text = BUF_INIT(0);
    int64_t saved = number_of(plan, "saved_ms");
    for (size_t k = 0; k < COUNT_OF(actions); k++) {
        size_t count = 0;
        for (size_t i = 0; i < json_count(steps); i++)
            count += action_of(json_at(steps, i)) == &actions[k];
        if (count)
            buf_printf(&text, "%s%zu %s", text.len ? ", " : "", count, actions[k].summed);
    }
    if (saved > 0)
        buf_printf(&text, "; saves " STR_FMT, STR_ARG(duration_text(a, saved)));
    struct str copy = arena_str(a, buf_str(&text));
    buf_release(&text);
    return copy;
}
