-- oldest client: 5
-- Who may write rows can write any. So that a right to decide holds only under a machine's signature,
-- and that whoever puts something in the way is known: the server itself says who wrote a row.

alter table leases add column signature bytea not null default '';
comment on column leases.signature is
    'of the machine, over this fence: without that of one that counts, nobody holds it';

alter table ranges add column written_by name not null default session_user;
alter table leases add column written_by name not null default session_user;
alter table decisions add column written_by name not null default session_user;

create function say_who_writes() returns trigger
    language plpgsql set search_path = '' as $$
begin
    new.written_by := session_user;
    return new;
end $$;

create trigger who_writes before insert on ranges for each row execute function say_who_writes();
create trigger who_writes before insert on decisions for each row execute function say_who_writes();
create trigger who_writes before insert or update on leases
    for each row execute function say_who_writes();

update privileges set columns = '(machine, fence, until, signature)'
where (kind, command, relation) = ('member', 'update', 'leases');

do $$
declare
    somebody name;
begin
    for somebody in select distinct role from allowed
        where kind in ('member', 'owner') and exists (select from pg_roles where rolname = role)
    loop
        execute format('grant update (signature) on leases to %I', somebody);
    end loop;
end $$;
