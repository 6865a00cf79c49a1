#include "cli/definition_file.h"

#include "asl/report.h"
#include "json/yaml.h"
#include "os/files.h"

static struct str name_of_file(struct str path)
{
    size_t slash = str_rfind_char(path, '/');
    struct str base = str_slice(path, slash == SIZE_MAX ? 0 : slash + 1, path.len);
    return str_slice(base, 0, str_find_char(base, '.'));
}

int definition_file_read(struct cli *cli, const char *path, struct definition_file *ret)
{
    struct err err, syntax;
    struct diag_list diags = diag_list(cli->arena);
    if (!file_read(cli->arena, path, DEFINITION_SIZE_MAX, &ret->text, &err))
        return cli_fail(cli, NULL, &err);
    bool valid = asl_compile(cli->arena, ret->text, &diags, &ret->machine, &syntax);
    /* The plan of a dry run says what does not refuse it. */
    if (!valid || !option_if_known(&cli->arguments, "--dry-run"))
        report_text(&cli->err.buf, str_of_cstr(path), ret->text, &diags, &syntax, cli->err.colour);
    out_flush(&cli->err);
    ret->name = strcmp(path, "-") == 0 ? STR("stdin") : name_of_file(str_of_cstr(path));
    return valid ? 0 : err_exit_status(ERR_INVALID_DEFINITION);
}

int definition_file_check_documented(struct cli *cli, const char *path, struct str text,
                                     const struct machine *machine)
{
    struct diag_list diags = diag_list(cli->arena);
    asl_check_documented(machine, &diags);
    report_text(&cli->err.buf, str_of_cstr(path), text, &diags, &(struct err){.code = ERR_NONE},
                cli->err.colour);
    out_flush(&cli->err);
    return diags.error_count == 0 ? 0 : err_exit_status(ERR_INVALID_DEFINITION);
}

struct str definition_file_json(struct arena *a, const struct definition_file *file)
{
    struct json value;
    if (str_starts_with(str_trim(file->text), STR("{")) ||
        !yaml_parse(a, file->text, (struct json_limits){0}, &value, NULL))
        return file->text;
    return json_text(a, value);
}
