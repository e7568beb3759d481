// SPDX-License-Identifier: MIT
// The flame graph: innermost calls are lowest, width is how much they and what they call have.
import flamegraph from 'd3-flame-graph'
import { select } from 'd3-selection'
import { card, choice, make, missing, typeOptions } from './dom.js'
import { changeColor, mergedColor, moduleColor, moduleHues, mutedColor } from './flame_colors.js'
import { amount, plural, share } from './words.js'

const rowHeight = 20

// As d3-flame-graph wants it: an object for each node with something in that column. What shrank
// has no width.
function treeOf(flame, column) {
  const values = flame.values[column]
  const nodes = flame.parents.map((_, index) => {
    const merged = flame.merged[index]
    const [text, module] = flame.names[flame.texts[index]]
    const name = merged ? `(${plural(merged, 'smaller frame', 'smaller frames')})` : text
    return { name, module: merged ? '' : module, merged, index, value: 0, own: values[index], children: [] }
  })
  // Children stand behind their parents, so sums are there when they are needed.
  for (let index = nodes.length - 1; index >= 0; index--) {
    const node = nodes[index]
    const inner = node.children.reduce((sum, child) => sum + child.value, 0)
    node.value = Math.max(values[index], inner, 0)
    node.children.reverse()
    if (index > 0 && node.value > 0) nodes[flame.parents[index]].children.push(node)
  }
  return nodes[0]
}

export class FlameView {
  constructor(report) {
    this.flame = report.flame
    this.type = 0
    this.side = 0
    this.colors = this.flame.earlier ? 'change' : 'module'
    this.term = ''
    this.graph = make('div', { id: 'flame-graph' })
    this.detail = make('p', { class: 'detail', id: 'flame-detail', 'aria-live': 'polite' })
    this.legend = make('p', { class: 'legend' })
    this.found = make('span', { class: 'soft', id: 'flame-found', role: 'status' })
    this.reset = make('button', { type: 'button', id: 'flame-reset', disabled: true, onclick: () => this.zoomOut() }, 'Show all')
    this.search = make('input', {
      class: 'field', type: 'search', id: 'flame-search', placeholder: 'Search functions  ( / )',
      'aria-label': 'Search functions', autocomplete: 'off', spellcheck: 'false', oninput: () => this.find()
    })
    this.element = this.layout()
    this.graph.addEventListener('keydown', (event) => this.move(event))
    this.graph.addEventListener('focusin', (event) => this.describe(select(event.target).datum()))
  }

  layout() {
    const { types, earlier } = this.flame
    const tools = [choice('What to show', typeOptions(types), '0', (name) => this.show(Number(name)))]
    if (earlier) {
      tools.push(
        choice('Widths', [{ name: '0', title: 'Now' }, { name: '1', title: 'Before' }], '0', (name) => {
          this.side = Number(name)
          this.show(this.type)
        }),
        choice('Colours', [{ name: 'change', title: 'By change' }, { name: 'module', title: 'By module' }], 'change', (name) => {
          this.colors = name
          this.repaint()
        })
      )
    }
    const hint = 'Click a frame, or press Enter on it, to have it as wide as the page. Arrow keys go from frame to frame, Escape shows all again.'
    return card(null,
      make('div', { class: 'tools' }, tools, make('span', { class: 'grow' }), this.found, this.search, this.reset),
      this.graph, this.detail, this.legend, make('p', { class: 'hidden-text', id: 'flame-hint' }, hint))
  }

  column(earlier) {
    return this.type + (earlier ? this.flame.types.length : 0)
  }

  show(type) {
    this.type = type
    const unit = this.flame.types[type].unit
    this.amount = (value) => amount(value, unit)
    const tree = treeOf(this.flame, this.column(this.side))
    this.hues = moduleHues(this.flame, this.flame.values[this.column(this.side)])
    this.graph.replaceChildren()
    this.chart = null
    this.zoomed = null
    this.reset.disabled = true
    if (tree.value <= 0) {
      this.graph.append(missing(`There is nothing of this: ${this.flame.types[type].title.toLowerCase()} is empty.`))
      this.describe(null)
      return
    }
    this.chart = this.makeChart()
    select(this.graph).datum(tree).call(this.chart)
    this.decorate()
    this.find()
  }

  makeChart() {
    return flamegraph()
      .width(this.width())
      .cellHeight(rowHeight)
      .inverted(true)
      .transitionDuration(0)
      .minFrameSize(1)
      .resetHeightOnZoom(true)
      .sort((one, other) => other.data.value - one.data.value)
      .tooltip(Object.assign(() => {}, { show: () => {}, hide: () => {} }))
      .setColorMapper((node) => this.color(node))
      .setSearchMatch((node, term) => term !== '' && node.data.name.toLowerCase().includes(term.toLowerCase()))
      .setSearchHandler((found, sum) => this.tellFound(found.length, sum))
      .onHover((node) => this.describe(node))
      .onClick((node) => this.zoomedTo(node))
  }

  width() {
    return Math.max(this.graph.clientWidth, 300)
  }

  color(node) {
    const { name, module, merged, index } = node.data
    if (this.term && !node.highlight) return mutedColor()
    if (this.colors === 'change') {
      return changeColor(this.flame.values[this.column(false)][index], this.flame.values[this.column(true)][index])
    }
    return merged ? mergedColor() : moduleColor(this.hues.get(module), name)
  }

  // What d3-flame-graph does not: names for screen readers, and one frame that Tab reaches.
  decorate() {
    const frames = select(this.graph).selectAll('g.frame')
    frames
      .attr('role', 'button')
      .attr('tabindex', -1)
      .attr('aria-label', (node) => this.sentence(node))
      .classed('hit', (node) => this.term !== '' && node.highlight)
    const first = frames.filter((node) => node === (this.zoomed ?? this.root())).node() ?? frames.node()
    first?.setAttribute('tabindex', '0')
    select(this.graph).select('svg').attr('role', 'group').attr('aria-label', 'Flame graph').attr('aria-describedby', 'flame-hint')
    this.describe(this.zoomed ?? this.root())
    this.tellColors()
  }

  root() {
    return select(this.graph).datum()
  }

  zoomedTo(node) {
    this.zoomed = node.parent ? node : null
    this.reset.disabled = !this.zoomed
    this.decorate()
    this.focus(node)
    this.graph.scrollTop = 0
  }

  zoomOut() {
    if (this.chart) this.chart.resetZoom()
  }

  focus(node) {
    const frame = select(this.graph).selectAll('g.frame').filter((one) => one === node).node()
    if (!frame) return
    for (const other of this.graph.querySelectorAll('g.frame[tabindex="0"]')) other.setAttribute('tabindex', '-1')
    frame.setAttribute('tabindex', '0')
    frame.focus({ preventScroll: true })
    frame.scrollIntoView({ block: 'nearest' })
  }

  move(event) {
    const node = select(event.target).datum()
    if (!node?.data) return
    if (event.key === 'Escape') this.zoomOut()
    const shown = new Set(select(this.graph).selectAll('g.frame').data())
    const neighbours = (node.parent?.children ?? [node]).filter((one) => shown.has(one)).sort((one, other) => one.x0 - other.x0)
    const place = neighbours.indexOf(node)
    const next = {
      ArrowUp: () => node.parent,
      ArrowDown: () => node.children?.filter((one) => shown.has(one)).sort((one, other) => one.x0 - other.x0)[0],
      ArrowLeft: () => neighbours[place - 1],
      ArrowRight: () => neighbours[place + 1]
    }[event.key]?.()
    if (event.key === 'Enter' || event.key === ' ') this.chart.zoomTo(node)
    else if (next) this.focus(next)
    if (event.key.startsWith('Arrow') || event.key === 'Enter' || event.key === ' ') event.preventDefault()
  }

  find() {
    this.term = this.search.value.trim()
    if (!this.chart) return
    if (this.term) {
      this.chart.search(this.term)
    } else {
      this.chart.clear()
      this.found.textContent = ''
    }
    this.decorate()
  }

  tellFound(frames, sum) {
    const whole = this.root().data.value
    this.found.textContent = frames
      ? `${plural(frames, 'frame', 'frames')}, ${this.amount(sum)}, ${share(sum, whole)}`
      : 'not found'
  }

  sentence(node) {
    const { name, value } = node.data
    return `${name}, ${this.amount(value)}, ${share(value, this.root().data.value)}`
  }

  describe(node) {
    if (!node?.data) {
      this.detail.replaceChildren('\u00a0')
      return
    }
    const { name, module, index, value } = node.data
    const inner = (node.data.children ?? []).reduce((sum, child) => sum + child.value, 0)
    const words = [`${this.amount(value)}, ${share(value, this.root().data.value)} of all`]
    if (value - inner > 0) words.push(`${this.amount(value - inner)} by itself`)
    if (this.flame.earlier) {
      const now = this.flame.values[this.column(false)][index]
      const before = this.flame.values[this.column(true)][index]
      const sign = now > before ? '+' : ''
      words.push(`${this.amount(before)} before, ${sign}${this.amount(now - before)}`)
    }
    if (module) words.push(`in ${module}`)
    this.detail.replaceChildren(make('strong', { class: 'mono' }, name), make('br'), words.join(' · '))
  }

  tellColors() {
    const entry = (color, text) => make('span', {}, make('i', { style: { background: color } }), text)
    const entries = this.colors === 'change'
      ? [entry(changeColor(1, 0), 'new or more than before'), entry(changeColor(1, 1), 'as before'), entry(changeColor(0, 1), 'less than before')]
      : [...this.hues].slice(0, 8).map(([module, hue]) => entry(moduleColor(hue, 'main'), module))
    this.legend.replaceChildren(...entries)
  }

  repaint() {
    if (!this.chart) return
    this.chart.width(this.width()).update()
    this.decorate()
  }
}
