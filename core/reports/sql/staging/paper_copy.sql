-- title: Copies
-- grain: one row per copy of a paper
-- params: none
-- reads: snapshot.copy
-- columns:
--   paper_id      bigint   paper
--   copy_id       bigint   pseudonym of the copy
--   candidate_id  bigint   pseudonym of the candidate; NULL while nobody knows
--   class_name    varchar  class of the candidate, empty when not known
--   corrector     varchar  pseudonym of whoever marks it; NULL before the allocation
--   status        varchar  status of the workflow
--   is_finished   boolean  finalised or published
--   is_marked     boolean  every item has a state
-- excludes: nothing

select
    paper_id,
    copy_id,
    candidate_id,
    class_name,
    corrector,
    status,
    is_finished,
    is_marked
from snapshot.copy
