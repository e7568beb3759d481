// SPDX-License-Identifier: MIT
// What it comes to: figures, what resident memory is made of, and what matters most.
import { card, make, missing } from './dom.js'
import { bytes, count, plural, share, time } from './words.js'

const parts = [
  ['resident_slab_bytes', 'slabs of small blocks', '#3b6fd8'],
  ['resident_large_bytes', 'large blocks', '#1f9d8b'],
  ['resident_spare_bytes', 'pages that threads keep for slabs to come', '#7c8fe0'],
  ['resident_kept_bytes', 'large blocks freed last, kept for the next', '#6fc3b4'],
  ['resident_dirty_bytes', 'free, not yet given back', '#e0a83a'],
  ['resident_retained_bytes', 'free, given back, yet resident', '#c9822e'],
  ['resident_metadata_bytes', 'lunalloc’s tables', '#a06cc8'],
  ['resident_telemetry_bytes', 'the profiler and its like', '#c77fb5'],
  ['resident_guarded_bytes', 'guarded blocks', '#cf5f6b'],
  ['not_ours_bytes', 'not of the heap: code, stacks, mappings', '#8a94a6'],
  ['unaccounted_bytes', 'of the heap, and not accounted for', '#59606d']
]

function figure(title, value, more) {
  return make('div', { class: 'figure' }, make('dt', {}, title), make('dd', {}, value, make('small', {}, more || '\u00a0')))
}

function figures({ resident, profile, leaks }) {
  const list = []
  if (resident?.whole.process_resident_bytes) list.push(figure('Resident', bytes(resident.whole.process_resident_bytes), 'of the process, as the kernel says'))
  if (resident?.totals.live_bytes !== undefined) list.push(figure('Live', bytes(resident.totals.live_bytes), `in ${plural(resident.totals.live_blocks ?? 0, 'block', 'blocks')}`))
  else if (profile?.totals.inuse_space !== undefined) list.push(figure('Live', bytes(profile.totals.inuse_space), `in ${plural(profile.totals.inuse_objects ?? 0, 'object', 'objects')}, estimated`))
  if (profile?.totals.peak_space) list.push(figure('Live at the peak', bytes(profile.totals.peak_space), `in ${plural(profile.totals.peak_objects, 'object', 'objects')}, estimated`))
  if (profile?.totals.alloc_space) list.push(figure('Allocated in all', bytes(profile.totals.alloc_space), `in ${plural(profile.totals.alloc_objects, 'object', 'objects')}, estimated`))
  if (profile?.duration_ns) list.push(figure('Profiled', time(profile.duration_ns), profile.interval_bytes > 1 ? `one sample for ${bytes(profile.interval_bytes)}` : 'each block'))
  if (leaks) {
    const suspects = leaks.rows.filter(({ verdict, suppressed }) => !suppressed && ['lost', 'leak', 'grows'].includes(verdict))
    list.push(figure('Suspected leaks', count(suspects.length), `of ${plural(leaks.rows.length, 'call stack', 'call stacks')} that grew or are young`))
  }
  return make('dl', { class: 'figures', style: { margin: '0' } }, list)
}

function residentCard({ resident }) {
  if (!resident) {
    return card('What resident memory is made of', missing('Statistics of the process are not among the files. They are written by', 'luna stats PID --format json >now.stats.json'))
  }
  const amounts = { ...resident.parts, ...resident.whole }
  const whole = amounts.process_resident_bytes ?? 0
  const rows = parts.map(([key, words, color]) => ({ words, color, value: amounts[key] ?? 0 })).filter(({ value }) => value > 0)
  const sum = rows.reduce((all, { value }) => all + value, 0)
  const largest = [...rows].sort((one, other) => other.value - one.value).slice(0, 2)
  const sentence = largest.length
    ? `Of ${bytes(whole)} that are resident, ${largest.map(({ words, value }) => `${bytes(value)} (${share(value, whole)}) are ${words}`).join(', and ')}.`
    : 'Nothing is resident, or the kernel did not say.'
  return card('What resident memory is made of', make('p', { class: 'lead' }, sentence),
    make('div', { class: 'made-of', role: 'img', 'aria-label': rows.map(({ words, value }) => `${words}: ${bytes(value)}`).join('; ') },
      rows.map(({ color, value, words }) => make('span', { title: `${words}: ${bytes(value)}`, style: { background: color, flex: `${value / sum} 1 0` } }))),
    make('ul', { class: 'parts' }, rows.map(({ words, color, value }) =>
      make('li', {}, make('i', { style: { background: color } }), make('span', {}, words), make('b', {}, bytes(value)), make('em', {}, share(value, whole))))))
}

// What stands between backticks is code.
const withCode = (text) => text.split('`').map((part, i) => (i % 2 ? make('code', {}, part) : part))

function findingCard({ title, text, evidence, section }, open) {
  return make('li', { class: 'card finding' }, make('h3', {}, title), make('p', {}, withCode(text)),
    make('ul', {}, evidence.map((line) => make('li', {}, line))),
    section === 'overview' ? null : make('button', { type: 'button', onclick: () => open(section) }, 'Show it'))
}

function findings({ findings: list }, open) {
  const head = make('h2', {}, list.length ? 'What matters most' : 'Nothing stands out')
  const rest = list.length
    ? make('ol', { class: 'findings' }, list.map((finding) => findingCard(finding, open)))
    : make('p', { class: 'lead' }, 'No leak, no growth, no free memory worth a word was found in these files.')
  return [head, rest]
}

function sources({ sources: list }) {
  return card('What this is made from', make('div', { class: 'table-frame' }, make('table', {},
    make('thead', {}, make('tr', {}, ['Source', 'What it is', ''].map((text) => make('th', { scope: 'col' }, text)))),
    make('tbody', {}, list.map(({ name, what, cut }) => make('tr', {}, make('td', { class: 'mono' }, name), make('td', {}, what), make('td', {}, cut || 'whole')))))))
}

export function overview(report, open) {
  return make('div', { class: 'stack-list' }, figures(report), findings(report, open), residentCard(report), sources(report))
}
