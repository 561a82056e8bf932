-- Row-level security: a session sees and writes the rows of the tenant in its setting `aureole.tenant`,
-- all rows when that is 0, and none when it is not set. Runs after the migrations and adds what is
-- missing, so that a new table is behind the wall from its first day.
DO $$
DECLARE
    found RECORD;
    wall TEXT;
BEGIN
    FOR found IN
        SELECT c.relname AS name, CASE WHEN c.relname = 'tenant' THEN 'id' ELSE 'tenant_id' END AS col
        FROM pg_class c
        WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
            AND (c.relname = 'tenant' OR EXISTS (
                SELECT 1 FROM pg_attribute a
                WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
            AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
                SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'tenant_wall'))
    LOOP
        -- The subselects are computed once a statement, not once a row.
        wall := format(
            '(SELECT current_setting(''aureole.tenant'', true)) = ''0'' OR %I = '
            '(SELECT nullif(current_setting(''aureole.tenant'', true), '''')::bigint)', found.col);
        EXECUTE format('DROP POLICY IF EXISTS tenant_wall ON %I', found.name);
        EXECUTE format('CREATE POLICY tenant_wall ON %I USING (%s) WITH CHECK (%s)',
            found.name, wall, wall);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', found.name);
    END LOOP;
END $$;
