-- title: Réussite par classe et par item
-- grain: one row per class and leaf item with at least one finished copy
-- params: $paper_id (integer)
-- reads: paper, item, item_mark
-- columns:
--   class_name  varchar  class, empty when not known
--   item        varchar  code printed on the paper
--   points      double   maximum of the item
--   n           bigint   finished copies of the class on which the item counts
--   facility    double   mean(x) / m
-- excludes: copies that are not finalised; items neutralised for the candidate; empty cells

select
    item_mark.class_name,
    item.item,
    item.points / paper.unit as points,
    count(*) as n,
    sum(item_mark.x)::double / nullif(count(*) * item.points, 0) as facility
from item_mark
inner join item on item_mark.paper_id = item.paper_id and item_mark.item_id = item.item_id
inner join paper on item_mark.paper_id = paper.paper_id
where item_mark.paper_id = $paper_id
group by item_mark.class_name, item.item, item.points, item.position, paper.unit
order by item_mark.class_name, item.position, item.item
