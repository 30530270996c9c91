//! The management API: who may ask for what, and the shapes of the answers.

use serde_json::json;

use super::world::{World, basic};

/// Each path, and how it answers: nobody, a USER, the MANAGER, and a stranger to the tenancy.
#[tokio::test]
async fn paths_are_for_those_whom_they_are_for() {
    let world = World::new().await;
    let t = "/_admin/manage/tenants/cedadev-o";
    let d = &format!("{t}/domains/cedadev-o.s3.jc.rl.ac.uk");
    for (method, path, expected) in [
        ("GET", "/_admin/manage/version".to_owned(), [200, 200, 200, 200]),
        ("GET", "/_admin/manage/meter/status".to_owned(), [200, 200, 200, 200]),
        ("GET", "/_admin/manage/tenants/?format=json".to_owned(), [401, 200, 200, 200]),
        ("GET", "/_admin/manage/meter/usage/bytesSize/current".to_owned(), [401, 200, 200, 200]),
        ("GET", "/_admin/manage/etc/policy.json".to_owned(), [401, 501, 501, 501]),
        ("GET", t.to_owned(), [401, 200, 200, 403]),
        ("GET", format!("{t}/domains/?format=json"), [401, 200, 200, 403]),
        ("GET", "/_admin/manage/tenants/_system/domains".to_owned(), [401, 200, 200, 200]),
        ("GET", d.clone(), [401, 200, 200, 403]),
        ("GET", format!("{t}/etc"), [401, 403, 200, 403]),
        ("GET", format!("{d}/etc/policy.json"), [401, 403, 200, 403]),
        ("GET", format!("{d}/etc/idsys.json"), [401, 403, 200, 403]),
        ("GET", format!("{t}/tokens"), [401, 200, 200, 403]),
        ("GET", format!("{d}/meter/usage/bytesSize/current?format=json"), [401, 403, 200, 403]),
        ("GET", format!("{d}/quota"), [401, 403, 200, 403]),
        ("GET", format!("{d}/buckets"), [401, 200, 200, 403]),
        ("PUT", format!("{d}/etc/idsys.json"), [401, 403, 501, 403]),
        ("PUT", format!("{d}/etc/policy.json"), [401, 403, 400, 403]),
        ("DELETE", format!("{d}/etc/policy.json"), [401, 403, 403, 403]),
        ("PUT", format!("{d}/quota/storage/limit?limit=1&state=nowrite"), [401, 403, 403, 403]),
        ("PUT", format!("{d}/quota/email?addresses=a@b"), [401, 403, 501, 403]),
        ("PUT", format!("{d}/rsw?state=disabled"), [401, 403, 200, 403]),
        ("PUT", format!("{d}/rsw?state=enabled"), [401, 403, 501, 403]),
        ("PUT", "/_admin/manage/tenants/new-o".to_owned(), [401, 403, 403, 403]),
        ("PUT", format!("{t}/domains/data.example.org"), [401, 403, 403, 403]),
        ("PUT", format!("{t}/domains/new-o.s3.jc.rl.ac.uk"), [401, 403, 403, 403]),
        ("PUT", d.clone(), [401, 200, 200, 403]),
        ("DELETE", t.to_owned(), [401, 403, 403, 403]),
        ("GET", "/_admin/manage/tenants/nowhere-o".to_owned(), [404, 404, 404, 404]),
        ("GET", format!("{t}/domains/other-o.s3.jc.rl.ac.uk"), [404, 404, 404, 404]),
        ("GET", format!("{t}/frob"), [401, 404, 404, 404]),
    ] {
        let callers = [None, Some("mjones07"), Some("max"), Some("stranger")];
        for (name, expected) in callers.into_iter().zip(expected) {
            let auth = name.map(basic);
            let headers: Vec<_> = auth.iter().map(|auth| ("authorization", auth.as_str())).collect();
            let reply = world.send(method, &path, &headers).await;
            assert_eq!(reply.status, expected, "{method} {path} as {name:?}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn shapes_are_those_that_clients_read() {
    let world = World::new().await;
    let auth = basic("max");
    let get = async |path: &str| {
        let reply = world.send("GET", &format!("/_admin/manage/{path}"), &[("authorization", &auth)]).await;
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        assert_eq!(reply.header("content-type"), Some("application/json"), "{path}");
        reply.json()
    };
    assert_eq!(get("version").await, json!({ "version": "1.2.3" }));
    let tenants = get("tenants/?format=json").await;
    assert_eq!(tenants.as_array().map(Vec::len), Some(1), "those of the caller alone: {tenants}");
    assert_eq!(tenants[0]["name"], "cedadev-o");
    for field in ["lastModified", "owner", "contentMd5", "etag"] {
        assert!(tenants[0][field].is_string(), "{field}");
    }
    let fields = get("tenants/?format=json&fields=name,policy_versioning,x_caringo_meta_quota_storage_limit").await;
    assert_eq!(fields, json!([{ "name": "cedadev-o" }]));
    let domains = get("tenants/cedadev-o/domains/?format=json").await;
    let names: Vec<_> = domains.as_array().expect("a list").iter().map(|domain| domain["name"].clone()).collect();
    assert_eq!(names, ["cedadev-o.s3.jc.rl.ac.uk", "cedadev-o.s3-ext.jc.rl.ac.uk"]);
    assert_eq!(get("tenants/_system/domains").await, domains);
    for (path, expected) in [
        ("meter/usage/bytesSize/current?format=json", json!([{ "bytesSize": 0, "timestamp": "2027-01-15" }])),
        ("meter/usage/bytesSize,opCount/2027-01-01/2027-01-31/month", json!([])),
    ] {
        assert_eq!(get(&format!("tenants/cedadev-o/{path}")).await, expected, "{path}");
    }
    let all = get("meter/usage/bytesStored/current").await;
    assert_eq!(all, json!([{ "bytesStored": 0, "timestamp": "2027-01-15", "tenant": "cedadev-o" }]));
    assert_eq!(get("tenants/cedadev-o/etc").await, json!([{ "name": "policy.json" }, { "name": "idsys.json" }]));
    assert_eq!(get("tenants/cedadev-o/etc/idsys.json").await["tokenPath"], "/.TOKEN/");
    let policy = get("tenants/cedadev-o/etc/policy.json").await;
    assert_eq!(policy["Statement"][0]["Principal"]["group"], json!(["cedadev-o-managers", "cedadev-o-deputies"]));
    assert_eq!(policy["Statement"].as_array().map(Vec::len), Some(1), "members reach their own buckets");
    let quota = get("tenants/cedadev-o/quota/storage/limit").await;
    assert_eq!(quota["storage"]["limit"], serde_json::Value::Null);
}

/// What operators alone may: a script of the vendor's that makes a domain with a token, a policy and a quota.
#[tokio::test]
async fn operators_make_domains() {
    let world = World::new().await;
    let auth = basic("oper@");
    let auth = ("authorization", auth.as_str());
    let t = "/_admin/manage/tenants";
    let tenants = world.send("GET", &format!("{t}/?format=json"), &[auth]).await.json();
    assert_eq!(tenants.as_array().map(Vec::len), Some(2), "all of them");
    let d = format!("{t}/_system/domains/new-o.s3.jc.rl.ac.uk");
    let policy = r#"{"Statement":[{"Effect":"Allow","Principal":{"user":[],"group":["new-o-members"]},"Action":["*"],"Resource":"*"}]}"#;
    for (method, path, body, expected) in [
        ("PUT", d.clone(), "", 201),
        ("PUT", d.clone(), "", 200),
        ("PUT", format!("{d}/etc/policy.json"), policy, 200),
        ("PUT", format!("{d}/quota/storage/limit?limit=250000000000&state=nowrite"), "", 200),
        ("PUT", format!("{d}/quota/storage/limit?limit=much"), "", 400),
        ("PUT", format!("{d}/quota/storage/limit?limit=1&state=frob"), "", 400),
        ("PUT", format!("{t}/new-o/domains/data.example.org"), "", 201),
        ("PUT", format!("{t}/cedadev-o/domains/data.example.org"), "", 409),
        ("DELETE", format!("{t}/cedadev-o/domains/cedadev-o.s3.jc.rl.ac.uk"), "", 501),
        ("PUT", format!("{t}/plain-o"), "", 201),
        ("PUT", format!("{t}/plain-o"), "", 409),
        ("PUT", format!("{t}/Not Valid"), "", 400),
        ("DELETE", format!("{t}/plain-o"), "", 200),
    ] {
        let path = path.replace(' ', "%20");
        let reply = world.send_to(super::world::HOST, method, &path, &[auth], body).await;
        assert_eq!(reply.status, expected, "{method} {path}: {}", reply.text);
    }
    let policy = world.send("GET", &format!("{d}/etc/policy.json"), &[auth]).await.json();
    assert_eq!(policy["Statement"][1]["Principal"]["group"], json!(["new-o-members"]));
    let quota = world.send("GET", &format!("{d}/quota"), &[auth]).await.json();
    assert_eq!(
        (&quota["storage"]["limit"], &quota["storage"]["state"]),
        (&json!(250_000_000_000u64), &json!("nowrite"))
    );
    let domains = world.send("GET", &format!("{t}/new-o/domains"), &[auth]).await.json();
    assert_eq!(domains[2]["name"], "data.example.org");
    assert_eq!(world.send("DELETE", &format!("{t}/new-o/domains/data.example.org"), &[auth]).await.status, 200);
    assert_eq!(world.send("GET", &format!("{t}/new-o/domains/data.example.org"), &[auth]).await.status, 404);

    let headers = [auth, ("x-owner-meta", "ann"), ("x-user-secret-key-meta", "a-secret-for-ann")];
    let made = world.send("POST", "/.TOKEN/?setcookie=false", &headers).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let listed = world.send("GET", "/.TOKEN/?format=json", &[("authorization", &basic("ann"))]).await;
    assert!(listed.text.contains(made.second_word()), "it is ann's");
    let headers = [auth, ("x-owner-meta", "stranger")];
    assert_eq!(world.send("POST", "/.TOKEN/", &headers).await.status, 403, "who has no role there");

    let other = world.send_to("other-o.s3.jc.rl.ac.uk", "POST", "/.TOKEN/", &[auth], "").await;
    let cookie = format!("token={}", other.second_word());
    let by_token =
        world.send("PUT", &format!("{t}/_system/domains/more-o.s3.jc.rl.ac.uk"), &[("cookie", &cookie)]).await;
    assert_eq!(by_token.status, 401, "a token is for one tenancy");
    let log = world.log().await;
    assert!(log.iter().any(|line| line == "swarm user:oper quota.set: quota of the tenancy in new-o done"), "{log:?}");
}

/// A policy of a tenancy that says more than can be carried is refused, whoever sends it, and says why.
#[tokio::test]
async fn policies_that_can_not_be_carried_are_refused() {
    let world = World::new().await;
    let auth = basic("max");
    let path = "/_admin/manage/tenants/cedadev-o/etc/policy.json";
    let statement = |principal: &str, rest: &str| {
        format!(r#"{{"Statement":[{{"Sid":"x","Effect":"Allow","Principal":{principal},"Resource":"*",{rest}}}]}}"#)
    };
    let all = r#""Action":["*"]"#;
    for (document, expected) in [
        // It could be carried, but operators alone change the default policy.
        (statement(r#"{"user":[],"group":["cedadev-o-members"]}"#, all), 403),
        (statement(r#"{"group":"cedadev-o-managers"}"#, all), 403),
        (r#"{"Version":"2008-10-17","Statement":[]}"#.to_owned(), 403),
        (statement(r#"{"user":["ann"],"group":[]}"#, all), 501),
        (statement(r#"{"anonymous":["*"]}"#, all), 501),
        (statement(r#"{"group":["others"]}"#, all), 501),
        (statement(r#"{"group":["cedadev-o-members"]}"#, r#""Action":["GetObject"]"#), 501),
        (statement(r#"{"group":["cedadev-o-members"]}"#, r#""Action":["*"],"Condition":{}"#), 501),
        (statement(r#"{"group":["cedadev-o-members"]}"#, all).replace("Allow", "Deny"), 501),
        ("{".to_owned(), 400),
        (r#"{"Statement":"x"}"#.to_owned(), 400),
    ] {
        let headers = [("authorization", auth.as_str())];
        let reply = world.send_to(super::world::HOST, "PUT", path, &headers, &document).await;
        assert_eq!(reply.status, expected, "{document}: {}", reply.text);
    }
    let other = world.send("PUT", "/_admin/manage/tenants/cedadev-o/etc/xform.json", &[("authorization", &auth)]).await;
    assert!(other.status == 501 && other.text.contains("policy.json"), "{}", other.text);
}

/// The lists at the root of a site.
#[tokio::test]
async fn the_root_lists_domains_and_buckets() {
    let world = World::new().await;
    let auth = basic("max");
    let headers = [("authorization", auth.as_str())];
    let domains = world.send("GET", "/?domains&format=json", &headers).await;
    assert_eq!(domains.json()[0]["name"], "cedadev-o.s3.jc.rl.ac.uk");
    let buckets = world.send("GET", "/?format=json", &headers).await;
    assert_eq!((buckets.status, buckets.text.as_str()), (200, "[]"));
    assert_eq!(world.send("GET", "/?format=json", &[]).await.status, 401);
    assert_eq!(world.send("GET", "/", &headers).await.status, 404, "it is for what is beside");
}
