#!/usr/bin/env bash
# tools/lib/suite.sh and common.sh: ports, secrets, .run/env and the package list.
# shellcheck disable=SC2016 # texts in single quotes are for a shell of their own
set -u
TR_SOURCE_DIR=${TR_SOURCE_DIR:-$(cd "$(dirname "$0")/../../.." && pwd)}
# shellcheck source=tests/integration/tools/check.sh
. "$(dirname "$0")/check.sh"
trap finish EXIT

# in_suite COMMANDS: in a fresh shell with the functions, on a .run/ in the work folder.
in_suite()
{
    bash -c 'set -euo pipefail; ROOT=$1; . "$1/tools/lib/common.sh"; . "$1/tools/lib/suite.sh"
        RUN=$2; mkdir -p "$RUN/state"; eval "$3"' in_suite "$TR_SOURCE_DIR" "$WORK/run" "$1"
}

same()
{
    [[ $1 == "$2" ]] || {
        printf '       "%s" is not "%s"\n' "$1" "$2"
        return 1
    }
}

all_different()
{
    [[ -z $(cut -d= -f2 "$1" | sort | uniq -d) ]]
}

check "ports are chosen" in_suite 'ports_choose'
check "one for each listener" same "$(wc -l <"$WORK/run/ports")" 14
check "no two are the same" all_different "$WORK/run/ports"
before=$(<"$WORK/run/ports")
in_suite 'ports_choose'
check "a second start keeps them" same "$(<"$WORK/run/ports")" "$before"

# A listener on a port of ours, made with what the tests have anyway: nats-server.
taken=$(sed -n 's/^postgres=//p' "$WORK/run/ports")
nats-server -a 127.0.0.1 -p "$taken" >"$WORK/nats.log" 2>&1 &
listener=$!
check "the listener is up" within 10 grep -q 'Server is ready' "$WORK/nats.log"
in_suite 'ports_choose'
kill "$listener"
check "a port that is taken is chosen anew" test "$(sed -n 's/^postgres=//p' "$WORK/run/ports")" != "$taken"
check "the others stay" same "$(grep -v ^postgres= "$WORK/run/ports")" "$(grep -v ^postgres= <<<"$before")"

check "secrets are made" in_suite 'secrets_choose'
check "readable by their owner alone" same "$(stat -c %a "$WORK/run/secrets")" 600
check "the account is an account SID" grep -qE '^account_sid=AC[0-9a-f]{32}$' "$WORK/run/secrets"
check "the token is an API token" grep -qE '^api_token=tr_[0-9a-f]{48}$' "$WORK/run/secrets"
check "no two are the same" all_different "$WORK/run/secrets"
before=$(<"$WORK/run/secrets")
in_suite 'secrets_choose'
check "a second start keeps them" same "$(<"$WORK/run/secrets")" "$before"

check "env is written" in_suite 'ports_choose; secrets_choose; env_write WS1'
check "readable by its owner alone" same "$(stat -c %a "$WORK/run/env")" 600
for name in URL TOKEN WORKSPACE_SID ACCOUNT_SID AUTH_TOKEN NATS_URL DATABASE_URL \
    GRPC_{GATEWAY,WORKERS,QUEUES,ROUTING,TASKS,SYNC}; do
    check "env names TASKROUTER_$name" env -i PATH="$PATH" bash -c '. "$1"; printenv "TASKROUTER_$2" >/dev/null' x "$WORK/run/env" "$name"
done

# In front of Twilio the account is the one of .env, whose token is written nowhere else.
sid=AC0123456789abcdef0123456789abcdef
printf '# Twilio\nexport TWILIO_ACCOUNT_SID="%s" # ours\nTWILIO_AUTH_TOKEN=thetokenthatisinenv\n' "$sid" >"$WORK/twilio.env"
for name in gateway tasks-svc; do
    check "$name takes the account of .env" same "$(TASKROUTER_ENV_FILE=$WORK/twilio.env in_suite "ports_choose; secrets_choose
        PG_SOCK=/x; service_environment $name; echo \${TASKROUTER_ACCOUNT_SID-unset}\${TASKROUTER_AUTH_TOKEN-}")" unset
    check "$name has one of its own without" grep -qE '^AC[0-9a-f]{32}$' <<<"$(TASKROUTER_ENV_FILE=/dev/null in_suite "
        ports_choose; secrets_choose; PG_SOCK=/x; service_environment $name; echo \$TASKROUTER_ACCOUNT_SID")"
done
check "env names Twilio's account" same "$(TASKROUTER_ENV_FILE=$WORK/twilio.env in_suite 'ports_choose; secrets_choose
    env_write WS1; . "$RUN/env"; echo $TASKROUTER_ACCOUNT_SID${TASKROUTER_AUTH_TOKEN-}')" "$sid"
check "what is no account SID is not believed" same "$(printf 'TWILIO_ACCOUNT_SID=your_account_sid\n' >"$WORK/twilio.env"
    TASKROUTER_ENV_FILE=$WORK/twilio.env in_suite 'has_twilio_account && echo yes || echo no')" no

check "a path becomes part of a URL" same "$(in_suite 'url_encode "/a b/é%"')" "%2fa%20b%2f%c3%a9%25"
check "a process that is none of ours is not believed" \
    in_suite 'mkdir -p "$RUN/pids"; echo $$ >"$RUN/pids/nats.pid"; ! process_of nats'
check "the packages have names that apt takes" \
    in_suite '! packages_of build run test check | grep -vE "^[a-z0-9][a-z0-9+.-]+$"'
check "each section has packages" \
    in_suite 'for s in build run test check; do [[ -n $(packages_of $s) ]]; done'
