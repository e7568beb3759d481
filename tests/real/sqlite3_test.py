# SPDX-License-Identifier: MIT
"""The sqlite3 shell: builds, changes, searches and checks a database file."""
import support

BUILD = """
pragma journal_mode = wal;
create table item (id integer primary key, name text, price real, body blob);
insert into item
  with recursive n(i) as (select 1 union all select i + 1 from n where i < 40000)
  select i, 'name ' || (i * 7919 % 10007), i % 1000 / 8.0, zeroblob(i * 31 % 600) from n;
create index item_name on item (name, price);
create virtual table words using fts5 (content);
insert into words select name || ' of ' || (id % 100) from item where id % 4 = 0;
begin;
update item set name = name || ' changed', body = zeroblob(900) where id % 5 = 0;
delete from item where id % 7 = 0;
commit;
"""

SEARCH = """
select count(*), sum(price), sum(length(body)), count(distinct name) from item;
select name, count(*), group_concat(id) from item group by name order by 2 desc, 1 limit 20;
select a.id, b.id from item a join item b on a.name = b.name and a.id < b.id
  order by a.price, 1, 2 limit 50;
select count(*) from words where words match 'name AND 17';
select json_group_array(json_object('id', id, 'name', name)) from item where id < 300;
select id, rank() over (partition by id % 10 order by price, id) from item order by 2, 1 limit 40;
with recursive f(i, s) as (select 1, 'a' union all select i + 1, s || hex(i) from f where i < 900)
  select length(group_concat(s)) from f;
vacuum;
pragma integrity_check;
"""


def scenario(stage):
    built = stage.command(["sqlite3", "-batch", "test.db"], stdin=BUILD.encode())
    found = stage.command(["sqlite3", "-batch", "test.db"], stdin=SEARCH.encode())
    support.expect(found.endswith(b"\nok\n"), f"integrity_check: {support.tail(found)}")

    dump = stage.command(["sqlite3", "test.db", ".dump"])
    stage.command(["sqlite3", "copy.db"], stdin=dump)
    copy = stage.command(["sqlite3", "copy.db", "pragma integrity_check", ".dump item"])
    return {"building": built, "searching": found, "dump": support.digest(dump),
            "copy": support.digest(copy)}


if __name__ == "__main__":
    support.main(scenario, {"sqlite3": "sqlite3"})
