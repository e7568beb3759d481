// SPDX-License-Identifier: MIT
// What was resident, committed and live over time, and when memory was scarce.
import uPlot from 'uplot'
import { card, make } from './dom.js'
import { bytes, count, plural } from './words.js'

const strokes = {
  resident_bytes: ['#c2410c', '#fb9a5b'], committed_bytes: ['#7c5cc4', '#b79cf5'], live_bytes: ['#2f55c8', '#8fb0ff'],
  dirty_bytes: ['#a87400', '#e8bb55'], swapped_bytes: ['#b3261e', '#ff8f86'], cgroup_bytes: ['#0f766e', '#5fd0c3'], cgroup_limit_bytes: ['#6b7280', '#9aa3b2']
}

// Marks at round amounts of bytes.
const steps = Array.from({ length: 50 }, (_, i) => 2 ** i)

const variable = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()

function seconds(value) {
  if (value < 120) return `${Number(value.toFixed(2))} s`
  if (value < 7200) return `${Number((value / 60).toFixed(1))} min`
  return `${Number((value / 3600).toFixed(1))} h`
}

// Lines through the chart where an event was.
function eventLines(events) {
  return {
    hooks: {
      draw: (chart) => {
        const { ctx, bbox } = chart
        ctx.save()
        ctx.lineWidth = devicePixelRatio
        for (const { seconds: moment, kind, level } of events) {
          const x = Math.round(chart.valToPos(moment, 'x', true))
          if (x < bbox.left || x > bbox.left + bbox.width) continue
          ctx.strokeStyle = kind === 'exit' || kind === 'message' ? variable('--faint') : variable(level === 'critical' || kind !== 'pressure' ? '--bad' : '--warn')
          ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio])
          ctx.beginPath()
          ctx.moveTo(x, bbox.top)
          ctx.lineTo(x, bbox.top + bbox.height)
          ctx.stroke()
        }
        ctx.restore()
      }
    }
  }
}

export class TimelineView {
  constructor(report) {
    this.report = report
    this.chart = make('div', { class: 'chart', id: 'timeline-chart' })
    const { seconds: moments, series } = report.timeline
    const events = report.events?.rows ?? []
    const rows = series.map(({ title, values }) => {
      const known = values.filter((value) => value !== null)
      return make('tr', {}, make('td', {}, title), make('td', { class: 'number' }, bytes(known[0])),
        make('td', { class: 'number' }, bytes(known.reduce((one, other) => Math.max(one, other), 0))), make('td', { class: 'number' }, bytes(known.at(-1))))
    })
    this.element = make('div', { class: 'stack-list' },
      card('Memory over time',
        make('p', { class: 'lead' }, `${count(moments.length)} moments in ${seconds(moments.at(-1) - moments[0])}${events.length ? `, ${plural(events.length, 'event', 'events')} as dashed lines` : ''}. Drag to look closer, double-click to see all.`),
        this.chart),
      card('In figures', make('div', { class: 'table-frame' }, make('table', { id: 'timeline-table' },
        make('thead', {}, make('tr', {}, make('th', { scope: 'col' }, ''), ['First', 'Most', 'Last'].map((text) => make('th', { scope: 'col', class: 'number' }, text)))),
        make('tbody', {}, rows)))))
  }

  show() {
    const { seconds: moments, series } = this.report.timeline
    const dark = document.documentElement.dataset.theme === 'dark' ? 1 : 0
    const axis = { stroke: variable('--soft'), grid: { stroke: variable('--line'), width: 1 }, ticks: { stroke: variable('--line'), width: 1 }, font: '12px system-ui, sans-serif' }
    this.plot?.destroy()
    this.plot = new uPlot({
      width: Math.max(this.chart.clientWidth, 300),
      height: 330,
      scales: { x: { time: false }, y: { range: (_, __, most) => [0, most > 0 ? most * 1.06 : 1] } },
      series: [
        { label: 'time', value: (_, value) => (value === null ? '–' : seconds(value)) },
        ...series.map(({ name, title }) => ({
          label: title, width: 1.75, show: !name.startsWith('cgroup'), stroke: strokes[name][dark], fill: name === 'live_bytes' ? `${strokes[name][dark]}22` : undefined,
          points: { show: moments.length < 40, size: 5 }, value: (_, value) => (value === null ? '–' : bytes(value))
        }))
      ],
      axes: [{ ...axis, values: (_, marks) => marks.map(seconds) }, { ...axis, size: 84, incrs: steps, values: (_, marks) => marks.map(bytes) }],
      plugins: [eventLines(this.report.events?.rows ?? [])]
    }, [moments, ...series.map(({ values }) => values)], this.chart)
  }

  repaint() {
    this.show()
  }
}
