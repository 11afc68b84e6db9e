-- oldest client: 5
-- What one user of the database wrote too much of is passed over by whoever reads. Whoever owns the
-- schema takes it away again.

create function clear(project text, somebody name) returns bigint
    language sql set search_path = '' as $$
    with place as (select project_id from meta_experiment.projects where name = project),
    told as (
        delete from meta_experiment.notes
        where project_id in (table place) and written_by = somebody
        returning 1
    ), joined as (
        delete from meta_experiment.machines known
        where project_id in (table place) and joined_by = somebody
          and not exists (
              select from meta_experiment.owners owning
              where (owning.project_id, owning.machine) = (known.project_id, known.machine))
          and not exists (
              select from meta_experiment.admissions word
              where (word.project_id, word.machine) = (known.project_id, known.machine))
          and not exists (
              select from meta_experiment.logs log
              where (log.project_id, log.machine) = (known.project_id, known.machine))
        returning 1
    )
    select (select count(*) from told) + (select count(*) from joined)
$$;
comment on function clear is
    'remove the notes of a user, and the machines that it joined which nobody admitted and shipped nothing';
revoke all on function clear from public;
