//! Every parameter of the published tables changes the reply: one that is ignored fails here.
//!
//! Each row asks twice, without the parameter and with it, and says what the second reply has that
//! the first one has not.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::paths::encode;
use crate::writes::{id, make};

on_both_databases!(
    parameters_of_clients_change_the_list,
    parameters_of_a_client_change_the_record,
    parameters_of_sites_and_suppliers_change_the_list,
    parameters_of_what_hangs_on_clients_change_the_list,
    a_malformed_value_is_refused_everywhere,
);

/// What a parameter does.
enum Then {
    /// The rows are these, by name, note or id, separated by `|`.
    Rows(&'static str),
    /// The first row has this field, which it had not.
    Field(&'static str),
    /// The reply itself has this member, which it had not.
    Member(&'static str),
}
use Then::{Field, Member, Rows};

fn rows(reply: &Value) -> &[Value] {
    match reply {
        Value::Array(rows) => rows,
        reply => reply.as_object().unwrap().values().find_map(Value::as_array).unwrap(),
    }
}

fn labels(reply: &Value) -> String {
    let label = |row: &Value| {
        let mut named = ["name", "note"].iter().filter_map(|name| row[*name].as_str());
        let named = named.find(|text| !text.is_empty());
        named.map_or_else(|| row["id"].to_string(), str::to_owned)
    };
    rows(reply).iter().map(label).collect::<Vec<_>>().join("|")
}

/// Asks without and with each parameter. `path` may have a query that both have.
async fn check(admin: &Actor, path: &str, table: Vec<(String, Then)>) {
    for (parameter, then) in table {
        let (base, added) = parameter.split_once(" + ").unwrap_or(("", &parameter));
        let without = admin.get(&format!("/api/{path}?{base}")).await.expect(200);
        let with = admin.get(&format!("/api/{path}?{base}&{added}")).await.expect(200);
        let what = format!("{path}?{parameter}");
        match then {
            Rows(expected) => {
                assert_eq!(labels(&with), expected, "{what}");
                assert_ne!(labels(&without), expected, "{what} changes nothing");
            }
            Field(name) => {
                let record = |reply: &Value| match reply {
                    Value::Object(map) if map.contains_key("id") => reply.clone(),
                    _ => rows(reply)[0].clone(),
                };
                assert!(record(&with).get(name).is_some(), "{what}: no {name} in {with}");
                assert!(record(&without).get(name).is_none(), "{what}: {name} is there anyway");
            }
            Member(name) => {
                assert!(with.get(name).is_some(), "{what}: no {name} in {with}");
                assert!(without.get(name).is_none(), "{what}: {name} is there anyway");
            }
        }
    }
}

const GUID: &str = "00000000-0000-4000-8000-000000000001";

/// Three active clients and an inactive one, of which `Alfa` has everything that is asked for.
/// The numbers: the clients, the definitions, the top level, the area and the view.
struct World {
    alfa: i64,
    bravo: i64,
    site: i64,
    supplier: i64,
    custom: i64,
    site_field: i64,
    top: i64,
    area: i64,
    kind: i64,
    view: i64,
    columns: i64,
    connection: i64,
}

async fn world(admin: &Actor) -> World {
    let made = async |path: &str, body: Value| id(&make(admin, path, body).await);
    let me = admin.get("/api/Agent/me").await.expect(200)["id"].clone();
    let custom = made("FieldInfo", json!({ "name": "Tier", "usage": 2 })).await;
    let site_field = made("Field", json!({ "name": "Rack" })).await;
    let top = made("TopLevel", json!({ "name": "Top" })).await;
    let low = made("TopLevel", json!({ "name": "Low", "parentid": top })).await;
    let area = made("TicketArea", json!({ "name": "Area" })).await;
    let kind = json!({ "name": "Special", "allowall_clients": false, "ticketarea_id": area });
    let kind = made("TicketType", kind).await;
    let csp = json!({ "name": "CSP", "type": 2 });
    let connection = made("AzureADConnection", csp).await;
    let plain = |name: &str, reference: &str| json!({ "name": name, "ref": reference, "allowall_tickettypes": false, "notes": "n" });
    let mut alfa = plain("Alfa", "b");
    for (name, value) in [
        ("website", json!("w.example")),
        ("toplevel_id", json!(low)),
        ("accountmanagertech", me),
        ("calldate", json!("2020-01-01")),
        ("gficlientid", json!("g")),
        ("snow_id", json!(5)),
        ("sentinel_subscription_id", json!("s")),
        ("sentinel_tenant_id", json!(9)),
        ("jira_url", json!("https://jira.example")),
        ("servicenow_url", json!("https://now.example")),
        ("xero_tenant_id", json!("T1")),
        ("qbo_company_name", json!("Q")),
        ("invoicetemplate_name", json!("Standard")),
        ("customfields", json!([{ "id": custom, "value": "gold" }])),
        ("azure_tenants", json!([{ "azure_tenant_id": GUID, "details_id": connection }])),
        ("allowed_tickettypes", json!([{ "id": kind }])),
    ] {
        alfa[name] = value;
    }
    let made_alfa = make(admin, "Client", alfa).await;
    let bravo = make(admin, "Client", plain("Bravo word", "c")).await;
    let mut charlie = plain("Charlie", "a");
    charlie["trading_name"] = json!("word");
    let charlie = make(admin, "Client", charlie).await;
    let mut delta = plain("Delta", "d");
    delta["inactive"] = json!(true);
    make(admin, "Client", delta).await;
    let internal = json!({ "internal_client_id": id(&charlie) });
    admin.post("/api/Settings", internal).await.expect(200);
    let ticket = json!({ "summary": "t", "client_id": id(&bravo), "isopportunity": true });
    make(admin, "Tickets", ticket).await;
    let condition = json!([{ "filter_name": "ref", "filter_type": 2, "filter_value": "c" }]);
    let view = json!({ "name": "View", "type": "clients", "filters": condition });
    let columns = json!({ "name": "Profile", "type": "clients", "columns": [{ "name": "ref" }] });
    World {
        alfa: id(&made_alfa),
        bravo: id(&bravo),
        site: made_alfa["main_site_id"].as_i64().unwrap(),
        supplier: made("Supplier", json!({ "name": "Parts" })).await,
        custom,
        site_field,
        top,
        area,
        kind,
        view: made("ViewLists", view).await,
        columns: made("ViewColumns", columns).await,
        connection,
    }
}

/// `order` to `order5`: four keys in which all are alike, and the one that differs.
fn orders(
    alike: &[&str; 4],
    key: &str,
    up: &'static str,
    down: &'static str,
) -> Vec<(String, Then)> {
    let mut table = Vec::new();
    for at in 0..5 {
        let number = |at: usize| if at == 0 { String::new() } else { (at + 1).to_string() };
        let before: Vec<String> =
            (0..at).map(|at| format!("order{}={}", number(at), alike[at])).collect();
        let before = before.join("&");
        let order = format!("order{}={key}", number(at));
        table.push((format!("{before} + {order}"), Rows(up)));
        table.push((format!("{before}&{order} + orderdesc{}=true", number(at)), Rows(down)));
    }
    table
}

async fn parameters_of_clients_change_the_list(server: &Server) {
    let admin = server.admin().await;
    let world = world(&admin).await;
    let row = |parameter: &str, then: Then| (parameter.to_owned(), then);
    let search =
        json!([{ "filter_name": "qbo_company_name", "filter_type": 2, "filter_value": "q" }]);
    let mut table = vec![
        row("idonly=true", Rows("1|2|3")),
        row("count=2", Rows("Alfa|Bravo word")),
        row("pageinate=true", Member("page_no")),
        row("pageinate=true + page_size=1", Rows("Alfa")),
        row("pageinate=true&page_size=1 + page_no=2", Rows("Bravo word")),
        row("includeactive=false", Rows("")),
        row("includeinactive=true", Rows("Alfa|Bravo word|Charlie|Delta")),
        row("activeinactive=false,true", Rows("Delta")),
        row("search=word", Rows("Bravo word|Charlie")),
        row("search_name_only=word", Rows("Bravo word")),
        row("search=word + search_name_only=true", Rows("Bravo word")),
        row(&format!("advanced_search={}", encode(&search.to_string())), Rows("Alfa")),
        row("lastupdatefromdate=true", Field("alastupdate")),
        row("lastupdatetodate=true", Field("alastupdate")),
        row("lastupdatefromdate=2999-01-01", Rows("")),
        row("lastupdatetodate=2001-01-01", Rows("")),
        row("includeazuretenants=true", Field("azure_tenants")),
        row("includeinvoicetemplatename=true", Field("invoicetemplate_name")),
        row("includenotes=true", Field("notes")),
        row("include_website=true", Field("website")),
        row("includeqbofields=true", Field("qbo_company_name")),
        row("showcounts=true", Field("open_ticket_count")),
        row(&format!("include_custom_fields={}", world.custom), Field("customfields")),
        row(&format!("sitefields={}", world.site_field), Field("site_fields")),
        row("integration_type=xero&integration_tenantids=T1", Rows("Alfa")),
        row(
            &format!("integration_type=azure&integration_tenantids={}", world.connection),
            Rows("Alfa"),
        ),
        row("accountmanageronly=true", Rows("Alfa")),
        row("azureclients=true", Rows("Alfa")),
        row("callplan=true", Rows("Alfa")),
        row("domain=opps", Rows("Bravo word")),
        row("exclude_internal=true", Rows("Alfa|Bravo word")),
        row("gficlients=true", Rows("Alfa")),
        row("isjira=true", Rows("Alfa")),
        row("issentinel=true", Rows("Alfa")),
        row("isservicenow=true", Rows("Alfa")),
        row("sentinelid=9", Rows("Alfa")),
        row("snowaccountid=5", Rows("Alfa")),
        row("snowclients=true", Rows("Alfa")),
        row(&format!("ticketarea_id={}", world.area), Rows("Alfa")),
        row(&format!("toplevel_id={}", world.top), Rows("Alfa")),
        row(&format!("view_id={}", world.view), Rows("Bravo word")),
        row(&format!("columns_id={}", world.columns), Member("columns")),
        row("includecolumns=true", Member("columns_id")),
    ];
    let alike = ["customertype", "stopped", "messagegroup_id", "mailbox_override"];
    table.extend(orders(&alike, "ref", "Charlie|Alfa|Bravo word", "Bravo word|Alfa|Charlie"));
    check(&admin, "Client", table).await;
}

async fn parameters_of_a_client_change_the_record(server: &Server) {
    let admin = server.admin().await;
    let world = world(&admin).await;
    let alfa = format!("Client/{}", world.alfa);
    let row = |parameter: &str, then: Then| (parameter.to_owned(), then);
    let details = "customfields site_fields custombuttons popup_notes attachments faqlists \
                   allowed_tickettypes billingplans areaitems external_links azure_tenants \
                   allowed_organisations";
    let mut table: Vec<(String, Then)> =
        details.split_whitespace().map(|name| row("includedetails=true", Field(name))).collect();
    let counts = ["open_ticket_count", "onhold_ticket_count", "total_ticket_count"];
    table.extend(counts.map(|name| row("includeactivity=true", Field(name))));
    table.extend([
        row("includeactivity=true", Field("opened_thismonth_count")),
        row("includeactivity=true", Field("opps_ticket_count")),
        row("includeprepay=true", Field("prepaytotal")),
        row("includeprepay=true", Field("prepayused")),
        row("includeprepay=true", Field("prepaybalance")),
        row("includeprepay=true", Field("prepayhistory")),
        row("includeperiods=true", Field("periods")),
        row("getavailablerts=true", Field("allowed_tickettypes")),
    ]);
    check(&admin, &alfa, table).await;
    let lens = format!("/api/{alfa}?domain=opps");
    admin.get(&lens).await.expect_error(404, "not_found");
    admin.get(&format!("/api/Client/{}?domain=opps", world.bravo)).await.expect(200);
    // The scene of a ticket leaves out the popups that do not pop up.
    let over = json!({ "client_id": world.alfa, "note": "over", "limitdaterange": true, "enddate": "2020-01-01" });
    make(&admin, "PopupNote", over).await;
    for (query, count) in [("", 1), ("&tickettype_id=KIND", 0)] {
        let query = query.replace("KIND", &world.kind.to_string());
        let read = admin.get(&format!("/api/{alfa}?includedetails=true{query}")).await.expect(200);
        assert_eq!(read["popup_notes"].as_array().unwrap().len(), count, "{query}");
    }
}

async fn parameters_of_sites_and_suppliers_change_the_list(server: &Server) {
    let admin = server.admin().await;
    let world = world(&admin).await;
    let custom = id(&make(&admin, "FieldInfo", json!({ "name": "Floor", "usage": 3 })).await);
    let item = id(&make(&admin, "Item", json!({ "name": "Mouse" })).await);
    let store = json!({ "name": "Store", "client_id": world.bravo, "isstocklocation": true,
        "ref": "z", "gfisiteid": "7", "azuretenantid": GUID, "notes": "n" });
    let store = id(&make(&admin, "Site", store).await);
    let row = |parameter: &str, then: Then| (parameter.to_owned(), then);
    let view = json!({ "name": "Stores", "type": "sites", "filters":
        [{ "filter_name": "isstocklocation", "filter_type": 6, "filter_value": true }] });
    let view = id(&make(&admin, "ViewLists", view).await);
    let columns = json!({ "name": "Sites", "type": "sites", "columns": [{ "name": "name" }] });
    let columns = id(&make(&admin, "ViewColumns", columns).await);
    let search = json!([{ "filter_name": "ref", "filter_type": 2, "filter_value": "Z" }]);
    let by_id = "order=id + ";
    let mut table = vec![
        row(&format!("{by_id}client_id={}", world.bravo), Rows("Main|Store")),
        row(&format!("site_id={store}"), Rows("Store")),
        row("gfisites=true", Rows("Store")),
        row(&format!("{by_id}azuresites=true"), Rows("Main|Store")),
        row("exclude_internal=true", Rows("Main|Main|Main|Store")),
        row("includenonstocklocations=false", Rows("Store")),
        row("includestocklocations=false", Rows("Main|Main|Main|Main")),
        row(&format!("stocklocation={store},{}", world.site), Rows("Store")),
        row(&format!("toplevel_id={}", world.top), Rows("Main")),
        row("search=store", Rows("Store")),
        row("search_name_only=store", Rows("Store")),
        row(&format!("advanced_search={}", encode(&search.to_string())), Rows("Store")),
        row("idonly=true", Rows("1|2|3|4|5")),
        row("count=1", Rows("Main")),
        row("includeactive=false", Rows("")),
        row("lastupdatefromdate=true", Field("slastupdate")),
        row("lastupdatetodate=2001-01-01", Rows("")),
        row("includeaddress=true", Field("delivery_address_line1")),
        row("includenotes=true", Field("notes")),
        row("showcounts=true", Field("open_ticket_count")),
        row(&format!("include_custom_fields={custom}"), Field("customfields")),
        row(&format!("sitefields={}", world.site_field), Field("site_fields")),
        row(&format!("view_id={view}"), Rows("Store")),
        row(&format!("columns_id={columns}"), Member("columns")),
        row("includecolumns=true", Member("columns")),
        row("pageinate=true + page_size=1", Rows("Main")),
        row("pageinate=true&page_size=4 + page_no=2", Rows("Store")),
        row("orderdesc=true", Rows("Store|Main|Main|Main|Main")),
    ];
    check(&admin, "Site", table).await;
    let with = admin.get(&format!("/api/Site?item_id_qty={item}")).await.expect(200);
    assert_eq!(with["sites"][0]["item_quantity_available"], 0);
    for (query, name) in
        [("includedetails=true", "stockbins"), ("includeactivity=true", "total_ticket_count")]
    {
        check(&admin, &format!("Site/{store}"), vec![row(query, Field(name))]).await;
    }
    let path = format!("/api/Site/{store}?client_override={}", world.alfa);
    admin.get(&path).await.expect_error(404, "not_found");
    admin
        .get(&format!("/api/Site/{}?domain=opps", world.site))
        .await
        .expect_error(404, "not_found");

    let cable = json!({ "name": "Cable", "kashflow_tenant_id": 3, "xero_tenant_id": "X", "toplevel_id": world.top, "contact_name": "a" });
    make(&admin, "Supplier", cable).await;
    make(&admin, "Supplier", json!({ "name": "Old", "inactive": true })).await;
    let custom = id(&make(&admin, "FieldInfo", json!({ "name": "Rank", "usage": 4 })).await);
    let view = json!({ "name": "Tops", "type": "suppliers", "filters":
        [{ "filter_name": "contact_name", "filter_type": 2, "filter_value": "a" }] });
    let view = id(&make(&admin, "ViewLists", view).await);
    table = vec![
        row("kashflowtenantid=3", Rows("Cable")),
        row("xerotenantid=x", Rows("Cable")),
        row(&format!("toplevel_id={}", world.top), Rows("Cable")),
        row("search=cab", Rows("Cable")),
        row("search_name_only=parts", Rows("Parts")),
        row("includeinactive=true", Rows("Cable|Old|Parts")),
        row("includeactive=false", Rows("")),
        row("idonly=true", Rows("1|2")),
        row("orderdesc=true", Rows("Parts|Cable")),
        row("order=contact_name", Rows("Parts|Cable")),
        row("count=1", Rows("Cable")),
        row("pageinate=true", Member("page_size")),
        row("pageinate=true&page_size=1 + page_no=2", Rows("Parts")),
        row(&format!("include_custom_fields={custom}"), Field("customfields")),
        row(&format!("view_id={view}"), Rows("Cable")),
        row("includecolumns=true", Member("columns_id")),
        row("includecolumns=true", Member("columns")),
        row("lastupdatetodate=2001-01-01", Rows("")),
    ];
    let first = table.iter_mut().find(|(parameter, _)| parameter == "idonly=true").unwrap();
    // Ids come in the order of names.
    first.1 = Rows("2|1");
    check(&admin, "Supplier", table).await;
    check(
        &admin,
        &format!("Supplier/{}", world.supplier),
        vec![row("includedetails=true", Field("customfields"))],
    )
    .await;
}

async fn parameters_of_what_hangs_on_clients_change_the_list(server: &Server) {
    let admin = server.admin().await;
    let world = world(&admin).await;
    let row = |parameter: &str, then: Then| (parameter.to_owned(), then);
    let (alfa, bravo, site) = (world.alfa, world.bravo, world.site);
    let user = id(&make(&admin, "Users", json!({ "name": "Una", "site_id": site })).await);
    for body in [
        json!({ "azure_tenant_id": "00000000-0000-4000-8000-000000000002", "client_id": alfa }),
        json!({ "azure_tenant_id": "00000000-0000-4000-8000-000000000003" }),
    ] {
        make(&admin, "AreaAzureTenant", body).await;
    }
    let table = vec![
        row(&format!("azure_tenant_id={GUID}"), Rows("1")),
        row(&format!("client_id={alfa}"), Rows("1|2")),
        row(&format!("details_id={}", world.connection), Rows("1")),
        row("notset=true", Rows("3")),
        row(&format!("azure_tenant_id={GUID} + returnalliflinked=true"), Rows("1|2")),
        row(&format!("site_id={site}"), Rows("1|2")),
    ];
    check(&admin, "AreaAzureTenant", table).await;

    for body in [
        json!({ "client_id": alfa, "billingperiod_id": 2, "startdate": "2020-01-31", "nextinvoicedate": "2020-01-31" }),
        json!({ "client_id": alfa }),
        json!({ "client_id": bravo }),
    ] {
        make(&admin, "RecurringItem", body).await;
    }
    let table = vec![
        row(&format!("client_id={alfa}"), Rows("1|2")),
        row("pending_recurring_invoice=true", Rows("1")),
    ];
    check(&admin, "RecurringItem", table).await;

    for (day, body) in [
        json!({ "note": "of alfa", "client_id": alfa, "detail": "d" }),
        json!({ "note": "of bravo", "client_id": bravo }),
        json!({ "note": "of parts", "supplier_id": world.supplier }),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = body;
        body["datetime"] = json!(format!("2026-01-0{}", 9 - day));
        make(&admin, "CRMNote", body).await;
    }
    let table = vec![
        row(&format!("client_id={bravo}"), Rows("of bravo")),
        row(&format!("supplier_id={}", world.supplier), Rows("of parts")),
        row(&format!("toplevel_id={}", world.top), Rows("of alfa")),
        row("count=2", Rows("of alfa|of bravo")),
    ];
    check(&admin, "CRMNote", table).await;
    for name in ["detail", "customfields"] {
        check(&admin, "CRMNote/1", vec![row("includedetails=true", Field(name))]).await;
    }

    for body in [
        json!({ "note": "client's", "client_id": alfa, "dismissable": true }),
        json!({ "note": "site's", "site_id": site }),
        json!({ "note": "user's", "user_id": user }),
    ] {
        make(&admin, "PopupNote", body).await;
    }
    let table = vec![
        row(&format!("client_id={alfa}"), Rows("client's")),
        row(&format!("site_id={site}"), Rows("site's")),
        row(&format!("user_id={user}"), Rows("user's")),
    ];
    check(&admin, "PopupNote", table).await;
    admin.post("/api/PopupNote/read", json!([{ "id": 1 }])).await.expect(200);
    let shown = vec![row(&format!("client_id={alfa} + showall=true"), Rows("client's"))];
    check(&admin, "PopupNote", shown).await;

    let pair = vec![row("includedetails=true", Field("details"))];
    check(&admin, "AreaRequestType/1", pair).await;
}

async fn a_malformed_value_is_refused_everywhere(server: &Server) {
    let admin = server.admin().await;
    let world = world(&admin).await;
    let of_all = "pageinate page_no page_size count orderdesc orderdesc2 orderdesc3 orderdesc4 orderdesc5 \
                  idonly includeactive includeinactive showcounts lastupdatefromdate lastupdatetodate";
    let (client, site) = (format!("Client/{}", world.alfa), format!("Site/{}", world.site));
    for (path, parameters) in [
        ("Client", of_all),
        ("Client", "includeazuretenants includeinvoicetemplatename includenotes include_website"),
        ("Client", "include_custom_fields sitefields issentinel sentinelid snowclients view_id"),
        ("Client", "ticketarea_id toplevel_id columns_id includecolumns accountmanageronly"),
        ("Client", "azureclients callplan exclude_internal gficlients includeqbofields isjira"),
        ("Client", "isservicenow snowaccountid order order2 order3 order4 order5 advanced_search"),
        ("Client", "activeinactive domain"),
        (&client, "domain getavailablerts includeactivity includedetails includeperiods"),
        (&client, "includeprepay tickettype_id"),
        ("Site", of_all),
        ("Site", "client_id azuresites gfisites includeaddress item_id_qty stocklocation view_id"),
        ("Site", "includestocklocations includenonstocklocations includenotes toplevel_id"),
        (&site, "includedetails includeactivity tickettype_id domain client_override"),
        ("Supplier", of_all),
        ("Supplier", "kashflowtenantid toplevel_id view_id columns_id includecolumns"),
        ("AreaAzureTenant", "azure_tenant_id client_id details_id ignore_decrypt notset"),
        ("AreaAzureTenant", "returnalliflinked site_id"),
        ("RecurringItem", "client_id pending_recurring_invoice"),
        ("CRMNote", "client_id count supplier_id toplevel_id pageinate"),
        ("PopupNote", "client_id showall site_id user_id"),
        ("AreaRequestType/1", "includedetails"),
    ] {
        for name in parameters.split_whitespace() {
            let answer = admin.get(&format!("/api/{path}?{name}=~wrong~")).await;
            let errors = answer.expect_error(400, "validation");
            assert!(errors[name].is_array(), "{path}?{name}: {errors}");
        }
    }
}
