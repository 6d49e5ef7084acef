# shellcheck shell=bash
# Shared by the commands in tools/: steps with their times, and Debian packages. Sourced, never
# run; the caller sets ROOT (the repository) and `set -euo pipefail` first.

export LC_ALL=C.UTF-8

STEP_NOTE=""     # file where a running step leaves the words for its line
STEP_PGID=""     # process group of the running step, empty between steps
STEP_TAIL=20     # lines of a failing step's log that are shown

# shellcheck disable=SC2034 # used by the commands
if [[ -t 1 ]]; then
    BOLD=$'\e[1m' RED=$'\e[31m' DIM=$'\e[2m' PLAIN=$'\e[0m'
else
    BOLD="" RED="" DIM="" PLAIN=""
fi

# say WORDS...: a line for the person who runs the command.
say()
{
    printf '%s\n' "$*"
}

# die WORDS...: one sentence that says what to change, and exit 1.
die()
{
    printf '%s%s: %s%s\n' "$RED" "${0##*/}" "$*" "$PLAIN" >&2
    exit 1
}

# Microseconds; EPOCHREALTIME needs no process.
now_us()
{
    printf '%s' "${EPOCHREALTIME/[.,]/}"
}

# seconds_since START_US: "1.3 s".
seconds_since()
{
    local tenths=$((($(now_us) - $1 + 50000) / 100000))
    printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}

# note WORDS...: within a step, what its line says beside its name.
note()
{
    printf '%s' "$*" >"$STEP_NOTE"
}

# refuse WORDS...: within a step, ends it as failed with this reason.
refuse()
{
    note "$*"
    exit 1
}

# step NAME LOG COMMAND...: runs COMMAND (a function or program) in a subshell with its output in
# LOG, and prints one line with the time it took. On failure: the reason, the last lines of LOG,
# and exit 1. The step is a process group of its own, so that an interrupted command leaves nothing
# behind (step_abort). STEP_LOGS may name more logs whose last lines explain a failure.
step()
{
    local name=$1 log=$2 start status=0 words
    shift 2
    start=$(now_us)
    STEP_NOTE=$(mktemp "${TMPDIR:-/tmp}/taskrouter-step.XXXXXX")
    printf '  %-12s' "$name"
    : >"$log"
    set -m
    (
        set +m
        set -euo pipefail
        trap - EXIT INT TERM HUP
        "$@"
    ) </dev/null >>"$log" 2>&1 &
    STEP_PGID=$!
    set +m
    wait "$STEP_PGID" || status=$?
    STEP_PGID=""
    words=$(<"$STEP_NOTE")
    rm -f "$STEP_NOTE"
    if ((status == 0)); then
        printf '%-44s %s%8s%s\n' "${words:-done}" "$DIM" "$(seconds_since "$start")" "$PLAIN"
        return
    fi
    printf '%sfailed%s after %s\n' "$RED" "$PLAIN" "$(seconds_since "$start")"
    say "${RED}${0##*/}: step $name: ${words:-its command ended with status $status.}${PLAIN}" >&2
    local shown
    for shown in "$log" ${STEP_LOGS:-}; do
        [[ -s $shown ]] || continue
        say "--- last lines of ${shown#"$ROOT"/}" >&2
        tail -n "$STEP_TAIL" "$shown" | cut -c1-400 >&2
    done
    exit 1
}

# Ends the step that is running, with everything it started.
step_abort()
{
    [[ -n $STEP_PGID ]] || return 0
    kill -TERM -- "-$STEP_PGID" 2>/dev/null || true
    wait "$STEP_PGID" 2>/dev/null || true
    STEP_PGID=""
    rm -f "$STEP_NOTE"
    printf 'interrupted\n' || true
}

# packages_of SECTION...: the packages of these sections of tools/packages.txt.
packages_of()
{
    local section
    for section in "$@"; do
        awk -v want="[$section]" '/^\[/ { on = ($1 == want); next } on && NF && !/^#/ { print $1 }' \
            "$ROOT/tools/packages.txt"
    done
}

# A node of version 18 or later with npm, from wherever it came.
has_node()
{
    command -v npm >/dev/null && command -v node >/dev/null &&
        node -e 'process.exit(parseInt(process.versions.node, 10) >= 18 ? 0 : 1)' >/dev/null 2>&1
}

# packages_missing SECTION...: those that are not installed.
packages_missing()
{
    local -A installed=()
    local wanted name state
    mapfile -t wanted < <(packages_of "$@")
    # dpkg-query fails when one name is unknown to it; what it printed is right all the same.
    while read -r state name; do
        [[ $state == ii* ]] && installed[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
    for name in "${wanted[@]}"; do
        [[ -z ${installed[$name]:-} ]] || continue
        if [[ $name == nodejs || $name == npm ]] && has_node; then
            continue
        fi
        printf '%s\n' "$name"
    done
}

# The prefix that makes a command root's; empty for root.
AS_ROOT=()

# packages_prepare SECTION...: finds out what is missing and whether it can be installed; asks for
# sudo's password here, because a step has no terminal. Sets PACKAGES_MISSING.
packages_prepare()
{
    if [[ ! -r /etc/debian_version ]] || ! command -v dpkg-query >/dev/null; then
        die "this is not Debian; install what tools/packages.txt names and use --no-install."
    fi
    mapfile -t PACKAGES_MISSING < <(packages_missing "$@")
    ((${#PACKAGES_MISSING[@]})) || return 0
    ((EUID == 0)) && return 0
    command -v sudo >/dev/null ||
        die "these packages are missing, and you are neither root nor is there sudo: run" \
            "'apt-get install --no-install-recommends ${PACKAGES_MISSING[*]}' as root first."
    AS_ROOT=(sudo)
    sudo -n true 2>/dev/null || sudo -v ||
        die "sudo was refused; it is needed to install: ${PACKAGES_MISSING[*]}."
}

# The step that installs PACKAGES_MISSING. Debian's packages would start a PostgreSQL cluster and
# a NATS server of their own; a policy that is in place only meanwhile keeps them from it. Where the
# machine has a policy already, that one stands.
packages_install()
{
    if ((${#PACKAGES_MISSING[@]} == 0)); then
        note "nothing to install"
        return
    fi
    local policy=/usr/sbin/policy-rc.d
    local cluster=/etc/postgresql-common/createcluster.d/zz-taskrouter-install.conf
    packages_undo=()
    trap '((${#packages_undo[@]} == 0)) || "${AS_ROOT[@]}" rm -f "${packages_undo[@]}"' EXIT
    if [[ ! -e $policy ]]; then
        packages_undo+=("$policy")
        printf '#!/bin/sh\nexit 101\n' | "${AS_ROOT[@]}" tee "$policy" >/dev/null
        "${AS_ROOT[@]}" chmod 0755 "$policy"
    fi
    if [[ ! -e $cluster ]]; then
        packages_undo+=("$cluster")
        "${AS_ROOT[@]}" mkdir -p "${cluster%/*}"
        printf 'create_main_cluster = false\n' | "${AS_ROOT[@]}" tee "$cluster" >/dev/null
    fi
    local apt=("${AS_ROOT[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
    "${apt[@]}" update || refuse "apt-get update failed; is the network or the mirror away?"
    "${apt[@]}" install -y --no-install-recommends "${PACKAGES_MISSING[@]}" ||
        refuse "apt-get could not install: ${PACKAGES_MISSING[*]}."
    note "${#PACKAGES_MISSING[@]} installed"
}
