# SPDX-License-Identifier: MIT
"""What the interpreters of soak.py run: each reads `SEED SIZE` and answers with digests and a full stop.

A line allocates much that it drops and keeps some of it, in place of what older lines kept; the line
`0 0` drops all that lines have kept.
"""
import typing


class Script(typing.NamedTuple):
    """`largest` is the greatest SIZE as a power of ten: what takes about a second."""

    command: list
    file: str
    text: str
    largest: float


PYTHON = r"""
import hashlib, json, random, sys, threading, zlib
kept = {}
def part(seed, number, size, found):
    numbers = random.Random(f"{seed} {number}")
    documents = [{"id": i, "text": "x" * numbers.randrange(600), "tags": [str(numbers.random())
                 for _ in range(numbers.randrange(6))]} for i in range(size)]
    text = json.dumps(documents)
    packed = zlib.compress(text.encode(), 1)
    kept[number, numbers.randrange(50)] = json.loads(text)[:200]
    found[number] = hashlib.sha256(text.encode()).hexdigest(), zlib.crc32(zlib.decompress(packed))
for line in sys.stdin:
    seed, size = map(int, line.split())
    found = {}
    if size:
        threads = [threading.Thread(target=part, args=(seed, n, size // 2, found)) for n in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    else:
        kept.clear()
    print(sorted(found.items()), len(kept), sep="\n", end="\n.\n", flush=True)
"""
PERL = r"""
use strict; use warnings; use Digest::SHA 'sha256_hex';
$| = 1; my %kept;
while (my $line = <STDIN>) {
  my ($seed, $size) = split ' ', $line; my $state = $seed;
  my $next = sub { $state = ($state * 1103515245 + 12345) % 2147483648; $_[0] ? int($state / 64) % $_[0] : 0 };
  %kept = () unless $size;
  my %words;
  for my $i (1 .. $size) {
    my $word = join '', map { chr(97 + $next->(26)) } 1 .. 1 + $next->(30);
    push @{$words{substr $word, 0, 2}}, $word . 'z' x $next->(200);
  }
  my $text = join ',', map { my $w = $_; map { (my $t = $_) =~ s/([aeiou])z*/<$1>/g; $t } sort @{$words{$w}} } sort keys %words;
  $kept{$next->(40)} = [split /,/, substr($text, 0, 200000)] if $size;
  print sha256_hex($text), ' ', scalar(keys %kept), "\n.\n";
}
"""
RUBY = r"""
require 'digest'; require 'json'
$stdout.sync = true; kept = {}
STDIN.each_line do |line|
  seed, size = line.split.map(&:to_i)
  numbers = Random.new(seed)
  kept.clear if size == 0
  rows = (0...size).map { |i| {id: i, name: (97 + numbers.rand(26)).chr * numbers.rand(90), list: [i] * numbers.rand(9)} }
  text = JSON.generate(rows.group_by { |row| row[:name].size })
  kept[numbers.rand(40)] = JSON.parse(text).first(60) if size > 0
  puts Digest::SHA256.hexdigest(text.gsub(/a+/) { |run| run.size.to_s }), kept.size, '.'
end
"""
NODE = r"""
const {createHash} = require('crypto'), zlib = require('zlib'), kept = new Map();
require('readline').createInterface({input: process.stdin}).on('line', line => {
  const [seed, size] = line.split(' ').map(Number);
  let state = seed;
  const next = limit => (state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) % limit;
  if (!size) kept.clear();
  const hash = createHash('sha256');
  for (let i = 0; i < size; i++) {
    const piece = Buffer.alloc(1 + next(9000), i);
    hash.update(i % 20 ? piece : zlib.inflateSync(zlib.deflateSync(piece)));
    if (i % 10 === 0) kept.set(next(300), piece);
  }
  if (global.gc) global.gc();
  console.log(hash.digest('hex') + ' ' + kept.size + '\n.');
});
"""
LUA = r"""
io.stdout:setvbuf('line')
local kept = {}
for line in io.lines() do
  local seed, size = line:match('(%d+) (%d+)')
  seed, size = tonumber(seed), tonumber(size)
  math.randomseed(seed)
  if size == 0 then kept = {}; collectgarbage() end
  local parts, sum = {}, 0
  for i = 1, size do
    parts[#parts + 1] = string.rep(string.char(97 + math.random(0, 25)), math.random(0, 200))
  end
  table.sort(parts)
  local text = table.concat(parts, ','):gsub('(aa+)', function(run) return #run end)
  for i = 1, #text, 97 do sum = (sum * 31 + text:byte(i)) % 4294967291 end
  if size > 0 then kept[math.random(1, 40)] = {text:sub(1, 100000), table.move(parts, 1, 500, 1, {})} end
  print(#text, sum) print('.')
end
"""
JAVA = r"""
import java.io.*; import java.nio.*; import java.util.*; import java.util.zip.*;
class Soak {
  public static void main(String[] words) throws Exception {
    var in = new BufferedReader(new InputStreamReader(System.in)); String line; var kept = new HashMap<Integer, ByteBuffer>();
    while ((line = in.readLine()) != null) {
      int size = Integer.parseInt(line.split(" ")[1]); var numbers = new Random(Long.parseLong(line.split(" ")[0]));
      if (size == 0) { kept.clear(); System.gc(); }
      long sum = 0;
      for (int i = 0; i < size; i++) {
        byte[] bytes = new byte[1 + numbers.nextInt(20000)]; Arrays.fill(bytes, 0, bytes.length / 2, (byte) i);
        var packer = new Deflater(1); packer.setInput(bytes); packer.finish();
        byte[] packed = new byte[bytes.length + 64]; int length = packer.deflate(packed); packer.end();
        var crc = new CRC32(); crc.update(packed, 0, length); sum = sum * 31 + crc.getValue();
        if (i % 10 == 0) { var direct = ByteBuffer.allocateDirect(length); direct.put(packed, 0, length); kept.put(numbers.nextInt(100), direct); }
      }
      System.out.println(sum + " " + kept.size() + "\n."); System.out.flush();
    }
  }
}
"""
SQL = """create table t (id integer primary key, name text, body blob);
create index n on t (name);
select 'ready';
select '.';"""
SQL_WORK = """delete from t where id % 7 = {0} % 7;
with recursive c(x) as (select 1 union all select x + 1 from c where x < {1})
insert or replace into t select ({0} + x * 7919) % 20000, 'name ' || x * {0} % 977, zeroblob(x % 900) from c;
select count(*), sum(length(body)), min(name), max(name) from t;
select name, count(*), group_concat(id) from t group by name order by 2 desc, 1 limit 5;
select count(*) from t a join t b on a.name = b.name where a.id < 300;
select '.';"""

SCRIPTS = {
    "python3": Script(["/usr/bin/python3", "work.py"], "work.py", PYTHON, 3.6),
    "perl": Script(["perl", "work.pl"], "work.pl", PERL, 4),
    "ruby": Script(["ruby", "work.rb"], "work.rb", RUBY, 4.5),
    "node": Script(["node", "--expose-gc", "work.js"], "work.js", NODE, 3.8),
    "lua": Script(["lua5.4", "work.lua"], "work.lua", LUA, 4.8),
    "java": Script(["java", "-Xmx64m", "-XX:+UseSerialGC", "Soak.java"], "Soak.java", JAVA, 3),
    "sqlite3": Script(["sqlite3", ":memory:"], "", SQL, 4.2),
}


def work_line(name, seed, size):
    return SQL_WORK.format(seed, size) if name == "sqlite3" else f"{seed} {size}"


def settle_line(name):
    return "delete from t; select count(*) from t;\nselect '.';" if name == "sqlite3" else "0 0"
