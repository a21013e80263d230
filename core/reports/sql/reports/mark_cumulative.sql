-- title: Courbe cumulée des notes
-- grain: one row per final mark that was given
-- params: $paper_id (integer)
-- reads: paper, finished_copy
-- columns:
--   mark           double  final mark, in points
--   copies         bigint  copies with this mark
--   copies_upto    bigint  copies with this mark or less
--   share_upto     double  the same as a share, 0..1
-- excludes: copies that are not finalised

with
given as (
    select
        finished_copy.mark / paper.unit as mark,
        count(*) as copies
    from finished_copy
    inner join paper on finished_copy.paper_id = paper.paper_id
    where finished_copy.paper_id = $paper_id and finished_copy.mark is not null
    group by finished_copy.mark, paper.unit
)

select
    mark,
    copies,
    (sum(copies) over (order by mark))::bigint as copies_upto,
    (sum(copies) over (order by mark))::double / sum(copies) over () as share_upto
from given
order by mark
