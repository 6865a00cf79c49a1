#include "asl/compile_internal.h"

enum {
    LABEL_MAX = 40, /* characters */
    BATCH_ITEMS_MAX = 100000000,
    BATCH_BYTES_MAX = 256 << 10,
};

/* ---- label ---- */

static bool label_takes(uint32_t c)
{
    if (c <= 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0xFFFE || c == 0xFFFF)
        return false;
    if (c >= 0xD800 && c <= 0xDFFF)
        return false;
    return c >= 0x80 || !strchr("?*<>{}[]:;,\\|^~$#%&`\"/", (int)c);
}

static void label_compile(const struct site *s, struct map_fields *m)
{
    struct place at = place_value(s, STR("Label"));
    struct str label;
    size_t offset = 0;

    if (!field_text(s, STR("Label"), &label))
        return;
    if (label.len == 0)
        complain(s->c, CODE_INVALID_LABEL, at, STR(""), "Label cannot be empty");
    if (utf8_length(label) > LABEL_MAX)
        complain(s->c, CODE_INVALID_LABEL, at, STR("Shorten it."),
                 "Label cannot exceed %d characters", LABEL_MAX);
    while (offset < label.len) {
        size_t start = offset;

        if (label_takes(utf8_next(label, &offset)))
            continue;
        complain(s->c, CODE_INVALID_LABEL, at, STR("Use letters, digits, '-', '_' and '.'."),
                 "Label contains invalid character: '" STR_FMT "'",
                 STR_ARG(str_slice(label, start, offset)));
        break;
    }
    m->label = label;
}

/* ---- the processor ---- */

static void config_compile(const struct site *processor, struct map_fields *m)
{
    static const struct str fields[] = {STR_INIT("Mode"), STR_INIT("ExecutionType")};
    static const struct str modes[] = {STR_INIT("INLINE"), STR_INIT("DISTRIBUTED")};
    static const struct str types[] = {STR_INIT("STANDARD"), STR_INIT("EXPRESS")};
    struct json config;
    size_t mode = 0, type = 0;
    struct site s;

    if (!field_object(processor, STR("ProcessorConfig"), &config))
        return;
    s = site_child(processor, STR("ProcessorConfig"), config);
    fields_allow(&s, fields, COUNT_OF(fields));
    (void)field_choice(&s, STR("Mode"), modes, COUNT_OF(modes), &mode);
    m->distributed = mode == 1;
    if (m->distributed)
        fields_require(&s, &fields[1], 1);
    (void)field_choice(&s, STR("ExecutionType"), types, COUNT_OF(types), &type);
    m->express = type == 1;
    if (!m->distributed && field_given(&s, STR("ExecutionType")))
        complain(s.c, CODE_FIELD_NOT_SUPPORTED, place_key(&s, STR("ExecutionType")),
                 STR("It belongs to \"Mode\": \"DISTRIBUTED\"."),
                 "Field 'ExecutionType' is not supported");
}

static void processor_compile(const struct site *s, struct map_fields *m)
{
    static const struct str ways[] = {STR_INIT("ItemProcessor"), STR_INIT("Iterator")};
    const struct node *node = &s->c->nodes[s->state->number];
    struct json object;

    m->processor = SCOPE_NO_NONE;
    if (fields_exclude(s, ways, COUNT_OF(ways)) == 0)
        fields_require(s, ways, 1);
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct site processor;

        if (!field_object(s, ways[i], &object))
            continue;
        processor = site_child(s, ways[i], object);
        config_compile(&processor, m);
    }
    if (node->child_count)
        m->processor = node->child_scope;
}

/* ---- items ---- */

static void selector_compile(const struct site *s, struct map_fields *m)
{
    static const struct str ways[] = {STR_INIT("ItemSelector"), STR_INIT("Parameters")};

    if (!site_is_jsonata(s))
        fields_exclude(s, ways, COUNT_OF(ways));
    for (size_t i = site_is_jsonata(s) ? 1 : COUNT_OF(ways); i-- > 0;) {
        if (!field_given(s, ways[i]))
            continue;
        m->item_selector =
            site_is_jsonata(s) ? field_query(s, ways[i]) : field_template(s, ways[i]);
        m->item_field = ways[i];
    }
}

/* A list, in which there may be expressions, or one that computes it. */
static void items_compile(const struct site *s, struct map_fields *m)
{
    struct json items = json_get(s->object, STR("Items"));

    if (!site_is_jsonata(s)) {
        m->items_path = field_path(s, STR("ItemsPath"), PATH_RULE_REFERENCE);
        return;
    }
    if (!json_is_absent(items) && !json_is_array(items) && !field_is_query(s, STR("Items")))
        complain(s->c, CODE_WRONG_TYPE, place_value(s, STR("Items")), STR(""),
                 "The value for the field 'Items' must be an array or a JSONata expression, not %s",
                 json_noun(items));
    m->items = field_query(s, STR("Items"));
}

static void batcher_compile(const struct site *state, struct item_batcher *b)
{
    static const struct str fields[] = {
        STR_INIT("MaxItemsPerBatch"),
        STR_INIT("MaxItemsPerBatchPath"),
        STR_INIT("MaxInputBytesPerBatch"),
        STR_INIT("MaxInputBytesPerBatchPath"),
        STR_INIT("BatchInput"),
    };
    static const struct str jsonata_fields[] = {
        STR_INIT("MaxItemsPerBatch"),
        STR_INIT("MaxInputBytesPerBatch"),
        STR_INIT("BatchInput"),
    };
    struct json object;
    struct site s;
    bool bounded = false;

    if (!field_object(state, STR("ItemBatcher"), &object))
        return;
    s = site_child(state, STR("ItemBatcher"), object);
    fields_allow(&s, site_is_jsonata(&s) ? jsonata_fields : fields,
                 site_is_jsonata(&s) ? COUNT_OF(jsonata_fields) : COUNT_OF(fields));
    for (size_t i = 0; i < 4; i++)
        bounded = bounded || field_given(&s, fields[i]);
    if (!bounded)
        complain(s.c, CODE_MISSING_FIELD, place_here(&s), STR(""),
                 "One of these fields is required: [MaxItemsPerBatch, MaxItemsPerBatchPath, "
                 "MaxInputBytesPerBatch, MaxInputBytesPerBatchPath]");
    b->set = true;
    b->items_max = field_number(&s, fields[0], 1, BATCH_ITEMS_MAX);
    b->bytes_max = field_number(&s, fields[2], 1, BATCH_BYTES_MAX);
    b->input = field_template(&s, fields[4]);
}

/* Fields that only a distributed Map takes. */
static void distributed_check(const struct site *s)
{
    static const struct str fields[] = {
        STR_INIT("Label"),
        STR_INIT("ItemBatcher"),
        STR_INIT("ToleratedFailureCount"),
        STR_INIT("ToleratedFailureCountPath"),
        STR_INIT("ToleratedFailurePercentage"),
        STR_INIT("ToleratedFailurePercentagePath"),
    };

    /* Recorded: in JSONata, AWS takes what is tolerated of any Map. */
    for (size_t i = 0; i < (site_is_jsonata(s) ? 2 : COUNT_OF(fields)); i++) {
        if (field_given(s, fields[i]))
            complain(s->c, CODE_FIELD_NOT_SUPPORTED, place_key(s, fields[i]),
                     STR("It belongs to \"ProcessorConfig\": {\"Mode\": \"DISTRIBUTED\", ...}."),
                     "Field '" STR_FMT "' is not supported", STR_ARG(fields[i]));
    }
}

void map_compile(const struct site *s)
{
    struct map_fields *m = &s->state->u.map;

    processor_compile(s, m);
    selector_compile(s, m);
    items_compile(s, m);
    m->concurrency = field_number(s, STR("MaxConcurrency"), 0, INT32_MAX);
    m->tolerated_count = field_number(s, STR("ToleratedFailureCount"), 0, INT32_MAX);
    m->tolerated_percentage = field_real_number(s, STR("ToleratedFailurePercentage"), 0, 100);
    batcher_compile(s, &m->batcher);
    label_compile(s, m);
    if (!m->distributed)
        distributed_check(s);
}
