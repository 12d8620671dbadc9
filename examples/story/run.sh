#!/usr/bin/env bash
# Two people, one prompt: a story of branches, a conflict, time travel and undo, checked at every step.
#
#   examples/story/run.sh [SEED]
#
# It needs the program `understory`, named by $UNDERSTORY or on the PATH, and keeps its data in a directory that goes
# at the end. Names and texts follow from the seed, which it prints: the same seed tells the same story.
set -euo pipefail

seed=${1:-$((RANDOM * 32768 + RANDOM))}
RANDOM=$seed
program=${UNDERSTORY:-understory}
home=$(mktemp -d)
trap 'rm -rf "$home"' EXIT
cd "$home"
unset UNDERSTORY_URL UNDERSTORY_KEY UNDERSTORY_DATA UNDERSTORY_MODEL

# --- how it is told -------------------------------------------------------------------------------------------------

chapter() { printf '\n%s\n' "$1"; }
tell() { printf '  %s\n' "$1"; }

# The story ends where something is not as told.
fail() {
    printf 'story: %s (seed %s)\n' "$1" "$seed" >&2
    exit 1
}

# expect WHAT ACTUAL EXPECTED: both are the same.
expect() {
    [[ "$2" == "$3" ]] || fail "$1: expected <$3>, found <$2>"
    tell "ok: $1"
}

# expect_in WHAT TEXT PART...: the text has every part.
expect_in() {
    local what=$1 text=$2 part
    shift 2
    for part in "$@"; do
        [[ "$text" == *"$part"* ]] || fail "$what: <$part> is not in <$text>"
    done
    tell "ok: $what"
}

# expect_refused WHAT COMMAND...: the command exits with 1; what it says is in $said.
expect_refused() {
    local what=$1 code=0
    shift
    said=$("$@" 2>&1) || code=$?
    [[ $code == 1 ]] || fail "$what: exit code $code, said <$said>"
    tell "ok: $what"
}

# --- who acts -------------------------------------------------------------------------------------------------------

# Both set a variable, as $RANDOM would begin anew in a $(…).
pick() { # pick NAME CHOICE...: one of the choices
    local name=$1
    shift "$((RANDOM % ($# - 1) + 1))"
    printf -v "$name" '%s' "$1"
}
word() { # word NAME: a name that nobody thought of
    pick "$1" amber birch cedar delta ember fjord grove
    printf -v "$1" '%s-%s' "${!1}" "$((RANDOM % 9000 + 1000))"
}

as() { # as KEY COMMAND...: a command on the project under somebody's key
    local key=$1 command=$2
    shift 2
    UNDERSTORY_KEY=$key "$program" "$command" -p "$project" "$@"
}
prompt() { "$program" get -p "$project" --ref "$1" "$router" prompt; }
head_of() { "$program" log -p "$project" --ref "$1" -n 1 --json | hash; }
hash() { sed -n 's/^ *"hash": "\(.*\)",*$/\1/p' | head -n 1; }

# A moment that is later than all that was done, and earlier than all that follows.
moment() {
    local now
    next_second
    now=$(date -u +%FT%TZ)
    next_second
    printf '%s' "$now"
}
next_second() {
    local now
    now=$(date -u +%s)
    while [[ $(date -u +%s) == "$now" ]]; do :; done
}

for name in tenant shop agent sub branch tag; do word "$name"; done
branch=tone/$branch tag=release-$tag
project=$tenant/$shop router=$agent/$sub row=subAgent/$agent/$sub
pick who "You are the first to meet a customer." "You answer the shop's letters." "You know every order."
pick what "Find out what it is about." "Look the order up first." "Ask one question at a time."
pick never "Never promise a refund." "Never name a colleague." "Never guess a price."
pick kind "You greet every customer by name." "You thank people for waiting." "You begin with a kind word."
pick hand "Hand over what you cannot answer." "Pass invoices on to billing." "Call a person for complaints."
pick about "Meets customers." "Reads the letters." "Knows who knows."

printf 'seed %s: %s, branch %s\n' "$seed" "$project" "$branch"

# --- the story ------------------------------------------------------------------------------------------------------

chapter "Ana brings a project with one prompt of three lines."
ana=$("$program" key create --name ana 2>/dev/null)
ben=$("$program" key create --name ben 2>/dev/null)
cat >shop.json <<END
{ "id": "$shop", "name": "Shop", "tools": {},
  "models": { "base": { "model": "small" }, "summarizer": { "model": "small" } },
  "agents": { "$agent": { "id": "$agent", "name": "Agent", "defaultSubAgentId": "$sub", "subAgents": {
    "$sub": { "id": "$sub", "name": "Router", "type": "internal", "canUse": [], "canTransferTo": [], "canDelegateTo": [],
      "models": { "base": { "model": "small" } },
      "prompt": "$who\n$what\n$never" } } } } }
END
as "$ana" import shop.json -m "Bring the project" >/dev/null
first=$(head_of main)
expect "the prompt is there" "$(prompt main)" "$who"$'\n'"$what"$'\n'"$never"

chapter "Ben tries a kinder tone aside; Ana goes on, on main."
as "$ben" branch create "$branch" >/dev/null
as "$ben" set --ref "$branch" "$router" prompt="$kind"$'\n'"$what"$'\n'"$never" -m "A kinder first line" >/dev/null
as "$ben" set --ref "$branch" "$router" models='{"base":{"model":"large"}}' -m "A larger model" >/dev/null
as "$ana" set "$router" prompt="$who"$'\n'"$what"$'\n'"$hand" -m "Say when to hand over" >/dev/null
as "$ana" set "$router" models='{"base":{"model":"small"},"summarizer":{"model":"tiny"}}' -m "Sum up with less" >/dev/null
expect "main does not know of the branch" "$(prompt main)" "$who"$'\n'"$what"$'\n'"$hand"
expect_in "the difference has both" "$(as "$ana" diff main "$branch")" "- $who" "+ $kind" "- $hand" "+ $never"

chapter "Different lines of one prompt and different keys of one JSON value: that merges by itself."
before=$(head_of main)
expect_in "the preview says what would change" "$(as "$ana" merge "$branch" --preview)" "+ $kind" large
expect "a preview writes nothing" "$(head_of main)" "$before"
as "$ana" merge "$branch" -m "Take the kinder tone" >/dev/null
both=$kind$'\n'$what$'\n'$hand
expect "the prompt has both lines" "$(prompt main)" "$both"
models=$("$program" get -p "$project" "$router" models)
expect_in "the JSON has both keys" "$models" '"model": "large"' '"model": "tiny"'
expect "what is merged is not merged again" "$(head_of main)" "$(as "$ana" merge "$branch" >/dev/null; head_of main)"

chapter "Both change the name, and neither gives way: a conflict."
as "$ben" set --ref "$branch" "$router" name="Ben's router" -m "Ben's name" >/dev/null
as "$ana" set "$router" name="Ana's router" -m "Ana's name" >/dev/null
before=$(head_of main)
expect_refused "the merge is refused" as "$ana" merge "$branch"
expect_in "the conflict can be read" "$said" "$row" name "Ana's router" "Ben's router" "--theirs $row"
expect "nothing was written" "$(head_of main)" "$before"
as "$ana" merge "$branch" --set "$row:name=Our router" -m "Meet in the middle" >/dev/null
expect "the conflict is settled" "$("$program" get -p "$project" "$router" name)" "Our router"

chapter "This state gets a name, and the clock goes on."
as "$ana" tag create "$tag" -m "What customers meet" >/dev/null
expect_in "the tag is listed" "$(as "$ana" tag)" "$tag" "What customers meet"
then=$(moment)
as "$ben" set "$router" prompt="Be brief." -m "Shorter" >/dev/null
shorter=$(head_of main)
expect "the prompt is Ben's" "$(prompt main)" "Be brief."

chapter "The past is still there: by tag, by steps, by time."
expect "by tag" "$(prompt "$tag")" "$both"
expect "one step back" "$(prompt main~1)" "$both"
expect "at that time" "$(prompt "main@{$then}")" "$both"
expect "the first commit" "$(prompt "$first")" "$who"$'\n'"$what"$'\n'"$never"
expect_refused "a tag is not written" as "$ben" set --ref "$tag" "$router" prompt=x

chapter "Each line of the prompt is somebody's."
lines=$(as "$ana" blame --ref "$tag" "$router" prompt)
expect_in "the first line is Ben's" "$(sed -n 1p <<<"$lines")" ben "$kind"
expect_in "the last line is Ana's" "$(sed -n 3p <<<"$lines")" ana "$hand"
expect_in "the history tells every change" "$(as "$ana" history "$router")" "Shorter" "Meet in the middle"
expect_in "the log of one row has its commits" "$(as "$ana" log "$router" --author ben)" "Shorter" "A larger model"

chapter "Shorter was too short: Ana takes it back, and then takes that back."
as "$ana" revert "$shorter" >/dev/null
expect "the prompt is the former one" "$(prompt main)" "$both"
as "$ana" undo >/dev/null
expect "the undo of the revert has it short again" "$(prompt main)" "Be brief."
as "$ana" revert --to "$tag" "$router" -m "As customers met it" >/dev/null
expect "a row is restored as of the tag" "$(prompt main)" "$both"
expect "nothing but that differs" "$(as "$ana" diff "$tag" main)" "Nothing differs"

chapter "The branch is done with, and then it is not."
tip=$(head_of "$branch")
as "$ben" branch delete "$branch" >/dev/null
expect_refused "the branch is gone" as "$ben" log --ref "$branch"
as "$ben" undo >/dev/null
expect "the branch is back where it was" "$(head_of "$branch")" "$tip"
expect_in "all of it is written down" "$(as "$ana" operations)" "branch delete" "branch create" "tag create" merge

chapter "As files, the project travels."
as "$ana" export files >/dev/null
expect_in "each row is a file" "$(find files -type f)" files/project.json "files/agents/$agent/"
as "$ana" set "$router" description="$about" -m "Describe it" >/dev/null
as "$ana" import files -m "As the files say" >/dev/null
expect "import brings the files' state" "$(as "$ana" diff "$tag" main)" "Nothing differs"
as "$ana" export again >/dev/null
expect "export, import, export is the same" "$(diff -r files again)" ""

printf '\nThe end: every step was as told (seed %s)\n' "$seed"
