-- Whether a text is one JSON array or object.
-- reads: nothing
-- grain: one row
-- $text  the whole text
select case when json_valid($text) then json_type($text) in ('ARRAY', 'OBJECT') else false end as valid
