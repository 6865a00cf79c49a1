/* Diagnostics for people and for programs.
 *
 *   order.json:12:15: error: MISSING_TRANSITION_TARGET: Missing 'Next' target: Nope
 *      12 |       "Next": "Nope"
 *         |               ^~~~~~
 *      help: Did you mean "Note"?
 *
 * Both forms list the diagnostics in the order of their places. Whatever the
 * definition holds, the text form shows no control characters and no broken
 * UTF-8, so that no definition can drive a terminal; long lines are shown in part.
 *
 * Pure. `text` is the definition that the diagnostics are about; `syntax` is
 * what asl_compile gave: it has the place when the text did not parse.
 */
#ifndef PAWL_ASL_REPORT_H
#define PAWL_ASL_REPORT_H

#include "base/buf.h"
#include "base/diag.h"
#include "base/err.h"

enum {
    REPORT_LINE_MAX = 100,   /* bytes of a source line that are shown */
    REPORT_PLACES_MAX = 100, /* diagnostics whose places are looked for: errors first */
};

/* file: how to call the text; colour: with ANSI escapes. At most
 * REPORT_PLACES_MAX are shown, then how many more there are. */
void report_text(struct buf *b, struct str file, struct str text, const struct diag_list *diags,
                 const struct err *syntax, bool colour);

/* An array of {severity, code, pointer, line, column, message, remedy}, without
 * a line feed at the end. severity: "error" or "warning"; line and column are
 * absent when there is no place, and after the first REPORT_PLACES_MAX. */
void report_json(struct buf *b, struct str text, const struct diag_list *diags,
                 const struct err *syntax);

#endif
