#!/bin/sh
# SPDX-License-Identifier: MIT
# By hand: reconcile.py on programs that others wrote, for the table in docs/statistics.md.
# Usage: real_programs.sh LIBRARY WATCHER; as root for postgres. Needs the programs it names, ab,
# redis-tools, curl and ports 7796 to 7799.
set -eu
library=$(realpath "$1")
watcher=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
root=$(realpath "$here/../../..")
work=$(mktemp -d)
chmod 755 "$work"
cd "$work"
trap 'rm -rf "$work"' EXIT

look() {
  echo "== $1"
  shift
  "$@" || echo "failed"
}
reconcile() { python3 -B "$here/reconcile.py" "$library" "$watcher" "$@" 2>/dev/null; }

look python3 reconcile python3 -c '
import json, time
x = [{"a": i, "b": str(i) * 4} for i in range(400000)]
s = json.dumps(x); del x; y = json.loads(s); del y; time.sleep(0.5)'
look perl reconcile perl -e '
my %h; for my $i (1..600000) { $h{$i} = "x" x ($i % 200); } for my $i (1..300000) { delete $h{$i*2}; }
my @a = map { [$_, "y$_"] } 1..200000; @a = (); sleep 1;'
look lua reconcile lua5.4 -e '
local t = {} for i = 1, 600000 do t[i] = {i, tostring(i)} end
for i = 1, 600000, 2 do t[i] = nil end collectgarbage()
local c = os.clock() while os.clock() - c < 1 do end'
look ruby reconcile ruby -e '
a = (1..600000).map { |i| "s#{i}" * 3 }; h = {}; a.each_with_index { |s, i| h[s] = i }; a = nil
h.delete_if { |k, v| v % 2 == 0 }; GC.start; sleep 0.5'
look node reconcile node -e '
let m = new Map(); for (let i = 0; i < 600000; i++) m.set("k" + i, Buffer.alloc(200));
for (let i = 0; i < 600000; i += 2) m.delete("k" + i); setTimeout(() => {}, 800);'
look php reconcile php -d memory_limit=1G -r '
$a = []; for ($i = 0; $i < 800000; $i++) $a["k$i"] = str_repeat("v", $i % 50);
for ($i = 0; $i < 800000; $i += 2) unset($a["k$i"]); usleep(500000);'
look sqlite3 reconcile sqlite3 :memory: "
create table t(i integer primary key, s text);
with recursive c(i) as (select 1 union all select i + 1 from c where i < 700000)
insert into t select i, hex(randomblob(20)) from c; create index x on t(s);
select count(*) from t a join t b on a.s = b.s; delete from t where i % 2; vacuum;
select sum(length(s)) from t;"
look cc1plus reconcile g++ -std=c++20 -O2 -I"$root/src" -I"$root/include" -I"$root/tests" \
  -c "$root/tests/unit/control/statistics_snapshot_test.cpp" -o /dev/null
look git reconcile git -C "$root" log -p --all --stat

cat >Load.java <<END
import java.util.zip.Deflater;
public class Load {
  public static void main(String[] arguments) throws Exception {
    Deflater[] all = new Deflater[300];
    for (int i = 0; i < 300; i++) {
      all[i] = new Deflater(9);
      all[i].setInput(new byte[100000]);
      all[i].finish();
      all[i].deflate(new byte[2000]);
    }
    Thread.sleep(600);
    for (int i = 0; i < 150; i++) all[i].end();
    Thread.sleep(600);
  }
}
END
look java reconcile java -Xmx256m Load.java
look ghostscript reconcile gs -q -dNOPAUSE -dBATCH -sDEVICE=png16m -r300 -sOutputFile=/dev/null -c '
1 1 20 { pop /Helvetica findfont 12 scalefont setfont 0 1 200 { /i exch def
i 2 mul i 3 mul moveto (many letters) show i 2 mul i 4 mul 50 0 360 arc stroke } for showpage } for'

# Its statistics are asked for at its socket too.
(
  sleep 2
  for i in 1 2 3 4 5 6 7 8 9; do
    sleep 0.4
    curl -s --unix-socket "$work/redis.sock" http://x/stats.json
  done
) >/dev/null 2>&1 &
(
  sleep 2
  redis-benchmark -p 7799 -n 200000 -r 300000 -d 300 -t set,get,lpush -q
  redis-cli -p 7799 flushall
  sleep 0.6
  redis-cli -p 7799 shutdown nosave
) >/dev/null 2>&1 &
export LUNALLOC_CONF="socket:$work/redis.sock"
look redis reconcile redis-server --port 7799 --save '' --appendonly no

unset LUNALLOC_CONF

python3 -c '
import socket, time
time.sleep(1); s = socket.create_connection(("127.0.0.1", 7798))
for i in range(150000): s.sendall(b"set k%d 0 0 200 noreply\r\n" % i + b"x" * 200 + b"\r\n")
for i in range(0, 150000, 2): s.sendall(b"delete k%d noreply\r\n" % i)
time.sleep(1); s.sendall(b"shutdown\r\n")' &
look memcached reconcile memcached -A -u root -p 7798 -m 256

mkdir logs
cat >nginx.conf <<END
daemon off; error_log stderr; pid $work/nginx.pid; worker_processes 2; events {}
http {
  access_log off; client_body_temp_path $work; proxy_temp_path $work; fastcgi_temp_path $work;
  uwsgi_temp_path $work; scgi_temp_path $work;
  server { listen 7797; location / { return 200 "hello"; } }
}
END
(
  sleep 1
  ab -n 30000 -c 200 http://127.0.0.1:7797/
  sleep 0.5
  kill "$(cat nginx.pid)"
) >/dev/null 2>&1 &
look nginx reconcile nginx -c "$work/nginx.conf" -p "$work"

bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
install -d -o postgres pg
runuser -u postgres -- "$bin/initdb" -D "$work/pg/data" >/dev/null 2>&1
(
  sleep 2
  runuser -u postgres -- psql -h "$work/pg" -p 7796 postgres -c "
    create table t as select i, md5(i::text) m from generate_series(1, 300000) i;
    set work_mem = '64MB'; select count(*), sum(length(a.m)) from t a join t b using (m);
    select array_length(array_agg(m order by m), 1) from t; select pg_sleep(0.6)"
  kill -INT "$(head -1 pg/data/postmaster.pid)"
) >/dev/null 2>&1 &
look postgres runuser -u postgres -- python3 -B "$here/reconcile.py" "$library" "$watcher" \
  "$bin/postgres" -D "$work/pg/data" -p 7796 -k "$work/pg" 2>/dev/null
