-- title: Qualité de l'identification
-- grain: one row per kind of proposal: automatic, review, none
-- params: $paper_id (integer)
-- reads: proposal
-- columns:
--   proposal          varchar  automatic, review or none
--   booklets          bigint   booklets with this proposal
--   decided           bigint   of which somebody, or the automatic rule, decided
--   decided_by_hand   bigint   of which a person decided
--   first_kept        bigint   decided for the candidate ranked first
--   other_candidate   bigint   decided for another candidate
--   no_candidate      bigint   decided as not on the list, illegible or blank
--   mean_probability  double   mean probability of the candidate ranked first
-- excludes: nothing

select
    proposal,
    count(*) as booklets,
    count(decision) as decided,
    count(decision) filter (where not is_automatic) as decided_by_hand,
    count(*) filter (where decision = 'candidate' and chosen_rank = 1) as first_kept,
    count(*) filter (where decision = 'candidate' and chosen_rank is distinct from 1) as other_candidate,
    count(*) filter (where decision <> 'candidate') as no_candidate,
    round(avg(probability), 10) as mean_probability
from proposal
where paper_id = $paper_id
group by proposal
order by proposal
