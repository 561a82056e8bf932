//! Popup note (`AreaPopup`).
//! One line a field, in the published order.

use crate::entity::EntityKind::{Client, Site, User};
use crate::field::{Schema, boolean, datetime, int, text};

pub static AREA_POPUP: Schema = Schema {
    name: "AreaPopup",
    fields: &[
        int("id").core().light(),
        int("client_id").core().light().refers(Client),
        int("site_id").core().light().refers(Site),
        int("user_id").core().light().refers(User),
        datetime("date_created").core().light().computed(),
        text("note").core().light().max(4000),
        boolean("dismissable").core().light(),
        int("read_status").core().light().computed().by_rule(),
        boolean("displaymodal").core().light(),
        boolean("displayhtml").core().light(),
        boolean("limitdaterange").core().light(),
        datetime("startdate").core().light(),
        datetime("enddate").core().light(),
        text("_warning").output(),
    ],
};
