-- title: Épreuves
-- grain: one row per paper
-- params: none
-- reads: snapshot.paper
-- columns:
--   paper_id  bigint   paper
--   paper     varchar  its name
--   session   varchar  name of its session
--   unit      bigint   how many units of the integer marks make one point (100: hundredths)
--   scale     bigint   final scale, in units
--   total     bigint   points of the scheme without bonus, in units
-- excludes: nothing

select
    paper_id,
    name as paper,
    session,
    units_per_point::bigint as unit,
    scale_units::bigint as scale,
    total_units::bigint as total
from snapshot.paper
