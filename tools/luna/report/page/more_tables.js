// SPDX-License-Identifier: MIT
// Tables of named heaps and of events.
import { card, make } from './dom.js'
import { bytes, count } from './words.js'

const headRow = (words, numbers) => make('thead', {}, make('tr', {},
  words.map((text) => make('th', { scope: 'col' }, text)), numbers.map((text) => make('th', { scope: 'col', class: 'number' }, text))))

const number = (text) => make('td', { class: 'number' }, text)

export function heapTable({ heaps }) {
  const rows = heaps.rows.map((heap) => make('tr', { class: 'row' },
    make('td', {}, heap.name || '(no name)', make('span', { class: 'soft' }, ` #${heap.number ?? '?'}`)),
    number(bytes(heap.live_bytes ?? 0)), number(count(heap.live_blocks ?? 0)), number(bytes(heap.used_bytes ?? 0)), number(bytes(heap.peak_bytes ?? 0)),
    number(heap.limit_bytes ? bytes(heap.limit_bytes) : 'none'), number(heap.resident_bytes === undefined ? '–' : bytes(heap.resident_bytes)), number(count(heap.denied ?? 0))))
  return card('Heaps', make('div', { class: 'table-frame' }, make('table', { id: 'heap-table' },
    headRow(['Heap'], ['Live', 'Blocks', 'Used', 'Peak', 'Limit', 'Resident', 'Refused']), make('tbody', {}, rows))),
  heaps.left_out ? make('p', { class: 'soft' }, `${count(heaps.left_out)} more are left out.`) : null)
}

const tones = { low: 'warn', moderate: 'warn', critical: 'bad' }
const kinds = { refused: 'bad', mistake: 'bad', 'near limit': 'warn' }

export function eventTable({ events }) {
  const rows = events.rows.map(({ seconds, epoch_ms: moment, kind, level, source, text, used_bytes: used, limit_bytes: limit }) =>
    make('tr', { class: 'row' },
      make('td', { class: 'number', title: new Date(moment).toISOString() }, `${seconds.toFixed(2)} s`),
      make('td', {}, make('span', { class: `badge ${tones[level] ?? kinds[kind] ?? ''}` }, level ? `${kind}, ${level}` : kind)),
      make('td', {}, source), number(used === null ? '–' : bytes(used)), number(limit === null ? '–' : bytes(limit)),
      make('td', { class: 'place' }, text)))
  const end = events.has_exit ? 'The process ended of its own will.' : 'There is no word of an end: it runs, or was killed, crashed, or called _exit() or execve().'
  return card('Events', make('p', { class: 'lead' }, `${events.rows.length ? 'What the process noted in its black box. ' : 'The process noted no event in its black box. '}${end}`),
    rows.length
      ? make('div', { class: 'table-frame' }, make('table', { id: 'event-table' }, make('thead', {}, make('tr', {},
          ['When', 'What', 'Noticed by', 'Used', 'Limit', 'Words'].map((word) => make('th', { scope: 'col' }, word)))), make('tbody', {}, rows)))
      : null,
    events.left_out ? make('p', { class: 'soft' }, `${count(events.left_out)} earlier ones are left out.`) : null)
}
