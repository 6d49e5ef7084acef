/*
 * The events of a life by hand: what publishing them costs through NATS.c and nats-server alone.
 * Messages as large as those of the stream TASKROUTER are on average, in a stream of its own on
 * files, each with an id, published asynchronously in windows.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Messages published and acknowledged in that many milliseconds; 0 when it failed. *out_bytes: of
 * one, without its headers. */
int64_t nats_messages(const char *url, int ms, size_t *out_bytes);
