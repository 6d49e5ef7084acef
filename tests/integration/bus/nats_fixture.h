/*
 * A private NATS server with JetStream in a temporary directory, which the test may kill and start
 * again on the same port. One per test executable.
 */
#pragma once

#include <stdbool.h>

/* Starts the server; aborts the test program when that fails. Returns its URL. */
const char *nats_fixture_start(void);

/* SIGKILL, as a power cut would look to the clients. The data stays. */
void nats_fixture_kill(void);

/* Starts it again where it was. */
void nats_fixture_restart(void);

/* Ends the server and removes its files. */
void nats_fixture_stop(void);

/* Polls until the condition holds; false when timeout_ms passed first. */
bool wait_until(bool (*condition)(void *ctx), void *ctx, int timeout_ms);
