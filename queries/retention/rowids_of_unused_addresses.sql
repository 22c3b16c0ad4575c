-- The addresses that no record and no flow has any longer.
-- reads: address, access_log, source_flow, traffic
-- grain: one row an address text
select a.rowid
from address as a
where
    not exists (select 1 from access_log as l where l.source_ip = a.text)
    and not exists (select 1 from source_flow as f where f.source_ip = a.canonical)
    and not exists (select 1 from traffic as t where t.source_ip = a.canonical)
