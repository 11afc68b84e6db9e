-- oldest client: 1
-- For people with SQL. The program itself reads none of this: it takes the lines of the machines that
-- count, checks who signed them, and folds them itself.

create function json_of(line text) returns jsonb
    language plpgsql immutable strict parallel unsafe as $$
begin
    return line::jsonb;
exception when others then
    return null;
end $$;

create view outcomes with (security_invoker = true) as
select
    project.name as project, log.experiment, log.machine, log.log, event.byte_offset,
    said ->> 'event' as event,
    to_timestamp((said ->> 'at')::double precision) as at,
    said ->> 'trial_id' as trial_id, said ->> 'variant' as variant, said ->> 'unit' as unit,
    said ->> 'status' as status, said -> 'metrics' as metrics,
    said -> 'fingerprint' as fingerprint, said ->> 'reason' as reason
from events event
join logs log using (log_id)
join projects project on project.project_id = log.project_id
cross join lateral json_of(event.line) said
where log.log like '%.jsonl'
  and jsonb_typeof(said) = 'object' and jsonb_typeof(said -> 'at') = 'number';
comment on view outcomes is 'what was said of trials, one row a line; lines that are no event are left out';

create view assignments with (security_invoker = true) as
select
    project.name as project, log.experiment, log.machine, log.log, event.byte_offset,
    fields[1]::bigint as units_so_far, fields[2] as unit, fields[3] as variant, fields[4] as trial_id,
    to_timestamp(fields[5]::double precision / 1000) as at, fields[6] as drawn_by
from events event
join logs log using (log_id)
join projects project on project.project_id = log.project_id
cross join lateral string_to_array(event.line, e'\t') fields
where log.log like '%.tsv' and event.line ~ '^[0-9]{1,18}(\t[^\t]+){3}\t[0-9]{1,18}(\t[^\t]+)?$';
comment on view assignments is 'what was drawn, one row a trial; units as logs write them, with escapes';

create view trials with (security_invoker = true) as
with said as (
    select project, experiment, trial_id, at, variant, unit, event, status, metrics, reason
    from outcomes
    union all
    select project, experiment, trial_id, at, variant, unit, 'assigned', null, null, null
    from assignments
), measured as (
    select project, experiment, trial_id, jsonb_object_agg(key, value order by at desc) as metrics
    from said cross join lateral jsonb_each(
        case when jsonb_typeof(metrics) = 'object' then metrics else '{}' end
    )
    group by project, experiment, trial_id
)
select
    project, experiment, trial_id,
    (array_agg(variant order by at) filter (where variant is not null))[1] as variant,
    coalesce((array_agg(unit order by at) filter (where unit is not null))[1], trial_id) as unit,
    bool_or(event in ('exposed', 'recorded')) as exposed,
    (array_agg(status order by at) filter (where status is not null))[1] as status,
    min(at) as begun,
    min(at) filter (where status is not null) as closed,
    (array_agg(reason order by at) filter (where event = 'excluded'))[1] as excluded,
    coalesce(measured.metrics, '{}') as metrics
from said left join measured using (project, experiment, trial_id)
group by project, experiment, trial_id, measured.metrics;
comment on view trials is 'one row a trial; of two things that were said of one the earlier stands';
