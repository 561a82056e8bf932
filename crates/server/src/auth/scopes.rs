//! What a token may do: a set of rights, written as OAuth scopes.

use std::fmt;

/// What a right to read or edit is about. Some areas guard nothing here: published programs ask for
/// their scopes all the same, so they have to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Area {
    Customers,
    Crm,
    Suppliers,
    Contracts,
    Items,
    Invoices,
    Tickets,
    Assets,
    Calendar,
    Quotes,
    Sales,
    SalesOrders,
    PurchaseOrders,
    Projects,
    Reporting,
    KnowledgeBase,
    Feedback,
    Timesheet,
    Software,
    DistributionLists,
    Teams,
    // Shorter or longer names that the vendor's own lists have for some of the above.
    Sos,
    Pos,
    Timesheets,
    SoftwareLicensing,
}

/// Every area with its name in a scope, in the order of [`Area`].
const AREAS: [(Area, &str); 25] = [
    (Area::Customers, "customers"),
    (Area::Crm, "crm"),
    (Area::Suppliers, "suppliers"),
    (Area::Contracts, "contracts"),
    (Area::Items, "items"),
    (Area::Invoices, "invoices"),
    (Area::Tickets, "tickets"),
    (Area::Assets, "assets"),
    (Area::Calendar, "calendar"),
    (Area::Quotes, "quotes"),
    (Area::Sales, "sales"),
    (Area::SalesOrders, "salesorders"),
    (Area::PurchaseOrders, "purchaseorders"),
    (Area::Projects, "projects"),
    (Area::Reporting, "reporting"),
    (Area::KnowledgeBase, "kb"),
    (Area::Feedback, "feedback"),
    (Area::Timesheet, "timesheet"),
    (Area::Software, "software"),
    (Area::DistributionLists, "distributionlists"),
    (Area::Teams, "teams"),
    (Area::Sos, "sos"),
    (Area::Pos, "pos"),
    (Area::Timesheets, "timesheets"),
    (Area::SoftwareLicensing, "softwarelicensing"),
];

/// Scopes of OpenID Connect that libraries add unasked. They give no rights: every reply has an
/// id token and a refresh token anyway.
const IDENTITY: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Scopes of the vendor's for things that are not here. Programs that ask for everything by name, such
/// as the PowerShell module, ask for them too.
const ELSEWHERE: [&str; 4] =
    ["admin:webhooks", "editmine:timesheets", "access:chat", "access:adpasswordreset"];

impl Area {
    /// The name in a scope: `customers` in `read:customers`.
    #[must_use]
    pub fn name(self) -> &'static str {
        AREAS[self as usize].1
    }

    fn find(name: &str) -> Option<Area> {
        AREAS.iter().find(|(_, known)| *known == name).map(|(area, _)| *area)
    }

    const fn read_bit(self) -> u64 {
        1 << (1 + 2 * self as u64)
    }

    const fn edit_bit(self) -> u64 {
        1 << (2 + 2 * self as u64)
    }
}

const ADMIN: u64 = 1;
const STANDARD: u64 = (1 << (1 + 2 * AREAS.len())) - 1 - ADMIN;

/// A set of rights. Whoever may edit an area may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u64);

impl Scopes {
    /// No rights at all.
    pub const NONE: Scopes = Scopes(0);
    /// `all`: every area, and administration.
    pub const ALL: Scopes = Scopes(STANDARD | ADMIN);
    /// `all:standard`: every area.
    pub const STANDARD: Scopes = Scopes(STANDARD);

    /// Reads scopes separated by white space, in any letter case.
    ///
    /// Fails with the first name that nobody knows.
    pub fn parse(text: &str) -> Result<Scopes, String> {
        let mut bits = 0;
        for name in text.split_whitespace() {
            bits |= right(&name.to_lowercase()).ok_or_else(|| name.to_owned())?;
        }
        Ok(Scopes(bits))
    }

    /// As [`Scopes::parse`], for text of our own: a name that another version knew gives nothing.
    #[must_use]
    pub fn parse_known(text: &str) -> Scopes {
        let rights = text.split_whitespace().filter_map(|name| right(&name.to_lowercase()));
        Scopes(rights.fold(0, |bits, right| bits | right))
    }

    #[must_use]
    pub const fn may_read(self, area: Area) -> bool {
        self.0 & area.read_bit() != 0
    }

    #[must_use]
    pub const fn may_edit(self, area: Area) -> bool {
        self.0 & area.edit_bit() != 0
    }

    #[must_use]
    pub const fn is_admin(self) -> bool {
        self.0 & ADMIN != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The rights that both sets have.
    #[must_use]
    pub const fn intersection(self, other: Scopes) -> Scopes {
        Scopes(self.0 & other.0)
    }

    /// Every scope that can be asked for, for discovery documents.
    #[must_use]
    pub fn supported() -> Vec<String> {
        let mut names = vec!["all".to_owned(), "all:standard".to_owned(), "admin".to_owned()];
        for (_, name) in AREAS {
            names.push(format!("read:{name}"));
            names.push(format!("edit:{name}"));
        }
        names.extend(ELSEWHERE.iter().chain(&IDENTITY).map(|name| (*name).to_owned()));
        names
    }
}

/// The rights that one scope gives; `None` for one that nobody knows.
fn right(name: &str) -> Option<u64> {
    match name {
        "all" => return Some(Scopes::ALL.0),
        "all:standard" => return Some(STANDARD),
        "admin" => return Some(ADMIN),
        _ if IDENTITY.contains(&name) || ELSEWHERE.contains(&name) => return Some(0),
        _ => {}
    }
    let (verb, area) = name.split_once(':')?;
    let area = Area::find(area)?;
    match verb {
        "read" => Some(area.read_bit()),
        // `all:teams` and the like are how some areas are named in the vendor's list.
        "edit" | "all" => Some(area.read_bit() | area.edit_bit()),
        _ => None,
    }
}

/// The shortest text that [`Scopes::parse`] reads as this set.
impl fmt::Display for Scopes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Scopes::ALL {
            return out.write_str("all");
        }
        if *self == Scopes::STANDARD {
            return out.write_str("all:standard");
        }
        let mut gap = "";
        if self.is_admin() {
            out.write_str("admin")?;
            gap = " ";
        }
        for (area, name) in AREAS {
            let verb = match (self.may_edit(area), self.may_read(area)) {
                (true, _) => "edit",
                (false, true) => "read",
                (false, false) => continue,
            };
            write!(out, "{gap}{verb}:{name}")?;
            gap = " ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Scopes {
        Scopes::parse(text).unwrap()
    }

    #[test]
    fn areas_stand_in_the_order_of_the_enum() {
        for (position, (area, name)) in AREAS.iter().enumerate() {
            assert_eq!(*area as usize, position, "{name}");
            assert_eq!(area.name(), *name);
        }
    }

    #[test]
    fn edit_implies_read_and_not_the_other_way_round() {
        let edit = parse("edit:customers");
        assert!(edit.may_edit(Area::Customers) && edit.may_read(Area::Customers));
        assert!(!edit.may_read(Area::Tickets) && !edit.is_admin());
        assert!(!parse("read:customers").may_edit(Area::Customers));
    }

    #[test]
    fn all_has_everything_and_all_standard_all_but_administration() {
        for (area, _) in AREAS {
            assert!(Scopes::ALL.may_edit(area) && Scopes::STANDARD.may_edit(area));
        }
        assert!(Scopes::ALL.is_admin() && !Scopes::STANDARD.is_admin());
        assert_eq!(parse("all:standard admin"), Scopes::ALL);
    }

    #[test]
    fn administration_alone_opens_no_area() {
        assert!(AREAS.iter().all(|(area, _)| !parse("admin").may_read(*area)));
    }

    #[test]
    fn the_text_reads_back_as_the_same_set() {
        for text in ["", "all", "all:standard", "admin", "admin edit:customers read:tickets"] {
            assert_eq!(parse(text).to_string(), text);
        }
        assert_eq!(
            parse(" edit:tickets\tread:tickets READ:CRM ").to_string(),
            "read:crm edit:tickets"
        );
        assert_eq!(parse("all:teams").to_string(), "edit:teams");
    }

    /// Programs that ask for each scope by its name, such as the PowerShell module, find all of them.
    #[test]
    fn scopes_of_the_vendor_for_other_things_are_known_and_give_nothing() {
        let others = "access:chat access:adpasswordreset editMine:timesheets admin:webhooks";
        assert!(parse(others).is_empty());
        let named = "read:sos edit:pos read:timesheets edit:softwarelicensing";
        assert_eq!(
            parse(named).to_string(),
            "read:sos edit:pos read:timesheets edit:softwarelicensing"
        );
    }

    #[test]
    fn an_unknown_name_is_told() {
        for name in
            ["read:everything", "read:actions", "delete:customers", "admin:", "customers", "read:"]
        {
            assert_eq!(Scopes::parse(&format!("all {name}")), Err(name.to_owned()));
        }
    }

    #[test]
    fn every_supported_scope_is_known() {
        assert!(Scopes::supported().iter().all(|name| Scopes::parse(name).is_ok()));
    }

    #[test]
    fn an_intersection_keeps_what_both_have() {
        let asked = parse("admin edit:tickets edit:customers");
        assert_eq!(asked.intersection(parse("read:customers")).to_string(), "read:customers");
        assert!(asked.intersection(parse("read:crm")).is_empty());
    }
}
