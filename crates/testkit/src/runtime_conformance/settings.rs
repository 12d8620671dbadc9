use super::Place;
use crate::conformance::Checked;

/// A setting is what it was last set to, also in the next run.
pub async fn settings_are_kept_and_replaced(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert_eq!(store.setting_get("a").await?, None);
    for value in ["1", "", "ä '2'\n"] {
        store.setting_set("a", value).await?;
        assert_eq!(store.setting_get("a").await?.as_deref(), Some(value));
    }
    let store = place.open_after_crash(store).await?;
    assert_eq!(store.setting_get("a").await?.as_deref(), Some("ä '2'\n"));
    assert!(!store.setting_replace("a", "1", "2").await?, "it is not that any more");
    assert!(store.setting_replace("a", "ä '2'\n", "2").await?);
    assert!(!store.setting_replace("b", "", "2").await?, "it was never set");
    store.setting_remove("a").await?;
    store.setting_remove("a").await?;
    assert_eq!(store.setting_get("a").await?, None);
    Ok(())
}
