//! Ticket type (`RequestType_List`)
//! One line a field, in the published order.

use super::area_request_type::AREA_REQUEST_TYPE;
use super::nested::KEY_PAIR;
use crate::entity::EntityKind::{Agent, TicketArea};
use crate::field::{Schema, boolean, int, ints, list, text, uuid};

pub static REQUEST_TYPE_LIST: Schema = Schema {
    name: "RequestType_List",
    fields: &[
        int("id").core().light(),
        uuid("guid").light(),
        text("intent").light(),
        text("name").core().light().column(),
        text("use").core().light().computed().constant("tickettype"),
        int("sequence").core().light(),
        int("default_sla").light(),
        uuid("default_sla_guid").light(),
        int("group_id").core().light(),
        text("group_name").light(),
        text("jira_issue_type").light(),
        int("ticket_count").light(),
        boolean("cancreate").core().light(),
        boolean("agentscanselect").core().light(),
        int("itilrequesttype").light(),
        boolean("allowattachments").light(),
        boolean("copyattachmentstochild").light(),
        boolean("copyattachmentstorelated").light(),
        boolean("is_sprint").light(),
        ints("fieldidlist"),
        boolean("enduserscanselect").core().light(),
        boolean("anonymouscanselect").light(),
        boolean("hasmandatorytechfields").light(),
        boolean("hasmandatoryuserfields").light(),
        list("kanbanstatuschoice", &KEY_PAIR),
        text("kanbanstatuschoice_list").light(),
        text("email_start_tag").light(),
        text("email_end_tag").light(),
        int("default_agent").light().refers(Agent),
        text("default_agent_name").light().name_of(&[("default_agent", Agent)]),
        text("default_team").light(),
        text("workflow_name").light(),
        text("overridewiththefollowingtemplatewhenloggingmanuallyname").light(),
        int("default_priority").light(),
        boolean("allowall_clients").core().light().column(),
        boolean("visible").core().light().column(),
        list("allowed_clients", &AREA_REQUEST_TYPE).by_rule(),
        int("ticketarea_id").core().light().refers(TicketArea),
    ],
};
