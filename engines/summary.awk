# What a run of the tests showed: each suite on each engine, with how many laws it held. Reads what cargo printed.
# VERSIONS names the engines' versions: `DoltGres=1.3.3;…`.

BEGIN {
    split(versions, entries, ";")
    for (i in entries) { split(entries[i], entry, "="); version[entry[1]] = entry[2] }
    suites = "versioned store;its properties;runtime store;HTTP"
    split("memory DoltLite DoltGres;memory DoltLite DoltGres;SQLite PostgreSQL-18 PostgreSQL-16;embedded servers", on, ";")
    file["conformance_memory"] = "versioned store@memory"
    file["conformance_doltlite"] = "versioned store@DoltLite"
    file["conformance_doltgres"] = "versioned store@DoltGres"
    file["properties_memory"] = "its properties@memory"
    file["properties_doltlite"] = "its properties@DoltLite"
    file["properties_doltgres"] = "its properties@DoltGres"
    module["sqlite"] = "SQLite"; module["postgres"] = "PostgreSQL-18"; module["postgres_16"] = "PostgreSQL-16"
    side = "embedded"
}

/UNDERSTORY_TEST_STORES=servers/ { side = "servers" }
# The tests of a package come after those in its library; other packages have files of the same names.
/Running unittests/ { package = $0; sub(/.*deps\//, "", package); sub(/-.*/, "", package) }
/Running (tests|unittests)/ {
    name = $2; sub(/.*\//, "", name); sub(/\.rs$/, "", name)
    http = (package == "understory_server" && $2 ~ /^tests/)
}
/^test .* \.\.\. ok$/ {
    if (name in file) count[file[name]]++
    else if (name == "runtime_stores") {
        split($2, path, "::")
        # What only servers can do or suffer is no law of all.
        if (path[2] != "only_servers") count["runtime store@" module[path[1]]]++
    } else if (http) count["HTTP@" side]++
}

END {
    printf "\n%-18s %-16s %-16s %s\n", "suite", "engine", "version", "laws held"
    for (s = 1; s <= split(suites, suite, ";"); s++) {
        engines = split(on[s], engine, " ")
        for (e = 1; e <= engines; e++) {
            held = count[suite[s] "@" engine[e]] + 0
            printf "%-18s %-16s %-16s %d\n", suite[s], engine[e], version[engine[e]], held
            if (held != count[suite[s] "@" engine[1]] + 0) differs = differs " " engine[e] " (" suite[s] ")"
        }
    }
    if (differs != "") print "Not the same as on the first engine:" differs
}
