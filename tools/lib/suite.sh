# shellcheck shell=bash
# The running suite under .run/: names, ports, secrets, processes. Sourced after common.sh.
#
#   .run/env                  what a script needs, for `source` (mode 0600)
#   .run/ports .run/secrets   chosen once, one name=value a line (secrets 0600)
#   .run/pids/<name>.pid      per process; .run/logs/<name>.log likewise
#   .run/pg .run/nats         the data; .run/sock PostgreSQL's socket
#   .run/state/               what tools/run itself remembers

RUN=$ROOT/.run
BIN=${TASKROUTER_BIN_DIR:-$ROOT/build/release/bin}
SERVICES=(workers-svc queues-svc routing-svc tasks-svc sync-svc gateway)
STOP_GRACE_S=15       # a service has this long to drain
PG_STOP_GRACE_S=60    # PostgreSQL's last checkpoint may be long
LOG_KEEP_BYTES=$((64 * 1024 * 1024))

declare -A PORT=() SECRET=()

# short_name SERVICE: workers-svc -> workers, its schema and its place in variable names.
short_name()
{
    printf '%s' "${1%-svc}"
}

# --- files of name=value lines -------------------------------------------------------------------

# pairs_read FILE ARRAY: fills the associative array; other lines are left out.
pairs_read()
{
    local -n into=$2
    local key value
    [[ -r $1 ]] || return 0
    while IFS='=' read -r key value; do
        if [[ $key =~ ^[a-z_]+$ && -n $value ]]; then
            # shellcheck disable=SC2034 # the caller's array under another name
            into["$key"]=$value
        fi
    done <"$1"
}

# pairs_write FILE ARRAY: sorted, readable by the owner alone, replaced in one step.
pairs_write()
{
    local -n from=$2
    local key
    (
        umask 077
        for key in "${!from[@]}"; do
            printf '%s=%s\n' "$key" "${from[$key]}"
        done | sort >"$1.new"
    )
    mv -f "$1.new" "$1"
}

# random_hex BYTES
random_hex()
{
    od -An -v -tx1 -N"$1" /dev/urandom | tr -d ' \n'
}

# --- ports ---------------------------------------------------------------------------------------

# The TCP ports on which something listens, any address; from /proc, so that no package is needed.
# (Not with bash's read: it asks for one byte at a time, and each makes the kernel walk its table.)
ports_listening()
{
    local port
    for port in $(awk '$4 == "0A" { n = split($2, part, ":"); print part[n] }' \
        /proc/net/tcp /proc/net/tcp6 2>/dev/null || true); do
        printf '%d\n' "0x$port"
    done
}

# ports_choose [WANTED_HTTP_PORT]: keeps the ports of the last run where they are still free and picks
# others where not. The URL's port is 8080 when that is free on the first run; the rest lie below
# the range from which the kernel takes ports for outgoing connections.
ports_choose()
{
    local -A taken=()
    local name port candidate=$((20000 + RANDOM % 9000))
    local changed=0
    for port in $(ports_listening); do
        taken[$port]=1
    done
    pairs_read "$RUN/ports" PORT
    if [[ -n ${1:-} ]]; then
        [[ -z ${taken[$1]:-} ]] || die "port $1 is taken by another process; choose another with --port."
        PORT[gateway_http]=$1 changed=1
    elif [[ -z ${PORT[gateway_http]:-} ]]; then
        PORT[gateway_http]=8080
    fi
    taken[${PORT[gateway_http]}]=${taken[${PORT[gateway_http]}]:-mine}
    for name in gateway_http postgres nats \
        {gateway,workers,queues,routing,tasks,sync}_grpc {workers,queues,routing,tasks,sync}_http; do
        port=${PORT[$name]:-0}
        if ((port > 0)) && [[ -z ${taken[$port]:-} || ($name == gateway_http && ${taken[$port]} == mine) ]]; then
            taken[$port]=1
            continue
        fi
        while [[ -n ${taken[$candidate]:-} ]]; do
            candidate=$((candidate + 1))
        done
        PORT[$name]=$candidate taken[$candidate]=1 changed=1
    done
    if ((changed)) || [[ ! -e $RUN/ports ]]; then
        pairs_write "$RUN/ports" PORT
    fi
}

# --- secrets -------------------------------------------------------------------------------------

# Each is made once and lives as long as the data; a new one is added without touching the others.
secrets_choose()
{
    local name made=0
    pairs_read "$RUN/secrets" SECRET
    for name in service_token auth_token secret_key api_token account_sid nats \
        pg_superuser pg_{gateway,workers,queues,routing,tasks,sync,reader}; do
        [[ -z ${SECRET[$name]:-} ]] || continue
        made=1
        case $name in
            account_sid) SECRET[$name]=AC$(random_hex 16) ;;
            api_token) SECRET[$name]=tr_$(random_hex 24) ;;
            auth_token) SECRET[$name]=$(random_hex 16) ;;
            secret_key) SECRET[$name]=$(random_hex 32) ;;
            *) SECRET[$name]=$(random_hex 24) ;;
        esac
    done
    ((made == 0)) || pairs_write "$RUN/secrets" SECRET
}

# What the services will find in the environment or in .env; nothing when it is not set. For plain values, as SIDs are.
setting_of()
{
    local file=${TASKROUTER_ENV_FILE:-$ROOT/.env}
    if [[ -n ${!1:-} ]]; then
        printf '%s' "${!1}"
    elif [[ -r $file ]]; then
        sed -nE "s/^[[:space:]]*(export[[:space:]]+)?$1[[:space:]]*=[[:space:]]*[\"']?([^\"'#[:space:]]*).*/\2/p" "$file" | tail -n 1
    fi
}

# In front of Twilio the account is the one there, and its token stays where it is: the services read both
# themselves. Otherwise the suite has an account of its own.
has_twilio_account()
{
    [[ $(setting_of TWILIO_ACCOUNT_SID) =~ ^AC[0-9a-f]{32}$ ]]
}

suite_account()
{
    if has_twilio_account; then
        setting_of TWILIO_ACCOUNT_SID
    else
        printf '%s' "${SECRET[account_sid]}"
    fi
}

# --- processes -----------------------------------------------------------------------------------

# first_line FILE: fails quietly when there is none.
first_line()
{
    local line
    { read -r line <"$1"; } 2>/dev/null && printf '%s' "$line"
}

# is_alive PID: and no zombie.
is_alive()
{
    local stat
    [[ $1 =~ ^[0-9]+$ ]] && stat=$(first_line "/proc/$1/stat") && [[ ${stat##*) } != Z* ]]
}

# supervisor_of NAME: the pid of its supervisor when that is alive. The pid in the file is believed
# only when that process is a supervisor of this very directory, since pids are used again.
supervisor_of()
{
    local pid words
    pid=$(first_line "$RUN/state/$1.supervisor") || return 1
    is_alive "$pid" || return 1
    mapfile -d '' -t words <"/proc/$pid/cmdline" 2>/dev/null || return 1
    [[ " ${words[*]} " == *"/supervise.sh $1 $RUN "* ]] && printf '%s' "$pid"
}

# process_of NAME: the pid of the process itself when it is alive and ours: PostgreSQL by its working
# directory (it overwrites its environment), the others by the mark in their environment.
process_of()
{
    local pid
    pid=$(first_line "$RUN/pids/$1.pid") || return 1
    is_alive "$pid" || return 1
    if [[ $1 == postgres ]]; then
        [[ $(readlink "/proc/$pid/cwd" 2>/dev/null) == "$(readlink -f "$RUN/pg" 2>/dev/null)"* ]] || return 1
    else
        { tr '\0' '\n' <"/proc/$pid/environ"; } 2>/dev/null | grep -qxF "TASKROUTER_RUN_DIR=$RUN" || return 1
    fi
    printf '%s' "$pid"
}

# process_start NAME STOP_SIGNAL GRACE_S COMMAND...: under a supervisor of its own, in its own
# session, so that neither Ctrl-C nor a closing terminal reaches it. The environment is inherited.
process_start()
{
    local name=$1
    shift
    log_rotate "$RUN/logs/$name.log"
    : >>"$RUN/logs/$name.log"
    TASKROUTER_RUN_DIR=$RUN env --default-signal=INT,QUIT,HUP setsid bash \
        "$ROOT/tools/lib/supervise.sh" "$name" "$RUN" "$@" </dev/null >>"$RUN/logs/supervisor.log" 2>&1 9>&- &
    printf '%s\n' $! >"$RUN/state/$name.supervisor"
    disown
}

log_rotate()
{
    local size
    size=$(stat -c %s "$1" 2>/dev/null) || return 0
    ((size < LOG_KEEP_BYTES)) || mv -f "$1" "$1.1"
}

# processes_stop NAME...: all at once, and returns when all are gone. A process whose supervisor
# was killed is ended directly.
processes_stop()
{
    local name pid waiting deadline_us
    for name in "$@"; do
        if pid=$(supervisor_of "$name") || pid=$(process_of "$name"); then
            kill -TERM "$pid" 2>/dev/null || true
        fi
    done
    deadline_us=$(($(now_us) + (PG_STOP_GRACE_S + 5) * 1000000))
    while :; do
        waiting=""
        for name in "$@"; do
            if supervisor_of "$name" >/dev/null || process_of "$name" >/dev/null; then
                waiting="$waiting $name"
            fi
        done
        [[ -n $waiting ]] || break
        if (($(now_us) > deadline_us)); then
            for name in $waiting; do
                if pid=$(supervisor_of "$name"); then kill -KILL "$pid" 2>/dev/null || true; fi
                if pid=$(process_of "$name"); then kill -KILL "$pid" 2>/dev/null || true; fi
            done
        fi
        sleep 0.05
    done
    for name in "$@"; do
        rm -f "$RUN/pids/$name.pid" "$RUN/state/$name.supervisor" "$RUN/state/$name.restarts"
    done
}

# The names of what is up, whole or in part.
suite_alive()
{
    local name
    for name in postgres nats "${SERVICES[@]}"; do
        if supervisor_of "$name" >/dev/null || process_of "$name" >/dev/null; then
            printf '%s\n' "$name"
        fi
    done
}

# Door first, so that nothing new comes in; data last, so that all can finish their writes.
suite_stop()
{
    [[ -d $RUN/state ]] || return 0
    processes_stop gateway
    processes_stop "${SERVICES[@]}"
    processes_stop nats postgres
    rm -f "$RUN/state/up"
}

# --- PostgreSQL ----------------------------------------------------------------------------------

PG_BIN=/usr/lib/postgresql/15/bin
PG_USER=""         # the account that owns the cluster
PG_HOME=""         # parent of data and socket
AS_PG=()           # prefix that makes a command PG_USER's; a plain exec, so the pid stays

# Where the cluster lives. PostgreSQL refuses root, so root hands it to postgres; that user may not be
# able to enter the repository (a clone under /root), and a socket's path may be too long:
# then the data or the socket lie elsewhere and .run/ holds links to them.
postgres_place()
{
    local hash
    hash=$(printf '%s' "$ROOT" | cksum)
    hash=${hash%% *}
    PG_USER=$(id -un)
    PG_HOME=$RUN
    if ((EUID == 0)); then
        id postgres >/dev/null 2>&1 || die "there is no user 'postgres'; is postgresql-15 installed?"
        PG_USER=postgres
        AS_PG=(setpriv --reuid=postgres --regid=postgres --init-groups)
        if ! "${AS_PG[@]}" test -x "$RUN"; then
            PG_HOME=/var/lib/taskrouter-run-$hash
        fi
    fi
    PG_DATA=$PG_HOME/pg PG_SOCK=$PG_HOME/sock
    # The name of the socket adds 14 characters, and the limit is 107 bytes.
    if ((${#PG_SOCK} > 80)); then
        PG_SOCK=${XDG_RUNTIME_DIR:-/tmp}/taskrouter-$hash
        if ((EUID == 0)); then PG_SOCK=/run/taskrouter-$hash; fi
    fi
}

# The rest of the repository's path is this machine's; spaces and the like need escapes in a URL.
url_encode()
{
    local text=$1 out="" i char
    for ((i = 0; i < ${#text}; i++)); do
        char=${text:i:1}
        case $char in
            [a-zA-Z0-9._~-]) out+=$char ;;
            *) out+=$(printf '%s' "$char" | od -An -v -tx1 | tr -d '\n' | tr ' ' '%') ;;
        esac
    done
    printf '%s' "$out"
}

postgres_directory()
{
    local dir=$1 link=$2
    if [[ $dir != "$link" && ! -L $link ]]; then
        [[ ! -e $link ]] || refuse "$link is in the way; move it elsewhere, the data belong in $dir."
        ln -s "$dir" "$link"
    fi
    if [[ -e $dir && $(stat -c %U "$dir") != "$PG_USER" ]]; then
        refuse "$dir belongs to $(stat -c %U "$dir") but must be $PG_USER's; remove it, or run as its owner."
    fi
    if ((EUID == 0)); then
        install -d -m 0755 "${dir%/*}"
        install -d -m 0700 -o postgres -g postgres "$dir"
    else
        mkdir -p "$dir" && chmod 0700 "$dir"
    fi
}

# The cluster appears under its name only when it is whole.
postgres_init()
{
    [[ ! -e $PG_DATA/data ]] || return 0
    local password=$PG_DATA/password
    rm -rf "${PG_DATA:?}/new" "$password"
    (umask 077 && printf '%s\n' "${SECRET[pg_superuser]}" >"$password")
    if ((EUID == 0)); then chown postgres:postgres "$password"; fi
    (cd / && "${AS_PG[@]}" "$PG_BIN/initdb" -D "$PG_DATA/new" -U postgres -A scram-sha-256 \
        --pwfile="$password" -E UTF8 --locale=C.UTF-8 --data-checksums) ||
        refuse "initdb could not make the cluster in $PG_DATA."
    rm -f "$password"
    mv "$PG_DATA/new" "$PG_DATA/data"
}

# Durable: fsync, full_page_writes and synchronous_commit keep their defaults (on).
postgres_start()
{
    cd /
    process_start postgres INT "$PG_STOP_GRACE_S" \
        setpriv --pdeathsig INT "${AS_PG[@]:1}" "$PG_BIN/postgres" -D "$PG_DATA/data" \
        -c listen_addresses=127.0.0.1 -c "port=${PORT[postgres]}" \
        -c "unix_socket_directories=\"$PG_SOCK\"" -c unix_socket_permissions=0777 \
        -c max_connections=200 -c shared_buffers=256MB -c max_wal_size=2GB -c wal_compression=on \
        -c jit=off -c timezone=UTC -c log_timezone=UTC -c log_min_messages=warning \
        -c logging_collector=off -c log_checkpoints=off
}

# postgres_sql ARGS...: psql as superuser.
postgres_sql()
{
    PGPASSWORD=${SECRET[pg_superuser]} PGCONNECT_TIMEOUT=5 PGOPTIONS='-c client_min_messages=warning' \
        psql -X -q -v ON_ERROR_STOP=1 -h "$PG_SOCK" -p "${PORT[postgres]}" -U postgres "$@"
}

# service_database_url SCHEMA
service_database_url()
{
    printf 'postgresql://taskrouter_%s:%s@/taskrouter?host=%s&port=%s' \
        "$1" "${SECRET[pg_$1]}" "$(url_encode "$PG_SOCK")" "${PORT[postgres]}"
}

reader_database_url()
{
    printf 'postgresql://taskrouter_reader:%s@127.0.0.1:%s/taskrouter' "${SECRET[pg_reader]}" "${PORT[postgres]}"
}

# --- NATS ----------------------------------------------------------------------------------------

nats_url()
{
    printf 'nats://taskrouter:%s@127.0.0.1:%s' "${SECRET[nats]}" "${PORT[nats]}"
}

nats_start()
{
    mkdir -p "$RUN/nats"
    (
        umask 077
        cat >"$RUN/nats/nats.conf" <<CONF
server_name: taskrouter
listen: "127.0.0.1:${PORT[nats]}"
authorization { user: "taskrouter", password: "${SECRET[nats]}" }
jetstream { store_dir: "$RUN/nats/data", max_memory_store: 64MB, max_file_store: 16GB }
CONF
    )
    # Go's runtime spends a sixth less on the same messages when it does not spread over all cores.
    local cores
    cores=$(nproc)
    process_start nats TERM "$STOP_GRACE_S" setpriv --pdeathsig TERM \
        env GOMAXPROCS=$((cores > 3 ? cores / 2 : 1)) nats-server -c "$RUN/nats/nats.conf"
}

# The server greets each connection with a line that begins with INFO.
nats_answers()
{
    local line
    { exec 5<>"/dev/tcp/127.0.0.1/${PORT[nats]}"; } 2>/dev/null || return 1
    read -rt 1 line <&5 || line=""
    exec 5<&- 5>&-
    [[ $line == INFO* && $line == *'"jetstream":true'* ]]
}

# --- services ------------------------------------------------------------------------------------

# service_environment SERVICE: exports what it reads. For a subshell.
service_environment()
{
    local short peer
    short=$(short_name "$1")
    export TASKROUTER_GRPC_LISTEN=127.0.0.1:${PORT[${short}_grpc]}
    export TASKROUTER_HTTP_LISTEN=127.0.0.1:${PORT[${short}_http]}
    TASKROUTER_DATABASE_URL=$(service_database_url "$short")
    TASKROUTER_NATS_URL=$(nats_url)
    export TASKROUTER_DATABASE_URL TASKROUTER_NATS_URL
    export TASKROUTER_SERVICE_TOKEN=${SECRET[service_token]}
    export TASKROUTER_LOG_LEVEL=${TASKROUTER_LOG_LEVEL:-info}
    for peer in gateway workers queues routing tasks sync; do
        export "TASKROUTER_GRPC_${peer^^}=127.0.0.1:${PORT[${peer}_grpc]}"
    done
    # tasks-svc signs callbacks with it
    if [[ $short == gateway || $short == tasks ]] && ! has_twilio_account; then
        export TASKROUTER_ACCOUNT_SID=${SECRET[account_sid]}
        export TASKROUTER_AUTH_TOKEN=${SECRET[auth_token]}
    fi
    if [[ $short == gateway ]]; then
        export TASKROUTER_BOOTSTRAP_TOKEN=${SECRET[api_token]}
        export TASKROUTER_SECRET_KEY=${SECRET[secret_key]}
    fi
}

service_start()
{
    (
        service_environment "$1"
        cd "$ROOT" || exit # where .env is
        process_start "$1" TERM "$STOP_GRACE_S" setpriv --pdeathsig TERM "$BIN/$1"
    )
}

service_is_ready()
{
    curl -fs -o /dev/null -m 2 "http://127.0.0.1:${PORT[$(short_name "$1")_http]}/readyz"
}

restarts_of()
{
    local count
    count=$(first_line "$RUN/state/$1.restarts") || count=0
    printf '%s' "${count:-0}"
}

# --- .run/env ------------------------------------------------------------------------------------

suite_url()
{
    printf 'http://127.0.0.1:%s' "${PORT[gateway_http]}"
}

# env_write WORKSPACE_SID
env_write()
{
    local peer
    local -a lines=(
        "TASKROUTER_URL=$(suite_url)"
        "TASKROUTER_TOKEN=${SECRET[api_token]}"
        "TASKROUTER_WORKSPACE_SID=$1"
        "TASKROUTER_ACCOUNT_SID=$(suite_account)"
        "TASKROUTER_NATS_URL=$(nats_url)"
        "TASKROUTER_DATABASE_URL=$(reader_database_url)"
    )
    has_twilio_account || lines+=("TASKROUTER_AUTH_TOKEN=${SECRET[auth_token]}")
    for peer in gateway workers queues routing tasks sync; do
        lines+=("TASKROUTER_GRPC_${peer^^}=127.0.0.1:${PORT[${peer}_grpc]}")
    done
    (
        umask 077
        local line
        for line in "${lines[@]}"; do
            printf "export %s='%s'\n" "${line%%=*}" "${line#*=}"
        done >"$RUN/env.new"
    )
    mv -f "$RUN/env.new" "$RUN/env"
}
