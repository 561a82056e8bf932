//! Organisation (`Organisation`).
//! One line a field, in the published order.

use super::address::ADDRESS_STORE;
use super::faq_list::FAQLIST_HEAD;
use super::nested::CUSTOM_FIELD;
use super::ticket_type::REQUEST_TYPE_LIST;
use crate::entity::EntityKind::Client;
use crate::field::{Schema, anys, boolean, int, list, object, text, uuid};
use crate::show::Show;

pub static ORGANISATION: Schema = Schema {
    name: "Organisation",
    fields: &[
        uuid("guid").light(),
        text("intent").light(),
        int("id").core().light(),
        text("name").core().light().column(),
        text("reply_address").light(),
        int("messagegroup_id").light(),
        object("address", &ADDRESS_STORE),
        text("phone").light(),
        text("fax").light(),
        text("email").light(),
        text("website").light(),
        text("logo"),
        text("portal_logo"),
        text("portalbackgroundimageurl").light(),
        int("deliverysite").light(),
        text("portalurl").light(),
        text("portalcolour").light(),
        text("portalfolderlocation").light(),
        anys("departments"),
        int("linked_client_id").light().refers(Client),
        boolean("allowall_tickettypes").light(),
        list("allowed_tickettypes", &REQUEST_TYPE_LIST),
        list("faqlists", &FAQLIST_HEAD),
        list("customfields", &CUSTOM_FIELD).light_when(Show::CUSTOM_FIELDS),
        text("_warning").output(),
        boolean("isorganisationdetails").light(),
        text("bank_details_line_1").light(),
        text("bank_details_line_2").light(),
        text("bank_details_line_3").light(),
        text("bank_details_line_4").light(),
        text("bank_details_line_5").light(),
        text("tax_number").light(),
        text("new_icon").light(),
    ],
};
