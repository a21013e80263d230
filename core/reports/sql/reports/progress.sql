-- title: Avancement
-- grain: one row per corrector's bundle; the row without corrector gathers copies not allocated yet
-- params: $paper_id (integer)
-- reads: paper_copy
-- columns:
--   corrector  varchar  pseudonym of the corrector; NULL before the allocation
--   copies     bigint   copies of the bundle
--   marked     bigint   copies whose items all have a state
--   finished   bigint   copies finalised or published
--   published  bigint   copies published
-- excludes: nothing

select
    corrector,
    count(*) as copies,
    count(*) filter (where is_marked or is_finished) as marked,
    count(*) filter (where is_finished) as finished,
    count(*) filter (where status = 'published') as published
from paper_copy
where paper_id = $paper_id
group by corrector
order by corrector nulls last
