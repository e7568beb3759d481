// SPDX-License-Identifier: MIT
// The map of pages: a line for each 2 MiB, and what lies there from left to right.
import { card, make } from './dom.js'
import { bytes, count, plural, share } from './words.js'

const lineHeight = 9
const gutter = 16

const states = {
  s: { title: 'slabs of small blocks', hue: 217, total: 'slab' },
  l: { title: 'large blocks', hue: 174, total: 'large' },
  k: { title: 'large blocks freed last, kept whole', hue: 128, total: 'kept' },
  p: { title: 'kept by threads for slabs to come', hue: 266, total: 'spare' },
  d: { title: 'free, not yet given back', hue: 38, total: 'dirty' },
  r: { title: 'free, given back or never touched', hue: null, total: 'retained' },
  '?': { title: 'unknown', hue: null }
}

const isDark = () => document.documentElement.dataset.theme === 'dark'

// Slabs are stronger the fuller they are.
function color(letter, fullness) {
  const { hue } = states[letter] ?? states['?']
  if (hue === null) return isDark() ? 'hsl(220 10% 20%)' : 'hsl(220 14% 92%)'
  const strength = letter === 's' ? fullness / 9 : 1
  return isDark()
    ? `hsl(${hue} ${22 + 30 * strength}% ${30 + 28 * strength}%)`
    : `hsl(${hue} ${40 + 14 * strength}% ${88 - 34 * strength}%)`
}

const isHuge = ({ huge, huge_bytes: backed }) => backed > 0 || huge === 'huge' || huge === 'hugetlb'

export class MapView {
  constructor(report) {
    this.map = report.map
    // Rows of a block that has several go by the first.
    let first = null
    this.rows = this.map.rows.map((row) => {
      if (row.kind !== undefined) first = row
      return { ...row, of: first ?? row }
    })
    this.row = 0
    this.canvas = make('canvas', { id: 'map-canvas', role: 'img', tabindex: 0, 'aria-label': 'Map of pages; arrow keys go from line to line', onmousemove: (event) => this.point(event), onkeydown: (event) => this.step(event) })
    this.detail = make('p', { class: 'detail', id: 'map-detail', 'aria-live': 'polite' }, '\u00a0')
    this.legend = make('p', { class: 'legend' })
    this.element = make('div', { class: 'stack-list' }, this.totals(), this.picture())
  }

  totals() {
    const { totals } = this.map
    const page = this.map.page_bytes
    const slabBytes = (totals.slab?.pages ?? 0) * page
    const rows = Object.values(states).filter(({ total }) => totals[total]?.pages).map(({ title, total }) => {
      const { pages, resident_pages: resident } = totals[total]
      return make('tr', {}, make('td', {}, title), make('td', { class: 'number' }, count(pages)),
        make('td', { class: 'number' }, share(pages * page, totals.bytes)), make('td', { class: 'number' }, resident === null || resident === undefined ? '–' : count(resident)))
    })
    const words = []
    if (slabBytes) words.push(`Slabs are ${share(totals.used_block_bytes ?? 0, slabBytes)} full.`)
    if (totals.huge_bytes) words.push(`${bytes(totals.huge_bytes)} of ${bytes(totals.bytes)} are backed by huge pages.`)
    else words.push('No huge pages back it.')
    const moment = typeof this.map.seconds === 'number' ? ` As it was ${this.map.seconds.toFixed(1)} s after the start.` : ''
    return card('Pages', make('p', { class: 'lead' }, words.join(' ') + moment),
      make('div', { class: 'table-frame' }, make('table', { id: 'map-table' },
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'What lies there'), ['Pages', 'Share', 'Resident'].map((text) => make('th', { scope: 'col', class: 'number' }, text)))),
        make('tbody', {}, rows))))
  }

  picture() {
    const rest = this.map.left_out ? ` ${plural(this.map.left_out, 'line more is', 'lines more are')} left out.` : ''
    return card('Regions', make('p', { class: 'lead' }, `Each line is a region of ${bytes(this.map.row_bytes)}, by rising address; the colour of slabs is the stronger the fuller they are, and a mark at the left says that huge pages back it.${rest}`),
      make('div', { class: 'map-frame' }, this.canvas), this.detail, this.legend)
  }

  show() {
    this.repaint()
    this.tell(0, null)
  }

  repaint() {
    const width = Math.max(this.canvas.parentElement.clientWidth, 300)
    const height = this.rows.length * lineHeight
    // Larger canvases are refused by browsers.
    const ratio = Math.min(devicePixelRatio, 16000 / Math.max(height, 1))
    this.canvas.width = Math.floor(width * ratio)
    this.canvas.height = Math.max(Math.floor(height * ratio), 1)
    this.canvas.style.height = `${height}px`
    const context = this.canvas.getContext('2d')
    context.scale(ratio, ratio)
    this.cellWidth = (width - gutter) / 128
    this.rows.forEach((row, i) => this.paintRow(context, row, i))
    this.tellColors()
  }

  paintRow(context, row, i) {
    for (let cell = 0; cell < row.states.length;) {
      let end = cell + 1
      while (end < row.states.length && row.states[end] === row.states[cell] && row.fullness[end] === row.fullness[cell]) end++
      context.fillStyle = color(row.states[cell], Number(row.fullness[cell]))
      context.fillRect(gutter + cell * this.cellWidth, i * lineHeight, (end - cell) * this.cellWidth, lineHeight - 1)
      cell = end
    }
    if (isHuge(row.of)) {
      context.fillStyle = isDark() ? '#7fd49b' : '#22693a'
      context.fillRect(4, i * lineHeight + 1, 6, lineHeight - 3)
    }
  }

  point(event) {
    const box = this.canvas.getBoundingClientRect()
    const row = Math.floor((event.clientY - box.top) / lineHeight)
    const cell = Math.floor((event.clientX - box.left - gutter) / this.cellWidth)
    this.tell(row, cell >= 0 ? cell : null)
  }

  step(event) {
    const next = this.row + ({ ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0)
    if (next === this.row) return
    event.preventDefault()
    this.tell(Math.min(Math.max(next, 0), this.rows.length - 1), null)
  }

  tell(number, cell) {
    const row = this.rows[number]
    if (!row) return
    this.row = number
    const { address, kind, heap, huge, resident_bytes: resident, huge_bytes: backed, bytes: size } = row.of
    const used = [...row.states].filter((letter) => letter !== 'r' && letter !== '?').length
    const words = [`${kind || 'region'} of ${bytes(size ?? this.map.row_bytes)}`, heap === undefined ? 'default heap' : `heap ${heap || '(no name)'}`]
    if (resident !== undefined) words.push(`${bytes(resident)} resident`)
    words.push(backed ? `${bytes(backed)} by huge pages` : `pages ${huge || 'plain'}`, `${share(used, 128)} of this line in use or kept`)
    const state = cell === null ? null : states[row.states[cell]] ?? states['?']
    const here = state ? `${state.title}${row.states[cell] === 's' ? `, about ${share(Number(row.fullness[cell]), 9)} full` : ''}` : '\u00a0'
    this.detail.replaceChildren(make('strong', { class: 'mono' }, `0x${address.toString(16)}`), ` ${words.join(' · ')}`, make('br'), here)
  }

  tellColors() {
    const entry = (letter, fullness, text) => make('span', {}, make('i', { style: { background: color(letter, fullness) } }), text)
    this.legend.replaceChildren(entry('s', 9, 'full slabs'), entry('s', 1, 'slabs hardly used'),
      ...['l', 'k', 'p', 'd', 'r'].map((letter) => entry(letter, 9, states[letter].title)))
  }
}
