//! Stock: where it lies, and the figures of sites and items.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::{Value, json};

use crate::writes::{client, get, id, make};

on_both_databases!(
    sites_show_the_figures_of_one_item,
    stock_is_kept_in_places,
    what_has_stock_stays,
);

/// A stock location with one bin: the site's id and the bin's.
async fn store(admin: &Actor, client: i64, name: &str) -> (i64, i64) {
    let body = json!({ "name": name, "client_id": client, "isstocklocation": true, "stockbins": [{ "name": "A" }] });
    let site = id(&make(admin, "Site", body).await);
    let bins = admin.get(&format!("/api/StockBins?site_id={site}")).await.expect(200);
    (site, id(&bins[0]))
}

const FIGURES: [&str; 5] = [
    "item_quantity_in_stock",
    "item_serialised_assets_in_stock",
    "item_quantity_reserved",
    "item_quantity_reserved_on_order",
    "item_quantity_available",
];

fn figures(site: &Value) -> [String; 5] {
    FIGURES.map(|name| site[name].to_string())
}

async fn sites_show_the_figures_of_one_item(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let (north, bin) = store(&admin, acme, "North").await;
    let (south, _) = store(&admin, acme, "South").await;
    let mouse =
        id(&make(&admin, "Item", json!({ "name": "Mouse", "quantity_in_stock": 77 })).await);
    let cable = id(&make(&admin, "Item", json!({ "name": "Cable" })).await);
    let stock = json!([
        { "item_id": mouse, "site_id": north, "quantity_in_stock": "10.25", "quantity_reserved": 3, "serialised_assets_in_stock": 2 },
        { "item_name": "Mouse", "site_id": north, "stockbin_id": bin, "quantity_in_stock": 0.5, "quantity_reserved_on_order": 4 },
        { "item_id": cable, "site_id": south, "quantity_in_stock": 100 },
    ]);
    admin.post("/api/ItemStock", stock).await.expect(201);
    let sites = async |query: &str| -> Vec<Value> {
        let list = admin.get(&format!("/api/Site?order=name&{query}")).await.expect(200);
        list["sites"].as_array().unwrap().clone()
    };
    let rows = sites(&format!("item_id_qty={mouse}")).await;
    assert_eq!(figures(&rows[0]), ["0", "0", "0", "0", "0"], "Main");
    assert_eq!(figures(&rows[1]), ["10.75", "2", "3", "4", "7.75"], "North");
    assert_eq!(figures(&rows[2]), ["0", "0", "0", "0", "0"], "South");
    let filled: Vec<&Value> = rows.iter().map(|row| &row["hasitemsinstock"]).collect();
    assert_eq!(filled, [false, true, true]);
    let rows = sites(&format!("item_id_qty={cable}")).await;
    assert_eq!(figures(&rows[2])[4], "100");
    // Without an item the figures stand at 0, as every core field does.
    for row in sites("").await {
        assert_eq!(figures(&row), ["0", "0", "0", "0", "0"]);
        assert!(row.get("hasitemsinstock").is_none());
    }
    assert_eq!(figures(&sites("item_id_qty=4711").await[1])[0], "0");
    admin.get("/api/Site?item_id_qty=x").await.expect_error(400, "validation");
    assert_eq!(
        get(&admin, "Site", north, "?includedetails=true").await["hasitemsinstock"],
        json!(true)
    );
    // An item knows what lies in all places together, and nobody writes that.
    assert_eq!(get(&admin, "Item", mouse, "").await["quantity_in_stock"].to_string(), "10.75");
    let items = admin.get("/api/Item?order=name").await.expect(200);
    assert_eq!(items[0]["quantity_in_stock"], 100);
}

async fn stock_is_kept_in_places(server: &Server) {
    let admin = server.admin().await;
    let acme = client(&admin, "Acme").await;
    let (north, bin) = store(&admin, id(&acme), "North").await;
    let (south, _) = store(&admin, id(&acme), "South").await;
    let item = id(&make(&admin, "Item", json!({ "name": "Mouse" })).await);
    let place =
        json!({ "item_id": item, "site_id": north, "stockbin_id": bin, "quantity_in_stock": 5 });
    let made = make(&admin, "ItemStock", place.clone()).await;
    assert_eq!((&made["item_name"], &made["site_name"]), (&json!("Mouse"), &json!("North")));
    let twice = admin.post("/api/ItemStock", place).await;
    let errors = twice.expect_error(400, "duplicate");
    assert_eq!((&twice.json()["id"], errors["site_id"].is_array()), (&made["id"], true));
    let bad = json!([
        {},
        { "item_id": item, "site_id": acme["main_site_id"] },
        { "item_id": item, "site_id": south, "stockbin_id": bin },
        { "item_id": item, "site_id": south, "quantity_in_stock": -1 },
        { "item_id": item, "site_id": south, "quantity_in_stock": 1, "serialised_assets_in_stock": 2 },
        { "item_id": 4711, "site_id": 4711, "stockbin_id": 4711 },
        { "item_id": item, "site_id": south, "quantity_reserved": 1.00001, "quantity_reserved_on_order": -1 },
    ]);
    let errors = admin.post("/api/ItemStock", bad).await.expect_error(400, "validation");
    for path in [
        "[0].item_id",
        "[0].site_id",
        "[1].site_id",
        "[2].stockbin_id",
        "[3].quantity_in_stock",
        "[4].serialised_assets_in_stock",
        "[5].item_id",
        "[5].site_id",
        "[5].stockbin_id",
        "[6].quantity_reserved",
        "[6].quantity_reserved_on_order",
    ] {
        assert!(errors[path].is_array(), "{path}: {errors}");
    }
    make(&admin, "ItemStock", json!({ "item_id": item, "site_id": south })).await;
    let changed = json!({ "id": id(&made), "quantity_in_stock": 6.5 });
    let changed = admin.post("/api/ItemStock", changed).await.expect(200);
    assert_eq!(changed["quantity_in_stock"].to_string(), "6.5");
    for (query, count) in [
        (String::new(), 2),
        (format!("item_id={item}"), 2),
        ("item_id=4711".into(), 0),
        (format!("site_id={south}"), 1),
        (format!("stockbin_id={bin}"), 1),
    ] {
        let list = admin.get(&format!("/api/ItemStock?{query}")).await.expect(200);
        assert_eq!(list.as_array().unwrap().len(), count, "{query}");
    }
    let reader = server.with_scope("read:customers").await;
    reader.get("/api/ItemStock").await.expect_error(403, "forbidden");
    reader.get(&format!("/api/Site?item_id_qty={item}")).await.expect(200);
}

async fn what_has_stock_stays(server: &Server) {
    let admin = server.admin().await;
    let acme = id(&client(&admin, "Acme").await);
    let (north, bin) = store(&admin, acme, "North").await;
    let item = id(&make(&admin, "Item", json!({ "name": "Mouse" })).await);
    let body = json!({ "item_id": item, "site_id": north, "stockbin_id": bin });
    let stock = id(&make(&admin, "ItemStock", body).await);
    for path in [format!("/api/Item/{item}"), format!("/api/StockBins/{bin}")] {
        let refused = admin.delete(&path).await;
        refused.expect_error(400, "in_use");
        assert_eq!(refused.json()["counts"]["item_stock"], 1, "{}", refused.text);
    }
    // It goes with its site.
    admin.delete(&format!("/api/Site/{north}")).await.expect(200);
    admin.get(&format!("/api/ItemStock/{stock}")).await.expect_error(404, "not_found");
    admin.delete(&format!("/api/Item/{item}")).await.expect(200);
}
