// SPDX-License-Identifier: MIT
// Tables of leaks and of sites.
import { card, choice, make, missing, typeOptions } from './dom.js'
import { labelBadges, openable, stackList } from './stacks.js'
import { amount, bytes, count, plural, share, time } from './words.js'

const verdicts = {
  lost: ['bad', 'nothing points to some of it'],
  leak: ['bad', 'grows all the time, and hardly anything is freed'],
  grows: ['warn', 'grows all the time, though it frees too'],
  plateau: ['', 'grew, and has levelled off'],
  burst: ['', 'came early, and stays'],
  steady: ['good', 'does not grow']
}

export function leakTable(report) {
  const { head, rows, left_out: leftOut } = report.leaks
  const suspects = rows.filter(({ verdict, suppressed }) => !suppressed && ['lost', 'leak', 'grows'].includes(verdict))
  const lead = suspects.length
    ? `${plural(suspects.length, 'call stack is', 'call stacks are')} suspected. Open a row for its stack and for why.`
    : 'No call stack is suspected: none grows in a way that chance does not explain.'
  const more = [`${count(head.steady_sites ?? 0)} more do not grow`]
  if (leftOut) more.push(`${count(leftOut)} are left out`)
  if (!head.proved) more.push('whether something still points to the memory was not looked at (luna leaks --prove, or leak_proof:true)')
  return card('Leaks', make('p', { class: 'lead' }, lead),
    make('div', { class: 'table-frame' }, make('table', { id: 'leak-table' },
      make('thead', {}, make('tr', {}, ['Verdict', 'Who allocates'].map((text) => make('th', { scope: 'col' }, text)),
        ['Live', 'Objects', 'Freed', 'Confidence', 'Age'].map((text) => make('th', { scope: 'col', class: 'number' }, text)))),
      make('tbody', {}, rows.map((row) => leakRow(report, row))))),
    make('p', { class: 'soft' }, `${more.join('; ')}.`))
}

function leakRow(report, row) {
  const [tone, meaning] = verdicts[row.verdict] ?? ['', '']
  const why = () => [
    make('p', {}, [row.reason, row.lost_bytes ? `nothing points to ${bytes(row.lost_bytes)}` : ''].filter(Boolean).join('; ')),
    stackList(report, row.stack)
  ]
  return make('tr', { class: 'row' },
    make('td', {}, make('span', { class: `badge ${tone}`, title: meaning }, row.suppressed ? `${row.verdict}, known` : row.verdict)),
    make('td', { class: 'place' }, openable(row.place, why), labelBadges(row.labels)),
    make('td', { class: 'number' }, bytes(row.live_bytes ?? 0)),
    make('td', { class: 'number' }, count(row.live_objects ?? 0)),
    make('td', { class: 'number' }, share(row.freed_share ?? 0, 1)),
    make('td', { class: 'number' }, share(row.confidence ?? 0, 1)),
    make('td', { class: 'number' }, time((row.age_ms ?? 0) * 1e6)))
}

// Columns beside the amount that was chosen.
const figures = [
  ['Live', ({ inuse_space: live }) => live, bytes],
  ['Allocated', ({ alloc_space: all }) => all, bytes],
  ['Freed', ({ alloc_space: all, freed_space: freed }) => (all ? freed / all : undefined), (value) => share(value, 1)],
  ['Mean lifetime', ({ lifetime, freed_objects: freed }) => (freed ? lifetime / freed : undefined), time],
  ['Peak', ({ peak_space: peak }) => peak, bytes]
]

export class SiteView {
  constructor(report) {
    this.report = report
    this.columns = report.sites.columns
    this.types = report.flame.types
    this.type = 0
    this.order = null
    this.body = make('tbody')
    this.shown = make('span', { class: 'soft', role: 'status' })
    this.filter = make('input', {
      class: 'field', type: 'search', id: 'site-filter', placeholder: 'Filter  ( / )', 'aria-label': 'Filter call stacks',
      autocomplete: 'off', spellcheck: 'false', oninput: () => this.fill()
    })
    this.rows = report.sites.rows.map((row) => ({
      ...row, by: Object.fromEntries(this.columns.map((name, i) => [name, row.values[i]])),
      text: row.stack.map((place) => report.frames[place][0]).join('\n').toLowerCase()
    }))
    this.figures = figures.filter(([, value]) => this.rows.some(({ by }) => value(by) !== undefined))
    this.element = this.layout()
    this.fill()
  }

  layout() {
    this.heads = [['Amount', (row) => this.amountOf(row)], ...this.figures.map(([title, value]) => [title, ({ by }) => value(by) ?? -Infinity])]
    this.headCells = this.heads.map(([title, value]) =>
      make('th', { scope: 'col', class: 'number' }, make('button', { type: 'button', onclick: () => this.sortBy(value) }, title)))
    return card('Call stacks',
      make('div', { class: 'tools' }, choice('Most of', typeOptions(this.types), '0', (name) => {
        this.type = Number(name)
        this.order = null
        this.fill()
      }), make('span', { class: 'grow' }), this.shown, this.filter),
      make('div', { class: 'table-frame' }, make('table', { id: 'site-table' },
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, 'Who allocates'), this.headCells)), this.body)))
  }

  amountOf({ by }) {
    return by[this.types[this.type].column] ?? 0
  }

  sortBy(value) {
    this.order = value
    this.fill()
  }

  fill() {
    const order = this.order ?? this.heads[0][1]
    const term = this.filter.value.trim().toLowerCase()
    const unit = this.types[this.type].unit
    const whole = this.report.profile.totals[this.types[this.type].column]
    const rows = this.rows
      .filter((row) => this.amountOf(row) !== 0 && row.text.includes(term))
      .sort((one, other) => order(other) - order(one))
      .slice(0, 100)
    this.headCells.forEach((cell, i) => {
      if (this.heads[i][1] === order) cell.setAttribute('aria-sort', 'descending')
      else cell.removeAttribute('aria-sort')
    })
    this.shown.textContent = `${count(rows.length)} of ${count(this.report.profile.samples)}`
    this.body.replaceChildren(...rows.map((row) => make('tr', { class: 'row' },
      make('td', { class: 'place' }, openable(row.place, () => stackList(this.report, row.stack)), labelBadges(row.labels)),
      make('td', { class: 'number' }, amount(this.amountOf(row), unit), make('br'),
        make('span', { class: 'soft' }, share(this.amountOf(row), whole))),
      this.figures.map(([, value, text]) => make('td', { class: 'number' }, value(row.by) === undefined ? '–' : text(value(row.by)))))))
    if (!rows.length) this.body.append(make('tr', {}, make('td', { colspan: 1 + this.heads.length }, missing('No call stack has any of this.'))))
  }
}
