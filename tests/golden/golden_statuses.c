/* The words for how an execution and a step stand, as docs/recovery.md has them: each row of the
 * code's table is one of the page's, and the page has no others. */
#include "api/status.h"
#include "base/buf.h"
#include "journal/journal.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    PAGE_SIZE_MAX = 256 << 10,
    LINE_SIZE = 200,
};

static char page[PAGE_SIZE_MAX];

static bool page_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return false;
    size_t size = fread(page, 1, sizeof(page) - 1, f);
    page[size] = '\0';
    return fclose(f) == 0 && size > 0;
}

/* What stands below "## Statuses". */
static struct str section(void)
{
    static const char title[] = "\n## Statuses\n";
    const char *from = strstr(page, title);
    if (!from)
        return STR("");
    from += sizeof(title) - 1;
    const char *to = strstr(from, "\n## ");
    return str_of(from, to ? (size_t)(to - from) : strlen(from));
}

static size_t rows_of_table(struct str text)
{
    size_t lines = 0;
    for (size_t at; (at = str_find(text, STR("\n|"))) != SIZE_MAX; lines++)
        text = str_slice(text, at + 2, text.len);
    return lines < 2 ? 0 : lines - 2; /* without its head */
}

static bool page_has(struct str text, const char *line)
{
    if (str_find(text, str_of_cstr(line)) != SIZE_MAX)
        return true;
    printf("# missing: %s\n", line);
    return false;
}

static bool executions_agree(struct str text)
{
    bool ok = rows_of_table(text) == STATUS_COUNT;
    if (!ok)
        printf("# the page has %zu rows, the code %d\n", rows_of_table(text), STATUS_COUNT);
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        enum status s = (enum status)i;
        char line[LINE_SIZE];
        (void)snprintf(line, sizeof(line), "\n| %s | %s | %s |", status_aws_name(s),
                       status_rest_name(s), status_jobs_name(s));
        ok &= page_has(text, line);
    }
    return ok;
}

static bool steps_agree(struct str text)
{
    bool ok = true;
    for (unsigned i = STEP_RUNNING; i <= STEP_PENDING; i++) {
        char word[LINE_SIZE];
        (void)snprintf(word, sizeof(word), "`%s`", step_status_name((enum step_status)i));
        ok &= page_has(text, word);
    }
    return ok;
}

int main(int argc, char **argv)
{
    if (argc != 2 || !page_read(argv[1]))
        return EXIT_FAILURE;
    struct str text = section();
    bool executions = executions_agree(text), steps = steps_agree(text);
    printf("1..2\n%sok 1 - an execution's words on each interface\n", executions ? "" : "not ");
    printf("%sok 2 - a step's words\n", steps ? "" : "not ");
    return executions && steps ? EXIT_SUCCESS : EXIT_FAILURE;
}
