-- title: Items
-- grain: one row per leaf item of a paper; an item that variants share is one row
-- params: none
-- reads: snapshot.item
-- columns:
--   paper_id    bigint   paper
--   item_id     bigint   lasting identity of the item
--   item        varchar  code printed on the paper
--   label       varchar  its words
--   exercise    varchar  first part of the code
--   competence  varchar  competence tag, may be empty
--   bonus       boolean  whether it counts outside the total
--   points      bigint   maximum, in units
--   position    bigint   rank on the paper
-- excludes: nothing

select
    paper_id,
    item_id,
    min(code) as item,
    min(label) as label,
    min(exercise) as exercise,
    min(competence) as competence,
    bool_or(bonus) as bonus,
    max(points_units)::bigint as points,
    min(position)::bigint as position
from snapshot.item
group by paper_id, item_id
