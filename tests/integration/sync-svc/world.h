/*
 * A Twilio of the tests' own: an HTTP server with lists of resources that the cases fill, pages
 * with tokens, and faults by script. Knows nothing of what the resources are. Only for what a
 * second real suite cannot be made to do: faults, and lists that change between two pages. Threads:
 * any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"

int world_start(void); /* the port */
void world_stop(void);

/* Whose HTTP Basic user and password are let in; others get 401. */
void world_credentials(const char *account_sid, const char *auth_token);

/* At most so many items a page, whatever was asked for. */
void world_page_max(size_t items);

/* Nothing is there, no faults, no delay, counts at 0. */
void world_clear(void);

/* Puts a resource in the list at that path ("/v1/Workspaces/WS…/Workers"), or replaces the one with
 * the same SID. json: 'single quotes' stand for double ones and `back quotes` for \\"; must have a
 * sid. */
void world_put(const char *list, const char *json, ...) PRINTF_LIKE(2, 3);
void world_remove(const char *list, const char *sid);

/* It is not there for a while; and all of these are again, behind the others. */
void world_hide(const char *list, const char *sid);
void world_show(void);

/* The next so many requests (-1: all) whose path holds the text are answered with these bytes,
 * NULL: by hanging up, after `after` of them were answered well. */
void world_fault(const char *path, int after, int times, const char *raw);

/* Before a request whose path holds the text is answered, after `after` others: once. Runs in a
 * thread of the world's: it may call the world and nothing of the suite. */
void world_hook(const char *path, int after, void (*hook)(void));

/* Every request takes so long. */
void world_delay(int ms);

/* Requests whose path holds the text; and the most that were under way at once. */
int world_requests(const char *path);
int world_most_at_once(void);

#define WORLD_JSON(status, body)                                                                   \
    "HTTP/1.1 " status "\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
