-- title: Copies notées
-- grain: one row per copy that is finalised or published
-- params: none
-- reads: snapshot.copy
-- columns:
--   paper_id    bigint   paper
--   copy_id     bigint   pseudonym of the copy
--   class_name  varchar  class of the candidate, empty when not known
--   corrector   varchar  pseudonym of whoever marked it
--   items       bigint   items with a mark or known as not treated
--   is_whole    boolean  no item is missing or neutralised for this copy alone
--   total       bigint   sum of its items, in units; NULL when an item is missing
--   mark        bigint   final mark, in units; NULL when an item is missing
-- excludes: copies that are not finalised (a missing mark is not a zero)

select
    paper_id,
    copy_id,
    class_name,
    corrector,
    items::bigint as items,
    is_whole,
    total_units::bigint as total,
    mark_units::bigint as mark
from snapshot.copy
where is_finished
