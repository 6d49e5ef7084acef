# shellcheck shell=bash
# What the shell tests share: a work folder that vanishes, waiting on a condition, and a count of failures.
WORK=$(mktemp -d "${TMPDIR:-/tmp}/taskrouter-test.XXXXXX")
FAILURES=0

# check SENTENCE COMMAND...: the sentence is what is proved.
check()
{
    local sentence=$1
    shift
    if "$@"; then
        printf 'ok   %s\n' "$sentence"
    else
        printf 'FAIL %s\n       by: %s\n' "$sentence" "$*"
        FAILURES=$((FAILURES + 1))
    fi
}

# within SECONDS COMMAND...: waits until it is true.
within()
{
    local until_us=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))
    shift
    until "$@"; do
        ((${EPOCHREALTIME/[.,]/} < until_us)) || return 1
        sleep 0.02
    done
}

finish()
{
    rm -rf "$WORK"
    exit $((FAILURES > 0))
}
