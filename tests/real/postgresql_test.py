# SPDX-License-Identifier: MIT
"""PostgreSQL: initdb, pgbench, parallel and compiled queries; one backend per client."""
import os
import pathlib
import shutil
import signal

import support

QUERIES = r"""
select count(*), sum(abalance) from pgbench_accounts;
select sum(tbalance) from pgbench_tellers;
select sum(bbalance) from pgbench_branches;
select count(*), sum(delta) from pgbench_history;
select md5(string_agg(aid || ':' || abalance, ',' order by aid)) from pgbench_accounts;

create table item as select i, 'name ' || i % 977 as name, repeat('x', i % 900) as body,
  jsonb_build_object('i', i, 'list', array[i, i + 1]) as document from generate_series(1, 40000) i;
create index on item using gin (document);
create index on item (name);
analyze item;
set max_parallel_workers_per_gather = 2;
set parallel_setup_cost = 0;
set parallel_tuple_cost = 0;
set min_parallel_table_scan_size = 0;
select name, count(*), sum(length(body)) from item group by name order by 1 limit 10;
select count(*) from item a join item b on a.name = b.name;
select count(*) from item where document @> '{"list": [77]}';
set jit_above_cost = 0;
set jit_inline_above_cost = 0;
set jit_optimize_above_cost = 0;
select sum(length(body)), avg(i), max(name) from item where i % 3 = 1 and body like '%xxx%';
set jit = off;
set work_mem = '64kB';
select md5(string_agg(name, ',')) from (select name from item order by body, i) s;
do $$ begin for i in 1 .. 3000 loop
  begin perform 1 / (i % 2); exception when division_by_zero then null; end;
end loop; end $$;
update item set body = body || 'y' where i % 2 = 0;
vacuum full item;
select md5(string_agg(body, ',' order by i)) from item;
"""


def programs():
    """Returns the folder of the newest server that Debian has installed."""
    folders = pathlib.Path("/usr/lib/postgresql").glob("*/bin")
    return max((f for f in folders if (f / "postgres").exists()),
               key=lambda folder: int(folder.parent.name), default=None)


def scenario(stage):
    # The server refuses to run as root. Another user may not be able to read the
    # library where it was built, hence the copy.
    user = "nobody" if os.getuid() == 0 else None
    if user:
        shutil.chown(stage.directory, user)
    if stage.preloaded:
        copy = shutil.copy(stage.preloaded, stage.directory.parent / stage.preloaded.name)
        os.chmod(copy, 0o755)
        stage.preload(copy)
    folder = programs()
    connection = ["-h", str(stage.directory), "-U", "tester"]

    def psql(sql):
        return stage.command([folder / "psql", *connection, "-X", "-q", "-A", "-t", "-v",
                              "ON_ERROR_STOP=1", "postgres"], stdin=sql.encode(), user=user)

    initialised = stage.command(
        [folder / "initdb", "-D", "data", "-A", "trust", "-U", "tester", "--no-sync", "-E",
         "UTF8", "--locale=C.UTF-8"], user=user)
    settings = {"listen_addresses": "", "unix_socket_directories": stage.directory,
                "fsync": "off", "shared_buffers": "32MB", "max_parallel_workers": "4"}
    server_command = [folder / "postgres", "-D", "data"]
    for name, value in settings.items():
        server_command += ["-c", f"{name}={value}"]

    with stage.server(server_command, stop=signal.SIGINT, user=user) as server:
        server.wait_until(lambda: b"ready to accept" in server.log.read_bytes())
        stage.check_family(server.pid)
        stage.check_listing("the maps of a backend", psql("select pg_read_file('/proc/self/maps')"))
        pgbench = [folder / "pgbench", *connection]
        stage.command([*pgbench, "-i", "-q", "-s", "2", "postgres"], user=user, compare_messages=False)
        stage.command([*pgbench, "-c", "4", "-j", "2", "-t", "300", "--random-seed=7", "-M", "prepared",
                       "postgres"], user=user, compare_messages=False)
        stage.command([*pgbench, "-c", "4", "-C", "-n", "-t", "20", "--random-seed=8", "postgres"],
                      user=user, compare_messages=False)
        answers = psql(QUERIES)
        dump = stage.command([folder / "pg_dump", *connection, "-t", "item", "postgres"], user=user)
        psql("create extension amcheck;"
             "select bt_index_check(indexrelid, true) from pg_index i join pg_class c"
             " on c.oid = indexrelid where relam = 403 and relpersistence = 'p'")
    # Rows come in no fixed order; each dump has a random key of its own.
    lines = sorted(line for line in dump.split(b"\n") if b"restrict " not in line)
    return {"initdb": initialised, "answers": answers, "dump": support.digest(b"\n".join(lines))}


if __name__ == "__main__":
    support.main(scenario, {str((programs() or pathlib.Path("/no")) / "postgres"): "postgresql"})
