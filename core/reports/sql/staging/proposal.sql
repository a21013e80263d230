-- title: Propositions d'identité
-- grain: one row per booklet
-- params: none
-- reads: snapshot.booklet
-- columns:
--   paper_id      bigint   paper
--   proposal      varchar  automatic, review or none
--   probability   double   probability of the candidate ranked first; NULL without proposal
--   decision      varchar  candidate, not_listed, illegible or blank; NULL while undecided
--   is_automatic  boolean  whether the decision was taken without a person
--   chosen_rank   bigint   rank of the candidate decided for; NULL when none of those proposed
-- excludes: nothing

select
    paper_id,
    proposal,
    probability,
    decision,
    is_automatic,
    chosen_rank::bigint as chosen_rank
from snapshot.booklet
