//! Area request type (`AreaRequestType`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{Client, TicketType};
use crate::field::{Schema, int, text};

pub static AREA_REQUEST_TYPE: Schema = Schema {
    name: "AreaRequestType",
    fields: &[
        int("client_id").core().light().refers(Client),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        int("request_type").core().light().refers(TicketType),
        text("_warning").output(),
        int("id").light(),
        text("request_type_name").light().named().name_of(&[("request_type", TicketType)]),
    ],
};
