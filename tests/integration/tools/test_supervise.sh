#!/usr/bin/env bash
# tools/lib/supervise.sh: keeps a process alive, with growing pauses, and ends it for good on TERM.
set -u
TR_SOURCE_DIR=${TR_SOURCE_DIR:-$(cd "$(dirname "$0")/../../.." && pwd)}
# shellcheck source=tests/integration/tools/check.sh
. "$(dirname "$0")/check.sh"

SUPERVISE=$TR_SOURCE_DIR/tools/lib/supervise.sh
supervisor=""

new_run()
{
    RUN=$WORK/$1
    mkdir -p "$RUN/pids" "$RUN/logs" "$RUN/state"
}

# supervise NAME STOP_SIGNAL GRACE_S COMMAND...
supervise()
{
    bash "$SUPERVISE" "$1" "$RUN" "${@:2}" &
    supervisor=$!
}

pid_of()
{
    cat "$RUN/pids/$1.pid" 2>/dev/null
}

# has_pid NAME OTHER: NAME runs, under a pid that is not OTHER.
has_pid()
{
    local pid
    pid=$(pid_of "$1")
    [[ -n $pid && $pid != "$2" ]] && kill -0 "$pid" 2>/dev/null
}

gone()
{
    ! kill -0 "$1" 2>/dev/null
}

cleanup()
{
    local file
    kill -KILL "$supervisor" 2>/dev/null
    for file in "$WORK"/*/pids/*.pid; do
        [[ -s $file ]] && kill -KILL "$(<"$file")" 2>/dev/null
    done
    finish
}
trap cleanup EXIT

# --- a process that is killed ---
new_run killed
supervise sleeper TERM 5 sleep 1000
check "the program is started" within 5 has_pid sleeper ""
first=$(pid_of sleeper)
check "the pid in the file is the program's own" grep -qx sleep "/proc/$first/comm"
kill -KILL "$first"
check "a killed program is started again" within 5 has_pid sleeper "$first"
check "the restart is counted" within 5 grep -qx 1 "$RUN/state/sleeper.restarts"
check "the log names the signal" grep -q 'sleeper: was ended by signal KILL' "$RUN/logs/supervisor.log"
second=$(pid_of sleeper)
kill -TERM "$supervisor"
check "TERM ends the supervisor" within 5 gone "$supervisor"
check "and the program with it" gone "$second"
check "and removes its pid file" test ! -e "$RUN/pids/sleeper.pid"

# --- a process that will not live ---
new_run short
# shellcheck disable=SC2016 # the program's shell expands it
supervise short TERM 5 sh -c 'echo said; exit 7'
check "the third death is reached" within 60 grep -qsx 3 "$RUN/state/short.restarts"
check "the pause grows" within 60 grep -q 'ended with status 7, starting again in 800 ms' "$RUN/logs/supervisor.log"
check "the first pause is short" within 60 grep -q 'starting again in 200 ms' "$RUN/logs/supervisor.log"
check "its output is in its log" within 60 grep -q said "$RUN/logs/short.log"
kill -TERM "$supervisor"
check "TERM during a pause ends at once" within 2 gone "$supervisor"

# --- a process that ignores its stop signal ---
new_run stubborn
supervise stubborn TERM 1 bash -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
check "the stubborn program runs" within 5 grep -qs ready "$RUN/logs/stubborn.log"
pid=$(pid_of stubborn)
kill -TERM "$supervisor"
check "it is killed after the grace" within 10 gone "$supervisor"
check "and is gone" gone "$pid"
check "the log says so" grep -q 'did not end within 1 s, killed' "$RUN/logs/supervisor.log"

# --- the stop signal is the one asked for ---
new_run signal
supervise polite INT 5 bash -c 'trap "echo got INT; exit 0" INT; echo ready; while :; do sleep 0.05; done'
check "the polite program runs" within 5 grep -qs ready "$RUN/logs/polite.log"
kill -TERM "$supervisor"
check "it ends" within 5 gone "$supervisor"
check "by its own signal" grep -q 'got INT' "$RUN/logs/polite.log"
