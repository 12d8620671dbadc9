use understory_testkit::server::TestServer;

#[tokio::test]
async fn health_tells_of_both_stores() {
    let server = TestServer::start().await;
    let plain = server.send_with("GET", "/health", &[], None).await.expect(200, "/health");
    let api = server.send_with("GET", "/api/health", &[], None).await.expect(200, "/api/health");
    assert_eq!(api["success"], true);
    for report in [&plain, &api["data"]] {
        assert_eq!((&report["status"], &report["name"]), (&"ok".into(), &"understory".into()));
        for store in ["manage", "runtime"] {
            let store = &report["stores"][store];
            assert!(store["status"] == "ok" && store["latencyMs"].as_f64().is_some_and(|took| took > 0.0), "{report}");
        }
    }
}

#[tokio::test]
async fn a_store_that_is_gone_is_told() {
    let server = TestServer::start().await;
    if server.is_on_servers() {
        return;
    }
    // The manage store of files answers as long as its directory is there.
    std::fs::remove_dir_all(server.home().join("projects")).unwrap();
    let api = server.send("GET", "/api/health", None).await.expect(503, "/api/health");
    assert_eq!((&api["success"], &api["statusCode"]), (&false.into(), &503.into()));
    assert_eq!(api["data"]["stores"]["manage"]["status"], "failed");
    assert_eq!(api["data"]["stores"]["runtime"]["status"], "ok");
    assert_eq!(server.get("/health").await["status"], "degraded");
    server.send("GET", "/ready", None).await.expect(503, "/ready");
}
