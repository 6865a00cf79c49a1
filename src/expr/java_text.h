/* Values as Java prints them: {a=1, b=[x, null]}.
 *
 * States.Format inserts values so, filters match patterns against it, and the
 * causes of AWS show values in it. Strings go in as they are, numbers as in
 * JSON. Never recurses by data.
 */
#ifndef PAWL_EXPR_JAVA_TEXT_H
#define PAWL_EXPR_JAVA_TEXT_H

#include "base/buf.h"
#include "json/json.h"

/* Appends the text of v. scratch: temporaries, given back. */
void java_text_write(struct buf *b, struct json v, struct arena *scratch);

#endif
