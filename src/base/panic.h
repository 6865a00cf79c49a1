/* The one way out when Pawl itself is wrong or the system refuses memory.
 *
 * A durable engine is built to survive a crash, so it never limps on after
 * one of these: panic() reports where and what, then aborts. A host program
 * that embeds Pawl may install its own handler; it must not return.
 * Thread safe; set the handler before starting threads.
 */
#ifndef PAWL_BASE_PANIC_H
#define PAWL_BASE_PANIC_H

typedef void panic_handler(const char *file, int line, const char *what);

__attribute__((noreturn)) void panic(const char *file, int line, const char *what);

/* NULL restores the default: one line on stderr, then abort(). */
void panic_handler_set(panic_handler *handler);

#endif
