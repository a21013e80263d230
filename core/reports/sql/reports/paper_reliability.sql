-- title: Fidélité de l'épreuve
-- grain: one row per paper
-- params: $paper_id (integer)
-- reads: paper, finished_copy, item_mark
-- columns:
--   items        bigint  items that count on at least one finished copy
--   complete     bigint  copies these figures rest on: all the items have a mark or are not treated
--   alpha        double  Cronbach's alpha; may be negative
--   lambda2      double  Guttman's lambda 2
--   error_ratio  double  sqrt(1 - alpha)
--   sem          double  sd of the raw totals * sqrt(1 - alpha), in points
-- excludes: copies that are not finalised
--
-- Apart from paper_summary because lambda 2 pairs every item with every other on each copy.

with
chosen as (
    select * from paper
    where paper_id = $paper_id
),

marks as (
    select * from item_mark
    where paper_id = $paper_id
),

live_items as (
    select count(distinct item_id) as k from marks
),

complete_marks as (
    select marks.*
    from marks
    cross join live_items
    where marks.items = live_items.k
),

total_moments as (
    select
        count(*) as n,
        count(*) * sum(finished_copy.total * finished_copy.total)::hugeint
        - sum(finished_copy.total)::hugeint * sum(finished_copy.total)::hugeint as numerator
    from finished_copy
    inner join chosen on finished_copy.paper_id = chosen.paper_id
    cross join live_items
    where finished_copy.items = live_items.k
),

item_moments as (
    select
        item_id,
        count(*) as n,
        sum(x)::hugeint as s1,
        sum(x * x)::hugeint as s2
    from complete_marks
    group by item_id
),

products as (
    select
        one.item_id as one_id,
        other.item_id as other_id,
        sum(one.x * other.x)::hugeint as sxy
    from complete_marks as one
    inner join complete_marks as other on one.copy_id = other.copy_id and one.item_id < other.item_id
    group by one.item_id, other.item_id
),

covariances as (
    select
        products.one_id,
        products.other_id,
        (one.n * products.sxy - one.s1 * other.s1)::double as numerator
    from products
    inner join item_moments as one on products.one_id = one.item_id
    inner join item_moments as other on products.other_id = other.item_id
),

sums as (
    -- A list in order: floating sums then do not depend on threads.
    select 2 * list_sum(list(numerator * numerator order by one_id, other_id)) as squares from covariances
),

item_variance as (
    select sum(n * s2 - s1 * s1)::double as numerator from item_moments
),

reliability as (
    select
        live_items.k,
        total_moments.n,
        total_moments.numerator::double as total_numerator,
        item_variance.numerator as item_numerator,
        sums.squares,
        live_items.k > 1 and total_moments.numerator > 0 as is_defined
    from live_items
    cross join total_moments
    cross join item_variance
    cross join sums
),

coefficients as (
    select
        *,
        case when is_defined then k / (k - 1.0) * (1 - item_numerator / total_numerator) end as alpha,
        case
            when is_defined
                then (total_numerator - item_numerator + sqrt(k / (k - 1.0) * squares)) / total_numerator
        end as lambda2
    from reliability
)

select
    coefficients.k as items,
    coefficients.n as complete,
    coefficients.alpha,
    coefficients.lambda2,
    sqrt(1 - coefficients.alpha) as error_ratio,
    sqrt(coefficients.total_numerator / (coefficients.n * (coefficients.n - 1.0)))
    * sqrt(1 - coefficients.alpha)
    / chosen.unit as sem
from coefficients
cross join chosen
