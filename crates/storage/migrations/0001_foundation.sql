-- The foundation: tenants, applications, tokens, history, and one table an entity.
-- Columns are BIGINT or TEXT only; an unset one is 0 or ''. Dates are UTC text, booleans 0 and 1.
-- {text_key} is text that compares byte by byte on both databases; {and:…} is a further column of an
-- index where the database allows entries of that size.

CREATE TABLE tenant (
    id BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    suspended_at BIGINT
);

CREATE TABLE application (
    tenant_id BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    name TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    scope TEXT NOT NULL,
    grants TEXT NOT NULL,
    redirect_uris TEXT NOT NULL,
    agent_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT,
    PRIMARY KEY (tenant_id, client_id)
);

CREATE TABLE credential (
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    login_key {text_key} NOT NULL,
    password_hash TEXT NOT NULL,
    PRIMARY KEY (tenant_id, kind, subject_id, login_key)
);
CREATE INDEX credential_login ON credential (tenant_id, login_key);

CREATE TABLE refresh_token (
    tenant_id BIGINT NOT NULL,
    token_hash TEXT NOT NULL,
    family TEXT NOT NULL,
    client_id TEXT NOT NULL,
    agent_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    scope TEXT NOT NULL,
    confidential BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (tenant_id, token_hash)
);
CREATE INDEX refresh_token_family ON refresh_token (tenant_id, family);
CREATE INDEX refresh_token_expiry ON refresh_token (expires_at);

CREATE TABLE signing_key (
    kid TEXT NOT NULL PRIMARY KEY,
    private_pem TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    retired_at BIGINT
);

CREATE TABLE id_counters (
    tenant_id BIGINT NOT NULL,
    entity TEXT NOT NULL,
    next_id BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, entity)
);

CREATE TABLE setting (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE change (
    tenant_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    commit_order BIGINT NOT NULL,
    at BIGINT NOT NULL,
    entity TEXT NOT NULL,
    record_id BIGINT NOT NULL,
    client_id BIGINT NOT NULL,
    operation TEXT NOT NULL,
    application TEXT NOT NULL,
    agent_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL,
    request_id TEXT NOT NULL,
    imported BIGINT NOT NULL,
    before_doc TEXT,
    PRIMARY KEY (tenant_id, seq)
);
CREATE INDEX change_record ON change (tenant_id, entity, record_id, seq);
CREATE INDEX change_request ON change (tenant_id, request_id);

CREATE TABLE idempotency (
    tenant_id BIGINT NOT NULL,
    application TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    status BIGINT NOT NULL,
    reply TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, application, idempotency_key)
);
CREATE INDEX idempotency_age ON idempotency (created_at);

CREATE TABLE client (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "toplevel_id" BIGINT NOT NULL DEFAULT 0,
    "inactive" BIGINT NOT NULL DEFAULT 0,
    "item_tax_code" BIGINT NOT NULL DEFAULT 0,
    "service_tax_code" BIGINT NOT NULL DEFAULT 0,
    "prepay_tax_code" BIGINT NOT NULL DEFAULT 0,
    "contract_tax_code" BIGINT NOT NULL DEFAULT 0,
    "pritech" BIGINT NOT NULL DEFAULT 0,
    "sectech" BIGINT NOT NULL DEFAULT 0,
    "accountmanagertech" BIGINT NOT NULL DEFAULT 0,
    "surchargeid" BIGINT NOT NULL DEFAULT 0,
    "billingtemplate_id" BIGINT NOT NULL DEFAULT 0,
    "preferredagent" BIGINT NOT NULL DEFAULT 0,
    "main_site_id" BIGINT NOT NULL DEFAULT 0,
    "linked_organisation_id" BIGINT NOT NULL DEFAULT 0,
    "sales_tax_code" BIGINT NOT NULL DEFAULT 0,
    "purchase_tax_code" BIGINT NOT NULL DEFAULT 0,
    "regmanagertech" BIGINT NOT NULL DEFAULT 0,
    "logmanagertech" BIGINT NOT NULL DEFAULT 0,
    "salesreptech" BIGINT NOT NULL DEFAULT 0,
    "accountownertech" BIGINT NOT NULL DEFAULT 0,
    "cxmleadtech" BIGINT NOT NULL DEFAULT 0,
    "client_to_invoice" BIGINT NOT NULL DEFAULT 0,
    "itglue_id" {text_key} NOT NULL DEFAULT '',
    "default_currency_code" BIGINT NOT NULL DEFAULT 0,
    "client_to_invoice_recurring" BIGINT NOT NULL DEFAULT 0,
    merged_into BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX client_name ON client (tenant_id, name_key) WHERE merged_into = 0;
CREATE INDEX client_list ON client (tenant_id, inactive, name_key, id{and:search_key});
CREATE INDEX client_top_level ON client (tenant_id, toplevel_id);
-- The few clients for whom prepay is bought in the background.
CREATE INDEX client_prepay ON client (tenant_id, id)
    WHERE doc LIKE '%"autotopup%' OR doc LIKE '%"prepayrecurringchargenextdate"%';

CREATE TABLE site (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "inactive" BIGINT NOT NULL DEFAULT 0,
    "phonenumber" {text_key} NOT NULL DEFAULT '',
    "isstocklocation" BIGINT NOT NULL DEFAULT 0,
    "isinvoicesite" BIGINT NOT NULL DEFAULT 0,
    "regionaldirector" BIGINT NOT NULL DEFAULT 0,
    "facilitiesmanager" BIGINT NOT NULL DEFAULT 0,
    "linked_organisation_id" BIGINT NOT NULL DEFAULT 0,
    "site_service_tax_code" BIGINT NOT NULL DEFAULT 0,
    "site_prepay_tax_code" BIGINT NOT NULL DEFAULT 0,
    "site_contract_tax_code" BIGINT NOT NULL DEFAULT 0,
    "site_sales_tax_code" BIGINT NOT NULL DEFAULT 0,
    "site_purchase_tax_code" BIGINT NOT NULL DEFAULT 0,
    "surchargeid" BIGINT NOT NULL DEFAULT 0,
    "maincontact_id" BIGINT NOT NULL DEFAULT 0,
    "site_item_tax_code" BIGINT NOT NULL DEFAULT 0,
    "default_currency_code" BIGINT NOT NULL DEFAULT 0,
    "client_to_invoice" BIGINT NOT NULL DEFAULT 0,
    "client_to_invoice_recurring" BIGINT NOT NULL DEFAULT 0,
    contact_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE UNIQUE INDEX site_main ON site (tenant_id, client_id) WHERE isinvoicesite = 1;
CREATE INDEX site_list ON site (tenant_id, inactive, name_key, id, client_id{and:search_key}{and:contact_key});
CREATE INDEX site_contact_key ON site (tenant_id, client_id, id{and:contact_key});

CREATE TABLE supplier (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "toplevel_id" BIGINT NOT NULL DEFAULT 0,
    "inactive" BIGINT NOT NULL DEFAULT 0,
    "purchase_tax_code" BIGINT NOT NULL DEFAULT 0,
    "default_currency_code" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX supplier_list ON supplier (tenant_id, inactive, name_key, id);

CREATE TABLE end_user (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "emailaddress" {text_key} NOT NULL DEFAULT '',
    "inactive" BIGINT NOT NULL DEFAULT 0,
    "default_currency_code" BIGINT NOT NULL DEFAULT 0,
    "linked_agent_id" BIGINT NOT NULL DEFAULT 0,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "item_tax_code" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX end_user_client ON end_user (tenant_id, client_id);
CREATE INDEX end_user_site ON end_user (tenant_id, site_id);
CREATE INDEX end_user_list ON end_user (tenant_id, inactive, name_key, id);

CREATE TABLE top_level (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "parentid" BIGINT NOT NULL DEFAULT 0,
    "organisation_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE agent (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "isdisabled" BIGINT NOT NULL DEFAULT 0,
    "email" {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE ticket (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "summary" {text_key} NOT NULL DEFAULT '',
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "user_id" BIGINT NOT NULL DEFAULT 0,
    "agent_id" BIGINT NOT NULL DEFAULT 0,
    "tickettype_id" BIGINT NOT NULL DEFAULT 0,
    "status_id" BIGINT NOT NULL DEFAULT 0,
    "onhold" BIGINT NOT NULL DEFAULT 0,
    "inactive" BIGINT NOT NULL DEFAULT 0,
    "isopportunity" BIGINT NOT NULL DEFAULT 0,
    "dateoccurred" {text_key} NOT NULL DEFAULT '',
    "dateclosed" {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX ticket_client ON ticket (tenant_id, client_id, dateclosed);
CREATE INDEX ticket_site ON ticket (tenant_id, site_id);
CREATE INDEX ticket_user ON ticket (tenant_id, user_id);

CREATE TABLE ticket_type (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "default_agent" BIGINT NOT NULL DEFAULT 0,
    "allowall_clients" BIGINT NOT NULL DEFAULT 0,
    "visible" BIGINT NOT NULL DEFAULT 0,
    "ticketarea_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE ticket_area (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE status (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE tax (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE crm_note (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "supplier_id" BIGINT NOT NULL DEFAULT 0,
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "user_id" BIGINT NOT NULL DEFAULT 0,
    "datetime" {text_key} NOT NULL DEFAULT '',
    "who_agentid" BIGINT NOT NULL DEFAULT 0,
    "third_party_id" {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX crm_note_client ON crm_note (tenant_id, client_id);
CREATE INDEX crm_note_site ON crm_note (tenant_id, site_id);
CREATE INDEX crm_note_user ON crm_note (tenant_id, user_id);
CREATE INDEX crm_note_supplier ON crm_note (tenant_id, supplier_id);

-- What each agent did with a popup: 1 read, 2 dismissed. No row: unread.
CREATE TABLE popup_read (
    tenant_id BIGINT NOT NULL,
    popup_id BIGINT NOT NULL,
    agent_id BIGINT NOT NULL,
    status BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, popup_id, agent_id)
);

CREATE TABLE popup_note (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "user_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX popup_note_client ON popup_note (tenant_id, client_id);
CREATE INDEX popup_note_site ON popup_note (tenant_id, site_id);
CREATE INDEX popup_note_user ON popup_note (tenant_id, user_id);

CREATE TABLE recurring_item (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "item_id" BIGINT NOT NULL DEFAULT 0,
    "nextinvoicedate" {text_key} NOT NULL DEFAULT '',
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "dontinvoice" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX recurring_item_client ON recurring_item (tenant_id, client_id);

CREATE TABLE azure_tenant (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "details_id" BIGINT NOT NULL DEFAULT 0,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "azure_tenant_id" {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX azure_tenant_client ON azure_tenant (tenant_id, client_id);

CREATE TABLE area_request_type (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "request_type" BIGINT NOT NULL DEFAULT 0,
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX area_request_type_client ON area_request_type (tenant_id, client_id);

CREATE TABLE prepay_lot (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "date" {text_key} NOT NULL DEFAULT '',
    "expirydate" {text_key} NOT NULL DEFAULT '',
    "reverses_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX prepay_lot_client ON prepay_lot (tenant_id, client_id);
-- A lot is taken back once.
CREATE UNIQUE INDEX prepay_lot_reverses ON prepay_lot (tenant_id, reverses_id) WHERE reverses_id > 0;

CREATE TABLE prepay_use (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "client_id" BIGINT NOT NULL DEFAULT 0,
    "date" {text_key} NOT NULL DEFAULT '',
    "ticket_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX prepay_use_client ON prepay_use (tenant_id, client_id);
CREATE INDEX prepay_use_ticket ON prepay_use (tenant_id, ticket_id) WHERE ticket_id > 0;

-- What the background has bought: a row a client, kind and due date, so that nothing is bought twice.
CREATE TABLE prepay_run (
    tenant_id BIGINT NOT NULL,
    client_id BIGINT NOT NULL,
    kind {text_key} NOT NULL,
    due {text_key} NOT NULL,
    lot_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, client_id, kind, due)
);

-- From which date a client's due date of recurring prepay was worked out: later ones keep its day
-- of the month. A date that is not here was chosen by somebody, and later ones keep its own.
CREATE TABLE prepay_anchor (
    tenant_id BIGINT NOT NULL,
    client_id BIGINT NOT NULL,
    next_date {text_key} NOT NULL,
    anchor {text_key} NOT NULL,
    PRIMARY KEY (tenant_id, client_id, next_date)
);

CREATE TABLE organisation (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "linked_client_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE azure_connection (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "type" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE currency (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE surcharge (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE billing_template (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE invoice_template (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE item (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "inactive" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE field_info (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "usage" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE site_field (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE custom_button (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE faq_list (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE attachment (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "filename" {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE address (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "postcode" {text_key} NOT NULL DEFAULT '',
    "site_id" BIGINT NOT NULL DEFAULT 0,
    "user_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX address_site ON address (tenant_id, site_id);
CREATE INDEX address_user ON address (tenant_id, user_id);

CREATE TABLE external_link (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE view_list (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    "columns_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE view_columns (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE lookup (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "lookupid" BIGINT NOT NULL DEFAULT 0,
    "name" {text_key} NOT NULL DEFAULT '',
    name_key {text_key} NOT NULL DEFAULT '',
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);

CREATE TABLE site_contact (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "site" BIGINT NOT NULL DEFAULT 0,
    "uid" BIGINT NOT NULL DEFAULT 0,
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX site_contact_site ON site_contact (tenant_id, site);

CREATE TABLE stock_bin (
    tenant_id BIGINT NOT NULL,
    id BIGINT NOT NULL,
    rev BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    "site_id" BIGINT NOT NULL DEFAULT 0,
    search_key {text_key} NOT NULL DEFAULT '',
    doc TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
CREATE INDEX stock_bin_site ON stock_bin (tenant_id, site_id);
