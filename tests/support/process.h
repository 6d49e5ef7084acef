/*
 * Child processes of tests: starts a program (usually one of ours from TR_BIN_DIR), waits until it
 * is ready, signals it, and keeps what it writes in a file. A child dies with the thread that
 * started it, so start them from the main thread. Failures of the helper itself end the test
 * program with a sentence on stderr.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct process;

struct process_options {
    const char *program;     /* looked up in TR_BIN_DIR, then PATH; or a path */
    const char *const *args; /* without the program, NULL-terminated; NULL = none */
    const char *const *env;  /* "NAME=value", NULL-terminated, on top of ours; NULL = none */
    const char *log_path;    /* stdout and stderr are appended; NULL = a file in /tmp */
    const char *user;        /* switch to this user when we are root; NULL = stay */
    const char *dir;         /* working directory; NULL = / */
    int death_signal;        /* when we die; 0 = SIGKILL */
};

struct process *process_start(const struct process_options *options);

/* Waits for "GET /readyz" on "127.0.0.1:port" to give 200, for a port to accept, or for the log to
 * hold a text. False, with the tail of the log printed, when the time passed or the program ended.
 */
bool process_wait_ready(struct process *process, const char *http_address, int timeout_ms);
bool process_wait_port(struct process *process, const char *address, int timeout_ms);
bool process_wait_log(struct process *process, const char *text, int timeout_ms);

pid_t process_pid(const struct process *process);
bool process_is_alive(struct process *process);
void process_signal(struct process *process, int signal);

/* Waits for the end; exit status, 128 + signal, or -1 when it still runs. */
int process_wait_exit(struct process *process, int timeout_ms);

/* TERM, and KILL after the time; returns like process_wait_exit. The object stays usable. */
int process_terminate(struct process *process, int timeout_ms);

/* The same in two steps, to end several at once. One that ends is not to be signalled again: CONT
 * would disturb the sanitizer's search for leaks, which stops the threads. */
void process_ask_to_end(struct process *process);
int process_await_end(struct process *process, int timeout_ms);

/* Kills what still runs, removes a log file of our own making and frees. NULL is allowed. */
void process_free(struct process *process);

const char *process_log_path(const struct process *process);
void process_print_tail(const struct process *process, size_t bytes);

/* A TCP port on 127.0.0.1 that is ours until this program ends. From the main thread. */
int process_free_port(void);

/* One HTTP GET to "127.0.0.1:port": the status, or -1. The body (cut at size) goes to out_body
 * unless NULL. */
int process_http_get(const char *address, const char *path, char *out_body, size_t size);

/* Runs a program to its end; exit status, or -1 when it took longer. */
int process_run(const struct process_options *options, int timeout_ms);

void process_sleep_ms(int ms); /* between looks at a condition, never instead of one */
