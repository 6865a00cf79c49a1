/* What Step Functions does not document, and so aws_limits: strict does not take. */
#include "asl/compile_internal.h"

void asl_check_documented(const struct machine *m, struct diag_list *diags)
{
    const struct diag_code_info *info = diag_code_info(CODE_NEWER_JSONATA);

    for (const struct newer_jsonata *n = m->newer_jsonata; n; n = n->next)
        diag_add(diags,
                 (struct diag){
                     .severity = info->severity,
                     .code = info->name,
                     .pointer = n->pointer,
                     .message = n->message,
                     .remedy = arena_printf(diags->arena,
                                            "It is at character %zu of the expression: with "
                                            "aws_limits: strict it must be JSONata 2.0.6, which "
                                            "has neither '?\?' nor '?:'.",
                                            n->position),
                 });
}
