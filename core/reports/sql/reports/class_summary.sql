-- title: Résumé par classe
-- grain: one row per class of one paper; the empty class gathers copies without a known class
-- params: $paper_id (integer)
-- reads: paper, entry, finished_copy
-- columns:
--   class_name   varchar  class, empty when not known
--   registered   bigint   entries of the class, exempt candidates left out
--   n            bigint   copies with a finished mark
--   mean         double   mean of the final mark, in points
--   median       double   median
--   sd           double   standard deviation, n - 1
--   min          double   lowest final mark
--   max          double   highest final mark
--   q1           double   first quartile, type 7
--   q3           double   third quartile, type 7
--   share_ge_10  double   share of final marks of 10 and more on 20
-- excludes: copies that are not finalised

with
registered as (
    select
        class_name,
        count(*) as registered
    from entry
    where paper_id = $paper_id and presence <> 'exempt'
    group by class_name
),

marked as (
    select
        finished_copy.class_name,
        any_value(paper.unit) as unit,
        count(*) as n,
        sum(finished_copy.mark)::hugeint as s1,
        sum(finished_copy.mark * finished_copy.mark)::hugeint as s2,
        median(finished_copy.mark) as median,
        min(finished_copy.mark) as lowest,
        max(finished_copy.mark) as highest,
        quantile_cont(finished_copy.mark, 0.25) as q1,
        quantile_cont(finished_copy.mark, 0.75) as q3,
        count(*) filter (where finished_copy.mark * 20 >= 10 * paper.scale) as ge_10
    from finished_copy
    inner join paper on finished_copy.paper_id = paper.paper_id
    where finished_copy.paper_id = $paper_id and finished_copy.mark is not null
    group by finished_copy.class_name
)

select
    coalesce(marked.class_name, registered.class_name) as class_name,
    coalesce(registered.registered, 0) as registered,
    coalesce(marked.n, 0) as n,
    marked.s1::double / (marked.n * marked.unit) as mean,
    marked.median / marked.unit as median,
    case
        when marked.n > 1
            then
                sqrt((marked.n * marked.s2 - marked.s1 * marked.s1)::double / (marked.n * (marked.n - 1.0)))
                / marked.unit
    end as sd,
    marked.lowest / marked.unit as min,
    marked.highest / marked.unit as max,
    marked.q1 / marked.unit as q1,
    marked.q3 / marked.unit as q3,
    marked.ge_10::double / marked.n as share_ge_10
from registered
full outer join marked on registered.class_name = marked.class_name
order by class_name
