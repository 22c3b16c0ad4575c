-- Since when the inventory knows that the links of each perimeter are what they are.
-- reads: inventory_snapshot, snapshot_link
-- grain: one row a perimeter whose links the newest snapshot knows
with link_history as (
    select
        s.perimeter,
        s.snapshot_id,
        s.taken_at,
        s.confirmed_at,
        s.links_known,
        coalesce(
            string_agg(
                distinct concat_ws(' ', l.remote_perimeter, l.remote_guid, l.remote_inbound_profiles, l.status),
                chr(10) order by concat_ws(' ', l.remote_perimeter, l.remote_guid, l.remote_inbound_profiles, l.status)
            ),
            ''
        ) as links
    from inventory_snapshot as s
    left join snapshot_link as l on s.snapshot_id = l.snapshot_id
    group by s.perimeter, s.snapshot_id, s.taken_at, s.confirmed_at, s.links_known
),

link_step as (
    select
        *,
        last(links order by confirmed_at, taken_at, snapshot_id) over (partition by perimeter) as newest_links
    from link_history
),

other_links as (
    select
        perimeter,
        max(confirmed_at) as last_seen
    from link_step
    where links <> newest_links or not links_known
    group by perimeter
)

select
    s.perimeter,
    min(if(s.taken_at > coalesce(o.last_seen, '-infinity'::timestamp), s.taken_at, s.confirmed_at)) as links_since
from link_step as s
left join other_links as o on s.perimeter = o.perimeter
where s.links_known and s.confirmed_at > coalesce(o.last_seen, '-infinity'::timestamp)
group by s.perimeter
