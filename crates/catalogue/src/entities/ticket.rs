//! Ticket: what the counts and the delete rule need.
//! One line a field.

use crate::entity::EntityKind::{Agent, Client, Site, Status, TicketType, User};
use crate::field::{Schema, boolean, datetime, int, text};

pub static TICKETS: Schema = Schema {
    name: "Tickets",
    fields: &[
        int("id").core().light(),
        text("summary").core().light().column(),
        text("details"),
        int("client_id").core().light().refers(Client),
        text("client_name").core().light().named().name_of(&[("client_id", Client)]),
        int("site_id").core().light().refers(Site),
        text("site_name").core().light().named().name_of(&[("site_id", Site)]),
        int("user_id").core().light().refers(User),
        text("user_name").core().light().named().name_of(&[("user_id", User)]),
        int("agent_id").core().light().refers(Agent),
        int("tickettype_id").core().light().refers(TicketType),
        int("status_id").core().light().refers(Status),
        boolean("onhold").core().light().column(),
        boolean("inactive").core().light().column(),
        boolean("isopportunity").core().light().column(),
        datetime("dateoccurred").core().light().column(),
        datetime("startdate"),
        datetime("targetdate"),
        datetime("dateclosed").core().light().column(),
        text("use").core().light().computed().constant("ticket"),
        text("_warning").output(),
    ],
};
