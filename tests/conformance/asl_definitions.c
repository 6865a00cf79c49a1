/* Compiles definitions for asl_definitions.py.
 *
 * stdin has one JSON object a line: {"definition": TEXT, "express": BOOL}; for
 * each, stdout gets one line: the diagnostics as report_json gives them.
 */
#include "asl/compile.h"
#include "asl/report.h"

#include <stdio.h>
#include <stdlib.h>

static bool answer(struct arena *a, struct str line, struct buf *b)
{
    struct diag_list diags = diag_list(a);
    const struct machine *m;
    struct err err;
    struct json request;
    struct str text;

    if (!json_parse(a, line, (struct json_limits){0}, JSON_DUPLICATES_REFUSE, &request, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    text = json_str(json_get(request, STR("definition")));
    if (asl_compile(a, text, &diags, &m, &err) && json_is_true(json_get(request, STR("express"))))
        asl_check_express(m, &diags);
    report_json(b, text, &diags, &err);
    return true;
}

int main(void)
{
    char *line = NULL;
    size_t capacity = 0;
    ssize_t count;
    bool ok = true;

    while (ok && (count = getline(&line, &capacity, stdin)) > 0) {
        struct arena *a = arena_new(0);
        struct buf b = BUF_INIT(0);

        ok = answer(a, str_trim(str_of(line, (size_t)count)), &b);
        printf(STR_FMT "\n", STR_ARG(buf_str(&b)));
        buf_release(&b);
        arena_free(a);
    }
    free(line);
    return ok ? 0 : 1;
}
