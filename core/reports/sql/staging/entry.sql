-- title: Inscriptions
-- grain: one row per candidate and paper
-- params: none
-- reads: snapshot.entry
-- columns:
--   paper_id      bigint   paper
--   candidate_id  bigint   pseudonym of the candidate
--   class_name    varchar  class, empty when not known
--   presence      varchar  expected, present, absent, absent_excused, exempt or make_up
-- excludes: nothing

select
    paper_id,
    candidate_id,
    class_name,
    presence
from snapshot.entry
