//! What a request asks to see beyond the plain record.

/// A set of request flags; each adds some fields to the reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Show(u32);

impl Show {
    pub const NONE: Show = Show(0);
    /// `includedetails`: collections and nested objects.
    pub const DETAILS: Show = Show(1);
    /// `includeactivity`, and `showcounts` on lists: the ticket counts.
    pub const ACTIVITY: Show = Show(1 << 1);
    /// `includeprepay`.
    pub const PREPAY: Show = Show(1 << 2);
    /// `includeperiods`.
    pub const PERIODS: Show = Show(1 << 3);
    /// `getavailablerts`.
    pub const TICKET_TYPES: Show = Show(1 << 4);
    /// `includenotes`.
    pub const NOTES: Show = Show(1 << 5);
    /// `includeazuretenants`.
    pub const AZURE_TENANTS: Show = Show(1 << 6);
    /// `includeinvoicetemplatename`.
    pub const INVOICE_TEMPLATE: Show = Show(1 << 7);
    /// `include_website`.
    pub const WEBSITE: Show = Show(1 << 8);
    /// `includeqbofields`.
    pub const QBO: Show = Show(1 << 9);
    /// `include_custom_fields`.
    pub const CUSTOM_FIELDS: Show = Show(1 << 10);
    /// `sitefields`.
    pub const SITE_FIELDS: Show = Show(1 << 11);
    /// `includeaddress`.
    pub const ADDRESS: Show = Show(1 << 12);
    /// `item_id_qty`.
    pub const ITEM_QUANTITY: Show = Show(1 << 13);
    /// `lastupdatefromdate`, `lastupdatetodate`.
    pub const LAST_UPDATE: Show = Show(1 << 14);

    pub const fn with(self, other: Show) -> Show {
        Show(self.0 | other.0)
    }
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
    /// True when the two sets share a flag.
    pub const fn meets(self, other: Show) -> bool {
        self.0 & other.0 != 0
    }
}
