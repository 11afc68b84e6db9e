-- oldest client: 1
-- Whoever owns the schema may do everything. Other roles of the database see and write what they were
-- allowed, project by project: `select meta_experiment.allow('role', 'project', 'writer')`.

create table allowed (
    project_id integer not null references projects on delete cascade,
    role name not null,
    kind text not null check (kind in ('writer', 'member', 'owner')),
    primary key (project_id, role)
);
comment on table allowed is
    'writer: ships trials alone; member: also plans, positions, decisions; owner: also machines';

create function projects_of(somebody name, kinds text[]) returns integer[]
    language sql stable security definer set search_path = '' as $$
    select coalesce(array_agg(project_id), '{}') from meta_experiment.allowed
    where kind = any (kinds) and exists (select from pg_catalog.pg_roles where rolname = role)
      and pg_catalog.pg_has_role(somebody, role, 'member')
$$;

create table privileges (
    kind text not null,
    command text not null,
    relation text not null,
    columns text not null default '',
    primary key (kind, command, relation)
);
insert into privileges (kind, command, relation, columns)
values
    ('member', 'update', 'machines', '(name)'),
    ('member', 'update', 'leases', '(machine, fence, until)'),
    ('owner', 'update', 'projects', '(revision)'),
    ('owner', 'update', 'registry', '(document, archived)'),
    ('owner', 'update', 'variants', '(sha256, mode)');
insert into privileges (kind, command, relation)
select kind, 'insert', unnest(relations)
from (values
    ('writer', '{machines, logs, batches, events}'::text[]),
    ('member', '{experiments, texts, variants, notes, ranges, leases, decisions}'),
    ('owner', '{owners, admissions, registry, units, history}')
) insertion (kind, relations);

do $$
declare
    relation text;
    privilege record;
begin
    foreach relation in array '{projects, machines, owners, admissions, experiments, texts, variants,
        notes, logs, batches, events, ranges, leases, decisions, registry, units, history}'::text[]
    loop
        execute format('alter table %I enable row level security', relation);
        execute format(
            'create policy reading on %I for select using (project_id = any ((select '
            'projects_of(current_user, ''{writer, member, owner}''))::integer[]))', relation);
    end loop;
    for privilege in select * from privileges loop
        execute format(
            'create policy %I on %I for %s %s (project_id = any ((select '
            'projects_of(current_user, %L))::integer[]))',
            privilege.kind || ' ' || privilege.command, privilege.relation, privilege.command,
            case privilege.command when 'insert' then 'with check' else 'using' end,
            case privilege.kind
                when 'writer' then '{writer, member, owner}'
                when 'member' then '{member, owner}'
                else '{owner}'
            end);
    end loop;
end $$;

create function allow(somebody name, project text, kind text) returns void
    language plpgsql set search_path = '' as $$
declare
    privilege record;
begin
    insert into meta_experiment.projects (name) values (project) on conflict do nothing;
    insert into meta_experiment.allowed (project_id, role, kind)
    select project_id, somebody, allow.kind from meta_experiment.projects where name = project
    on conflict (project_id, role) do update set kind = excluded.kind;
    execute pg_catalog.format('grant usage on schema meta_experiment to %I', somebody);
    execute pg_catalog.format('grant select on all tables in schema meta_experiment to %I', somebody);
    execute pg_catalog.format(
        'revoke select on meta_experiment.allowed, meta_experiment.privileges from %I', somebody);
    for privilege in
        select * from meta_experiment.privileges known
        where allow.kind = 'owner' or known.kind = 'writer' or known.kind = allow.kind
    loop
        execute pg_catalog.format(
            'grant %s %s on meta_experiment.%I to %I',
            privilege.command, privilege.columns, privilege.relation, somebody);
    end loop;
end $$;
comment on function allow is 'let a role of the database be writer, member or owner of a project';

create function disallow(somebody name, project text) returns void
    language sql set search_path = '' as $$
    delete from meta_experiment.allowed using meta_experiment.projects
    where allowed.project_id = projects.project_id and name = project and role = somebody
$$;
comment on function disallow is 'take from a role what it was allowed in a project';
revoke all on function allow, disallow from public;
