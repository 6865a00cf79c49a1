/* All tables of built-in functions, and finding one in them. */
#include "expr/jsonata/ast.h"
#include "expr/jsonata/functions.h"

static const struct jx_table *const tables[] = {
    &jx_table_step_functions, &jx_table_core,  &jx_table_arrays, &jx_table_objects,
    &jx_table_numbers,        &jx_table_text,  &jx_table_url,    &jx_table_patterns,
    &jx_table_pictures,       &jx_table_dates,
};

static bool exists_for(const struct jx_builtin *row, struct jsonata_options options)
{
    return row->level == JX_ROW_ALWAYS || (row->level == JX_ROW_EVAL && options.allow_eval) ||
           (row->level == JX_ROW_STEP_FUNCTIONS && options.step_functions);
}

const struct jx_builtin *jx_find_builtin(struct str name, struct jsonata_options options)
{
    for (size_t i = 0; i < COUNT_OF(tables); i++) {
        for (size_t k = 0; k < tables[i]->count; k++) {
            const struct jx_builtin *row = &tables[i]->rows[k];
            if (str_eq(row->name, name) && exists_for(row, options))
                return row;
        }
    }
    return NULL;
}
