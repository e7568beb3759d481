// SPDX-License-Identifier: MIT
// Amounts as people read them.

function scaled(value, units, step) {
  let size = Math.abs(value)
  let unit = 0
  while (size >= step - 0.05 && unit + 1 < units.length) {
    size /= step
    unit++
  }
  const digits = unit === 0 ? Math.round(size) : size.toFixed(1)
  return `${value < 0 ? '−' : ''}${digits} ${units[unit]}`
}

export const bytes = (value) => scaled(value, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'], 1024)

export const count = (value) => Math.round(value).toLocaleString('en-US')

export function time(nanoseconds) {
  const size = Math.abs(nanoseconds)
  if (size < 1e3) return `${Math.round(nanoseconds)} ns`
  if (size < 1e6) return `${(nanoseconds / 1e3).toFixed(1)} µs`
  if (size < 1e9) return `${(nanoseconds / 1e6).toFixed(1)} ms`
  if (size < 60e9) return `${(nanoseconds / 1e9).toFixed(1)} s`
  if (size < 3600e9) return `${(nanoseconds / 60e9).toFixed(1)} min`
  return `${(nanoseconds / 3600e9).toFixed(1)} h`
}

export function share(part, whole) {
  return whole ? `${((part / whole) * 100).toFixed(1)} %` : '–'
}

// By the unit of a type of values.
export function amount(value, unit) {
  if (unit === 'bytes') return bytes(value)
  if (unit === 'nanoseconds') return time(value)
  if (unit === 'byte_milliseconds') return `${bytes(value / 1000)}·s`
  return count(value)
}

export function plural(number, one, many) {
  return `${count(number)} ${number === 1 ? one : many}`
}
