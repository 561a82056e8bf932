-- Text compares without its case by the full folding of Unicode: `ß` as `ss`, the final sigma as any
-- other, the long s as `s`. A name that thereby meets another one keeps the key that it has.

UPDATE client SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%') AND NOT EXISTS (
        SELECT 1 FROM client o WHERE o.tenant_id = client.tenant_id AND o.id <> client.id
        AND replace(replace(replace(o.name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's') = replace(replace(replace(client.name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's'));

UPDATE client SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE site SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE site SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE site SET contact_key = replace(replace(replace(contact_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (contact_key LIKE '%ß%' OR contact_key LIKE '%ς%' OR contact_key LIKE '%ſ%');

UPDATE supplier SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE supplier SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE end_user SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE end_user SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE top_level SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE top_level SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE agent SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE agent SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE ticket SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE ticket_type SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE ticket_type SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE ticket_area SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE ticket_area SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE status SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE status SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE tax SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE tax SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE crm_note SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE popup_note SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE recurring_item SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE azure_tenant SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE prepay_lot SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE prepay_use SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE organisation SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE organisation SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE azure_connection SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE azure_connection SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE currency SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE currency SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE surcharge SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE surcharge SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE billing_template SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE billing_template SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE invoice_template SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE invoice_template SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE item SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE item SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE field_info SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE field_info SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE site_field SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE site_field SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE custom_button SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE custom_button SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE faq_list SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE faq_list SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE attachment SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE address SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE external_link SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE view_list SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE view_list SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE view_columns SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE view_columns SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE lookup SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE lookup SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE stock_bin SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE webhook SET name_key = replace(replace(replace(name_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (name_key LIKE '%ß%' OR name_key LIKE '%ς%' OR name_key LIKE '%ſ%');

UPDATE webhook SET search_key = replace(replace(replace(search_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (search_key LIKE '%ß%' OR search_key LIKE '%ς%' OR search_key LIKE '%ſ%');

UPDATE credential SET login_key = replace(replace(replace(login_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's')
    WHERE (login_key LIKE '%ß%' OR login_key LIKE '%ς%' OR login_key LIKE '%ſ%') AND NOT EXISTS (
        SELECT 1 FROM credential o WHERE o.tenant_id = credential.tenant_id AND o.kind = credential.kind
        AND o.subject_id = credential.subject_id AND o.login_key = replace(replace(replace(credential.login_key, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's'));
INSERT INTO client_link (tenant_id, field, value, client_id)
    SELECT tenant_id, field, replace(replace(replace(value, 'ß', 'ss'), 'ς', 'σ'), 'ſ', 's'), client_id FROM client_link
    WHERE (value LIKE '%ß%' OR value LIKE '%ς%' OR value LIKE '%ſ%') ON CONFLICT DO NOTHING;

-- Which clients were merged into a client.
CREATE INDEX client_merged ON client (tenant_id, merged_into) WHERE merged_into > 0;
