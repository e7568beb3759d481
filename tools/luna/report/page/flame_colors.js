// SPDX-License-Identifier: MIT
// Colours of frames: by the module that they lie in, or by what has changed.

const hues = [212, 28, 158, 268, 48, 335, 185, 95, 300, 12]

function hash(text) {
  let value = 2166136261
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 16777619)
  return (value >>> 0) / 4294967296
}

const isDark = () => document.documentElement.dataset.theme === 'dark'

// Modules with most get hues that are far apart; what has no module, and the rest, is grey.
export function moduleHues(flame, values) {
  const sums = new Map()
  flame.parents.forEach((_, node) => {
    const module = flame.names[flame.texts[node]][1]
    if (module) sums.set(module, (sums.get(module) ?? 0) + Math.max(values[node], 0))
  })
  const order = [...sums].sort((one, other) => other[1] - one[1]).map(([module]) => module)
  return new Map(order.slice(0, hues.length).map((module, i) => [module, hues[i]]))
}

// Neighbours of one module differ a little, so that they can be told apart.
export function moduleColor(hue, name) {
  const step = hash(name) * 9
  if (hue === undefined) return isDark() ? `hsl(220 9% ${60 + step}%)` : `hsl(220 12% ${78 + step}%)`
  return isDark() ? `hsl(${hue} 52% ${62 + step}%)` : `hsl(${hue} 68% ${72 + step}%)`
}

export const mutedColor = () => (isDark() ? 'hsl(220 8% 34%)' : 'hsl(220 14% 90%)')

export const mergedColor = () => (isDark() ? 'hsl(220 6% 46%)' : 'hsl(220 10% 86%)')

// Red is more than before, blue is less; the more of it changed, the stronger.
export function changeColor(now, before) {
  const whole = Math.max(Math.abs(now), Math.abs(before))
  const change = whole ? (now - before) / whole : 0
  if (Math.abs(change) < 0.02) return isDark() ? 'hsl(220 8% 58%)' : 'hsl(220 12% 84%)'
  const strength = Math.min(Math.abs(change), 1)
  const hue = change > 0 ? 6 : 214
  return isDark()
    ? `hsl(${hue} ${28 + 42 * strength}% ${60 + 4 * strength}%)`
    : `hsl(${hue} ${45 + 38 * strength}% ${86 - 18 * strength}%)`
}
