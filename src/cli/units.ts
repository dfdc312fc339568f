import type { Json } from '../domain/rows.ts'

const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** `0 B`, `312 KiB`, `1.46 GiB`: three digits and a unit. */
export function formatBytes(bytes: number): string {
  let value = bytes
  let step = 0
  while (value >= 999.5 && step < steps.length - 1) {
    value /= 1024
    step++
  }
  const digits = step === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2
  return `${value.toFixed(digits)} ${steps[step]}`
}

/** Money and amounts: `-0.25`; what rounds to nothing has no sign. */
export function formatAmount(amount: number, digits: number): string {
  return Number(amount.toFixed(digits)).toFixed(digits)
}

export function formatRate(bytesPerSecond: number): string {
  return `${formatBytes(bytesPerSecond)}/s`
}

/** `2027-01-31T08:00:00Z` of a time as ARM or Graph writes it, whatever its offset; what is no time as it is. */
export function formatWhen(time: Json | undefined): string {
  const text = String(time ?? '')
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? text : `${new Date(atMs).toISOString().slice(0, 19)}Z`
}

/** `0 s`, `48 s`, `3 min 20 s`, `2 h 5 min`; empty when it is not known. */
export function formatEta(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds)) return ''
  const whole = Math.ceil(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}
