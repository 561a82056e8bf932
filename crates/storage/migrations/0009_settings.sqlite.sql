UPDATE tenant_settings SET doc = coalesce((
    SELECT '{' || group_concat(text, ',') || '}' FROM (
        SELECT '"' || s.name || '":' || s.value AS text, CASE s.name WHEN 'internal_client_id' THEN 1
            WHEN 'default_toplevel_id' THEN 2 WHEN 'mandatory_fields' THEN 3 WHEN 'period_codes' THEN 4
            ELSE 5 END AS place
        FROM setting s WHERE s.tenant_id = tenant_settings.tenant_id AND s.value NOT IN ('null', '0')
        ORDER BY place) ordered), '{}');

DROP TABLE setting;
