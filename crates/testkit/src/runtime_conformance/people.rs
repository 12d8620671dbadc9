use serde_json::json;
use understory_runtime::{
    Admission, Membership, NewInvitation, NewSession, NewUser, Rotation, RuntimeError, RuntimeStore, User, UserDetails,
};

use super::Place;
use crate::conformance::{Checked, Failure};

const LATER: &str = "2999-01-01 00:00:00.000";

fn somebody(name: &str) -> NewUser {
    let details = UserDetails {
        name: name.into(),
        email: format!("{name}@example.com"),
        username: name.into(),
        first_name: None,
        last_name: Some("Müller".into()),
        preferences: Some(json!({ "theme": "dark" })),
    };
    let id = format!("id-of-{name}");
    NewUser { id, details, role: "user".into(), password_hash: Some("hash".into()), default_project: "p".into() }
}

fn is(tenant: &str, project: Option<&str>, role: &str) -> Membership {
    Membership { tenant: tenant.into(), project: project.map(str::to_owned), role: role.into() }
}

async fn add(store: &RuntimeStore, name: &str) -> Result<User, Failure> {
    let added = store.user_add(somebody(name), Vec::new(), Admission::Open).await?;
    Ok(added.ok_or("an open door admits everybody")?)
}

/// Somebody is found by id and address with what they are anywhere, and people are listed by user name.
pub async fn people_are_found_with_their_roles(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert!(!store.user_any().await?);
    let roles = vec![is("acme", None, "member"), is("acme", Some("shop"), "project_viewer")];
    let zoe = store.user_add(somebody("zoe"), roles.clone(), Admission::Open).await?.ok_or("she is admitted")?;
    let ana = add(&store, "ana").await?;
    assert!(store.user_any().await?);
    assert_eq!(store.user_list().await?, [ana.clone(), zoe.clone()]);
    let found = store.user_find("zoe@example.com").await?.ok_or("she is there")?;
    assert_eq!((&found.user, found.password_hash.as_deref()), (&zoe, Some("hash")));
    assert_eq!(store.user_get(&ana.id).await?.ok_or("she is there")?.user, ana);
    assert!(store.user_find("nobody@example.com").await?.is_none());
    assert_eq!(store.memberships_of(&zoe.id).await?, roles);
    store.memberships_add(&zoe.id, vec![is("acme", Some("shop"), "project_admin")]).await?;
    assert_eq!(store.memberships_of(&zoe.id).await?[1].role, "project_admin");
    assert!(store.project_member_remove("acme", "shop", &zoe.id).await?);
    assert!(!store.project_member_remove("acme", "shop", &zoe.id).await?);
    assert_eq!(store.memberships_of(&zoe.id).await?, roles[..1]);
    Ok(())
}

/// However many take one address or user name at once, one has it, and the others leave nothing.
pub async fn an_address_and_a_user_name_are_taken_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let tasks = (0..8).map(|n| {
        let (store, mut new) = (store.clone(), somebody("ana"));
        new.id = format!("id-{n}");
        if n % 2 == 0 {
            new.details.email = format!("{n}@example.com");
        } else {
            new.details.username = n.to_string();
        }
        tokio::spawn(async move { store.user_add(new, vec![is("acme", None, "member")], Admission::Open).await })
    });
    let (mut made, mut members) = (0, 0);
    for task in tasks.collect::<Vec<_>>() {
        match task.await? {
            Ok(_) => made += 1,
            Err(RuntimeError::Exists { what }) => assert!(what.starts_with("somebody with the "), "{what}"),
            Err(other) => return Err(other.into()),
        }
    }
    for n in 0..8 {
        members += store.memberships_of(&format!("id-{n}")).await?.len();
    }
    assert_eq!((store.user_list().await?.len(), members), (made, made));
    assert_eq!(made, 2, "one has the address, another the user name");
    Ok(())
}

/// Changes of one person at once all count, and none takes what is somebody else's.
pub async fn changes_of_a_person_meet(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let (ana, ben) = (add(&store, "ana").await?, add(&store, "ben").await?);
    let details = |user: User| UserDetails {
        name: user.name,
        email: user.email,
        username: user.username,
        first_name: user.first_name,
        last_name: user.last_name,
        preferences: user.preferences,
    };
    let tasks = (0..8).map(|_| {
        let (store, id) = (store.clone(), ana.id.clone());
        let longer = move |user: User| UserDetails { name: format!("{}!", user.name), ..details(user) };
        tokio::spawn(async move { store.user_update(&id, longer).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await??;
    }
    let found = store.user_get(&ana.id).await?.ok_or("she is there")?.user;
    assert_eq!(found.name, "ana!!!!!!!!");
    let theirs = move |user| UserDetails { username: "ben".into(), ..details(user) };
    assert!(matches!(store.user_update(&ana.id, theirs).await, Err(RuntimeError::Exists { .. })));
    assert_eq!(store.user_get(&ana.id).await?.ok_or("she is there")?.user, found);
    assert!(store.user_update(&ben.id, theirs).await?.is_some(), "it is his");
    assert!(store.user_update("nobody", details).await?.is_none());
    Ok(())
}

/// What lets one person in lets nobody else in, however many try at once.
pub async fn an_admission_is_used_once(place: &impl Place) -> Checked {
    let store = place.open().await?;
    store.setting_set("code", "hash").await?;
    let wrong = Admission::Setting { name: "code".into(), value: "other".into() };
    assert!(store.user_add(somebody("eve"), Vec::new(), wrong).await?.is_none());
    let new = NewInvitation {
        tenant: "acme".into(),
        email: "ana@example.com".into(),
        role: "member".into(),
        projects: json!([{ "projectId": "shop", "projectRole": "project_viewer" }]),
        token_hash: "token".into(),
        inviter_id: "boss".into(),
        expires_at: LATER.into(),
    };
    let id = store.invitation_add(new.clone()).await?;
    for admission in [
        Admission::Setting { name: "code".into(), value: "hash".into() },
        Admission::Invitation { tenant: "acme".into(), id: id.clone() },
    ] {
        let tasks = (0..4).map(|n| {
            let (store, admission) = (store.clone(), admission.clone());
            let new = somebody(&format!("{n} of {admission:?}"));
            tokio::spawn(async move { store.user_add(new, Vec::new(), admission).await })
        });
        let mut admitted = 0;
        for task in tasks.collect::<Vec<_>>() {
            admitted += usize::from(task.await??.is_some());
        }
        assert_eq!(admitted, 1, "{admission:?}");
    }
    let found = store.invitation_find("token").await?.ok_or("it stays on record")?;
    assert_eq!((found.id, found.status.as_str(), found.projects), (id, "accepted", new.projects));
    assert!(store.invitation_find("other").await?.is_none());
    Ok(())
}

/// Wrong passwords in a row lock somebody out; a right one, or another password, begins anew.
pub async fn wrong_passwords_are_counted(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let ana = add(&store, "ana").await?;
    let locked = async || {
        let found = store.user_get(&ana.id).await?.ok_or("she is there")?;
        Ok::<_, Failure>(found.locked_until)
    };
    for _ in 0..2 {
        store.user_sign_in_failed(&ana.id, 3, LATER).await?;
    }
    store.user_signed_in(&ana.id, LATER).await?;
    for _ in 0..2 {
        store.user_sign_in_failed(&ana.id, 3, LATER).await?;
    }
    assert_eq!(locked().await?, None);
    store.user_sign_in_failed(&ana.id, 3, LATER).await?;
    assert_eq!(locked().await?.as_deref(), Some(LATER));
    store.user_rehash(&ana.id, "not it", "x").await?;
    assert!(store.user_set_password(&ana.id, "new hash", "").await?);
    let found = store.user_get(&ana.id).await?.ok_or("she is there")?;
    assert_eq!((found.locked_until, found.password_hash.as_deref()), (None, Some("new hash")));
    assert_eq!(found.user.last_login_at.as_deref(), Some(LATER));
    store.user_rehash(&ana.id, "new hash", "better").await?;
    let found = store.user_get(&ana.id).await?.ok_or("she is there")?;
    assert_eq!(found.password_hash.as_deref(), Some("better"));
    assert!(!store.user_set_password("nobody", "x", "").await?);
    Ok(())
}

fn session(user: &User, handle: &str) -> NewSession {
    NewSession {
        user_id: user.id.clone(),
        handle_hash: handle.into(),
        secret_hash: "first".into(),
        expires_at: LATER.into(),
        ip_address: Some("::1".into()),
        user_agent: None,
    }
}

/// A token of a session is replaced once; the former one, used again, ends the session.
pub async fn a_replaced_token_ends_its_session(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let ana = add(&store, "ana").await?;
    let begun = store.session_begin(session(&ana, "h")).await?;
    let found = store.session_get(&begun.id).await?.ok_or("it is there")?;
    assert_eq!((&found.session, &found.user, found.memberships.len()), (&begun, &ana, 0));
    assert_eq!(store.session_find("h").await?, Some(found));
    assert!(matches!(store.session_rotate("h", "first", "second", LATER).await?, Rotation::Rotated(_)));
    assert_eq!(store.session_rotate("other", "first", "x", LATER).await?, Rotation::Unknown);
    assert!(matches!(store.session_rotate("h", "first", "third", LATER).await?, Rotation::Reused(_)));
    assert_eq!(store.session_rotate("h", "second", "third", LATER).await?, Rotation::Unknown);
    assert!(store.session_get(&begun.id).await?.is_none());
    Ok(())
}

/// Whoever may no longer sign in has no sessions, and another password leaves the one that asked for it.
pub async fn sessions_end_with_what_they_stand_on(place: &impl Place) -> Checked {
    let store = place.open().await?;
    let (ana, ben) = (add(&store, "ana").await?, add(&store, "ben").await?);
    let mut begun = Vec::new();
    for (user, handle) in [(&ana, "a"), (&ana, "b"), (&ben, "c"), (&ben, "d")] {
        begun.push(store.session_begin(session(user, handle)).await?.id);
    }
    let there = async || {
        let mut there = Vec::new();
        for id in &begun {
            there.push(store.session_get(id).await?.is_some());
        }
        Ok::<_, Failure>(there)
    };
    store.user_set_password(&ana.id, "x", &begun[1]).await?;
    assert_eq!(there().await?, [false, true, true, true]);
    store.session_end(&begun[2]).await?;
    store.session_end(&begun[2]).await?;
    let ben = store.user_set_active(&ben.id, false).await?.ok_or("he is there")?;
    assert!(!ben.is_active);
    assert_eq!(there().await?, [false, true, false, false]);
    store.session_extend(&begun[1], "2001-01-01 00:00:00.000").await?;
    store.session_prune("2000-01-01 00:00:00.000").await?;
    assert!(there().await?[1]);
    store.session_prune("2002-01-01 00:00:00.000").await?;
    assert!(!there().await?[1]);
    Ok(())
}

/// A profile keeps what a change does not speak of.
pub async fn a_profile_is_begun_and_changed(place: &impl Place) -> Checked {
    let store = place.open().await?;
    assert!(store.user_profile_get("ana").await?.is_none());
    let begun = store.user_profile_put("ana", Some(Some("Europe/Berlin".into())), None).await?;
    assert_eq!((begun.timezone.as_deref(), begun.attributes), (Some("Europe/Berlin"), Some(json!({}))));
    let changed = store.user_profile_put("ana", None, Some(Some(json!([1])))).await?;
    assert_eq!((changed.timezone.as_deref(), &changed.attributes), (Some("Europe/Berlin"), &Some(json!([1]))));
    let cleared = store.user_profile_put("ana", Some(None), None).await?;
    assert_eq!((cleared.timezone.as_deref(), &cleared.created_at), (None, &begun.created_at));
    assert_eq!(store.user_profile_get("ana").await?, Some(cleared));
    Ok(())
}
