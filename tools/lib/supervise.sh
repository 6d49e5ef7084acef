#!/usr/bin/env bash
# Keeps one process alive: supervise.sh NAME RUN_DIR STOP_SIGNAL GRACE_S COMMAND...
# The process's output goes to RUN_DIR/logs/NAME.log, its pid (the program's own, COMMAND execs) to
# RUN_DIR/pids/NAME.pid. When it ends it is started again after 0.2 s, then twice as long each time
# up to 5 s; 30 s of life reset that. TERM ends it with STOP_SIGNAL, and with KILL after GRACE_S.
# What happens is told in RUN_DIR/logs/supervisor.log; RUN_DIR/state/NAME.restarts counts.
set -uo pipefail
export LC_ALL=C.UTF-8

name=$1 run_dir=$2 stop_signal=$3 grace_s=$4
shift 4

readonly FIRST_DELAY_MS=200 LAST_DELAY_MS=5000 HEALTHY_MS=30000
log=$run_dir/logs/$name.log
pid_file=$run_dir/pids/$name.pid
pid="" stopping=0 delay_ms=$FIRST_DELAY_MS restarts=0

tell()
{
    printf '%(%Y-%m-%dT%H:%M:%SZ)T %s: %s\n' -1 "$name" "$*" >>"$run_dir/logs/supervisor.log"
}

# A reader never sees half a file.
put()
{
    printf '%s\n' "$2" >"$1.new" && mv -f "$1.new" "$1"
}

now_ms()
{
    printf '%s' $((${EPOCHREALTIME/[.,]/} / 1000))
}

on_term()
{
    stopping=1
    [[ -z $pid ]] || kill -s "$stop_signal" "$pid" 2>/dev/null
}

# Waits for a child; a trapped signal interrupts bash's wait, so until it is really gone.
reap()
{
    local child=$1 status=0
    while :; do
        wait "$child" 2>/dev/null
        status=$?
        kill -0 "$child" 2>/dev/null || return "$status"
        ((stopping)) && break
    done
    local deadline_ms=$(($(now_ms) + grace_s * 1000))
    while kill -0 "$child" 2>/dev/null; do
        if (($(now_ms) > deadline_ms)); then
            tell "did not end within $grace_s s, killed"
            kill -KILL "$child" 2>/dev/null
            deadline_ms=$(($(now_ms) + 60000))
        fi
        read -rt 0.02 <&"$idle_fd"
    done
    wait "$child" 2>/dev/null
}

# A descriptor that never has data: read -t on it is a sleep without a process.
exec {idle_fd}<> <(:)

trap on_term TERM
trap '' HUP INT
put "$run_dir/state/$name.restarts" 0

while ((!stopping)); do
    started_ms=$(now_ms)
    # Background jobs of a script ignore INT and QUIT; the program shall not inherit that.
    env --default-signal=INT,QUIT,HUP "$@" </dev/null >>"$log" 2>&1 {idle_fd}<&- &
    pid=$!
    put "$pid_file" "$pid"
    # TERM may have come between the test above and the pid.
    ((stopping)) && on_term
    reap "$pid"
    status=$?
    pid=""
    ((stopping)) && break
    (($(now_ms) - started_ms >= HEALTHY_MS)) && delay_ms=$FIRST_DELAY_MS
    if ((status > 128)); then
        why="was ended by signal $(kill -l $((status - 128)) 2>/dev/null || echo $((status - 128)))"
    else
        why="ended with status $status"
    fi
    restarts=$((restarts + 1))
    put "$run_dir/state/$name.restarts" "$restarts"
    tell "$why, starting again in $delay_ms ms"
    wake_ms=$(($(now_ms) + delay_ms))
    while ((!stopping && $(now_ms) < wake_ms)); do
        read -rt 0.05 <&"$idle_fd"
    done
    delay_ms=$((delay_ms * 2 > LAST_DELAY_MS ? LAST_DELAY_MS : delay_ms * 2))
done
rm -f "$pid_file" "$run_dir/state/$name.supervisor" "$run_dir/state/$name.restarts"
