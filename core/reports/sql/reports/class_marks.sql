-- title: Notes par classe
-- grain: one row per class and final mark
-- params: $paper_id (integer)
-- reads: paper, finished_copy
-- columns:
--   class_name  varchar  class, empty when not known
--   mark        double   final mark, in points
--   copies      bigint   copies of the class with this mark
-- excludes: copies that are not finalised

select
    finished_copy.class_name,
    finished_copy.mark / paper.unit as mark,
    count(*) as copies
from finished_copy
inner join paper on finished_copy.paper_id = paper.paper_id
where finished_copy.paper_id = $paper_id and finished_copy.mark is not null
group by finished_copy.class_name, finished_copy.mark, paper.unit
order by finished_copy.class_name, finished_copy.mark
