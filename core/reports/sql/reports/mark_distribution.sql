-- title: Répartition des notes
-- grain: one row per bin of one point [k, k+1); the last bin holds the top mark too
-- params: $paper_id (integer)
-- reads: paper, finished_copy
-- columns:
--   lower             bigint  lower end k, in points
--   upper             bigint  upper end k + 1
--   copies            bigint  final marks in the bin
--   share             double  copies / all finished copies; NULL when there is none
--   cumulative_share  double  share of final marks in this bin or a lower one
-- excludes: copies that are not finalised

with
chosen as (
    select
        *,
        ceil(scale / unit)::bigint as bins
    from paper
    where paper_id = $paper_id
),

bins as (
    select unnest(range(0, bins)) as lower from chosen
),

binned as (
    select
        least(finished_copy.mark // chosen.unit, chosen.bins - 1) as lower,
        count(*) as copies
    from finished_copy
    inner join chosen on finished_copy.paper_id = chosen.paper_id
    where finished_copy.mark is not null
    group by least(finished_copy.mark // chosen.unit, chosen.bins - 1)
),

filled as (
    select
        bins.lower,
        coalesce(binned.copies, 0) as copies
    from bins
    left join binned on bins.lower = binned.lower
)

select
    lower,
    lower + 1 as upper,
    copies,
    copies::double / nullif(sum(copies) over (), 0) as share,
    (sum(copies) over (order by lower))::double / nullif(sum(copies) over (), 0) as cumulative_share
from filled
order by lower
