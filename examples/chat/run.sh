#!/usr/bin/env bash
# A conversation that survives lost connections and a killed server, and leads back to what produced it: checked at
# every step.
#
#   examples/chat/run.sh [MODEL]
#
# It needs curl, the program `understory`, named by $UNDERSTORY or on the PATH, and an Ollama at $OLLAMA_HOST that has
# the model. Its data is in a directory that goes at the end.
set -euo pipefail

model=${1:-stub}
program=${UNDERSTORY:-understory}
home=$(mktemp -d)
server=
trap '[[ -z "$server" ]] || kill -9 "$server" 2>/dev/null; rm -rf "$home"' EXIT
unset UNDERSTORY_URL UNDERSTORY_KEY UNDERSTORY_DATA UNDERSTORY_MODEL
export UNDERSTORY_ADMIN_KEY=the-admin-key-of-an-example

# --- how it is told -------------------------------------------------------------------------------------------------

chapter() { printf '\n%s\n' "$1"; }

fail() {
    printf 'chat: %s\n' "$1" >&2
    [[ ! -f "$home/log" ]] || tail -n 20 "$home/log" >&2
    exit 1
}

# expect WHAT ACTUAL EXPECTED: both are the same.
expect() {
    [[ "$2" == "$3" ]] || fail "$1: expected <$3>, found <$2>"
    printf '  ok: %s\n' "$1"
}

# field NAME: the first text of that name in the JSON on stdin.
field() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

# --- the server and its API -----------------------------------------------------------------------------------------

start() {
    "$program" serve --data "$home/data" --listen 127.0.0.1:0 >>"$home/log" 2>&1 &
    server=$!
    for _ in $(seq 200); do
        url=$(field url <"$home/data/run/server.json" 2>/dev/null || true)
        if [[ -n "$url" ]] && curl -sf "$url/health" >/dev/null; then return; fi
        kill -0 "$server" 2>/dev/null || fail "the server ended"
        sleep 0.05
    done
    fail "the server does not answer"
}

# api METHOD PATH [BODY]: the answer to a request of the person who is signed in.
api() {
    local body=()
    [[ $# -lt 3 ]] || body=(-H 'content-type: application/json' -d "$3")
    curl -sf -X "$1" "$url$2" -H "authorization: Bearer ${token:-}" "${body[@]}" || fail "$1 $2 failed"
}

# listen SECONDS: takes in events of the conversation after the last one, and forgets one that was cut in its middle.
listen() {
    local events
    events=$(curl -sN --max-time "$1" "$url/api/conversations/$conversation/events" \
        -H "authorization: Bearer $token" -H "last-event-id: $last" || true; printf x)
    local id= kind= data= line
    while IFS= read -r line; do
        case "$line" in
            'id: '*) id=${line#id: } ;;
            'event: '*) kind=${line#event: } ;;
            'data: '*) data=${line#data: } ;;
            '') [[ -z "$id" ]] || take "$id" "$kind" "$data"; id= kind= ;;
        esac
    done < <(printf '%s' "${events%x}")
}

# take ID KIND DATA: one whole event; numbers have no gap, and none comes twice.
take() {
    [[ "$1" == $((last + 1)) ]] || fail "event $1 came after event $last"
    last=$1
    case "$2" in
        delta) joined+=$(field text <<<"$3") ;;
        done) finished=yes ;;
    esac
}

# ask TEXT: says it, and remembers the message that answers.
ask() {
    joined='' finished=
    answer=$(api POST "/api/conversations/$conversation/messages" "{\"role\":\"user\",\"content\":\"$1\"}" | field answerId)
}

stored() { api GET "/api/conversations/$conversation/messages/$answer" | field "$1"; }
prompt_of() { api GET "/api/conversations/$conversation/messages/$1/configuration" | field prompt; }

# --- the conversation -----------------------------------------------------------------------------------------------

chapter 'Somebody registers and makes an agent.'
start
registered=$(api POST /api/auth/register '{"email":"ana@example.com","username":"ana","password":"correct horse"}')
token=$(field accessToken <<<"$registered")
configuration() { printf '{"llmProvider":"ollama","model":"%s","systemPrompt":"%s"}' "$model" "$1"; }
agent=$(api POST /api/agents "{\"name\":\"Helper\",\"configuration\":$(configuration 'Be kind.')}" | field id)
conversation=$(api POST /api/conversations "{\"agentId\":\"$agent\"}" | field id)
last=0

chapter 'The connection is lost at 20 random places; the events go on where they stopped.'
ask 'Tell me a story'
first=$answer
for _ in $(seq 20); do listen "0.0$((RANDOM % 9 + 1))"; done
[[ -n "$finished" ]] || listen 20
for _ in $(seq 100); do [[ -n "$finished" ]] || listen 0.3; done
expect 'the answer is complete' "$(stored status)" complete
expect 'the joined events are the stored answer' "$joined" "$(stored content)"

chapter 'The server is killed in the middle of an answer.'
ask 'Tell me another'
while [[ -z "$joined" ]]; do listen 0.3; done
kill -9 "$server"
wait "$server" 2>/dev/null || true
start
for _ in $(seq 100); do [[ -n "$finished" ]] || listen 0.3; done
expect 'the answer is interrupted' "$(stored status)" interrupted
expect 'what had arrived is kept' "$joined" "$(stored content)"

chapter 'The prompt changes, and the next answer uses it.'
api PUT "/api/agents/$agent" "{\"configuration\":$(configuration 'Be strict.')}" >/dev/null
ask 'And now?'
for _ in $(seq 100); do [[ -n "$finished" ]] || listen 0.3; done
expect 'the new prompt produced the new answer' "$(prompt_of "$answer")" 'Be strict.'
expect 'the old prompt produced the old answer' "$(prompt_of "$first")" 'Be kind.'
[[ "$model" != stub ]] || expect 'the model was told so' "${joined%%|*}" 'Be strict.'
project=$(field defaultProject <<<"$registered")
history=$(api GET "/manage/tenants/default/projects/$project/agents/$agent/history")
expect 'the agent has a history of two commits' "$(grep -o '"author":"ana"' <<<"$history" | wc -l | tr -d ' ')" 2

printf '\nThe end: every step was as told\n'
