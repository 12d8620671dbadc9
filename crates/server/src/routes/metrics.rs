use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use understory::PoolStatus;

use super::{Needs, Routes};
use crate::Context;

/// The version of the text format that Prometheus reads.
const FORMAT: &str = "text/plain; version=0.0.4";

/// A figure of a pool of connections to a database server: its name, what it means, and how it is read.
type Figure = (&'static str, &'static str, fn(&PoolStatus) -> usize);

const OF_POOLS: [Figure; 4] = [
    ("understory_database_connections_limit", "Connections that may be open.", |pool| pool.limit),
    ("understory_database_connections_open", "Connections that are open.", |pool| pool.open),
    ("understory_database_connections_idle", "Connections that are open and not used.", |pool| pool.idle),
    ("understory_database_connections_waiting", "Callers that wait for a connection.", |pool| pool.waiting),
];

pub(super) fn routes(routes: &mut Routes) {
    routes.under("").get("/metrics", Needs::Server, metrics);
}

/// Figures of this process.
async fn metrics(State(context): State<Context>) -> Response {
    ([(header::CONTENT_TYPE, FORMAT)], text(&context.app.pools())).into_response()
}

fn text(pools: &[(String, PoolStatus)]) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!(
        "# HELP understory_info The program that runs.\n# TYPE understory_info gauge\n\
         understory_info{{version=\"{version}\"}} 1\n"
    );
    for (name, help, figure) in OF_POOLS {
        if !pools.is_empty() {
            let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} gauge");
        }
        for (pool, status) in pools {
            let _ = writeln!(text, "{name}{{pool=\"{pool}\"}} {}", figure(status));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use understory::PoolStatus;

    use super::text;

    #[test]
    fn each_figure_names_its_pool() {
        let pools = [("runtime".to_owned(), PoolStatus { limit: 10, open: 4, idle: 3, waiting: 2 })];
        let text = text(&pools);
        let lines: Vec<_> = text.lines().filter(|line| line.contains("runtime")).collect();
        let figures = ["limit", "open", "idle", "waiting"].into_iter().zip([10, 4, 3, 2]);
        let expected =
            figures.map(|(what, n)| format!("understory_database_connections_{what}{{pool=\"runtime\"}} {n}"));
        assert_eq!(lines, expected.collect::<Vec<_>>());
    }
}
