INSERT INTO client_link (tenant_id, field, value, client_id)
SELECT c.tenant_id, j.key, lower(trim(j.value)), c.id FROM client c, jsonb_each_text(c.doc::jsonb) j
WHERE j.value NOT IN ('', '0') AND j.key IN (
    'xeroid', 'connectwiseid', 'autotaskid', 'datto_id', 'datto_alternate_id',
    'datto_commerce_id', 'hubspot_id', 'auvik_id', 'passportal_id', 'ninjarmmid',
    'liongardid', 'kaseyaid', 'stripe_customer_id', 'stripe_payment_method_id', 'itglue_id',
    'accountsid', 'kashflowid', 'snelstart_id', 'avalara_id', 'qbo_company_id',
    'dbc_company_id', 'ateraid', 'syncroid', 'cautomateid', 'device42id', 'servicenowid',
    'snow_id', 'gficlientid', 'twilio_subaccount_sid'
);
