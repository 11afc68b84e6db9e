-- oldest client: 1
-- A machine belongs to the role of the database that joined it: no other role writes in its logs,
-- so that nobody puts lines or batches in another machine's way. The owner of the schema may.

alter table machines add column joined_by name;
alter table machines alter column joined_by set default current_user;
comment on column machines.joined_by is
    'the role that ships for it; null: it joined before this was kept, and every role may';

-- A role that was allowed and then dropped stops nobody else.
create or replace function projects_of(somebody name, kinds text[]) returns integer[]
    language sql stable security definer set search_path = '' as $$
    select coalesce(array_agg(project_id), '{}') from meta_experiment.allowed
    join pg_catalog.pg_roles known on known.rolname = allowed.role
    where kind = any (kinds) and pg_catalog.pg_has_role(somebody, known.oid, 'member')
$$;

create view own_machines with (security_invoker = true) as
select project_id, machine from machines
where joined_by is null or exists (
    select from pg_roles where rolname = joined_by and pg_has_role(current_user, oid, 'member')
);
comment on view own_machines is 'machines for which this role ships';

create view own_logs with (security_invoker = true) as
select log_id from logs
where machine !~ '^[0-9a-f]{16}$'
   or (project_id, machine) in (select project_id, machine from own_machines);
comment on view own_logs is 'logs into which this role writes; of no machine: those of the store itself';
grant select on own_machines, own_logs to public;

create policy "of another role" on machines as restrictive for insert
    with check (joined_by = current_user);
create policy "machine of another role" on logs as restrictive for insert with check (
    (project_id, machine) in (select project_id, machine from own_machines)
    or machine !~ '^[0-9a-f]{16}$'
        and project_id = any ((select projects_of(current_user, '{owner}'))::integer[])
);
create policy "machine of another role" on batches as restrictive for insert
    with check (log_id in (select log_id from own_logs));
create policy "machine of another role" on events as restrictive for insert
    with check (log_id in (select log_id from own_logs));

create function bind(project text, machine text, somebody name) returns void
    language plpgsql set search_path = '' as $$
begin
    if not exists (select from pg_catalog.pg_roles where rolname = somebody) then
        raise exception 'there is no role %', somebody;
    end if;
    update meta_experiment.machines known set joined_by = somebody
    from meta_experiment.projects owning
    where owning.project_id = known.project_id and owning.name = bind.project
      and known.machine = bind.machine;
    if not found then
        raise exception 'no machine % joined the project %', bind.machine, bind.project;
    end if;
end $$;
comment on function bind is 'let another role of the database ship for a machine from now on';
revoke all on function bind from public;

-- What was said of single trials is found without reading all others.

create function trial_hash(line text) returns bigint
    language sql immutable strict parallel safe as $$
    select pg_catalog.hashtextextended(
        case when pg_catalog.left(line, 1) = '{'
            then pg_catalog.substring(line, '"trial_id": *"((?:[^"\\]|\\.)*)"')
            else pg_catalog.split_part(line, e'\t', 4)
        end, 0)
$$;

create table said (
    project_id integer not null,
    log_id bigint not null,
    trial_hash bigint not null,
    byte_offset bigint not null,
    primary key (log_id, trial_hash, byte_offset)
);
comment on table said is 'where in the logs of the store itself something is said of a trial';
alter table said enable row level security;
create policy reading on said for select using (project_id = any ((select
    projects_of(current_user, '{writer, member, owner}'))::integer[]));
grant select on said to public;

-- By whatever program lines are added. Those of machines are folded elsewhere, and cost nothing here.
create function note_said() returns trigger
    language plpgsql security definer set search_path = '' as $$
begin
    insert into meta_experiment.said (project_id, log_id, trial_hash, byte_offset)
    select added.project_id, log_id, meta_experiment.trial_hash(line), byte_offset
    from added join meta_experiment.logs using (log_id)
    where machine !~ '^[0-9a-f]{16}$' and meta_experiment.trial_hash(line) is not null
    on conflict do nothing;
    return null;
end $$;
create trigger note_said after insert on events referencing new table as added
    for each statement execute function note_said();

insert into said (project_id, log_id, trial_hash, byte_offset)
select event.project_id, log_id, trial_hash(line), byte_offset
from events event join logs using (log_id)
where machine !~ '^[0-9a-f]{16}$' and trial_hash(line) is not null;
