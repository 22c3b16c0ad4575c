-- Of each perimeter the newest snapshot up to a moment.
-- reads: inventory_snapshot
-- grain: one row a perimeter
-- $moment  end, inclusive (UTC); null for all
select
    perimeter,
    snapshot_id,
    perimeter_guid,
    location,
    content_hash,
    gone,
    taken_at,
    confirmed_at,
    origin,
    members_confirmed_at
from inventory_snapshot
where taken_at <= coalesce($moment, 'infinity'::timestamp)
qualify row_number() over (partition by perimeter order by taken_at desc, snapshot_id desc) = 1
order by perimeter
