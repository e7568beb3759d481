// SPDX-License-Identifier: MIT
// Puts the page together: sections as tabs, each made when it is first looked at.
import 'uplot/dist/uPlot.min.css'
import './page.css'
import { readData } from './data.js'
import { make, missing, moveFocus } from './dom.js'
import { FlameView } from './flame.js'
import { lifetimeHistogram, sizeHistogram } from './histograms.js'
import { MapView } from './map.js'
import { eventTable, heapTable } from './more_tables.js'
import { overview } from './overview.js'
import { leakTable, SiteView } from './tables.js'
import { TimelineView } from './timeline.js'

const json = 'LUNALLOC_CONF=profile:true,profile_at_exit:true,profile_format:json'
const noProfile = ['No heap profile is among the files. A program writes one at its exit with', json]

// Each with what it shows, or with why there is nothing and what would give it.
const sections = [
  { name: 'overview', title: 'Overview', view: (report) => overview(report, open) },
  {
    name: 'timeline', title: 'Timeline', view: (report) => report.timeline && new TimelineView(report),
    none: ['There are not two moments to draw a line through. Others watch a process for them:', 'luna report PID --seconds 30']
  },
  { name: 'flame', title: 'Flame graph', view: (report) => report.flame && new FlameView(report), none: noProfile, search: '#flame-search' },
  {
    name: 'leaks', title: 'Leaks', view: (report) => report.leaks && leakTable(report),
    none: ['A heap profile has no verdicts. A report of leaks as JSON has them:', 'luna leaks PID --format json >now.leaks.json']
  },
  { name: 'sites', title: 'Call stacks', view: (report) => report.sites && new SiteView(report), none: noProfile, search: '#site-filter' },
  {
    name: 'histograms', title: 'Sizes and lifetimes', none: ['Only a heap profile as JSON has sizes and lifetimes:', json],
    view: ({ sizes, lifetimes }) => (sizes || lifetimes) && make('div', { class: 'pair' }, sizes && sizeHistogram(sizes), lifetimes && lifetimeHistogram(lifetimes))
  },
  {
    name: 'map', title: 'Memory map', view: (report) => report.map && new MapView(report),
    none: ['No map of pages is among the files. It is written by', 'luna map PID --json >now.map.json']
  },
  {
    name: 'heaps', title: 'Heaps', view: (report) => report.heaps?.rows.length && heapTable(report),
    none: ['Either the program makes no heaps of its own, or its statistics are not among the files:', 'luna stats PID --format json >now.stats.json']
  },
  {
    name: 'events', title: 'Events', view: (report) => report.events && eventTable(report),
    none: ['Pressure, refused allocations and the end are noted in a black box, which is not among the files:', 'LUNALLOC_CONF=blackbox:/tmp/%e.%p.box']
  }
]

let report
const views = new Map()
const tabs = document.getElementById('tabs')
const panels = document.getElementById('panels')

function panelOf({ name, view, none }) {
  const panel = document.getElementById(`panel-${name}`)
  if (views.has(name)) return
  const made = view(report)
  views.set(name, made)
  panel.append(made ? made.element ?? made : missing(...none))
  if (made instanceof FlameView) made.show(0)
  else made?.show?.()
}

function open(name) {
  for (const section of sections) {
    const chosen = section.name === name
    const tab = document.getElementById(`tab-${section.name}`)
    tab.setAttribute('aria-selected', String(chosen))
    tab.tabIndex = chosen ? 0 : -1
    document.getElementById(`panel-${section.name}`).hidden = !chosen
    if (chosen) panelOf(section)
  }
  history.replaceState(null, '', `#${name}`)
}

function layOut() {
  const buttons = sections.map(({ name, title }, i) =>
    make('button', {
      type: 'button', role: 'tab', id: `tab-${name}`, 'aria-controls': `panel-${name}`, 'data-text': title,
      'aria-keyshortcuts': String(i + 1), onclick: () => open(name)
    }, title))
  tabs.append(...buttons)
  tabs.addEventListener('keydown', (event) => moveFocus(event, buttons))
  panels.append(...sections.map(({ name }) =>
    make('div', { role: 'tabpanel', id: `panel-${name}`, 'aria-labelledby': `tab-${name}`, hidden: true })))
}

function shownSection() {
  return sections.find(({ name }) => !document.getElementById(`panel-${name}`).hidden)
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target.matches('input')) {
    if (event.key === 'Escape') event.target.blur()
    return
  }
  const number = Number(event.key)
  if (number >= 1 && number <= sections.length) {
    open(sections[number - 1].name)
    document.getElementById(`tab-${sections[number - 1].name}`).focus()
  } else if (event.key === 't') {
    document.getElementById('theme').click()
  } else if (event.key === '/') {
    event.preventDefault()
    const own = shownSection().search
    if (!own) open('flame')
    document.querySelector(own ?? '#flame-search')?.focus()
  }
}

// As the reader's system is, until the button is pressed.
function startTheme() {
  const dark = matchMedia('(prefers-color-scheme: dark)')
  const button = document.getElementById('theme')
  const set = (theme) => {
    document.documentElement.dataset.theme = theme
    button.textContent = theme === 'dark' ? 'Light theme' : 'Dark theme'
    for (const view of views.values()) view?.repaint?.()
  }
  let chosen = false
  dark.addEventListener('change', () => chosen || set(dark.matches ? 'dark' : 'light'))
  button.addEventListener('click', () => {
    chosen = true
    set(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark')
  })
  set(dark.matches ? 'dark' : 'light')
}

function tellSubject() {
  document.getElementById('subject').textContent = report.subject
  document.title = `${report.subject} – memory report`
  const made = new Date(report.made_ms).toISOString().replace('T', ' ').slice(0, 16)
  const process = report.events?.process ? `, process ${report.events.process}` : ''
  document.getElementById('about').textContent = `Memory report${process}, made ${made} UTC`
}

async function begin() {
  startTheme()
  report = await readData()
  tellSubject()
  layOut()
  document.addEventListener('keydown', onKey)
  addEventListener('resize', () => views.get(shownSection().name)?.repaint?.())
  const wanted = location.hash.slice(1)
  open(sections.some(({ name }) => name === wanted) ? wanted : 'overview')
  document.documentElement.dataset.ready = 'true'
}

begin()
