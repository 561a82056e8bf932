"""What PostgreSQL alone takes: the rows of one created client, written by pgbench."""

from harness import load

# A created client is two records, it and its first site, and a row of history for each.
SCRIPT = """\\set id random(1000000000, 4000000000000000)
\\set next :id + 4000000000000000
BEGIN;
INSERT INTO bench.client (tenant_id, id, rev, updated_at, name, name_key, search_key, doc)
  VALUES (1, :id, :id, 0, 'Load ' || :id, 'load ' || :id, 'load', '{document}');
INSERT INTO bench.site (tenant_id, id, rev, updated_at, client_id, name, name_key, search_key, doc)
  VALUES (1, :id, :id, 0, :id, 'Main', 'main', 'main', '{document}');
INSERT INTO bench.change (tenant_id, seq, commit_order, at, entity, record_id, client_id, operation,
    application, agent_id, user_id, request_id, imported)
  VALUES (1, :id, 0, 0, 'client', :id, :id, 'created', 'bench', 1, 0, 'request', 0),
         (1, :next, 0, 0, 'site', :id, :id, 'created', 'bench', 1, 0, 'request', 0);
COMMIT;
"""
DOCUMENT_BYTES = 200
TABLES = ("client", "site", "change")


def rate(postgres, seconds):
    """Transactions a second on empty copies of the tables, indexes too, with as many connections as
    the load has."""
    copies = " ".join(f"CREATE TABLE bench.{table} (LIKE public.{table} INCLUDING ALL);" for table in TABLES)
    postgres.sql("aureole", f"CREATE SCHEMA bench; {copies}")
    script = postgres.folder / "inserts.sql"
    script.write_text(SCRIPT.replace("{document}", '{"name":"%s"}' % ("x" * DOCUMENT_BYTES)))
    script.chmod(0o644)
    output = postgres.tool("pgbench", "-h", "127.0.0.1", "-p", postgres.port, "-U", "aureole", "-n",
                           "-M", "prepared", "-c", load.CONNECTIONS, "-j", load.THREADS,
                           "-T", max(5, seconds), "-f", script, "aureole")
    postgres.sql("aureole", "DROP SCHEMA bench CASCADE")
    for line in output.splitlines():
        if line.startswith("tps = "):
            return float(line.split()[2])
    return 0.0
