//! Parameters of lists and of records by their ids.

use aureole_testkit::Server;
use serde_json::{Value, json};

use super::{Seen, asked};
use crate::paths::encode;
use crate::writes::{client, id, make};

pub async fn parameters(server: &Server, seen: &mut Seen) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let view = id(&make(&admin, "ViewLists", json!({ "name": "V", "type": "sites" })).await);
    let columns = json!({ "name": "C", "type": "sites", "columns": [] });
    let columns = id(&make(&admin, "ViewColumns", columns).await);
    let words = ["w"; 21].join("%20");
    let at = |url: &str, names: &'static str| (url.to_owned(), names);
    let mut table = vec![
        at("Client?page_size=abc", "page_size"),
        at("Client?pageinate=true&page_size=0", "page_size"),
        at("Client?page_no=-1", "page_no"),
        at("Client?count=-1", "count"),
        at("Client?pageinate=maybe", "pageinate"),
        at("Client?order=nothing", "order"),
        at("Client?order5=nothing", "order5"),
        at("Client?activeinactive=true", "activeinactive"),
        at("Client?lastupdatefromdate=soon", "lastupdatefromdate"),
        at("Client?lastupdatetodate=soon", "lastupdatetodate"),
        at("Client?include_custom_fields=1,x", "include_custom_fields"),
        at("Client?sitefields=x", "sitefields"),
        at("Client?domain=nothing", "domain"),
        at("Client?search=a%00b", "search"),
        at("Client?integration_type=xero", "integration_tenantids"),
        at("Client?integration_tenantids=1", "integration_type"),
        at("Client?integration_type=azure&integration_tenantids=x", "integration_tenantids"),
        at("Client?integration_type=nothing&integration_tenantids=1", "integration_type"),
        at("Client?ticketarea_id=x", "ticketarea_id"),
        at("Client/abc", "id"),
        at("Client/2147483648", "id"),
        at("AreaAzureTenant?azure_tenant_id=x", "azure_tenant_id"),
        at("ClientPrepay?billing_date=soon", "billing_date"),
        at("CRMNote?count=x", "count"),
        at("RecurringItem?client_id=x", "client_id"),
        at("RecurringItem?pending_recurring_invoice=x", "pending_recurring_invoice"),
        at("PopupNote?showall=x", "showall"),
        at("Site?client_id=x", "client_id"),
        at("Supplier?page_size=x", "page_size"),
        (format!("Client?search={words}"), "search"),
        (format!("Client/{acme}?tickettype_id=4711"), "tickettype_id"),
        (format!("Client/{acme}?includedetails=x"), "includedetails"),
        (format!("Client?view_id={view}"), "view_id"),
        (format!("Client?columns_id={columns}"), "columns_id"),
        (format!("Client?advanced_search={}", encode("{")), "advanced_search"),
        (format!("Client?advanced_search={}", encode("{}")), "advanced_search"),
        (
            format!("Client?advanced_search={}", encode(&json!(vec![json!({}); 51]).to_string())),
            "advanced_search",
        ),
    ];
    let condition = |name: &str, kind: Value, value: Value| json!({ "filter_name": name, "filter_type": kind, "filter_value": value });
    for (path, condition) in [
        ("Client", condition("name", json!(null), json!("x"))),
        ("Client", condition("name", json!(11), json!("x"))),
        ("Client", condition("name", json!(-1), json!("x"))),
        ("Client", condition("n\u{0}", json!(2), json!("x"))),
        ("Client", condition("nothing", json!(2), json!("x"))),
        ("Client", condition("popup_notes", json!(2), json!("x"))),
        ("Client", condition("paymentterms", json!(6), json!("x"))),
        ("Client", condition("inactive", json!(6), json!("maybe"))),
        ("Client", condition("calldate", json!(7), json!("soon"))),
        ("Client", condition("name", json!(2), json!("a\u{0}"))),
        ("Client", condition("name", json!(2), json!({}))),
        ("Tickets", condition("CFTier", json!(2), json!("x"))),
        ("Site", condition("nothing", json!(2), json!("x"))),
        ("Supplier", condition("nothing", json!(2), json!("x"))),
    ] {
        let text = encode(&json!([condition]).to_string());
        table.push((format!("{path}?advanced_search={text}"), "advanced_search[0]"));
    }
    asked(&admin, seen, &table).await;
    // Everything at once.
    let all = "Client?page_size=x&order=nothing&includeinactive=maybe&view_id=x&domain=nothing";
    let names = "page_size order includeinactive view_id domain";
    asked(&admin, seen, &[(all.to_owned(), names)]).await;
}
