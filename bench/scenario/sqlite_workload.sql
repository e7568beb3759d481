-- SPDX-License-Identifier: MIT
-- sqlite3: what does a database in memory cost that inserts, indexes, joins, groups
-- and rewrites text? compare.py puts a number in place of :rows.
PRAGMA temp_store = memory;
CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, city TEXT, born INTEGER);
CREATE TABLE purchase (id INTEGER PRIMARY KEY, person INTEGER, thing TEXT, price REAL, note TEXT);

-- A linear congruential sequence instead of random(): every run sees the same rows.
BEGIN;
WITH RECURSIVE number(i, x) AS (
  SELECT 1, 12345
  UNION ALL
  SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM number WHERE i < :rows / 4)
INSERT INTO person
  SELECT i, 'person ' || hex(x) || substr('abcdefghijklmnopqrstuvwxyz', x % 20, x % 26),
         'city ' || (x / 7 % 300), 1930 + x % 80 FROM number;
WITH RECURSIVE number(i, x) AS (
  SELECT 1, 67890
  UNION ALL
  SELECT i + 1, (x * 1103515245 + 12345) % 2147483648 FROM number WHERE i < :rows)
INSERT INTO purchase
  SELECT i, 1 + x / 5 % (:rows / 4), 'thing ' || (x / 11 % 2000), (x % 100000) / 100.0,
         CASE WHEN x % 10 = 0 THEN printf('%.*c', x % 600, 'n') ELSE 'note ' || x END
  FROM number;
COMMIT;

CREATE INDEX purchase_person ON purchase (person);
CREATE INDEX purchase_thing ON purchase (thing, price);
CREATE INDEX person_city ON person (city, name);

SELECT city, count(*), round(sum(price), 2) FROM person JOIN purchase ON person.id = purchase.person
  GROUP BY city ORDER BY 3 DESC LIMIT 10;
SELECT thing, group_concat(DISTINCT city) FROM purchase JOIN person ON person.id = purchase.person
  GROUP BY thing ORDER BY length(group_concat(city)) DESC, thing LIMIT 3;
UPDATE purchase SET note = upper(note) || replace(note, 'n', 'mm') WHERE id % 3 = 0;
DELETE FROM purchase WHERE id % 5 = 0;
SELECT count(*), sum(length(note)), count(DISTINCT thing) FROM purchase;
SELECT born, max(name) FROM person GROUP BY born ORDER BY born LIMIT 5;
PRAGMA integrity_check;
