# shellcheck shell=bash
# What `x` does with database servers: for one run of the tests, and for a person at work.

# Which servers the tests do without, and why: a line for each.
skipped=()
# Where the servers of this run are, which end with it.
run_home=""

# Makes sure that the script leaves nothing behind, however it ends.
clean_at_exit() {
    trap clean EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

clean() {
    trap '' HUP INT TERM
    if [ -n "$run_home" ]; then
        stop_all "$run_home"
        rm -rf "$run_home"
    fi
    [ ${#scratch[@]} -eq 0 ] || rm -rf "${scratch[@]}"
}

title() { # ENGINE
    case "$1" in
        doltgres) echo "DoltGres" ;;
        postgres18) echo "PostgreSQL 18" ;;
        postgres16) echo "PostgreSQL 16" ;;
    esac
}

# Starts servers for one run of the tests, and tells these of each that could be had.
engines_for_tests() {
    local engine
    unset "${!UNDERSTORY_TEST_@}"
    run_home=$(mktemp -d)
    for engine in postgres18 postgres16 doltgres; do
        if make_home "$run_home" && serve "$engine" "$run_home"; then
            tell_tests "$engine" "$run_home/$engine"
        else
            skipped+=("SKIPPED: the suites on $(title "$engine") did not run: $reason")
        fi
    done
    list_skipped
}

# `ENGINE=VERSION;…` of all engines, those that are built into the program included.
engine_versions() {
    local number
    printf 'DoltGres=%s;' "$(doltgres_version)"
    for number in 18 16; do
        printf 'PostgreSQL-%s=%s;' "$number" \
            "$("$postgres/pginstall${number/16/}/bin/postgres" --version | awk '{ print $3 }')"
    done
    awk -F '"' '/name = "rusqdoltlite"/ { getline; printf "DoltLite=crate %s;SQLite=its library;", $2 }' Cargo.lock
}

list_skipped() {
    [ ${#skipped[@]} -eq 0 ] || printf '%s\n' "${skipped[@]}" >&2
}

tell_tests() { # ENGINE DIRECTORY
    local url
    url=$(url "$2" postgres)
    case "$1" in
        doltgres)
            # The settings hold for the servers that tests start, too.
            export UNDERSTORY_TEST_DOLTGRES_URL="$url" UNDERSTORY_TEST_DOLTGRES_BIN="$doltgres" DOLT_ROOT_PATH="$2"
            ;;
        postgres18)
            export UNDERSTORY_TEST_POSTGRES_URL="$url" UNDERSTORY_TEST_POSTGRES_BIN="$postgres/pginstall18/bin"
            [ -z "$server_user" ] || export UNDERSTORY_TEST_POSTGRES_USER="$server_user"
            ;;
        postgres16) export UNDERSTORY_TEST_POSTGRES16_URL="$url" ;;
    esac
}

engines() { # up | down [--delete]
    clean_at_exit
    case "$*" in
        up) engines_up "$(engines_home)" ;;
        down) stop_all "$(engines_home)" ;;
        "down --delete")
            stop_all "$(engines_home)"
            rm -rf "$(engines_home)"
            ;;
        *) echo "./x engines takes up, down or down --delete, not '$*'" >&2; exit 2 ;;
    esac
}

# Where the servers of a person at work are kept.
engines_home() {
    if [ -n "$server_user" ] && [ -z "${XDG_STATE_HOME:-}" ]; then
        # Nobody else can enter root's home.
        echo /var/lib/understory/engines
    else
        echo "${XDG_STATE_HOME:-$HOME/.local/state}/understory/engines"
    fi
}

# Starts servers that stay, and prints what a shell needs to know of them.
engines_up() { # HOME
    local engine
    for engine in postgres18 doltgres; do
        { make_home "$1" && serve "$engine" "$1" && make_database "$1/$engine"; } ||
            { echo "$(title "$engine") is not up: $reason" >&2; exit 1; }
    done
    echo "Data and logs are in $1; './x engines down' stops the servers" >&2
    echo "export UNDERSTORY_MANAGE_DATABASE_URL=$(url "$1/doltgres" understory)"
    echo "export UNDERSTORY_RUNTIME_DATABASE_URL=$(url "$1/postgres18" understory)"
}

make_database() { # DIRECTORY
    [ "$(query "$1" "select datname from pg_database where datname = 'understory'")" = understory ] ||
        query "$1" 'create database understory' >&2 ||
        { reason="the database understory could not be made, see above"; return 1; }
}
