-- title: Rapprochement de la liste et des copies
-- grain: one row per case, also when nobody is in it
-- params: $paper_id (integer)
-- reads: entry, paper_copy
-- columns:
--   state       varchar  with_copy, awaited, absent, exempt, absent_with_copy, not_registered or unidentified
--   candidates  bigint   candidates, or copies when nobody knows whose they are
-- excludes: nothing

with
states as (
    select
        unnest([
            'with_copy',
            'awaited',
            'absent',
            'exempt',
            'absent_with_copy',
            'not_registered',
            'unidentified'
        ]) as state,
        unnest(range(7)) as position
),

registered as (
    select
        case
            when
                paper_copy.copy_id is not null
                and entry.presence in ('absent', 'absent_excused', 'exempt')
                then 'absent_with_copy'
            when paper_copy.copy_id is not null then 'with_copy'
            when entry.presence in ('absent', 'absent_excused') then 'absent'
            when entry.presence = 'exempt' then 'exempt'
            else 'awaited'
        end as state
    from entry
    left join paper_copy
        on entry.paper_id = paper_copy.paper_id and entry.candidate_id = paper_copy.candidate_id
    where entry.paper_id = $paper_id
),

others as (
    select case when paper_copy.candidate_id is null then 'unidentified' else 'not_registered' end as state
    from paper_copy
    left join entry
        on paper_copy.paper_id = entry.paper_id and paper_copy.candidate_id = entry.candidate_id
    where paper_copy.paper_id = $paper_id and entry.candidate_id is null
),

found as (
    select state from registered
    union all
    select state from others
)

select
    states.state,
    count(found.state) as candidates
from states
left join found on states.state = found.state
group by states.state, states.position
order by states.position
