#include "base/diag.h"

void diag_add(struct diag_list *list, struct diag d)
{
    if (d.severity == DIAG_ERROR)
        list->error_count++;
    if (list->count == DIAG_COUNT_MAX)
        return;
    list->items =
        arena_grow(list->arena, list->items, list->count, &list->capacity, sizeof(*list->items));
    d.pointer = arena_str(list->arena, d.pointer);
    d.message = arena_str(list->arena, d.message);
    d.remedy = arena_str(list->arena, d.remedy);
    list->items[list->count++] = d;
}
