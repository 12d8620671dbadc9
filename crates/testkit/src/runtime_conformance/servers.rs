use std::net::TcpListener;
use std::time::{Duration, Instant};

use understory_runtime::{Migrate, RuntimeError, RuntimeResult, RuntimeStore};
use understory_sql::Migrations;
use understory_sql::postgres::{Pool, ServerUrl};

use super::{OnServer, Place as _};
use crate::conformance::{Checked, Failure};

/// The longest that a caller waits for a server that does not answer.
const PATIENCE: Duration = Duration::from_secs(6);

async fn connect(url: &ServerUrl) -> Result<RuntimeResult<RuntimeStore>, Failure> {
    Ok(RuntimeStore::connect(url, 1, &Migrations::embedded()?, Migrate::Run).await)
}

/// A server that is not there, or takes connections and then says nothing, is told as unavailable, and soon.
pub async fn a_silent_or_absent_server_is_unavailable(_: &OnServer) -> Checked {
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let absent = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    for address in [silent.local_addr()?, absent] {
        let begun = Instant::now();
        let url = ServerUrl::parse(&format!("postgresql://me:secret@{address}/d?sslmode=disable"))?;
        assert!(matches!(connect(&url).await?, Err(RuntimeError::Unavailable(_))), "{address}");
        assert!(begun.elapsed() < PATIENCE, "{address}: {:?}", begun.elapsed());
    }
    Ok(())
}

/// Who may not connect is told so in the server's words.
pub async fn a_wrong_password_or_database_is_refused(place: &OnServer) -> Checked {
    let address = place.0.server_address();
    let (scheme, rest) = address.split_once("://").ok_or("an address has a scheme")?;
    let (who, place_at) = rest.rsplit_once('@').ok_or("an address has a user")?;
    let user = who.split(':').next().unwrap_or_default();
    let wrong = ServerUrl::parse(&format!("{scheme}://{user}:wrong@{place_at}"))?;
    for (url, words) in [(wrong, "password"), (place.0.url().with_database("nonesuch"), "nonesuch")] {
        let refused = connect(&url).await?.err().ok_or("it was opened")?;
        assert!(matches!(refused, RuntimeError::Refused(_)), "{refused:?}");
        let told = std::error::Error::source(&refused).map(ToString::to_string).unwrap_or_default();
        assert!(told.contains(words), "{told}");
    }
    Ok(())
}

/// A database with tables of another program gets none of ours.
pub async fn a_database_of_somebody_else_is_refused(place: &OnServer) -> Checked {
    place.0.batch("create table theirs (id int)").await?;
    let refused = connect(&place.0.url()).await?.err().ok_or("it was opened")?;
    assert!(matches!(&refused, RuntimeError::Unsupported(told) if told.contains("theirs")), "{refused:?}");
    place.0.batch("drop table theirs").await?;
    connect(&place.0.url()).await??;
    Ok(())
}

/// While all connections are taken, callers are told so after some time; then all goes on.
pub async fn a_full_pool_is_unavailable(place: &OnServer) -> Checked {
    drop(place.open().await?);
    let store = connect(&place.0.url()).await??;
    store.setting_set("a", "1").await?;
    let other = Pool::new(&place.0.url(), 1, false)?.connection().await?;
    other.batch("begin; update settings set value = '2'").await?;
    let writer = store.clone();
    let waiting = tokio::spawn(async move { writer.setting_set("a", "3").await });
    while store.pool_status().is_some_and(|pool| pool.idle > 0) {
        tokio::task::yield_now().await;
    }
    let begun = Instant::now();
    assert!(matches!(store.setting_get("a").await, Err(RuntimeError::Unavailable(_))));
    assert!(begun.elapsed() < PATIENCE);
    other.batch("rollback").await?;
    waiting.await??;
    assert_eq!(store.setting_get("a").await?.as_deref(), Some("3"));
    Ok(())
}

/// Connections that the server ended are replaced. Until a caller has noticed, it is told, and not that nothing is there.
pub async fn ended_connections_are_replaced(place: &OnServer) -> Checked {
    let store = place.open().await?;
    store.setting_set("a", "1").await?;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()";
    for _ in 0..5 {
        place.sql(end).await?;
        let found = loop {
            match store.setting_get("a").await {
                Err(RuntimeError::Unavailable(_)) => {}
                other => break other?,
            }
        };
        assert_eq!(found.as_deref(), Some("1"));
    }
    Ok(())
}

/// What only a file can do is refused with what to do instead.
pub async fn what_only_files_have_is_unsupported(place: &OnServer) -> Checked {
    let store = place.open().await?;
    assert!(store.is_shared() && store.pool_status().is_some_and(|pool| pool.limit > 1));
    let to = tempfile::tempdir()?.path().join("copy");
    let refused = [store.backup(&to).await.err(), store.integrity_check().await.err(), store.path().err()];
    for refused in refused {
        assert!(matches!(refused, Some(RuntimeError::Unsupported(_))), "{refused:?}");
    }
    assert!(!to.exists());
    Ok(())
}
