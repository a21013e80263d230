-- title: Statistiques par item
-- grain: one row per leaf item of one paper; an item that variants share is one row
-- params: $paper_id (integer)
-- reads: paper, item, item_mark
-- columns:
--   item                      varchar  code printed on the paper
--   points                    double   maximum m of the item
--   n                         bigint   finished copies on which the item counts
--   facility                  double   mean(x) / m
--   sd                        double   standard deviation of x, n - 1, in points
--   share_zero                double   share of marks of 0, not treated included
--   share_full                double   share of full marks
--   share_blank               double   share not treated
--   discrimination            double   DI, 100 * corr(x, R) with R the total without the item, per cent
--   item_total_correlation    double   corr(x, T)
--   discriminative_efficiency double   DE, 100 * cov(x, R) / cov(sorted x, sorted R), per cent
--   intended_weight           double   m / sum of m, 0..1
--   effective_weight          double   100 * sqrt(cov(x, T)) / sum of the same, per cent; NULL when cov < 0
--   alpha_if_removed          double   Cronbach's alpha of the other items
--   upper_lower_27            double   facility of the best 27 % by T minus that of the last 27 %
--   complete                  bigint   copies the figures with T or R rest on
--   facility_answered         double   mean(x) / m of the copies that treated the item
--   share_not_reached         double   share of copies whose answers all stand before the item
--   label                     varchar  words of the item
--   exercise                  varchar  first part of the code
--   competence                varchar  competence tag, may be empty
--   bonus                     boolean  whether it counts outside the total
-- excludes: copies that are not finalised; items neutralised for the candidate; empty cells
--
-- Everything comes from counts by (item, x, T): the facts are read once and all sums are of integers.
-- Sorted pairs of DE: the sum of the c lowest R, c running over the cumulative counts of the values of x
-- (statistics.md, "DE at scale"). Copies tied at a border of the 27 % share the places left.

with
chosen as (
    select * from paper
    where paper_id = $paper_id
),

items as (
    select * from item
    where paper_id = $paper_id
),

facts as (
    select
        item_mark.*,
        items.position
    from item_mark
    inner join items on item_mark.item_id = items.item_id
),

counts as (
    select
        item_id,
        x,
        total,
        is_whole,
        items,
        is_untreated,
        count(*) as n
    from facts
    group by item_id, x, total, is_whole, items, is_untreated
),

live as (
    select count(distinct item_id) as k from counts
),

copies_with_blanks as (
    select distinct copy_id from facts
    where is_untreated
),

reached as (
    select
        facts.copy_id,
        max(facts.position) filter (where not facts.is_untreated) as last_position
    from facts
    inner join copies_with_blanks on facts.copy_id = copies_with_blanks.copy_id
    group by facts.copy_id
),

unreached as (
    select
        facts.item_id,
        count(*) as n
    from facts
    inner join reached on facts.copy_id = reached.copy_id
    where facts.is_untreated and facts.position > coalesce(reached.last_position, -1)
    group by facts.item_id
),

basic as (
    select
        counts.item_id,
        sum(counts.n)::bigint as n,
        sum(counts.n * counts.x)::hugeint as sx,
        sum(counts.n * counts.x * counts.x)::hugeint as sxx,
        sum(counts.n) filter (where counts.x = 0) as zero,
        sum(counts.n) filter (where counts.x = items.points) as full_marks,
        sum(counts.n) filter (where counts.is_untreated) as blank
    from counts
    inner join items on counts.item_id = items.item_id
    group by counts.item_id
),

pairs as (
    select
        item_id,
        x,
        total,
        total - x as rest,
        sum(n)::bigint as n
    from counts
    where is_whole
    group by item_id, x, total
),

moments as (
    select
        item_id,
        sum(n)::hugeint as n,
        sum(n * x)::hugeint as sx,
        sum(n * x * x)::hugeint as sxx,
        sum(n * total)::hugeint as st,
        sum(n * total * total)::hugeint as stt,
        sum(n * x * total)::hugeint as sxt,
        sum(n * rest)::hugeint as sr,
        sum(n * rest * rest)::hugeint as srr,
        sum(n * x * rest)::hugeint as sxr
    from pairs
    group by item_id
),

covariances as (
    select
        item_id,
        n,
        sx,
        sr,
        n * sxx - sx * sx as vxx,
        n * stt - st * st as vtt,
        n * srr - sr * sr as vrr,
        n * sxt - sx * st as vxt,
        n * sxr - sx * sr as vxr
    from moments
),

by_x as (
    select
        item_id,
        x,
        sum(sum(n)) over (partition by item_id order by x) as upto,
        sum(sum(n)) over (partition by item_id order by x) - sum(n) as before
    from pairs
    group by item_id, x
),

by_rest as (
    select
        item_id,
        rest,
        sum(sum(n)) over (partition by item_id order by rest) - sum(n) as before,
        sum(sum(n * rest)) over (partition by item_id order by rest) - sum(n * rest) as sum_before
    from pairs
    group by item_id, rest
),

lowest_rests as (
    select
        by_x.item_id,
        by_x.x,
        upper_group.sum_before + (by_x.upto - upper_group.before) * upper_group.rest as sum_upto,
        lower_group.sum_before + (by_x.before - lower_group.before) * lower_group.rest as sum_before
    from by_x
    asof left join by_rest as upper_group
        on by_x.item_id = upper_group.item_id and by_x.upto >= upper_group.before
    asof left join by_rest as lower_group
        on by_x.item_id = lower_group.item_id and by_x.before >= lower_group.before
),

sorted_pairs as (
    select
        item_id,
        sum(x * (sum_upto - sum_before))::hugeint as sxr
    from lowest_rests
    group by item_id
),

by_total as (
    select
        item_id,
        total,
        sum(n) as n,
        sum(n * x) as sx,
        sum(sum(n)) over (partition by item_id order by total) - sum(n) as below,
        sum(sum(n)) over (partition by item_id order by total desc) - sum(n) as above,
        greatest(1, round(0.27 * sum(sum(n)) over (partition by item_id))) as wanted
    from pairs
    group by item_id, total
),

tails as (
    select
        item_id,
        any_value(wanted) as wanted,
        sum(sx * greatest(0, least(n, wanted - above)) / n) as upper_sum,
        sum(sx * greatest(0, least(n, wanted - below)) / n) as lower_sum
    from by_total
    group by item_id
),

full_moments as (
    select
        counts.item_id,
        sum(counts.n)::hugeint as n,
        sum(counts.n * counts.x)::hugeint as sx,
        sum(counts.n * counts.x * counts.x)::hugeint as sxx,
        sum(counts.n * (counts.total - counts.x))::hugeint as sr,
        sum(counts.n * (counts.total - counts.x) * (counts.total - counts.x))::hugeint as srr
    from counts, live
    where counts.items = live.k
    group by counts.item_id
),

full_variances as (
    select
        item_id,
        n * sxx - sx * sx as vxx,
        n * srr - sr * sr as vrr,
        sum(n * sxx - sx * sx) over () as all_vxx
    from full_moments
),

weights as (
    select
        item_id,
        case when vxt >= 0 then sqrt(vxt::double) end as root
    from covariances
),

sum_of_weights as (
    -- A list in order: floating sums then do not depend on threads.
    select list_sum(list(root order by item_id)) as roots from weights
),

sum_of_points as (
    select sum(points) filter (where not bonus) as points from items
)

select
    items.item,
    items.points / chosen.unit as points,
    coalesce(basic.n, 0) as n,
    basic.sx::double / nullif(basic.n * items.points, 0) as facility,
    case
        when basic.n > 1
            then
                sqrt((basic.n * basic.sxx - basic.sx * basic.sx)::double / (basic.n * (basic.n - 1.0)))
                / chosen.unit
    end as sd,
    coalesce(basic.zero, 0)::double / basic.n as share_zero,
    coalesce(basic.full_marks, 0)::double / basic.n as share_full,
    coalesce(basic.blank, 0)::double / basic.n as share_blank,
    100 * covariances.vxr::double
    / nullif(sqrt(covariances.vxx::double) * sqrt(covariances.vrr::double), 0) as discrimination,
    covariances.vxt::double
    / nullif(sqrt(covariances.vxx::double) * sqrt(covariances.vtt::double), 0) as item_total_correlation,
    100 * covariances.vxr::double
    / nullif((covariances.n * sorted_pairs.sxr - covariances.sx * covariances.sr)::double, 0)
        as discriminative_efficiency,
    items.points::double / nullif(sum_of_points.points, 0) as intended_weight,
    100 * weights.root / nullif(sum_of_weights.roots, 0) as effective_weight,
    case
        when live.k > 2 and full_variances.vrr > 0
            then
                (live.k - 1) / (live.k - 2.0)
                * (
                    1
                    - (full_variances.all_vxx - full_variances.vxx)::double / full_variances.vrr::double
                )
    end as alpha_if_removed,
    round((tails.upper_sum - tails.lower_sum) / nullif(tails.wanted * items.points, 0), 12)
        as upper_lower_27,
    coalesce(covariances.n, 0)::bigint as complete,
    basic.sx::double
    / nullif((basic.n - coalesce(basic.blank, 0)) * items.points, 0)::double as facility_answered,
    coalesce(unreached.n, 0)::double / basic.n as share_not_reached,
    items.label,
    items.exercise,
    items.competence,
    items.bonus
from items
cross join chosen
cross join live
cross join sum_of_points
cross join sum_of_weights
left join basic on items.item_id = basic.item_id
left join covariances on items.item_id = covariances.item_id
left join sorted_pairs on items.item_id = sorted_pairs.item_id
left join tails on items.item_id = tails.item_id
left join full_variances on items.item_id = full_variances.item_id
left join weights on items.item_id = weights.item_id
left join unreached on items.item_id = unreached.item_id
order by items.position, items.item
