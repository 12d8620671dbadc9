//! The runtime store passes its conformance suite on every engine.

mod sqlite {
    use understory_testkit::conformance::Failure;
    use understory_testkit::runtime_conformance::InDirectory;

    async fn place(_: &str) -> Result<Option<InDirectory>, Failure> {
        Ok(Some(InDirectory::new()?))
    }

    understory_testkit::runtime_conformance_tests!(place);
}

macro_rules! on_server {
    ($engine:ident, $server:ident) => {
        mod $engine {
            use understory_testkit::conformance::Failure;
            use understory_testkit::runtime_conformance::OnServer;
            use understory_testkit::servers::TestServer;

            async fn place(test: &str) -> Result<Option<OnServer>, Failure> {
                let test = format!("{}::{test}", stringify!($engine));
                Ok(TestServer::$server.database(&test).await?.map(OnServer))
            }

            understory_testkit::runtime_conformance_tests!(place);

            mod only_servers {
                understory_testkit::runtime_server_tests!(super::place);
            }
        }
    };
}

on_server!(postgres, Postgres);
on_server!(postgres_16, Postgres16);
