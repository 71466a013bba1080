#!/usr/bin/env bash
# Bring the platform schema into a database with bash and psql alone: what `necc db deploy` does, without Python.
#
#   schema/run-schema.sh [--unchecked] HOST USER PASSWORD DATABASE
#   schema/run-schema.sh [--unchecked]     PGHOST, PGPORT, PGUSER, PGDATABASE, PGPASSWORD or ~/.pgpass say where
#
# All numbered files beside this script in numeric order, then those of ../seeds: one transaction that stops at
# the first error, under the lock that `necc db deploy` takes, noted in the same ledger schema_versions with the
# sha256 of each file. A file that the ledger has with the same checksum is left out.
#
# One thing only `necc db deploy` can do: after changed files, compare the catalogue with that of a fresh build.
# On a deployed database a new or changed file of schema/ is therefore refused here (changed seeds are not).
# With --unchecked it is applied without the comparison; `necc db verify` makes up for it.
#
# Exit status: 0 all is up to date, 1 nothing was changed, 2 the request is wrong. Errors name file and line.

set -euo pipefail
set +x # a trace would show the password
export LC_ALL=C PGCLIENTENCODING=UTF8 PGAPPNAME=run-schema.sh

lock=$((0x6E656363)) # "necc" in ASCII, as in necc/migrate.py
oldest_server=150000

say() { printf 'run-schema.sh: %s\n' "$*" >&2; }
refuse() { # status, message
  say "$2"
  exit "$1"
}

# --- where to --------------------------------------------------------------------------------------------

read_request() {
  is_unchecked=false
  if [ "${1:-}" = --unchecked ]; then
    is_unchecked=true
    shift
  fi
  case "$#:${1:-}" in
    0:*) ;;
    4:*)
      export PGHOST=$1 PGUSER=$2 PGPASSWORD=$3 PGDATABASE=$4
      say 'warning: a password among the arguments can be seen by others in ps; PGPASSWORD or ~/.pgpass hide it'
      ;;
    *) refuse 2 'usage: run-schema.sh [--unchecked] [HOST USER PASSWORD DATABASE]; without them, PG* variables' ;;
  esac
  if [ -z "${PGDATABASE:-}${PGSERVICE:-}" ]; then
    refuse 2 'which database? Set PGDATABASE (and PGHOST, PGUSER), or name HOST USER PASSWORD DATABASE'
  fi
  case "${PGDATABASE:-}" in
    *://* | *=*) refuse 2 'the database is wanted by its name alone, not as a URL' ;; # it may hold a password
  esac
}

# --- the files -------------------------------------------------------------------------------------------

# The numbered files of a folder, one a line, in numeric order: 20 before 100.
numbered() { # folder
  local path name number found=''
  [ -d "$1" ] || refuse 1 "no folder $PWD/$1: wanted the numbered SQL files of $1/"
  for path in "$1"/*.sql; do
    name=${path##*/}
    number=${name%%_*}
    if [ ! -e "$path" ]; then
      continue # the pattern itself: nothing matched
    elif [[ ! $name =~ ^[0-9]+_ ]]; then
      say "warning: $path has no number in front: it is not applied"
    elif [[ $name == *[\'\\]* ]]; then
      refuse 1 "$path: a quote or backslash in the name of a file"
    else
      found+="$((10#$number))"$'\t'"$path"$'\n'
    fi
  done
  [ -n "$found" ] || refuse 1 "no numbered SQL file in $PWD/$1: wanted files such as $1/00_name.sql"
  refuse_equal_numbers "$found"
  printf '%s' "$found" | sort -n | cut -f 2-
}

refuse_equal_numbers() { # lines of number and path
  local twice
  twice=$(printf '%s' "$1" | cut -f 1 | sort | uniq -d | head -n 1)
  if [ -n "$twice" ]; then
    refuse 1 "$(printf '%s' "$1" | grep "^$twice"$'\t' | cut -f 2- | paste -s -d '+' - | sed 's/+/ and /g') \
have the same number: their order is unknown"
  fi
}

checksum() { # path
  if command -v sha256sum >/dev/null; then
    sha256sum <"$1" | cut -d ' ' -f 1
  else
    shasum -a 256 <"$1" | cut -d ' ' -f 1
  fi
}

read_folders() {
  local here
  here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
  cd "$here/.."
  [ "${here##*/}" = schema ] || refuse 1 "this script is wanted in a folder named schema, found $here"
  upgrades=''
  if compgen -G 'schema/upgrades/*.sql' >/dev/null; then
    upgrades=$(numbered schema/upgrades)
  fi
  files=$(numbered schema)
  files+=$'\n'$(numbered seeds)
}

# --- the same as a script for psql -----------------------------------------------------------------------

opening() {
  cat <<SQL
\\set ON_ERROR_STOP on
\\set AUTOCOMMIT off
\\set SHOW_CONTEXT never
\\pset format unaligned
\\pset tuples_only on
begin isolation level read committed read write;
set local client_min_messages to warning;
set local search_path to public;
do \$run_schema\$ begin
    if current_setting('server_version_num')::int < $oldest_server then
        raise exception 'the schema needs PostgreSQL 15 or newer; this server is %', current_setting('server_version');
    end if;
    perform pg_advisory_xact_lock($lock);
end \$run_schema\$;

create temporary table run_schema_files (
    position int generated always as identity, file text primary key, sha256 text not null,
    is_upgrade boolean not null, is_applied boolean not null default false
);
create temporary table run_schema_ledger (file text primary key, sha256 text not null);
-- Its row refers to one that never comes: as long as it is there, a commit fails.
create temporary table run_schema_open (
    step int primary key, closed_by int,
    constraint "a file may not end the transaction that all files share"
        foreign key (closed_by) references run_schema_open deferrable initially deferred
);
insert into run_schema_open values (1, 2);
-- An upgrade is due once, a file again whenever it changed.
create temporary view run_schema_due as
    select * from run_schema_files f
    where not exists (
        select from run_schema_ledger l where l.file = f.file and (f.is_upgrade or l.sha256 = f.sha256)
    );
create temporary view run_schema_unknown as
    select file from run_schema_ledger where file not in (select file from run_schema_files);
SQL
}

list_files() { # paths, is_upgrade
  local path sha256
  while IFS= read -r path; do
    if [ -n "$path" ]; then
      sha256=$(checksum "$path") || refuse 1 "cannot read $path"
      printf 'insert into run_schema_files (file, sha256, is_upgrade) values (%s, %s, %s);\n' \
        "'$path'" "'$sha256'" "$2"
    fi
  done <<<"$1"
}

read_ledger() {
  cat <<'SQL'
delete from run_schema_ledger;
select to_regclass('public.schema_versions') is not null as run_schema_has_ledger \gset
\if :run_schema_has_ledger
    insert into run_schema_ledger select file, sha256 from public.schema_versions;
\endif
SQL
}

refuse_unknown() {
  cat <<'SQL'
do $run_schema$ begin
    if exists (select from run_schema_unknown) then
        raise exception 'the database was deployed with %, which is not among these files: take the newer version'
            ' (or, if a file was renamed, say so in schema/upgrades/)',
            (select string_agg(file, ', ' order by file) from run_schema_unknown);
    end if;
end $run_schema$;
SQL
}

warn_of_edited_upgrades() {
  cat <<'SQL'
do $run_schema$ declare v_file text; begin
    for v_file in
        select f.file from run_schema_files f join run_schema_ledger l using (file)
        where f.is_upgrade and l.sha256 <> f.sha256 order by position
    loop
        raise warning '% was changed after it ran here: an upgrade runs once, not again', v_file;
    end loop;
end $run_schema$;
SQL
}

refuse_what_wants_a_comparison() {
  cat <<SQL
do \$run_schema\$
declare
    v_due text := (select string_agg(file, ', ' order by position) from run_schema_due where file not like 'seeds/%');
begin
    if v_due is not null and $is_unchecked then
        raise warning 'the result is not compared with a fresh build of the files: \`necc db verify\` does it';
    elsif v_due is not null then
        raise exception 'new or changed since this database was deployed: %. Only \`necc db deploy\` can tell whether'
            ' applying them leads to what they say; --unchecked applies them without that', v_due;
    end if;
end \$run_schema\$;
SQL
}

apply() { # paths: run each that is due, and note it
  local path file
  while IFS= read -r path; do
    if [ -z "$path" ]; then
      continue
    fi
    file="'$path'"
    cat <<SQL
select exists (select from run_schema_due where file = $file) as run_schema_is_due,
    extract(epoch from clock_timestamp()) as run_schema_started \\gset
\\if :run_schema_is_due
    set local search_path to public;
    set client_encoding to 'UTF8';
    \\set ECHO errors
    \\set SHOW_CONTEXT errors
    \\o /dev/null
    \\i $file
    \\o
    \\set SHOW_CONTEXT never
    \\set ECHO none
    do \$run_schema\$ begin
        if to_regclass('pg_temp.run_schema_open') is null then
            raise exception using message = $file || ': it ended the transaction that all files share';
        end if;
    end \$run_schema\$;
    insert into public.schema_versions (file, sha256, applied_at, duration_ms, applied_by)
    select file, sha256, clock_timestamp(),
        round(1000 * (extract(epoch from clock_timestamp()) - :run_schema_started)), session_user
    from pg_temp.run_schema_files where file = $file
    on conflict (file) do update set (sha256, applied_at, duration_ms, applied_by)
        = row (excluded.sha256, excluded.applied_at, excluded.duration_ms, excluded.applied_by);
    update pg_temp.run_schema_files set is_applied = true where file = $file;
\\endif
SQL
  done <<<"$1"
}

note_upgrades() { # a fresh build is what they lead to: they are not run
  cat <<'SQL'
insert into public.schema_versions (file, sha256, applied_at, duration_ms, applied_by)
select file, sha256, clock_timestamp(), 0, session_user
from pg_temp.run_schema_files where is_upgrade order by position;
SQL
}

closing() {
  cat <<'SQL'
delete from pg_temp.run_schema_open;
commit;
select 'applied ' || file from pg_temp.run_schema_files where is_applied order by position;
select count(*) filter (where is_applied) || ' files applied, '
    || count(*) filter (where not is_applied) || ' unchanged' from pg_temp.run_schema_files;
SQL
}

# The order of things is that of necc/migrate.py.
script() {
  opening
  list_files "$upgrades" true
  list_files "$files" false
  read_ledger
  cat <<'SQL'
select not exists (select from run_schema_ledger) as run_schema_is_first \gset
\if :run_schema_is_first
SQL
  apply "$files"
  note_upgrades
  cat <<'SQL'
\else
select not exists (select from run_schema_due where is_upgrade) as run_schema_has_no_upgrade \gset
\if :run_schema_has_no_upgrade
SQL
  refuse_unknown # an upgrade may settle it
  printf '%s\n' '\endif'
  warn_of_edited_upgrades
  refuse_what_wants_a_comparison
  apply "$upgrades"
  read_ledger
  refuse_unknown
  apply "$files"
  printf '%s\n' '\endif'
  closing
}

# A signal reaches psql too, which then cancels the statement at work; alone it would go on, and commit.
run() { # commands for psql
  local child status=0
  psql -X -q -w <<<"$1" &
  child=$!
  trap 'kill -INT "$child" 2>/dev/null || true' HUP INT TERM
  wait "$child" || status=$?
  if [ "$status" -gt 128 ]; then # what ended is the waiting, not psql
    wait "$child" || true
    refuse 1 'stopped: nothing was changed, unless it was done already; run again to see'
  fi
  [ "$status" -eq 0 ] || refuse 1 'not deployed; nothing was changed'
}

read_request "$@"
command -v psql >/dev/null || refuse 1 'no psql: install the PostgreSQL client'
read_folders
commands=$(script)
run "$commands"
