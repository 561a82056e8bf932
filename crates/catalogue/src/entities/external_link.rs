//! External link (`ExternalLink_List`).
//! One line a field, in the published order.

use crate::field::{Schema, any, boolean, datetime, int, int64, text};

pub static EXTERNAL_LINK_LIST: Schema = Schema {
    name: "ExternalLink_List",
    fields: &[
        int("id").core().light(),
        int("table_id").core().light(),
        int("module_id").core().light(),
        int("halo_id").core().light(),
        text("third_party_id").core().light(),
        text("third_party_desc").light(),
        text("third_party_type").light(),
        text("third_party_url").light(),
        text("third_party_assigned_to").light(),
        int64("third_party_count").light(),
        boolean("primary").light(),
        text("halo_desc").light(),
        int("halo_second_id").light(),
        text("halo_second_desc").light(),
        text("extra_match_field").light(),
        int("details_id").light(),
        text("third_party_secondary_id").light(),
        text("_warning").output(),
        text("third_party_status").light(),
        text("third_party_priority").light(),
        boolean("_match").input(),
        boolean("populate_url").light(),
        datetime("date_created").light(),
        datetime("date_updated").light(),
        text("subscription_id").light(),
        text("new_subscription_key").secret(),
        datetime("subscription_expiry").light(),
        any("_webhookaction").input(),
        int("revisions").light(),
        int("chat_message_count").light(),
        // Not published: what the link is called. A record that others point at has a name.
        text("name").light(),
    ],
};
