-- oldest client: 5
-- A name is for people, and short. One that is longer is cut, as nothing rests on it.

update machines set name = left(name, 40) where octet_length(name) > 256;
alter table machines add constraint "name of a machine" check (octet_length(name) <= 256);
