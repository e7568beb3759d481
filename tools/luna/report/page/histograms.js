// SPDX-License-Identifier: MIT
// Histograms of sizes and lifetimes, as bars with their figures.
import { card, make } from './dom.js'
import { bytes, count, share, time } from './words.js'

function bars(title, lead, { bounds, objects }, bound) {
  const all = objects.reduce((sum, value) => sum + value, 0)
  const most = Math.max(...objects, 1)
  const used = objects.map((value, i) => (value > 0 ? i : -1)).filter((i) => i >= 0)
  const rows = objects.map((value, i) => ({ value, text: i < bounds.length ? bound(bounds[i]) : `more` }))
  const shown = rows.slice(Math.max((used[0] ?? 0) - 1, 0), (used.at(-1) ?? 0) + 2)
  return card(title, make('p', { class: 'lead' }, lead),
    make('dl', { class: 'bars' }, shown.map(({ value, text }) => [
      make('dt', {}, text),
      make('dd', { class: 'bar', 'aria-hidden': 'true' }, make('i', { style: { width: `${(value / most) * 100}%`, visibility: value ? 'visible' : 'hidden' } })),
      make('dd', { class: 'number' }, `${count(value)}  ·  ${share(value, all)}`)
    ])))
}

export const sizeHistogram = (histogram) =>
  bars('Sizes', 'Objects that were allocated, by the bytes that were asked for: each row is up to its size.', histogram,
    (value) => `≤ ${bytes(value)}`)

export const lifetimeHistogram = (histogram) =>
  bars('Lifetimes', 'Objects that were freed, by how long they had lived. What still lives is not among them.', histogram,
    (value) => `< ${time(value)}`)
