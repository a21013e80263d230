-- title: Résumé de l'épreuve
-- grain: one row per paper
-- params: $paper_id (integer)
-- reads: paper, entry, paper_copy, finished_copy, item_mark
-- columns:
--   registered          bigint   entries, exempt candidates left out; NULL when there is no list
--   present             bigint   entries typed present or with a copy
--   absent              bigint   entries that a person confirmed absent, without a copy
--   marked              bigint   copies with a finished mark
--   mean                double   mean of the final mark, in points
--   median              double   median of the final mark
--   sd                  double   standard deviation of the final mark, n - 1
--   min                 double   lowest final mark
--   max                 double   highest final mark
--   q1                  double   first quartile, type 7
--   q3                  double   third quartile, type 7
--   skewness            double   G1, bias-corrected
--   kurtosis            double   G2, bias-corrected, 0 for a normal distribution
--   alpha               double   Cronbach's alpha on the raw items; may be negative
--   sem                 double   standard error of measurement, sd * sqrt(1 - alpha), in points
--   error_ratio         double   sqrt(1 - alpha)
--   share_ge_10         double   share of final marks of 10 and more on 20
--   share_ge_8_lt_10    double   share of [8, 10) on 20
--   share_lt_8          double   share below 8 on 20
--   share_assez_bien    double   share of [12, 14) on 20
--   share_bien          double   share of [14, 16) on 20
--   share_tres_bien     double   share of [16, 18) on 20
--   share_felicitations double   share of 18 and more on 20
--   mode                double   most frequent final mark, the lowest when several
--   iqr                 double   q3 - q1
--   items               bigint   items that count on at least one finished copy
--   complete            bigint   copies alpha rests on: all these items have a mark or are not treated
--   copies              bigint   copies of the paper, finished or not
--   scale               double   final scale, in points
--   paper               varchar  name of the paper
-- excludes: copies that are not finalised; absent candidates are never a zero
--
-- Sums are of integers, so that nothing depends on the order of the rows; skewness() and kurtosis() add up
-- floating numbers and are rounded for the same reason.

with
chosen as (
    select * from paper
    where paper_id = $paper_id
),

entries as (
    select
        count(*) filter (where entry.presence <> 'exempt') as registered,
        count(*) filter (
            where entry.presence in ('present', 'make_up') or paper_copy.copy_id is not null
        ) as present,
        count(*) filter (
            where entry.presence in ('absent', 'absent_excused') and paper_copy.copy_id is null
        ) as absent
    from entry
    left join paper_copy
        on entry.paper_id = paper_copy.paper_id and entry.candidate_id = paper_copy.candidate_id
    where entry.paper_id = $paper_id
),

copies as (
    select count(*) as copies from paper_copy
    where paper_id = $paper_id
),

marks as (
    select
        finished_copy.mark,
        chosen.unit,
        finished_copy.mark * 20 as mark_on_20,
        chosen.scale
    from finished_copy
    inner join chosen on finished_copy.paper_id = chosen.paper_id
    where finished_copy.mark is not null
),

frequencies as (
    select
        mark,
        count(*) as times
    from marks
    group by mark
),

distribution as (
    select
        count(*) as n,
        sum(mark)::hugeint as s1,
        sum(mark * mark)::hugeint as s2,
        median(mark) as median,
        min(mark) as lowest,
        max(mark) as highest,
        quantile_cont(mark, 0.25) as q1,
        quantile_cont(mark, 0.75) as q3,
        skewness(mark) as skewness,
        kurtosis(mark) as kurtosis,
        count(*) filter (where mark_on_20 >= 10 * scale) as ge_10,
        count(*) filter (where mark_on_20 >= 8 * scale and mark_on_20 < 10 * scale) as ge_8_lt_10,
        count(*) filter (where mark_on_20 < 8 * scale) as lt_8,
        count(*) filter (where mark_on_20 >= 12 * scale and mark_on_20 < 14 * scale) as assez_bien,
        count(*) filter (where mark_on_20 >= 14 * scale and mark_on_20 < 16 * scale) as bien,
        count(*) filter (where mark_on_20 >= 16 * scale and mark_on_20 < 18 * scale) as tres_bien,
        count(*) filter (where mark_on_20 >= 18 * scale) as felicitations
    from marks
),

most_frequent as (
    select mark from frequencies
    order by times desc, mark asc
    limit 1
),

counts as (
    select
        item_id,
        items,
        x,
        count(*) as n
    from item_mark
    where paper_id = $paper_id
    group by item_id, items, x
),

live_items as (
    select count(distinct item_id) as k from counts
),

item_moments as (
    select
        counts.item_id,
        sum(counts.n)::hugeint as n,
        sum(counts.n * counts.x)::hugeint as s1,
        sum(counts.n * counts.x * counts.x)::hugeint as s2
    from counts, live_items
    where counts.items = live_items.k
    group by counts.item_id
),

item_variance as (
    select sum(n * s2 - s1 * s1) as numerator from item_moments
),

total_variance as (
    select
        count(*) as n,
        count(*) * sum(finished_copy.total * finished_copy.total)::hugeint
        - sum(finished_copy.total)::hugeint * sum(finished_copy.total)::hugeint as numerator
    from finished_copy, live_items
    where finished_copy.paper_id = $paper_id and finished_copy.items = live_items.k
),

reliability as (
    select
        live_items.k,
        total_variance.n,
        case
            when live_items.k > 1 and total_variance.numerator > 0
                then
                    live_items.k / (live_items.k - 1.0)
                    * (1 - item_variance.numerator::double / total_variance.numerator::double)
        end as alpha
    from live_items, item_variance, total_variance
),

spread as (
    select
        case
            when n > 1 then sqrt((n * s2 - s1 * s1)::double / (n * (n - 1.0)))
        end as sd
    from distribution
)

select
    nullif(entries.registered, 0) as registered,
    case when entries.registered > 0 then entries.present end as present,
    case when entries.registered > 0 then entries.absent end as absent,
    distribution.n as marked,
    distribution.s1::double / (nullif(distribution.n, 0) * chosen.unit) as mean,
    distribution.median / chosen.unit as median,
    spread.sd / chosen.unit as sd,
    distribution.lowest / chosen.unit as min,
    distribution.highest / chosen.unit as max,
    distribution.q1 / chosen.unit as q1,
    distribution.q3 / chosen.unit as q3,
    case when spread.sd > 0 then round(distribution.skewness, 12) end as skewness,
    case when spread.sd > 0 then round(distribution.kurtosis, 12) end as kurtosis,
    reliability.alpha,
    spread.sd * sqrt(1 - reliability.alpha) / chosen.unit as sem,
    sqrt(1 - reliability.alpha) as error_ratio,
    distribution.ge_10::double / nullif(distribution.n, 0) as share_ge_10,
    distribution.ge_8_lt_10::double / nullif(distribution.n, 0) as share_ge_8_lt_10,
    distribution.lt_8::double / nullif(distribution.n, 0) as share_lt_8,
    distribution.assez_bien::double / nullif(distribution.n, 0) as share_assez_bien,
    distribution.bien::double / nullif(distribution.n, 0) as share_bien,
    distribution.tres_bien::double / nullif(distribution.n, 0) as share_tres_bien,
    distribution.felicitations::double / nullif(distribution.n, 0) as share_felicitations,
    most_frequent.mark / chosen.unit as mode,
    (distribution.q3 - distribution.q1) / chosen.unit as iqr,
    reliability.k as items,
    reliability.n as complete,
    copies.copies,
    chosen.scale / chosen.unit as scale,
    chosen.paper
from chosen
cross join entries
cross join copies
cross join distribution
cross join spread
cross join reliability
left join most_frequent on true
