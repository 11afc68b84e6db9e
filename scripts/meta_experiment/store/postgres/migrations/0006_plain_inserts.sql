-- oldest client: 5
-- Who may insert a row gives what belongs to it, and nothing that the server gives: no number that
-- another row would get, no time that no program can read.

update privileges set columns = given.columns
from (values
    ('machines', '(project_id, machine, public_key, name)'),
    ('logs', '(project_id, experiment, machine, log)'),
    ('batches', '(project_id, log_id, first, last, signature)'),
    ('experiments',
        '(project_id, experiment, plan_sha256, document, machine, signature, beginning)'),
    ('variants', '(project_id, experiment, path, variant, sha256, mode)'),
    ('notes', '(project_id, experiment, number, machine, document, signature)'),
    ('ranges', '(project_id, experiment, first, last, machine, beginning)'),
    ('leases', '(project_id, experiment, machine, fence, until, signature)'),
    ('decisions',
        '(project_id, experiment, generation, machine, fence, document, signature)'),
    ('registry', '(project_id, experiment, document, archived)'),
    ('history', '(project_id, experiment, entry)')
) given (relation, columns)
where privileges.command = 'insert' and privileges.relation = given.relation;

-- Also for roles that are not allowed anything now: they may be again.
do $$
declare
    given record;
begin
    for given in
        select distinct known.relation, known.columns, somebody.rolname as role
        from privileges known
        join pg_class there
            on there.relname = known.relation and there.relnamespace = 'meta_experiment'::regnamespace
        cross join aclexplode(there.relacl) granted
        join pg_roles somebody on somebody.oid = granted.grantee and granted.grantee <> there.relowner
        where known.command = 'insert' and known.columns <> '' and granted.privilege_type = 'INSERT'
    loop
        execute format('revoke insert on %I from %I', given.relation, given.role);
        execute format('grant insert %s on %I to %I', given.columns, given.relation, given.role);
    end loop;
end $$;

-- A machine is named by the role alone that joined it.
create policy "machine of another role" on machines as restrictive for update using (
    joined_by is null or exists (
        select from pg_roles where rolname = joined_by and pg_has_role(current_user, oid, 'member')
    )
);

-- Notes follow one another, whatever somebody says: a number has room behind it, and who has all up
-- to one misses none, as the next is given when the last is there for all.
alter table notes drop constraint notes_pkey;
update notes set number = placed.number
from (
    select ctid as row,
        row_number() over (partition by project_id, experiment order by number) as number
    from notes
) placed
where notes.ctid = placed.row and notes.number <> placed.number;
alter table notes add primary key (project_id, experiment, number);

create function number_note() returns trigger
    language plpgsql set search_path = '' as $$
begin
    perform pg_advisory_xact_lock(
        hashtextextended(new.project_id::text || '/' || new.experiment, 1));
    select coalesce(max(number), 0) + 1 into new.number from meta_experiment.notes known
    where known.project_id = new.project_id and known.experiment = new.experiment;
    return new;
end $$;
create trigger number_note before insert on notes for each row execute function number_note();

-- What is told again is found without reading all that was told.
alter table notes add column content_sha256 bytea
    generated always as (sha256(document || signature)) stored;
create index on notes (project_id, experiment, content_sha256);

-- Who wrote it: also of what is published and told. Of what was there before, nobody is known.
alter table experiments add column written_by name;
alter table variants add column written_by name;
alter table notes add column written_by name;
create trigger who_writes before insert on experiments
    for each row execute function say_who_writes();
create trigger who_writes before insert or update on variants
    for each row execute function say_who_writes();
create trigger who_writes before insert on notes for each row execute function say_who_writes();

alter table ranges alter column written_by drop not null, alter column written_by drop default;
alter table leases alter column written_by drop not null, alter column written_by drop default;
alter table decisions alter column written_by drop not null, alter column written_by drop default;
update ranges set written_by = null
where leased < (select applied from migrations where number = 5);
update decisions set written_by = null
where decided < (select applied from migrations where number = 5);
alter table leases disable trigger who_writes;
update leases set written_by = null where signature = '';
alter table leases enable trigger who_writes;
