//! Pages put together are the list, whatever their size and order.

use aureole_testkit::{Actor, Server, on_both_databases};
use serde_json::Value;

on_both_databases!(pages_of_clients_make_up_the_list, pages_of_sites_make_up_the_list);

const CLIENTS: u32 = 120;

/// Columns and other fields, of every type, with many equal values among them.
const CLIENT_ORDERS: &[&str] = &[
    "",
    "order=name&orderdesc=true",
    "order=id&orderdesc=true",
    "order=inactive&order2=name&orderdesc2=true",
    "order=toplevel_id&orderdesc=true",
    "order=toplevel_name&order2=colour",
    "order=accountmanagertech&order2=xeroid&orderdesc2=true",
    "order=website&orderdesc=true",
    "includeinactive=true&order=colour",
    "search=a&order=name",
];
const SITE_ORDERS: &[&str] = &[
    "",
    "order=client_name&orderdesc=true",
    "order=clientsite_name",
    "order=isstocklocation&order2=phonenumber",
    "order=geocoord1&orderdesc=true&order2=sla_id",
    "includeinactive=true&order=inactive&orderdesc=true&order2=client_id",
];

async fn pages_of_clients_make_up_the_list(server: &Server) {
    server.load_demo(CLIENTS).await;
    pages_make_up_the_list(server, "/Client", "clients", CLIENT_ORDERS).await;
    let all = server.admin().await.get("/Client?includeinactive=true").await.expect(200);
    assert_eq!(all["record_count"], CLIENTS);
}

async fn pages_of_sites_make_up_the_list(server: &Server) {
    server.load_demo(CLIENTS).await;
    pages_make_up_the_list(server, "/Site", "sites", SITE_ORDERS).await;
}

async fn pages_make_up_the_list(server: &Server, path: &str, key: &str, orders: &[&str]) {
    let admin = server.admin().await;
    for order in orders {
        let list = admin.get(&format!("{path}?{order}")).await.expect(200);
        let expected = list[key].as_array().unwrap();
        let total = expected.len();
        assert!(total > 60, "{path}?{order}: {total} rows are too few to be paged");
        assert_eq!(list["record_count"], total, "{path}?{order}");
        for size in [1, 7, 50, 999] {
            let last = total.div_ceil(size);
            // Pages of one row are many: all of them in the default order, some in the others.
            let some = size == 1 && !order.is_empty();
            let numbers = if some { vec![1, 2, last / 2, last] } else { (1..=last).collect() };
            let mut rows = Vec::new();
            for number in &numbers {
                let page =
                    page(&admin, &format!("{path}?{order}"), key, *number, size, total).await;
                let from = (number - 1) * size;
                let part = &expected[from..total.min(from + size)];
                assert!(page == part, "{path}?{order}: page {number} of {size} rows");
                rows.extend(page);
            }
            if !some {
                assert!(rows == *expected, "{path}?{order}: the pages of {size} rows");
            }
            for past in [last + 1, last + 1000] {
                let page = page(&admin, &format!("{path}?{order}"), key, past, size, total).await;
                assert!(page.is_empty(), "{path}?{order}: page {past} of {size} rows");
            }
        }
    }
}

/// The rows of one page, after a look at its envelope.
async fn page(
    admin: &Actor,
    list: &str,
    key: &str,
    number: usize,
    size: usize,
    total: usize,
) -> Vec<Value> {
    let path = format!("{list}&pageinate=true&page_no={number}&page_size={size}");
    let page = admin.get(&path).await.expect(200);
    assert_eq!(page["page_no"], number, "{path}");
    assert_eq!(page["page_size"], size, "{path}");
    assert_eq!(page["record_count"], total, "{path}");
    page[key].as_array().unwrap().clone()
}
