-- title: Marques par item
-- grain: one row per finished copy and item that counts on it
-- params: none
-- reads: snapshot.mark, snapshot.copy
-- columns:
--   paper_id      bigint   paper
--   copy_id       bigint   pseudonym of the copy
--   item_id       bigint   item
--   class_name    varchar  class of the candidate, empty when not known
--   x             bigint   mark in units; 0 when not treated
--   is_untreated  boolean  the pupil left the item blank
--   items         bigint   items that count on this copy
--   is_whole      boolean  no item is missing or neutralised for this copy alone
--   total         bigint   sum of the items of the copy, in units
-- excludes: copies that are not finalised; items neutralised for the candidate; empty cells

select
    copy.paper_id,
    copy.copy_id,
    mark.item_id,
    copy.class_name,
    coalesce(mark.points_units, 0)::bigint as x,
    mark.state = 'untreated' as is_untreated,
    copy.items::bigint as items,
    copy.is_whole,
    copy.total_units::bigint as total
from snapshot.mark as mark
inner join snapshot.copy as copy on mark.copy_id = copy.copy_id
where copy.is_finished and mark.state in ('marked', 'untreated')
