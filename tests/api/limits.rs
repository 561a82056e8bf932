//! An agent that is limited to some clients sees nothing of the others, also where a record only
//! hangs on a site.

use aureole_server::auth::Role;
use aureole_testkit::{Server, on_both_databases};
use serde_json::json;

use crate::writes::{id, make};

on_both_databases!(what_hangs_on_a_site_is_its_clients);

async fn what_hangs_on_a_site_is_its_clients(server: &Server) {
    let admin = server.admin().await;
    let seen = make(&admin, "Client", json!({ "name": "Seen" })).await;
    let hidden = make(&admin, "Client", json!({ "name": "Hidden" })).await;
    for owner in [&seen, &hidden] {
        let address = json!({ "line1": "1 Quay", "site_id": owner["main_site_id"] });
        make(&admin, "Address", address).await;
    }
    let agent = server.actor("default", "limited", "all:standard", Role::Agent).await;
    let me = agent.get("/api/Agent/me").await.expect(200);
    let denied = json!({ "id": id(&me), "denied_clients": [{ "client_id": id(&hidden) }] });
    admin.post("/api/Agent", denied).await.expect(200);
    let list = agent.get("/api/Address").await.expect(200);
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{list}");
    assert_eq!(list[0]["site_id"], seen["main_site_id"]);
    let all = admin.get("/api/Address").await.expect(200);
    for address in all.as_array().unwrap() {
        let expected = if address["site_id"] == seen["main_site_id"] { 200 } else { 404 };
        let path = format!("/api/Address/{}", id(address));
        agent.get(&path).await.expect(expected);
        if expected == 404 {
            agent.delete(&path).await.expect_error(404, "not_found");
        }
    }
}
