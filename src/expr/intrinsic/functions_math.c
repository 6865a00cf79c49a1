/* States.MathAdd and States.MathRandom. */
#include "expr/intrinsic/intrinsic_internal.h"

bool eval_math_add(const struct frame *f, struct json *ret_value)
{
    int64_t a, b;
    if (!frame_integer(f, 0, &a) || !frame_integer(f, 1, &b))
        return false;
    if (a + b < INT32_MIN || a + b > INT32_MAX)
        return frame_refuse(f, "the sum must lie between %d and %d", INT32_MIN, INT32_MAX);
    *ret_value = json_int(a + b);
    return true;
}

/* A range wider than 31 bits is drawn as a fraction of it. */
static int64_t draw_seeded(int64_t seed, int64_t width)
{
    struct java_random r = java_random_seeded(seed);
    if (width <= INT32_MAX)
        return java_random_int(&r, (int32_t)width);
    return (int64_t)(java_random_double(&r) * (double)width);
}

bool eval_math_random(const struct frame *f, struct json *ret_value)
{
    int64_t start, end, seed = 0;
    if (!frame_integer(f, 0, &start) || !frame_integer(f, 1, &end))
        return false;
    if (f->call->count == 3 && !frame_integer(f, 2, &seed))
        return false;
    if (start >= end)
        return frame_refuse(f, "the start must be below the end");
    int64_t drawn = f->call->count == 3 ? draw_seeded(seed, end - start)
                                        : (int64_t)rng_below(f->env->rng, (uint64_t)(end - start));
    *ret_value = json_int(start + drawn);
    return true;
}
