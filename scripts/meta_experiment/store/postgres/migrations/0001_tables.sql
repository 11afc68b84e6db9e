-- oldest client: 1
-- What machines exchange is added and never changed, so that constraints alone keep every promise:
-- a log is a chain of batches, each of which begins where an earlier one ends, and there is one
-- beginning and one end of each. Whoever may insert cannot leave a gap, overlap, or count twice.

create table projects (
    project_id integer generated always as identity primary key,
    name text not null unique check (length(name) between 1 and 200),
    made timestamptz not null default clock_timestamp(),
    revision bigint not null default 0
);
comment on column projects.revision is 'rises with every change of the registry';

create table machines (
    project_id integer not null references projects,
    machine text not null check (machine ~ '^[0-9a-f]{16}$'),
    public_key bytea not null check (length(public_key) = 32),
    name text not null,
    number bigint generated always as identity,
    joined timestamptz not null default clock_timestamp(),
    primary key (project_id, machine),
    check (machine = left(encode(sha256(public_key), 'hex'), 16))
);

create table owners (
    project_id integer primary key references projects,
    machine text not null,
    foreign key (project_id, machine) references machines
);
comment on table owners is 'the first machine of a project, whose word on the others counts';

create table admissions (
    project_id integer not null,
    machine text not null,
    number integer not null check (number > 0),
    public_key bytea not null,
    counts boolean not null,
    signature bytea not null,
    primary key (project_id, machine, number),
    foreign key (project_id, machine) references machines
);

create table experiments (
    project_id integer not null references projects,
    experiment text not null,
    number bigint generated always as identity,
    plan_sha256 text not null,
    document bytea not null,
    machine text not null,
    signature bytea not null,
    beginning bigint not null check (beginning >= 0),
    published timestamptz not null default clock_timestamp(),
    primary key (project_id, experiment),
    unique (project_id, experiment, beginning)
);
comment on column experiments.beginning is 'the first position that is leased; those below are given out';

create table texts (
    project_id integer not null references projects,
    sha256 bytea not null,
    data bytea not null,
    primary key (project_id, sha256),
    check (sha256 = sha256(data))
);

create table variants (
    project_id integer not null references projects,
    experiment text not null,
    path text not null,
    variant text not null,
    sha256 bytea,
    mode integer,
    primary key (project_id, experiment, path, variant),
    foreign key (project_id, sha256) references texts,
    check ((sha256 is null) = (mode is null))
);
comment on column variants.sha256 is 'null: the arm has no such file';

create table notes (
    project_id integer not null,
    experiment text not null,
    number bigint not null check (number > 0),
    machine text not null,
    document bytea not null,
    signature bytea not null,
    told timestamptz not null default clock_timestamp(),
    primary key (project_id, experiment, number),
    foreign key (project_id, experiment) references experiments
);

create table logs (
    log_id bigint generated always as identity primary key,
    project_id integer not null references projects,
    experiment text not null,
    machine text not null,
    log text not null,
    unique (project_id, experiment, machine, log),
    unique (project_id, log_id)
);
create index on logs (project_id, machine);

create table batches (
    project_id integer not null,
    log_id bigint not null,
    first bigint not null check (first >= 0),
    last bigint not null,
    signature bytea not null,
    shipped timestamptz not null default clock_timestamp(),
    follows bigint generated always as (nullif(first, 0)) stored,
    primary key (log_id, first),
    unique (log_id, last),
    check (last > first),
    foreign key (project_id, log_id) references logs (project_id, log_id),
    foreign key (log_id, follows) references batches (log_id, last)
);
comment on column batches.follows is 'where the batch before it ends; null: it is the first';
comment on column batches.signature is 'empty: written through the store itself, by no machine of a team';

create view log_sizes with (security_invoker = true) as
select log.*, newest.last as size, newest.shipped
from logs log
cross join lateral (
    select last, shipped from batches where batches.log_id = log.log_id order by last desc limit 1
) newest;
comment on view log_sizes is 'logs of which there is something, and how far they go';

create table events (
    project_id integer not null,
    log_id bigint not null,
    byte_offset bigint not null check (byte_offset >= 0),
    line text,
    raw bytea,
    primary key (project_id, log_id, byte_offset),
    check ((line is null) <> (raw is null))
);
comment on table events is
    'the lines of all logs, without their newlines; those that no batch covers are nobody''s';
comment on column events.raw is 'a damaged line, which is no text';

create table ranges (
    project_id integer not null,
    experiment text not null,
    first bigint not null,
    last bigint not null,
    machine text not null,
    beginning bigint not null,
    leased timestamptz not null default clock_timestamp(),
    follows bigint generated always as (nullif(first, beginning)) stored,
    primary key (project_id, experiment, first),
    unique (project_id, experiment, last),
    check (last > first and first >= beginning),
    foreign key (project_id, experiment, beginning)
        references experiments (project_id, experiment, beginning),
    foreign key (project_id, experiment, follows) references ranges (project_id, experiment, last)
);
comment on table ranges is 'positions from first to before last, which one machine alone gives out';

create table leases (
    project_id integer not null,
    experiment text not null,
    machine text not null,
    fence bigint not null check (fence > 0),
    until timestamptz not null,
    primary key (project_id, experiment),
    foreign key (project_id, experiment) references experiments
);

create table decisions (
    project_id integer not null,
    experiment text not null,
    generation integer not null check (generation >= 0),
    machine text not null,
    fence bigint not null,
    document bytea not null,
    signature bytea not null,
    decided timestamptz not null default clock_timestamp(),
    follows integer generated always as (nullif(generation, 0) - 1) stored,
    primary key (project_id, experiment, generation),
    foreign key (project_id, experiment) references experiments,
    foreign key (project_id, experiment, follows)
        references decisions (project_id, experiment, generation)
);

create table registry (
    project_id integer not null references projects,
    experiment text not null,
    number bigint generated always as identity,
    document text not null,
    archived boolean not null default false,
    primary key (project_id, experiment)
);
comment on table registry is 'experiments as the store itself keeps them; what is archived leaves the list';

create table units (
    project_id integer not null references projects,
    experiment text not null,
    position bigint not null check (position >= 0),
    unit_sha256 bytea not null,
    variant text not null,
    primary key (project_id, experiment, position),
    unique (project_id, experiment, unit_sha256)
);

create table history (
    project_id integer not null references projects,
    experiment text not null,
    number bigint generated always as identity,
    entry text not null,
    primary key (project_id, experiment, number)
);
